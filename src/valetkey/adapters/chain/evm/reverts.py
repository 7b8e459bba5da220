"""Why a call reverts: the account's own refusals, Solidity's, and a stranger's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import ChainRejected, Code
from valetkey.spec.keccak import keccak256
from valetkey.spec.permission_bytes import decode_refusal

if TYPE_CHECKING:
    from valetkey.spec.permission_bytes import Refusal

_WORD = 32
_DATA_LIMIT = 4096
_TEXT_SHOWN = 200
_DEPTH = 4
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*(?![0-9a-zA-Z])")


# The account's own errors: our code, and what their numbers are.
CODES: Final = {
    "Malformed": (Code.MALFORMED_RUN, ()),
    "GrantNotStarted": (Code.SESSION_NOT_STARTED, ()),
    "GrantExpired": (Code.SESSION_EXPIRED, ()),
    "DeadlinePassed": (Code.DEADLINE_PASSED, ()),
    "RelayerNotAllowed": (Code.RELAYER_NOT_ALLOWED, ()),
    "GrantRevoked": (Code.SESSION_REVOKED, ()),
    "GrantFrozen": (Code.SESSION_FROZEN, ()),
    "KeyTypeRefused": (Code.KEY_TYPE_REFUSED, ()),
    "NotGranted": (Code.NOT_GRANTED, ()),
    "SignatureRefused": (Code.SIGNATURE_REFUSED, ()),
    "NonceUsed": (Code.NONCE_USED, ()),
    "NonceTooFar": (Code.NONCE_TOO_FAR, ()),
    "TooManyCalls": (Code.TOO_MANY_CALLS, ()),
    "NoSuchRule": (Code.NO_SUCH_RULE, ("call",)),
    "TargetForbidden": (Code.TARGET_FORBIDDEN, ("rule",)),
    "TargetRefused": (Code.TARGET_FORBIDDEN, ("call",)),
    "SelectorRefused": (Code.SELECTOR_REFUSED, ("call",)),
    "RuleTooWide": (Code.SELECTOR_NOT_ALLOWED, ("call",)),
    "ArgumentMissing": (Code.ARGUMENT_MISSING, ("call", "argument")),
    "ArgumentRefused": (Code.ARGUMENT_REFUSED, ("call", "argument")),
    "CapExceeded": (Code.CAP_EXCEEDED, ("call", "cap")),
    "GrantNotFrozen": (Code.SESSION_STATE, ()),
    "OnlyAccount": (Code.NOT_ALLOWED, ()),
    "ModeRefused": (Code.MALFORMED_RUN, ("mode",)),
    "RuleMismatch": (Code.NO_SUCH_RULE, ("call",)),
    "OwnerRefused": (Code.NOT_ALLOWED, ()),
}

_ERROR_STRING = bytes.fromhex("08c379a0")  # Error(string)
_PANIC = bytes.fromhex("4e487b71")  # Panic(uint256)
# What tokens say of a transfer that cannot be: ERC-6093, and the names from before it.
_TOKEN_ERRORS: Final = {
    keccak256(f"{name}(address,uint256,uint256)".encode())[:4]: name
    for name in ("ERC20InsufficientBalance", "ERC20InsufficientAllowance", "InsufficientBalance")
}
_PANICS = {
    0x01: "an assertion failed",
    0x11: "arithmetic over- or underflow",
    0x12: "division by zero",
    0x21: "a value outside its enum",
    0x22: "broken storage encoding",
    0x31: "pop on an empty array",
    0x32: "an index out of bounds",
    0x41: "too much memory",
    0x51: "a call to an unset function",
}


def rejection(data: bytes) -> ChainRejected:
    """
    Return the error that says why a call reverted with *data*.

    The account hands on a failing target's own reason unchanged, so a hostile target can answer in
    the account's words: what a reason says is a reason to look at the chain, not proof.
    """
    refusal = decode_refusal(data)
    if refusal is not None:
        return _own(refusal)
    if data[:4] == _ERROR_STRING:
        reason = _solidity_string(data[4:])
        if reason is not None:
            return ChainRejected(Code.CALL_REVERTED, f"reverted: {reason}", reason=reason)
    if data[:4] == _PANIC and len(data) == 4 + _WORD:
        number = int.from_bytes(data[4:], "big")
        meaning = _PANICS.get(number, "unknown")
        return ChainRejected(
            Code.CALL_REVERTED, f"reverted: panic 0x{number:02x}, {meaning}", panic=number
        )
    if not data:
        return ChainRejected(Code.CALL_REVERTED, "reverted without a reason")
    selector_hex = "0x" + data[:4].hex()
    known = _token_error(data)
    return ChainRejected(
        Code.CALL_REVERTED,
        f"reverted: {known}" if known else f"reverted with the unknown error {selector_hex}",
        selector=selector_hex,
        data="0x" + data[:_TEXT_SHOWN].hex(),
    )


def _token_error(data: bytes) -> str | None:
    """Return the error of a token that had or was allowed too little, with both amounts."""
    name = _TOKEN_ERRORS.get(data[:4])
    if name is None or len(data) != 4 + 3 * _WORD:
        return None
    who, had, needed = (data[at : at + _WORD] for at in range(4, len(data), _WORD))
    amounts = (int.from_bytes(one, "big") for one in (had, needed))
    return "{}: 0x{} has {}, {} needed, in the smallest unit".format(
        name, who[-20:].hex(), *amounts
    )


def revert_data(found: object, *, depth: int = _DEPTH) -> bytes | None:
    """
    Return the revert data in the ``data`` member of a node's error, wherever that node puts it.

    Returns:
        None where there is none; at most 4096 bytes.
    """
    if isinstance(found, str):
        match = _HEX.search(found)
        return None if match is None else bytes.fromhex(match[0][2:])[:_DATA_LIMIT]
    if isinstance(found, dict) and depth:
        for name in ("data", "result", "output", "originalError"):
            inner = revert_data(found.get(name), depth=depth - 1)
            if inner is not None:
                return inner
    return None


def _own(refusal: Refusal) -> ChainRejected:
    code, names = CODES[refusal.name]
    facts = dict(zip(names, refusal.facts, strict=True))
    where = ", ".join(f"{key} {value}" for key, value in facts.items())
    detail = f"the account refused: {refusal.name}" + (f" ({where})" if where else "")
    return ChainRejected(code, detail, error=refusal.name, **facts)


def _solidity_string(encoded: bytes) -> str | None:
    """Return the one ABI-encoded string in *encoded*, fit for a log line; None if it is none."""
    offset = int.from_bytes(encoded[:_WORD], "big")
    length = int.from_bytes(encoded[_WORD : 2 * _WORD], "big")
    text = encoded[2 * _WORD :]
    if len(encoded) < 2 * _WORD or offset != _WORD or length > len(text):
        return None
    letters = text[:length].decode("utf-8", "replace")[:_TEXT_SHOWN]
    return "".join(letter if letter.isprintable() else " " for letter in letters)
