"""Sessions from the command line, against a real server and chain."""

from __future__ import annotations

import json
import stat
import subprocess
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.children import reaped
from tests.cli.program import TIMEOUT_S, Ended, command_of, on_a_terminal, valetkey
from tests.leaks import note_output, secret
from valetkey import Valetkey

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Live

SHOP = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path) -> Iterator[None]:
    """Let each test write its files to a folder of its own."""
    with chdir(tmp_path):
        yield


def run(live: Live, *arguments: object) -> Ended:
    """Run a command of ``session`` against the server."""
    return valetkey("session", *arguments, env=live.env)


def open_one(live: Live, *options: object, owner: bool = True) -> Any:  # noqa: ANN401 - JSON
    """Return what a program is told of a new session."""
    limits = ("--token", live.token, "--decimals", "6", "--to", SHOP, "--cap", "20", "--ttl", "1h")
    signed = ("--owner-key-file", live.owner_file) if owner else ()
    opened = run(live, "open", *limits, *signed, *options, "--json")
    assert opened.code == 0, opened.err
    key = json.loads(Path(opened.document["session_file"]).read_text())["key"]
    secret(bytes.fromhex(key.removeprefix("0x")))
    assert key not in opened.out
    return opened.document


def test_a_session_is_opened_used_listed_and_revoked(live: Live) -> None:
    """The main job from the command line; a program takes the key from the file."""
    opened = open_one(live, "--label", "till 4")
    session_id = opened["session"]["id"]
    assert opened["session"]["state"] == "open"
    assert opened["session"]["worst_case"]["text"] == "20 USDC"
    with Valetkey(live.local.url) as server:
        held = server.sessions.load(Path(opened["session_file"]).read_text())
        assert held.transfer(live.token, SHOP, 0).state == "done"
    listed = run(live, "list", "--json", "--limit", 1).document["items"]
    assert [one["id"] for one in listed] == [session_id]
    shown = run(live, "show", session_id)
    assert "till 4" in shown.out
    assert "20 USDC" in shown.out
    revoked = run(live, "revoke", session_id, "--json")
    assert revoked.code == 0
    assert revoked.document["session"]["state"] == "revoked"
    assert revoked.document["activity"]["state"] == "done"


def test_the_key_file_is_for_its_owner_only_and_named_after_the_session(live: Live) -> None:
    """Whoever has the file is the session."""
    opened = open_one(live)
    path = Path(opened["session_file"])
    assert path.name == f"{opened['session']['id']}.session.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_not_written_over(live: Live) -> None:
    """And no session is opened whose key would be lost."""
    Path("key.json").write_text("somebody's")
    before = run(live, "list", "--json").document
    limits = ("--token", live.token, "--decimals", "6", "--to", SHOP, "--cap", "20", "--ttl", "1h")
    assert run(live, "open", *limits, "--out", "key.json").code == 2
    assert Path("key.json").read_text() == "somebody's"
    assert run(live, "list", "--json").document == before


def test_a_session_that_is_refused_leaves_no_file(live: Live) -> None:
    """Nothing half done."""
    limits = ("--token", live.token, "--decimals", "6", "--to", SHOP, "--cap", "20", "--ttl", "1h")
    refused = run(live, "open", *limits, "--account", "acc_" + "0" * 24, "--json")
    assert (refused.code, refused.error) == (1, "not_found")
    assert list(Path.cwd().iterdir()) == []


def test_a_permission_can_come_from_a_file(live: Live) -> None:
    """The same document that `permission explain` reads."""
    document = {
        "chain": live.local.chain,
        "recipients": "anything",
        "rules": [{"target": live.token, "function": "approve(address,uint256)"}],
        "caps": [{"asset": live.token, "decimals": 6, "lifetime": "5000000"}],
        "max_calls": 3,
    }
    Path("permission.json").write_text(json.dumps(document))
    signed = ("--owner-key-file", live.owner_file)
    opened = run(live, "open", "--permission", "permission.json", "--ttl", "10m", *signed)
    assert opened.code == 0
    assert "may call approve on USDC" in opened.out
    assert "0, 3 left" in opened.out
    assert run(live, "open", "--permission", "permission.json", *signed).code == 2
    assert run(live, "open", "--permission", "permission.json", "--cap", "1", *signed).code == 2


