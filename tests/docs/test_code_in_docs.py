"""What the documentation shows works: its Python is run, against a real server and chain."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from msgspec import json

from tests.leaks import note_output
from tests.surroundings import surroundings
from valetkey import P256SessionKey, StampKey, permission
from valetkey.cli.local import local_server
from valetkey.core.event import EVENTS
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.worst_case import worst_case
from valetkey.core.units import DAY_S
from valetkey.devchain import Engine, dev_keys
from valetkey.spec.permission_bytes import es256_signature, is_run_signed_by
from valetkey.wire.permission import PermissionDocument, read_permission
from valetkey.wire.webhook import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.cli.local import Local

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(python|sh|js|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
UNCOMPRESSED = 4  # SEC 1, 2.3.3
_LINK = re.compile(r"\]\(([^)#]+)")


def blocks(page: str, language: str = "python") -> list[str]:
    """Return the code in *language* that *page* shows, in order."""
    found = _BLOCK.findall((ROOT / page).read_text())
    return [code for name, code in found if name == language]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """Give what `make dev` starts."""
    home = tmp_path_factory.mktemp("docs") / "server"
    with local_server(home) as running:
        yield running
    note_output("server of the docs", (home / "server.log").read_text())


@pytest.fixture
def environment(local: Local, tmp_path: Path) -> Iterator[None]:
    """Set what the tutorial has its reader set, for as long as a test runs."""
    variables = {
        "VALETKEY_URL": local.url,
        "VALETKEY_API_KEY": local.secret,
        "USDC": f"0x{local.deployment.token.hex()}",
        "IMPLEMENTATION": f"0x{local.deployment.implementation.hex()}",
        "RPC": local.node.rpc_url,
        "VALETKEY_KEY": f"0x{dev_keys()[1].secret.hex()}",
    }
    with surroundings(folder=tmp_path, **variables):
        yield


@pytest.mark.usefixtures("environment")
def test_the_tutorial_and_the_readme_do_what_they_say(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A reader who types it in gets what it says."""
    scope: dict[str, Any] = {}
    try:
        for block in blocks("docs/tutorial/first-session.md"):
            exec(block, scope)  # noqa: S102 - our own pages
        said = capsys.readouterr().out
        for block in blocks("README.md"):
            exec(block, scope)  # noqa: S102 - our own pages
    finally:
        if "vk" in scope:
            scope["vk"].close()
    assert "open · 20 USDC" in said
    assert "mined in block" in said
    assert "cap_exceeded caps[0].lifetime: 20 allowed, 1.5 used, 19 asked for" in said
    assert "chain included" in said
    assert (tmp_path / "session.kill.json").exists()


