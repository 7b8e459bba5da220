"""The operator says what an organization may spend on gas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.cli.program import valetkey

if TYPE_CHECKING:
    from pathlib import Path


def test_a_fund_is_set(tmp_path: Path) -> None:
    """With what is spent of it; the other one stays as it is."""
    home = tmp_path / "home"
    made = valetkey("init", "--home", home, "--json").document
    told = valetkey("fund", "--home", home, made["organization_id"], "--runs", 7, "--json")
    assert told.code == 0
    assert told.document["funds"] == [{"fund": "runs", "limit": "7", "spent": "0"}]


def test_nothing_is_made_for_an_organization_that_is_not_there(home: Path) -> None:
    """And a command that sets nothing is used wrongly."""
    told = valetkey("fund", "--home", home, "org_" + "0" * 24, "--stops", 1, "--json")
    assert (told.code, told.error) == (1, "not_found")
    assert valetkey("fund", "--home", home, "org_" + "0" * 24).code == 2
