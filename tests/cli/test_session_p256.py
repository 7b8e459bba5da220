"""Sessions from the command line for a P-256 key that is elsewhere."""

from __future__ import annotations

import json
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.cli.program import Ended, valetkey
from valetkey import P256SessionKey, Valetkey
from valetkey.devchain import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Live

SHOP = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path) -> Iterator[None]:
    """Let each test write its files to a folder of its own."""
    with chdir(tmp_path):
        yield


@pytest.fixture
def key(live: Live) -> P256SessionKey:
    """Return a key for a chain that checks it."""
    if live.local.node.engine is not Engine.ANVIL:
        pytest.skip("anvil is not installed: no P-256 precompile")
    return P256SessionKey.generate()


def open_for(live: Live, point: str, *options: object) -> Ended:
    """Open a session for the key with *point*."""
    limits = ("--token", live.token, "--decimals", "6", "--to", SHOP, "--cap", "20", "--ttl", "1h")
    asked = (*limits, "--p256-key", point, *options, "--json")
    return valetkey("session", "open", *asked, env=live.env)


def point_of(key: P256SessionKey) -> str:
    """Return the key's public half, as a browser tells it."""
    return f"0x{key.public_key.data.hex()}"


def test_a_key_from_elsewhere_is_given_a_session(live: Live, key: P256SessionKey) -> None:
    """The owner signs here; no private key is written, and its holder acts."""
    opened = open_for(live, point_of(key), "--owner-key-file", live.owner_file)
    assert opened.code == 0, opened.err
    session = opened.document["session"]
    assert (session["state"], session["proof"], session["key"]["curve"]) == (
        "open",
        "chain",
        "p256",
    )
    assert opened.document["session_file"] is None
    note = opened.document["kill_note_file"]
    assert [one.name for one in Path.cwd().iterdir()] == [note]
    assert json.loads(Path(note).read_text())["session_id"] == session["id"]
    with Valetkey(live.local.url) as holder:
        held = holder.sessions.attach(session["id"], key)
        assert held.transfer(live.token, SHOP, 0).state == "done"


def test_the_owner_may_sign_later(live: Live, key: P256SessionKey) -> None:
    """The session waits, and is signed as any other."""
    waiting = open_for(live, point_of(key)).document
    assert (waiting["session"]["state"], waiting["kill_note_file"]) == ("pending", None)
    signing = ("session", "sign", waiting["session"]["id"], "--owner-key-file", live.owner_file)
    signed = valetkey(*signing, "--json", env=live.env)
    assert signed.document["session"]["state"] == "open"


@pytest.mark.parametrize("point", ["0x", "0x" + "00" * 33, "0x04" + "11" * 64, "key"])
def test_what_is_no_point_opens_nothing(live: Live, point: str) -> None:
    """A session that nobody could use is not asked for."""
    refused = open_for(live, point)
    assert (refused.code, refused.error) == (1, "malformed_body")
    assert list(Path.cwd().iterdir()) == []


def test_there_is_no_private_key_to_write(live: Live) -> None:
    """Whoever names a file for one has misunderstood."""
    assert open_for(live, "0x", "--out", "key.json").code == 2