@pytest.mark.usefixtures("environment")
def test_the_way_from_a_recording_to_a_session_is_as_it_is_told(tmp_path: Path) -> None:
    """A reader who pastes the blocks into a shell gets what the page says."""
    programs = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    ended = subprocess.run(  # noqa: S603 - our own pages
        ["/bin/sh", "-eu", "-c", "\n".join(blocks("docs/tutorial/narrow-permission.md", "sh"))],
        cwd=tmp_path,
        env={**os.environ, "PATH": programs},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    note_output("valetkey", ended.stderr)
    assert ended.returncode == 0, ended.stderr
    said = ended.stdout
    assert "to 2 addresses · 7.5 USDC at most" in said
    assert "worst case  7.5 USDC\n" in said
    assert "in all: 7.5 → 75" in said
    assert "not within:" in said
    assert "exit code 1" in said
    assert "within: whatever it accepts" in said
    assert "2 accepted, 0 refused" in said
    assert said.endswith("paid 3 USDC\nrecipient_not_allowed\nper_call_cap_exceeded\n")


@pytest.mark.usefixtures("environment")
def test_a_session_is_watched_as_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """The page's Python ends by itself, each loop with what is said."""
    scope: dict[str, Any] = {}
    try:
        for block in blocks("docs/how-to/watch-a-session.md"):
            exec(block, scope)  # noqa: S102 - our own pages
    finally:
        if "vk" in scope:
            scope["vk"].close()
    said = capsys.readouterr().out.splitlines()
    assert (said[0], said[-1]) == ("report open 0 []", "session_revoked")
    assert "report revoked 0 []" in said


def test_the_permission_that_is_shown_costs_what_is_said() -> None:
    """Its worst case over a week is the number on the page."""
    page = "docs/reference/permission.md"
    (shown,) = blocks(page, "json")
    document = json.decode(shown, type=PermissionDocument)
    shown_permission = read_permission(document, starts_at=0, expires_at=7 * DAY_S)
    (bound,) = worst_case(check_permission(shown_permission)).bounds
    assert bound.amount == 140 * 10**6
    assert "(a week: 140 USDC at worst)" in (ROOT / page).read_text()


def test_a_browser_signs_what_the_account_takes() -> None:
    """The page's JavaScript, in another implementation of WebCrypto than ours."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    key, signing = blocks("docs/how-to/hold-a-session-in-a-browser.md", "js")
    digest = bytes(range(32))
    script = (
        f'{key} const digest = Buffer.from("{digest.hex()}", "hex"); {signing}'
        ' console.log(Buffer.from(point).toString("hex"), Buffer.from(signature).toString("hex"));'
    )
    command = [node, "--input-type=module", "--eval", script]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603 - our own page
    assert ended.returncode == 0, ended.stderr
    point, signature = map(bytes.fromhex, ended.stdout.split())
    assert point[0] == UNCOMPRESSED
    assert is_run_signed_by(point[1:], digest, es256_signature(signature))
    assert not is_run_signed_by(point[1:], bytes(32), es256_signature(signature))


@pytest.mark.usefixtures("environment")
def test_a_session_on_p256_is_what_the_page_says(local: Local) -> None:
    """After the tutorial's account: for a key from elsewhere, then with one of this process."""
    if local.node.engine is not Engine.ANVIL:
        pytest.skip("anvil is not installed: no P-256 precompile")
    point = f"0x{P256SessionKey.generate().public_key.data.hex()}"
    scope: dict[str, Any] = {"P256SessionKey": P256SessionKey, "point": point}
    for_a_browser, in_python = blocks("docs/how-to/hold-a-session-in-a-browser.md")
    try:
        for block in blocks("docs/tutorial/first-session.md")[:3]:
            exec(block, scope)  # noqa: S102 - our own pages
        exec(for_a_browser, scope)  # noqa: S102 - our own pages
        assert (scope["session"].state, scope["session"].key.curve) == ("open", "p256")
        exec(in_python, scope)  # noqa: S102 - our own pages
        assert scope["session"].show().calls == 1
    finally:
        if "vk" in scope:
            scope["vk"].close()


@pytest.mark.usefixtures("environment")
def test_a_receiver_as_the_page_has_it_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """Added, tried, with a new secret tried again; what is not signed is turned away."""
    scope: dict[str, Any] = {}
    page = blocks("docs/how-to/receive-webhooks.md")
    try:
        for block in page:
            exec(block, scope)  # noqa: S102 - our own pages
        exec(page[2], scope)  # noqa: S102 - our own pages: with the new secret
        url = f"http://127.0.0.1:{scope['receiver'].server_port}/"
        assert httpx.post(url, json={"id": "evt_1"}).status_code == 400
        scope["vk"].webhooks.remove(scope["added"].webhook.id)
    finally:
        if "receiver" in scope:
            scope["receiver"].shutdown()
            scope["receiver"].server_close()
        if "vk" in scope:
            scope["vk"].close()
    assert capsys.readouterr().out.count("webhook:tested whk_") == 2


def test_the_page_of_events_has_every_event() -> None:
    """Whoever asks for an event knows what it means; the message that is shown is one."""
    page = "docs/reference/webhooks.md"
    listed = re.findall(r"^\| `([a-z]+:[a-z0-9_]+)` \|", (ROOT / page).read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(EVENTS)
    (shown,) = blocks(page, "json")
    event = json.decode(shown, type=Event)
    assert {event.type} <= EVENTS


@pytest.mark.usefixtures("environment")
def test_a_child_is_opened_and_ended_as_the_page_says() -> None:
    """After the tutorial's account: a narrower session acts, one reads, and the first is over."""
    (below,) = blocks("docs/reference/child-sessions.md")
    scope: dict[str, Any] = {}
    try:
        for block in blocks("docs/tutorial/first-session.md")[:3]:
            exec(block, scope)  # noqa: S102 - our own pages
        scope["session"] = scope["vk"].sessions.open(
            scope["account"], scope["draft"], owner=scope["owner"], key=StampKey.generate()
        )
        scope["token"] = scope["usdc"]
        scope["draft"] = permission.erc20_transfers(
            scope["usdc"], decimals=6, to=[scope["shop"]], lifetime="5", expires_in=600
        )
        exec(below, scope)  # noqa: S102 - our own pages
        assert scope["reader"].token
        assert scope["vk"].sessions.get(scope["worker"].id).state == "revoked"
    finally:
        if "vk" in scope:
            scope["vk"].close()


@pytest.mark.usefixtures("environment")
def test_the_log_is_checked_as_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    """By somebody who has an API key alone."""
    (checking,) = blocks("docs/how-to/check-the-audit-log.md")
    exec(checking, {})  # noqa: S102 - our own pages
    assert capsys.readouterr().out.endswith("as it was written\n")


@pytest.mark.usefixtures("environment")
def test_an_owner_is_asked_as_the_page_says(local: Local) -> None:
    """After the tutorial's account: a session that waits, and two links of which one works."""
    opening, renewing = blocks("docs/how-to/ask-the-owner.md")
    scope: dict[str, Any] = {}
    try:
        for block in blocks("docs/tutorial/first-session.md")[:3]:
            exec(block, scope)  # noqa: S102 - our own pages
        exec(opening, scope)  # noqa: S102 - our own pages
        first = scope["url"]
        assert scope["session"].show().state == "pending"
        exec(renewing, scope)  # noqa: S102 - our own pages
    finally:
        if "vk" in scope:
            scope["vk"].close()
    assert [httpx.get(first.partition("#")[0]).status_code, scope["url"] == first] == [200, False]
    answers = [
        httpx.get(
            f"{local.url}/v1/consent", headers={"authorization": f"Bearer {url.split('#')[1]}"}
        ).status_code
        for url in (first, scope["url"])
    ]
    assert answers == [401, 200]


@pytest.mark.parametrize(
    "page",
    sorted(
        str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    ),
)
def test_every_link_leads_somewhere(page: str) -> None:
    """No page sends its reader to a file that is not there."""
    here = (ROOT / page).parent
    links = [one for one in _LINK.findall((ROOT / page).read_text()) if "://" not in one]
    assert [one for one in links if not (here / one).exists()] == []
