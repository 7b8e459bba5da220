"""What tokens say of themselves, read as ERC-20 has it: whatever else they say is no answer."""

from __future__ import annotations

from typing import Final, Protocol

from valetkey.core.errors import ChainRejected, Code
from valetkey.spec.keccak import keccak256

_WORD: Final = 32
_BALANCE_OF: Final = keccak256(b"balanceOf(address)")[:4]
_DECIMALS: Final = keccak256(b"decimals()")[:4]
_ALLOWANCE: Final = keccak256(b"allowance(address,address)")[:4]
_MAX_DECIMALS: Final = 255
# Enough for any token; too little for an answer that is longer than we read, or takes long.
_GAS: Final = 500_000


class Call(Protocol):
    """See `Chain.call`."""

    async def __call__(self, to: bytes, data: bytes, *, gas: int) -> bytes:
        """Return what *to* answers to *data*."""


async def balance_of(call: Call, token: bytes, holder: bytes) -> int:
    """Return what *holder* has of *token*, in its smallest unit."""
    return await _word(call, token, _BALANCE_OF, holder)


async def decimals(call: Call, token: bytes) -> int | None:
    """Return what ``decimals()`` of *token* says, or None if it says nothing of the kind."""
    try:
        found = await _word(call, token, _DECIMALS)
    except ChainRejected as rejected:
        if rejected.code is Code.CHAIN_REJECTED:  # the node's own word, not the token's
            raise
        return None
    return found if found <= _MAX_DECIMALS else None


async def allowance(call: Call, token: bytes, owner: bytes, spender: bytes) -> int:
    """Return how much of *token* *spender* may take from *owner*, in its smallest unit."""
    return await _word(call, token, _ALLOWANCE, owner, spender)


async def _word(call: Call, token: bytes, selector: bytes, *addresses: bytes) -> int:
    data = selector + b"".join(one.rjust(_WORD, b"\0") for one in addresses)
    found = await call(token, data, gas=_GAS)
    if len(found) != _WORD:
        detail = f"0x{token.hex()} does not answer as a token"
        raise ChainRejected(Code.CALL_REVERTED, detail)
    return int.from_bytes(found, "big")
