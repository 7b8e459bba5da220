"""A session as it is shown: with everything that depends on the time and on those above it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from valetkey.core.child_session import ends_in_line, state_in_line
from valetkey.core.permission.lower import Limit, lower

if TYPE_CHECKING:
    from valetkey.core.chain import Counter
    from valetkey.core.child_session import Line
    from valetkey.core.permission.model import Permission
    from valetkey.core.session import Session, State, Usage


class Left(NamedTuple):
    """
    What one limit still allows.

    Args:
        asset: 20 bytes of the token, or None for the native coin.
        window_ends_at: First second of the next window; None for a lifetime limit.
    """

    asset: bytes | None
    caveat: str
    limit: int
    spent: int
    window_ends_at: int | None


class Shown(NamedTuple):
    """
    A session as it is now: its state with time, use and those above in it, and what is left.

    Args:
        rate: Of calls; its ``asset`` says nothing.
    """

    session: Session
    usage: Usage
    state: State
    ends_at: int
    calls_left: int | None
    left: tuple[Left, ...]
    rate: Left | None = None


def show(line: Line, *, now: int) -> Shown:
    """Return the first of *line* with everything that depends on the time and on those above."""
    session, usage = line[0]
    permission = session.permission
    calls_left = None
    left: tuple[Left, ...] = ()
    rate = None
    if permission is not None:
        if permission.max_calls is not None:
            calls_left = max(permission.max_calls - usage.spent.calls, 0)
        left = tuple(
            _left(limit, counter, permission, now=now)
            for limit, counter in zip(lower(permission).limits, usage.spent.counters, strict=True)
        )
        if permission.rate is not None:
            per_window = Limit(None, 0, permission.rate.calls, permission.rate.window_s, "rate")
            rate = _left(per_window, usage.spent.rate, permission, now=now)
    return Shown(
        session=session,
        usage=usage,
        state=state_in_line(line, now=now),
        ends_at=ends_in_line(line),
        calls_left=calls_left,
        left=left,
        rate=rate,
    )


def _left(limit: Limit, counter: Counter, permission: Permission, *, now: int) -> Left:
    starts_at = permission.starts_at
    window = limit.window_at(max(now, starts_at), starts_at=starts_at)
    spent = counter.spent if counter.window == window or not limit.window_s else 0
    end = starts_at + (window + 1) * limit.window_s if limit.window_s else None
    return Left(limit.asset, limit.caveat, limit.limit, spent, end)
