"""What a decision starts from, and what it ends in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from valetkey.core.chain import Counter

if TYPE_CHECKING:
    from valetkey.core.errors import Code


@dataclass(frozen=True, slots=True)
class Spent:
    """
    What is already booked.

    Args:
        counters: One for each limit of the lowered permission, as the chain keeps them.
        rate: Calls in the window of the permission's rate, which the server alone counts.
    """

    calls: int
    counters: tuple[Counter, ...]
    rate: Counter = field(default=Counter(0, 0))


@dataclass(frozen=True, slots=True)
class Allow:
    """
    The calls may be made.

    Args:
        rules: Index of the rule that covers each call, in call order, as the chain counts rules.
        calls: How many uses to book; an empty run is one use.
        amounts: How much to book to each limit.
        after: What is booked afterwards.
        valid_until: First second at which this booking would fall into another window.
    """

    rules: tuple[int, ...]
    calls: int
    amounts: tuple[int, ...]
    after: Spent
    valid_until: int


@dataclass(frozen=True, slots=True)
class Deny:
    """
    It may not be done.

    Args:
        caveat: The place in the permission that refused, such as ``caps[0].lifetime``.
        detail: What was allowed and what was asked for.
        call: Index of the call that was refused, or None if the run as a whole was.
    """

    code: Code
    caveat: str
    detail: str
    call: int | None = None
