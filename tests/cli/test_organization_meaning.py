"""The meaning of vendors on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.program import valetkey

if TYPE_CHECKING:
    from tests.cli.conftest import Live


def test_the_meaning_of_a_vendor_is_switched_on_and_off(live: Live) -> None:
    """One sentence each; what is no vendor's surface is a wrong use."""
    own = live.local.organization_id
    verb = ("organization", "vendor-meaning", own)
    told = valetkey(*verb, "openfort", env=live.env)
    assert (told.code, told.out) == (0, f"new sessions of {own} have the meaning of openfort\n")
    told = valetkey(*verb, env=live.env)
    assert (told.code, told.out) == (0, f"new sessions of {own} have the meaning of no vendor\n")
    assert valetkey(*verb, "native", env=live.env).code == 2
    unknown = "org_" + "0" * 24
    refused = valetkey("organization", "vendor-meaning", unknown, "--json", env=live.env)
    assert (refused.code, refused.error) == (1, "not_found")
