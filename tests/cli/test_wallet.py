"""Wallets and sessions from the owner's side, through a real server on a real chain."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.cli.conftest import Live, lived_in
from tests.cli.program import Ended, process, valetkey
from tests.leaks import secret
from valetkey import Owner
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHOP = "0x" + "11" * 20


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Return a server of these tests alone, for they add accounts."""
    with lived_in(tmp_path_factory.mktemp("wallets")) as found:
        yield found


@pytest.fixture
def owner_file(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Return the private key of an owner that nobody has met, as a person keeps it."""
    file = tmp_path / "owner.key"
    file.write_text(secret(keccak256(request.node.nodeid.encode())).hex())
    return file


def address_in(file: Path) -> str:
    """Return the address of the key in *file*."""
    return f"0x{Owner.from_key(file.read_text()).address.hex()}"


def ask(live: Live, *arguments: object, given: bytes = b"") -> Ended:
    """Return how a command ended that speaks to the server."""
    code = {"IMPLEMENTATION": f"0x{live.local.deployment.implementation.hex()}"}
    return valetkey(*arguments, env={**live.env, **code}, given=given)


def add(live: Live, owner_file: Path) -> str:
    """Return the account of a new wallet."""
    added = ask(live, "wallet", "add", "--owner-key-file", owner_file, "--json").document
    return str(added["account"]["id"])


def test_a_newcomer_adds_an_account_and_makes_it_ready(live: Live, owner_file: Path) -> None:
    """Each step says the next one; the chain says how it is."""
    added = ask(live, "wallet", "add", "--owner-key-file", owner_file, "--label", "till")
    assert added.code == 0, added.err
    assert address_in(owner_file) in added.out
    following = added.out.splitlines()[-1].partition("valetkey ")[2].split()
    account = following[2]
    before = ask(live, "wallet", "show", account)
    assert "no code: `valetkey wallet delegate`" in before.out
    unsigned = ask(live, *following[:-2])
    assert (unsigned.code, "--owner-key-file" in unsigned.err) == (2, True)
    done = ask(live, *following[:-1], owner_file)
    assert "ours: sessions can act on it" in done.out
    shown = ask(live, "wallet", "show", account, "--token", live.token, "--json").document
    assert (shown["state"]["is_ready"], shown["wallet"]["label"]) == (True, "till")
    assert shown["state"]["tokens"] == [{"token": live.token, "balance": "0"}]
    assert f"{live.token}  0 of" in ask(live, "wallet", "show", account, "--token", live.token).out


def test_an_account_leaves_our_code_when_its_sessions_are_over(
    live: Live, owner_file: Path
) -> None:
    """The owner's key is asked for; afterwards the account runs nothing."""
    account = add(live, owner_file)
    signed = ("--owner-key-file", owner_file)
    assert ask(live, "wallet", "delegate", account, *signed).code == 0
    assert ask(live, "wallet", "undelegate", account).code == 2
    left = ask(live, "wallet", "undelegate", account, *signed)
    assert left.code == 0, left.err
    assert "it runs our code no more" in left.out
    assert "no code" in ask(live, "wallet", "show", account).out
    again = ask(live, "wallet", "undelegate", account, *signed, "--json")
    assert (again.code, again.error) == (1, "conflict")


def test_a_server_may_hold_the_key(live: Live) -> None:
    """Then nobody else signs; without a key given, nothing has to be trusted by name."""
    added = ask(live, "wallet", "add", "--sealed", "--json").document
    assert added["wallet"]["owner_key"] == "sealed"
    account = added["account"]["id"]
    done = ask(live, "wallet", "delegate", account, "--json")
    assert (done.code, done.document["state"]["is_ready"]) == (0, True)


def test_wallets_are_listed_with_their_accounts(live: Live) -> None:
    """With what other commands take."""
    given = ask(live, "wallet", "add", "--address", SHOP, "--json").document
    listed = ask(live, "wallet", "list", "--json").document
    assert given["wallet"] in listed["wallets"]
    assert given["account"] in listed["accounts"]
    assert given["account"]["id"] in ask(live, "wallet", "list").out
    newest = ask(live, "wallet", "list", "--limit", "1", "--json").document
    assert newest == {"wallets": [given["wallet"]], "accounts": [given["account"]]}


@pytest.mark.parametrize("options", [(), ("--sealed", "--address", SHOP)], ids=["none", "two"])
def test_whose_key_it_is_has_to_be_said_once(live: Live, options: tuple[str, ...]) -> None:
    """A key in the server is a choice, and never a default."""
    refused = ask(live, "wallet", "add", *options)
    assert (refused.code, "give one of" in refused.err) == (2, True)


def test_a_chain_that_is_not_served_is_refused(live: Live) -> None:
    """With those that are."""
    refused = ask(live, "wallet", "add", "--sealed", "--chain", "eip155:1", "--json")
    assert (refused.code, refused.error) == (1, "wrong_chain")


def test_an_owner_signs_for_the_code_that_is_named_and_no_other(
    live: Live, owner_file: Path
) -> None:
    """A server that wants another code gets no signature; neither does one of another account."""
    account = add(live, owner_file)
    mine = ("wallet", "delegate", account, "--owner-key-file", owner_file, "--json")
    other = ask(live, *mine, "--implementation", SHOP)
    assert (other.code, other.error) == (1, "refused_to_sign")
    unnamed = valetkey(*mine, env=live.env)
    assert (unnamed.code, unnamed.error) == (1, "refused_to_sign")
    theirs = (*mine[:3], "--owner-key-file", live.owner_file, "--json")
    assert ask(live, *theirs).error == "refused_to_sign"
    assert "no code" in ask(live, "wallet", "show", account).out


def open_pending(live: Live, account: str, folder: Path, *more: str) -> str:
    """Return a session that waits for its owner."""
    opened = ask(
        *(live, "session", "open", "--account", account, "--token", live.token),
        *("--decimals", "6", "--to", SHOP, "--cap", "5", "--ttl", "1h", *more),
        *("--out", folder / "held.session.json", "--json"),
    )
    assert opened.code == 0, opened.err
    assert opened.document["session"]["state"] == "pending"
    return str(opened.document["session"]["id"])


def test_an_owner_reads_what_they_sign(live: Live, owner_file: Path, tmp_path: Path) -> None:
    """The worst case and what is unwise, before the question; a no leaves it waiting."""
    account = add(live, owner_file)
    session_id, note = open_pending(live, account, tmp_path), tmp_path / "note.json"
    command = ("session", "sign", session_id, "--owner-key-file", owner_file, "--out", note)
    refused = ask(live, *command, given=b"n\n")
    assert refused.code == 1
    assert not note.exists()
    assert f"worst case  5 {live.token[:6]}" in refused.out
    assert "no-call-count" in refused.out
    assert f"Sign it as {address_in(owner_file)}?" in refused.out
    signed = ask(live, *command, given=b"y\n")
    assert (signed.code, f"{session_id} is open" in signed.out) == (0, True), signed.err
    assert json.loads(note.read_text())["session_id"] == session_id
    again = ask(live, *command, "--json")
    assert (again.code, again.error) == (1, "session_state")


def test_a_program_signs_without_being_asked(live: Live, owner_file: Path, tmp_path: Path) -> None:
    """And gets the session and where its kill note is."""
    session_id = open_pending(live, add(live, owner_file), tmp_path)
    note = tmp_path / "note.json"
    command = ("session", "sign", session_id, "--owner-key-file", owner_file, "--out", note)
    signed = process(*command, "--json", env=live.env)
    assert signed.document["session"]["state"] == "open"
    assert signed.document["kill_note_file"] == str(note)


def test_only_the_owner_signs(live: Live, owner_file: Path, tmp_path: Path) -> None:
    """Another key is refused before anything is sent; no key is wrong use."""
    session_id = open_pending(live, add(live, owner_file), tmp_path)
    other = ask(
        *(live, "session", "sign", session_id, "--owner-key-file", live.owner_file),
        *("--out", tmp_path / "note.json", "--json"),
    )
    assert (other.code, other.error) == (1, "refused_to_sign")
    assert ask(live, "session", "sign", session_id).code == 2
    shown = ask(live, "session", "show", session_id, "--json").document
    assert shown["state"] == "pending"


def test_which_of_several_accounts_has_to_be_said(live: Live) -> None:
    """With the command that shows them."""
    for _ in range(2):
        assert ask(live, "wallet", "add", "--sealed", "--json").code == 0
    refused = ask(live, "wallet", "delegate", "--json")
    assert (refused.code, refused.error) == (1, "conflict")
    assert "`valetkey wallet list`" in refused.err
