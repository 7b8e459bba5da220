"""What a permission would have said to runs that were recorded, and what of it they never used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.core.permission.decide import Deny, decide, nothing_spent
from valetkey.core.permission.lower import lower

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.permission.lower import Limit
    from valetkey.core.permission.model import Call, Permission


@dataclass(frozen=True, slots=True)
class Recorded:
    """Calls that were made together, in the second *at*."""

    at: int
    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class RefusedRun:
    """A run that would have been refused. ``index`` is its place among those recorded."""

    index: int
    at: int
    deny: Deny


@dataclass(frozen=True, slots=True)
class LimitUse:
    """The most that was booked to a limit, within one window if it has windows."""

    limit: Limit
    booked: int

    @property
    def percent(self) -> int:
        """The part of the limit, rounded up; of a limit of 0 nothing is left."""
        return -(-100 * self.booked // self.limit.limit) if self.limit.limit else 100


@dataclass(frozen=True, slots=True)
class Report:
    """
    What came of it.

    Args:
        accepted: How many runs.
        calls: How many calls were counted for them; an empty run is one.
        refused: The others; nothing is booked for them.
        rules: For each rule how many calls it let through, wide rules behind the others.
        limits: What was used of each limit, in the order of the caps.
        rate: The most calls in one window of the rate; None without a rate.
    """

    accepted: int
    calls: int
    refused: tuple[RefusedRun, ...]
    rules: tuple[int, ...]
    limits: tuple[LimitUse, ...]
    rate: int | None = None

    @property
    def unused_rules(self) -> tuple[int, ...]:
        """The places of rules that nothing needed."""
        return tuple(index for index, count in enumerate(self.rules) if not count)


def backtest(permission: Permission, runs: Sequence[Recorded], *, account: bytes) -> Report:
    """
    Return what *permission*, with nothing spent, says to each of *runs* in turn.

    Args:
        permission: Well formed (`check_permission`).
        runs: In order of time.
        account: 20 bytes; never a target.
    """
    limits = lower(permission).limits
    spent, most = nothing_spent(permission), [0] * len(limits)
    rules = [0] * (len(permission.rules) + len(permission.wide_rules))
    most_calls = 0
    refused: list[RefusedRun] = []
    for index, run in enumerate(runs):
        answer = decide(run.calls, permission, spent, now=run.at, account=account)
        if isinstance(answer, Deny):
            refused.append(RefusedRun(index, run.at, answer))
            continue
        spent = answer.after
        most_calls = max(most_calls, spent.rate.spent)
        most = [max(one, held.spent) for one, held in zip(most, spent.counters, strict=True)]
        for rule in answer.rules:
            rules[rule] += 1
    return Report(
        accepted=len(runs) - len(refused),
        calls=spent.calls,
        refused=tuple(refused),
        rules=tuple(rules),
        limits=tuple(LimitUse(*one) for one in zip(limits, most, strict=True)),
        rate=None if permission.rate is None else most_calls,
    )
