"""Sessions under others from the command line."""

from __future__ import annotations

import json
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.program import Ended, valetkey
from tests.leaks import secret
from valetkey import Owner, StampKey, Valetkey, permission

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


def test_a_session_is_opened_under_another_and_shown(live: Live) -> None:
    """Its key goes to a file as for any other; there is no kill note, for it has no grant."""
    with Valetkey(live.local.url, api_key=live.local.secret) as server:
        draft = permission.erc20_transfers(
            live.token, decimals=6, to=[SHOP], lifetime="20", expires_in=3600
        )
        owner = Owner.from_key(secret(bytes.fromhex(live.owner_file.read_text())))
        parent = server.sessions.open(live.account_id, draft, owner=owner, key=StampKey.generate())
    limits = ("--token", live.token, "--decimals", "6", "--to", SHOP, "--ttl", "10m")
    under = ("--under", parent.id, "--label", "worker")
    opened = run(live, "open", *limits, "--cap", "5", *under, "--json")
    assert opened.code == 0, opened.err
    document = opened.document
    key = json.loads(Path(document["session_file"]).read_text())["key"]
    secret(bytes.fromhex(key.removeprefix("0x")))
    assert (document["session"]["parent_id"], document["kill_note_file"]) == (parent.id, None)
    with Valetkey(live.local.url) as server:
        held = server.sessions.load(Path(document["session_file"]).read_text())
        assert held.transfer(live.token, SHOP, 0).state == "done"
    listed = run(live, "list", "--under", parent.id, "--json").document["items"]
    assert [one["label"] for one in listed] == ["worker"]
    shown = run(live, "show", held.id)
    assert parent.id in shown.out
    more = run(live, "open", *limits, "--cap", "21", *under)
    assert more.code != 0
    assert "not_within_parent" in more.err
    mixed = run(live, "open", *limits, "--cap", "5", *under, "--account", live.account_id)
    assert mixed.code == 2
    assert "--under" in mixed.err


def test_nothing_that_runs_is_under_a_session_that_signs_its_own_runs(live: Live) -> None:
    """The refusal says what kind of session may have others under it, and leaves no file."""
    limits = ("--token", live.token, "--decimals", "6", "--to", SHOP, "--ttl")
    owned = ("--account", live.account_id, "--owner-key-file", live.owner_file)
    root = run(live, "open", *limits, "10m", "--cap", "20", *owned, "--json").document
    file = Path(root["session_file"])
    secret(bytes.fromhex(json.loads(file.read_text())["key"].removeprefix("0x")))
    refused = run(live, "open", *limits, "5m", "--cap", "5", "--under", root["session"]["id"])
    assert refused.code == 1
    assert "open it with proof stamp" in refused.err
    assert [one.name for one in Path.cwd().glob("*.session.json")] == [file.name]
