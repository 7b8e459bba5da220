"""Alerts: what is told once, when something comes near its end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

_NEAR_PERCENT: Final = 80


@dataclass(frozen=True, slots=True)
class Told:
    """
    That somebody was told.

    Args:
        id: Of what, such as a budget.
        mark: In which state of it: another mark is told again.
    """

    id: str
    mark: str


@dataclass(frozen=True, slots=True)
class Refusals:
    """How often a session was refused since the first time in this window; ``id`` is its own."""

    id: str
    since: int
    count: int


def is_nearly_used(used: int, limit: int) -> bool:
    """Say whether 80 % of *limit* is used; of nothing, nothing is."""
    return limit > 0 and used * 100 >= limit * _NEAR_PERCENT


def refused_again(before: Refusals | None, session_id: str, *, now: int, window_s: int) -> Refusals:
    """Return the count with one more refusal; it starts anew *window_s* after its first one."""
    if before is None or not before.since <= now < before.since + window_s:
        return Refusals(session_id, now, 1)
    return replace(before, count=before.count + 1)
