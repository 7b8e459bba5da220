"""What the documentation shows works: its Python is run, against a real server and chain."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.leaks import note_output
from tests.surroundings import surroundings
from valetkey.cli.local import local_server
from valetkey.devchain import dev_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.cli.local import Local

ROOT = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
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
