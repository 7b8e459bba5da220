"""A contract is noted once where it is, by each organization."""

from __future__ import annotations

from dataclasses import replace

from valetkey.core.contract import Contract, place_of

AT = bytes.fromhex("a1" * 20)


def test_its_place_is_its_organizations_its_chains_and_its_address() -> None:
    """One that is deleted has none, so that another can be there."""
    contract = Contract("con_1", "org_1", "Token", "eip155:1", AT, "[]", 1)
    assert contract.place == place_of("org_1", "eip155:1", AT) == f"org_1/eip155:1/0x{'a1' * 20}"
    assert replace(contract, deleted_at=2).place is None
    others = {
        place_of("org_2", "eip155:1", AT),
        place_of("org_1", "eip155:10", AT),
        place_of("org_1", "eip155:1", bytes(20)),
    }
    assert contract.place not in others
    assert len(others) == 3
