"""Contracts that an organization has given a name, with what can be called on them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contract:
    """
    One contract on one chain.

    Args:
        chain: CAIP-2.
        address: 20 bytes; a contract was there when it was noted.
        abi: Its functions as a JSON list, as Solidity's compiler writes them; empty is ``[]``.
        is_public: What the organization said of it; nothing here depends on it.
        deleted_at: When the organization deleted it; None before.
    """

    id: str
    organization_id: str
    name: str
    chain: str
    address: bytes
    abi: str
    created_at: int
    is_public: bool = False
    deleted_at: int | None = None

    @property
    def place(self) -> str | None:
        """Where it is, for its organization; None once it is deleted (a unique column)."""
        if self.deleted_at is not None:
            return None
        return place_of(self.organization_id, self.chain, self.address)


def place_of(organization_id: str, chain: str, address: bytes) -> str:
    """Return what the contract of an organization at *address* (20 bytes) is found by."""
    return f"{organization_id}/{chain}/0x{address.hex()}"