def test_what_is_unwise_is_said_when_a_session_is_opened(live: Live) -> None:
    """Who opens a wide session reads why it is wide; remarks are for programs alone."""
    wide = {
        "chain": live.local.chain,
        "recipients": "anything",
        "rules": [],
        "caps": [],
        "wide_rules": [{"target": live.token}],
    }
    Path("wide.json").write_text(json.dumps(wide))
    asked = ("--permission", "wide.json", "--ttl", "10m", "--owner-key-file", live.owner_file)
    told = run(live, "open", *asked)
    assert "warning  wide-rule at wide_rules[0]" in told.out
    assert "no-fee-budget" not in told.out
    rules = [one["rule"] for one in run(live, "open", *asked, "--json").document["findings"]]
    assert rules[0] == "wide-rule"
    assert "no-fee-budget" in rules


@pytest.mark.parametrize(
    "options",
    [
        ("--cap", "20"),
        ("--token", "0x12", "--decimals", "6", "--to", SHOP, "--cap", "20", "--ttl", "1h"),
        ("--token", SHOP, "--to", SHOP, "--cap", "20", "--ttl", "1h"),
        ("--token", SHOP, "--decimals", "6", "--to", SHOP, "--cap", "20", "--ttl", "soon"),
    ],
    ids=["too few", "no address", "no decimals", "no time"],
)
def test_options_that_make_no_permission_are_a_usage_error(
    live: Live, options: tuple[str, ...]
) -> None:
    """Exit code 2."""
    assert run(live, "open", *options).code == 2


@pytest.mark.parametrize("inside", ["", "{}", "not-to-be-repeated", "0x" + "0" * 64])
def test_a_file_without_an_owners_key_is_a_usage_error(live: Live, inside: str) -> None:
    """Exit code 2 and a sentence, for every command that takes it; nothing of it is repeated."""
    Path("owner.txt").write_text(inside)
    refused = run(live, "freeze", "ses_" + "0" * 24, "--owner-key-file", "owner.txt")
    assert refused.code == 2
    assert "'--owner-key-file': private key: expected 32 bytes" in refused.err
    assert not inside or inside not in refused.err


def test_native_value_and_everybody_can_be_named(live: Live) -> None:
    """Both are spelled out."""
    signed = ("--owner-key-file", live.owner_file, "--ttl", "1h", "--json")
    coin = run(live, "open", "--token", "native", "--to", SHOP, "--cap", "0.5", *signed)
    assert coin.document["session"]["worst_case"]["text"] == "0.5 native"
    token = ("--token", live.token, "--decimals", "6", "--per-call", "1", "--max-calls", "2")
    anybody = run(live, "open", *token, "--to", "anybody", "--cap", "20", *signed)
    assert anybody.document["session"]["permission"]["recipients"] == "anything"


def test_without_the_owner_a_session_waits(live: Live) -> None:
    """It is pending, and there is no kill note yet."""
    opened = open_one(live, owner=False)
    assert opened["session"]["state"] == "pending"
    assert opened["kill_note_file"] is None


def test_a_freeze_reaches_the_chain_when_the_owner_signs(live: Live) -> None:
    """And the way back."""
    session_id = open_one(live)["session"]["id"]
    signed = ("--owner-key-file", live.owner_file)
    frozen = run(live, "freeze", session_id, *signed)
    assert frozen.code == 0
    assert "is frozen" in frozen.out
    assert "included" in frozen.out
    assert "expected the owner's signature" in run(live, "unfreeze", session_id).err
    thawed = run(live, "unfreeze", session_id, *signed)
    assert f"{session_id} is open" in thawed.out
    assert "tried on the chain: not refused" in thawed.out


def test_a_freeze_without_the_owner_says_that_the_chain_is_open(live: Live) -> None:
    """Whoever stops something is told what still goes on."""
    session_id = open_one(live)["session"]["id"]
    frozen = run(live, "freeze", session_id)
    assert frozen.code == 1
    assert "Frozen here, not on chain" in frozen.out
    assert "still take a run" in frozen.err
    signed = run(live, "freeze", session_id, "--owner-key-file", live.owner_file)
    assert (signed.code, signed.err) == (0, "")
    assert "not on chain" not in signed.out


