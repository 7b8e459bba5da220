"""Reviews: a signature that waits until the user has read, on a page of ours, what it is for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.permission.signing import SignDigest, SignMessage
from valetkey.core.signable import SignTransaction

if TYPE_CHECKING:
    from valetkey.core.one_time_code import OneTimeCode
    from valetkey.core.signable import Wanted

LIFE_S: Final = 300
MOST: Final = 16  # of one session that wait
_SHOWN_CHARS: Final = 2000


@dataclass(frozen=True, slots=True)
class Review:
    """
    One signature that is asked for.

    Args:
        mark: `mark_of` what is to be signed: the approval is for exactly that.
        shown: What the user reads, name by name.
        code: The one-time code that was sent, if it is not used up.
        approved_at: Once the user has approved; it is used up by the signature.
        denied_at: Once they have not.
        forget_at: First second at which it is gone.
    """

    id: str
    organization_id: str
    user_id: str
    session_id: str
    wallet_id: str
    mark: str
    shown: dict[str, str]
    forget_at: int
    code: OneTimeCode | None = None
    approved_at: int | None = None
    denied_at: int | None = None


def mark_of(wanted: Wanted) -> str:
    """Return what two wishes share only if they are for the same signature."""
    form, data = _bytes_of(wanted)
    return hashlib.sha256(f"{form}\0".encode() + data).hexdigest()


def shown_of(wanted: Wanted) -> dict[str, str]:
    """Return what of *wanted* a person can read."""
    if isinstance(wanted, SignTransaction):
        one = wanted.transaction
        return {
            "kind": "transaction",
            "chain": f"eip155:{one.chain_id}",
            "to": f"0x{one.to.hex()}" if one.to else "a new contract",
            "value_wei": str(one.value_wei),
            "data": _readable(f"0x{one.data.hex()}"),
            "most_fee_wei": str(one.most_fee_wei),
        }
    form, data = _bytes_of(wanted)
    if form == "digest":
        return {"kind": "digest", "digest": f"0x{data.hex()}"}
    return {"kind": form, "text": _readable(data.decode(errors="replace"))}


def _readable(text: str) -> str:
    """
    Return *text* so that nothing in it hides the rest.

    What is invisible, or would turn the order around, is written out; of what is too long it is
    said how much is left out.
    """
    left_out = len(text) - _SHOWN_CHARS
    shown = "".join(
        one if one.isprintable() or one == "\n" else f"\\u{{{ord(one):x}}}"
        for one in text[:_SHOWN_CHARS]
    )
    return shown if left_out <= 0 else f"{shown} … and {left_out} characters more"


def _bytes_of(wanted: Wanted) -> tuple[str, bytes]:
    match wanted:
        case SignTransaction(transaction):
            return "transaction", transaction.digest
        case SignMessage(data):
            return "message", data
        case SignDigest(digest):
            return "digest", digest
    msg = f"expected a message, digest or transaction, got {type(wanted).__name__}"
    raise TypeError(msg)
