"""The keys that pay for gas are listed, replaced and retired by commands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.cli.program import valetkey

if TYPE_CHECKING:
    from pathlib import Path


def keys(home: Path) -> list[Any]:
    """Return what is listed."""
    listed = valetkey("keys", "list", "--home", home, "--json")
    assert listed.code == 0
    found: list[Any] = listed.document["items"]
    return found


def test_all_keys_are_listed_with_their_states(home: Path) -> None:
    """One of each is in use; a change leaves the one before it, and what needs that."""
    roles = ["approver", "audit", "relayer", "stopper", "token"]
    assert sorted(one["role"] for one in keys(home)) == roles
    for options in ([], ["--stopper"]):
        first = valetkey("keys", "rotate-relayer", *options, "--home", home, "--json").document
        assert first["state"] == "prepared"
        second = valetkey("keys", "rotate-relayer", *options, "--home", home, "--json").document
        assert second == {**first, "state": "current"}
        listed = {one["id"]: one for one in keys(home) if one["role"] == first["role"]}
        assert listed.pop(first["address"])["state"] == "current"
        (former,) = listed.values()
        assert (former["state"], former["sessions"], former["activities"]) == ("former", 0, 0)
        told = valetkey("keys", "retire-relayer", former["id"], "--home", home, "--json")
        assert told.document["state"] == "retired"
        swept = valetkey("keys", "sweep-relayer", former["id"], "--home", home, "--json")
        assert swept.document == {"items": []}  # this server speaks to no chain
    assert "signs with the server's own keys" in valetkey("doctor", "--home", home).out
    shown = valetkey("keys", "list", "--home", home).out
    assert shown.count("retired") == 2


def test_a_key_in_use_is_neither_retired_nor_emptied(home: Path) -> None:
    """Nor is an address that is none of ours, or no address."""
    (current,) = (one["id"] for one in keys(home) if one["role"] == "relayer")
    for verb in ("retire-relayer", "sweep-relayer"):
        told = valetkey("keys", verb, current, "--home", home, "--json")
        assert (told.code, told.error) == (1, "conflict")
        told = valetkey("keys", verb, f"0x{'11' * 20}", "--home", home, "--json")
        assert (told.code, told.error) == (1, "not_found")
        assert valetkey("keys", verb, "0x11", "--home", home).code == 2
    assert [one["state"] for one in keys(home)] == ["current"] * 5
