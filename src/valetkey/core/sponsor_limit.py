"""How much a sponsorship pays for: uses and gas, in windows that follow each other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from valetkey.core.budget import FEES, BudgetLine, line_id
from valetkey.core.chain import Counter
from valetkey.core.units import DAY_S, HOUR_S, MINUTE_S

USES: Final = "uses"
MAX_INTERVALS: Final = 10_000


class LimitKind(StrEnum):
    """What a limit counts: uses, or gas in wei, which is what it costs."""

    COUNT_PER_INTERVAL = "count_per_interval"
    GAS_PER_INTERVAL = "gas_per_interval"
    GAS_PER_TRANSACTION = "gas_per_transaction"


class Interval(StrEnum):
    """A length of time; a month has thirty days."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"

    @property
    def seconds(self) -> int:
        """How long it is."""
        return _SECONDS[self]


_SECONDS: Final = {
    Interval.MINUTE: MINUTE_S,
    Interval.HOUR: HOUR_S,
    Interval.DAY: DAY_S,
    Interval.WEEK: 7 * DAY_S,
    Interval.MONTH: 30 * DAY_S,
}


@dataclass(frozen=True, slots=True)
class Limit:
    """
    How much is paid for.

    Args:
        most: Uses, or wei of gas.
        interval, intervals: The length of a window; of a limit for each transaction they say
            nothing.
    """

    kind: LimitKind
    most: int
    interval: Interval = Interval.DAY
    intervals: int = 1

    @property
    def window_s(self) -> int:
        """How long a window is; 0 for a limit without windows."""
        if self.kind is LimitKind.GAS_PER_TRANSACTION:
            return 0
        return self.interval.seconds * self.intervals


@dataclass(frozen=True, slots=True)
class Owner:
    """The rule that a limit is of. ``since``: where its windows are counted from."""

    rule_id: str
    organization_id: str
    since: int


def line_of_limit(limit: Limit, owner: Owner, before: BudgetLine | None) -> BudgetLine:
    """
    Return the line that *limit* is counted in, with the limit as it is now.

    Args:
        before: The line as it is kept; None if nothing was counted yet.
    """
    return BudgetLine(
        id=line_id_of_limit(limit, owner.rule_id),
        organization_id=owner.organization_id,
        scope_id=owner.rule_id,
        asset=_asset(limit),
        limit=limit.most,
        window_s=limit.window_s,
        starts_at=owner.since,
        counter=before.counter if before is not None else Counter(0, 0),
    )


def line_id_of_limit(limit: Limit, rule_id: str) -> str:
    """Return the id of the line that *limit* is counted in: another one for another interval."""
    return line_id(rule_id, _asset(limit), limit.window_s)


def _asset(limit: Limit) -> str:
    return USES if limit.kind is LimitKind.COUNT_PER_INTERVAL else FEES
