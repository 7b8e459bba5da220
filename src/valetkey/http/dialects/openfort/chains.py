"""Chains as the vendor's clients name them: by their number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta

from valetkey.core.errors import Code, Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.ports import Chain

_EVM: Final = "eip155:"
ChainId = Annotated[int, Meta(ge=1, le=2**53 - 1)]


def name_of(chain_id: int) -> str:
    """Return the CAIP-2 name of the chain with that number, whether or not it is spoken to here."""
    return f"{_EVM}{chain_id}"


def chain_of(chains: Mapping[str, Chain], chain_id: int, *, field: str = "chainId") -> str:
    """
    Return the CAIP-2 name of the chain with that number.

    Raises:
        Malformed: This server does not speak to it.
    """
    name = name_of(chain_id)
    if name not in chains:
        known = ", ".join(sorted(one.removeprefix(_EVM) for one in chains)) or "none"
        detail = f"{field}: expected one of {known}, got {chain_id}"
        raise Malformed(Code.WRONG_CHAIN, detail, field=field)
    return name


def number_of(chain: str) -> int:
    """Return the number of the chain with that CAIP-2 name."""
    return int(chain.removeprefix(_EVM))