def test_the_kill_note_that_open_wrote_ends_the_session(live: Live) -> None:
    """From the file, through the node, past the server."""
    opened = open_one(live)
    signed = ("--owner-key-file", live.owner_file)
    run(live, "freeze", opened["session"]["id"], *signed)
    payer = live.local.deployment.deployer.secret
    rpc = live.local.node.rpc_url
    note = opened["kill_note_file"]
    env = {"VALETKEY_KEY": secret(payer).hex()}
    killed = valetkey("kill", note, "--rpc", rpc, "--json", env=env)
    assert killed.document["status"] == "revoked"


def test_everything_on_a_wallet_is_revoked_together(live: Live) -> None:
    """One command for the day on which a phone is lost."""
    first, second = open_one(live), open_one(live)
    told = run(live, "revoke", "--wallet", first["session"]["wallet_id"], "--json")
    ended = {one["session"]["id"] for one in told.document["items"]}
    assert told.code == 0
    assert {first["session"]["id"], second["session"]["id"]} <= ended
    nothing = run(live, "revoke", "--wallet", first["session"]["wallet_id"])
    assert nothing.out == "no session was open\n"
    assert run(live, "revoke").code == 2
    assert run(live, "revoke", "ses_1", "--user", "usr_1").code == 2


def test_watching_ends_when_the_session_does(live: Live) -> None:
    """One document a line for a program, the last one the end."""
    session_id = open_one(live)["session"]["id"]
    command = command_of("session", "watch", session_id, "--json")
    child = subprocess.Popen(  # noqa: S603 - ourselves
        command, env=live.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with reaped(child):
        assert child.stdout is not None
        assert json.loads(child.stdout.readline())["state"] == "open"
        assert run(live, "revoke", session_id).code == 0
        rest, log = child.communicate(timeout=TIMEOUT_S)
    note_output("watch", log.decode())
    assert json.loads(rest.splitlines()[-1])["state"] == "revoked"
    assert child.returncode == 0


def test_a_person_without_a_terminal_watches_too(live: Live) -> None:
    """The session again after each change, without any escape sequence."""
    session_id = open_one(live)["session"]["id"]
    run(live, "revoke", session_id)
    told = run(live, "watch", session_id)
    assert told.code == 0
    assert "revoked" in told.out
    assert "\x1b" not in told.out


def test_a_person_at_a_terminal_watches_a_table(live: Live) -> None:
    """Written over in place, and left standing at the end."""
    session_id = open_one(live)["session"]["id"]
    assert run(live, "revoke", session_id).code == 0
    told = on_a_terminal("session", "watch", session_id, env=live.env)
    assert "\x1b[?25l" in told  # the cursor is hidden meanwhile
    assert "revoked" in told


def test_a_server_that_does_not_answer_is_exit_code_3() -> None:
    """A script can tell it from a refusal."""
    env = {"VALETKEY_URL": "http://127.0.0.1:1", "VALETKEY_API_KEY": "vk_secret_" + "a" * 43}
    failed = valetkey("session", "list", "--json", env=env)
    assert (failed.code, failed.error) == (3, "server_unreachable")


def test_a_key_that_is_none_is_refused_and_not_repeated(live: Live) -> None:
    """Exit code 1, and the key is in no output."""
    key = "vk_secret_" + "a" * 43
    refused = valetkey("session", "list", "--json", env=live.env | {"VALETKEY_API_KEY": key})
    assert (refused.code, refused.error) == (1, "proof_refused")
    assert key not in refused.out + refused.err


def test_without_a_key_it_says_what_to_set(live: Live) -> None:
    """Exit code 2."""
    told = valetkey("session", "list", env={"VALETKEY_URL": live.env["VALETKEY_URL"]})
    assert told.code == 2
    assert "VALETKEY_API_KEY" in told.err


@pytest.mark.parametrize("verb", ["show", "freeze", "unfreeze", "revoke", "watch"])
def test_a_session_that_is_not_there_is_not_found(live: Live, verb: str) -> None:
    """One sentence, whatever was asked."""
    refused = run(live, verb, "ses_" + "0" * 24, "--json")
    assert (refused.code, refused.error) == (1, "not_found")
