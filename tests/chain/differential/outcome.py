"""What a plane says to a case, in words that both share; which refusal is which stands here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code
from valetkey.core.permission.contract_errors import CONTRACT_ERRORS

if TYPE_CHECKING:
    from valetkey.core.permission.model import Call

# What `decide` says, and the error that the contract gives for it. Where no rule covers a call,
# `routes` says what the nearest one gets.
ROUTED: Final = {Code.TARGET_FORBIDDEN, Code.SELECTOR_REFUSED, Code.SELECTOR_NOT_ALLOWED}
ERROR_OF: Final = {code: error for code, error in CONTRACT_ERRORS.items() if code not in ROUTED}


@dataclass(frozen=True, slots=True)
class Refused:
    """
    Refused; nothing changed.

    Args:
        call: Index of the call (of the rule, for ``TargetForbidden``), if the error names one.
    """

    error: str
    call: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """
    Accepted.

    Args:
        words: What is in each slot of the grant afterwards: state, caps 1 to 7, freeze.
        calls: What the targets saw, in order.
        granted: Whether the account said that the grant is open from now on.
    """

    words: tuple[int, ...]
    calls: tuple[Call, ...]
    granted: bool


Outcome = Refused | Accepted
