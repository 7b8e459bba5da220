"""``valetkey exposure``: who is exposed, and the end of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.program import valetkey
from valetkey import StampKey, Valetkey

if TYPE_CHECKING:
    from tests.cli.conftest import Live


def test_a_leaked_key_is_looked_for_and_everything_it_holds_is_ended(live: Live) -> None:
    """Listed first; then revoked, with a receipt; then nobody is exposed."""
    key = StampKey.generate()
    with Valetkey(live.local.url, api_key=live.local.secret) as server:
        opened = server.sessions.open_reader(expires_in=600, key=key.public_key)
    asked = ("exposure", "--key", f"0x{key.public_key.data.hex()}", "--json")
    listed = valetkey(*asked, env=live.env)
    assert [one["session"]["id"] for one in listed.document["items"]] == [opened.session.id]
    ended = valetkey(*asked, "--revoke", env=live.env)
    assert ended.code == 0
    assert [one["session"]["state"] for one in ended.document["items"]] == ["revoked"]
    assert valetkey(*asked, env=live.env).document["items"] == []
    said = valetkey(*asked[:-1], env=live.env)
    assert "nobody is exposed" in said.out


def test_one_thing_is_asked_about(live: Live) -> None:
    """A question that is none revokes nothing."""
    for asked in ((), ("--key", "0x12", "--contract", "0x34")):
        ended = valetkey("exposure", "--revoke", *asked, env=live.env)
        assert ended.code == 2
        assert "give one of --key" in ended.err
    bad = valetkey("exposure", "--contract", "0x12", "--json", env=live.env)
    assert (bad.code, bad.error) == (1, "malformed_request")
