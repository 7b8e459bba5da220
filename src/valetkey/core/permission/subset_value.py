"""
The most native value that can be sent where each call with value must move a token, too.

A function that may carry value and must move at least so much of a capped token (a constraint says
so) can be called only as often as the cap of the token lasts. If nothing else may carry value, the
windows of the token bound the value as well. It is a flow: from the tokens through their windows to
the windows of the native cap that these overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd, lcm
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.fill import Room, most_of
from valetkey.core.permission.flow import SINK, SOURCE, Flow
from valetkey.core.permission.overlap import Span, grid_of
from valetkey.core.permission.trace import Run, Stage
from valetkey.core.units import UINT32_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.core.permission.lower import Limit
    from valetkey.core.permission.model import Cap, Permission
    from valetkey.core.permission.overlap import Grid
    from valetkey.core.permission.reach import Reach

MAX_LINKS: Final = 1000


@dataclass(frozen=True, slots=True)
class String:
    """A rule whose calls may carry value and move at least *least* of a token under *cap*."""

    reach: Reach
    least: int
    cap: Cap

    @property
    def calls(self) -> int:
        """How many such calls the cap lasts for."""
        return UINT32_MAX if self.cap.lifetime is None else self.cap.lifetime // self.least

    @property
    def calls_each(self) -> int:
        """How many in one window."""
        return UINT32_MAX if self.cap.window is None else self.cap.window.limit // self.least

    @property
    def window_s(self) -> int:
        """Length of the windows; 0 is one without end."""
        return 0 if self.cap.window is None else self.cap.window.window_s


def string_of(child: Permission, reach: Reach) -> String | None:
    """Return what value hangs on under a rule; None if it can be sent without moving a token."""
    amounts, cap = reach.amounts, child.cap_on(reach.rule.target)
    if amounts is None or amounts.least == 0 or cap is None:
        return None
    if cap.lifetime is None and cap.window is None:
        return None
    return String(reach, amounts.least, cap)


def pass_with_tokens(
    child: Permission, found: Sequence[String], limit: Limit, *, starts_at: int
) -> tuple[Stage, ...] | None:
    """
    Return what *child* may do to send more than *limit* allows; None if it cannot.

    Args:
        found: Everything that value hangs on.
        limit: On native value, of another permission.
        starts_at: When the windows of *limit* begin, not after the child.

    Raises:
        Malformed: There are more than `MAX_LINKS` pairs of windows to look at.
    """
    costly_first = sorted(found, key=lambda one: one.least, reverse=True)
    strings = tuple({one.reach.rule.target: one for one in costly_first}.values())
    value = _value_of(child, strings[0].reach.value_wei)
    grid = grid_of(limit, child, starts_at=starts_at)
    windows = grid.widest(value.window_s).windows
    calls = sum(
        min(one.calls, one.calls_each * grid.widest(one.window_s).windows) for one in strings
    )
    room = Room(min(value.calls, calls), windows, value.each, value.total)
    if most_of(value.most, room) <= limit.limit:
        return None
    links = MAX_LINKS
    for number in _numbers(grid, [value.window_s, *(one.window_s for one in strings)]):
        span = grid.span(number, value.window_s)
        links -= sum(span.windows + grid.span(number, one.window_s).windows for one in strings)
        if links < 0:
            detail = (
                f"caps: expected at most {MAX_LINKS} windows to compare where value hangs on a"
                " token, got more; let the value be sent without it, or say lifetime"
            )
            raise Malformed(Code.MALFORMED_PERMISSION, detail)
        stages = _send(value, strings, span, limit.limit + 1)
        if stages is not None:
            return stages
    return None


@dataclass(frozen=True, slots=True)
class _Value:
    """The native cap of the child: *most* in one call, *each* in one window, *total* in all."""

    most: int
    each: int
    total: int
    window_s: int
    calls: int


def _value_of(child: Permission, most: int) -> _Value:
    cap = child.cap_on(None)
    window = None if cap is None else cap.window
    total = UINT32_MAX * most  # all calls together carry no more
    if cap is not None and cap.lifetime is not None:
        total = cap.lifetime
    return _Value(
        most=most,
        each=total if window is None else min(window.limit, total),
        total=total,
        window_s=0 if window is None else window.window_s,
        calls=child.max_calls or UINT32_MAX,
    )


def _numbers(grid: Grid, lengths: Sequence[int]) -> Iterator[int]:
    """Yield the numbers of windows among which every way to lie on the child's windows is."""
    yield grid.first
    if grid.last > grid.first:
        yield grid.last
        period = lcm(*(length // gcd(length, grid.window_s) for length in lengths if length))
        yield from range(grid.first + 1, min(grid.last, grid.first + 1 + period))


def _send(
    value: _Value, strings: Sequence[String], span: Span, need: int
) -> tuple[Stage, ...] | None:
    """
    Return calls within *span* that send *need*; None if there are none.

    A window of the native cap takes calls of the most value, and one smaller call. Every set of
    calls that fits extends to a largest one, so it is right to place as many large calls as
    possible first.
    """
    flow, links = Flow(), []
    for index, string in enumerate(strings):
        token = string.reach.rule.target
        flow.link(SOURCE, token, string.calls)
        for link in _links(index, string, span):
            flow.link(token, link.of_token, string.calls_each)
            flow.link(link.of_token, link.window, UINT32_MAX)
            links.append(link)
    whole, rest = divmod(value.each, value.most)
    for window in range(span.windows):
        flow.link(window, SINK, whole)
    full = flow.push(value.calls)
    for window in range(span.windows):
        flow.widen(window, SINK, 1 if rest else 0)
    last = flow.push(value.calls - full)
    if min(value.total, full * value.most + last * rest) < need:
        return None
    carried = [
        (link.at, link.window, strings[link.string].reach, calls)
        for link in sorted(links, key=lambda link: link.at)
        if (calls := flow.carried(link.of_token, link.window))
    ]
    return tuple(_stages(carried, value, need))


@dataclass(frozen=True, slots=True)
class _Link:
    """A window of the native cap overlaps one of the token's, from *at* on."""

    string: int
    of_token: tuple[int, int]
    window: int
    at: int


def _links(index: int, string: String, span: Span) -> Iterator[_Link]:
    for window in range(span.windows):
        begin, end = span.time_of(window), min(span.end, span.time_of(window + 1))
        own = Span(begin, end, span.starts_at, string.window_s or end - span.starts_at)
        for number in range(own.windows):
            yield _Link(index, (index, own.first + number), window, own.time_of(number))


def _stages(
    carried: Sequence[tuple[int, int, Reach, int]], value: _Value, need: int
) -> Iterator[Stage]:
    room = {window: value.each for _, window, _, _ in carried}
    for at, window, reach, calls in carried:
        whole = min(calls, room[window] // value.most, need // value.most)
        moved = whole * value.most
        last = min(room[window] - moved, need - moved) if calls > whole else 0
        runs = [Run((reach.call(value_wei=value.most),), whole)] if whole else []
        runs += [Run((reach.call(value_wei=last),))] if last else []
        room[window] -= moved + last
        need -= moved + last
        if runs:
            yield Stage(at, tuple(runs))
