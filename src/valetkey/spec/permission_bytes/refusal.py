"""Why the account contract refused, read from the data of its revert."""

from dataclasses import dataclass
from typing import Final

from valetkey.spec.keccak import keccak256

__all__ = ["REFUSALS", "Refusal", "decode_refusal"]

_WORD: Final = 32
REFUSALS: Final = (
    "Malformed()",
    "GrantNotStarted()",
    "GrantExpired()",
    "DeadlinePassed()",
    "RelayerNotAllowed()",
    "GrantRevoked()",
    "GrantFrozen()",
    "KeyTypeRefused()",
    "NotGranted()",
    "SignatureRefused()",
    "NonceUsed()",
    "NonceTooFar()",
    "TooManyCalls()",
    "NoSuchRule(uint256)",
    "TargetForbidden(uint256)",
    "TargetRefused(uint256)",
    "SelectorRefused(uint256)",
    "RuleTooWide(uint256)",
    "ArgumentMissing(uint256,uint256)",
    "ArgumentRefused(uint256,uint256)",
    "CapExceeded(uint256,uint256)",
    "GrantNotFrozen()",
    "OnlyAccount()",
    "ModeRefused(bytes32)",
    "RuleMismatch(uint256)",
    "OwnerRefused()",
)
"""The signature of each error of the account contract."""
_BY_SELECTOR: Final = {keccak256(text.encode())[:4]: text for text in REFUSALS}


@dataclass(frozen=True, slots=True)
class Refusal:
    """
    One of the contract's own errors.

    Attributes:
        name: As in the format's list, such as ``CapExceeded``.
        facts: Its numbers: the index of the call, then that of the argument or cap; empty for most.
    """

    name: str
    facts: tuple[int, ...] = ()


def decode_refusal(data: bytes) -> Refusal | None:
    """
    Return the refusal that the revert *data* states.

    Returns:
        ``None`` when it is not one of the account's, but a call's own reason. A hostile target can
        answer in the account's words.
    """
    text = _BY_SELECTOR.get(data[:4])
    if text is None:
        return None
    name, _, inside = text.removesuffix(")").partition("(")
    count = len(inside.split(",")) if inside else 0
    if len(data) != 4 + count * _WORD:
        return None
    return Refusal(
        name, tuple(int.from_bytes(data[i : i + _WORD], "big") for i in range(4, len(data), _WORD))
    )
