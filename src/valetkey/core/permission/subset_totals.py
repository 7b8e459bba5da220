"""The most that a session can book to one counter of another permission."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.permission.fill import Amounts, Room
from valetkey.core.permission.overlap import grid_of
from valetkey.core.permission.search import fill
from valetkey.core.permission.subset_value import pass_with_tokens, string_of
from valetkey.core.permission.trace import Run, Stage
from valetkey.core.units import UINT32_MAX, UINT256_MAX

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.core.permission.fill import Filled
    from valetkey.core.permission.lower import Limit
    from valetkey.core.permission.model import Permission
    from valetkey.core.permission.overlap import Span
    from valetkey.core.permission.reach import Reach

_WITHOUT_LIMIT: Final = UINT32_MAX * UINT256_MAX  # all calls together move no more


def passes(
    child: Permission, reached: Sequence[Reach], limit: Limit, *, starts_at: int
) -> tuple[Stage, ...] | None:
    """
    Return what *child* may do to book more than *limit* allows; None if it cannot.

    Of all windows of the limit the one counts that overlaps most windows of the child, for each of
    those holds the same; how much that is `fill` says.

    Args:
        reached: The rules of the child that can be used.
        limit: Of another permission.
        starts_at: When the windows of *limit* begin, not after the child.
    """
    asset = limit.asset
    movers = [reach for reach in reached if reach.moves(asset)]
    if not movers:
        return None
    if asset is None:
        strings = {reach.index: string_of(child, reach) for reach in movers}
        hung = [string for string in strings.values() if string is not None]
        if len(hung) == len(movers):
            return pass_with_tokens(child, hung, limit, starts_at=starts_at)
        movers = [reach for reach in movers if strings[reach.index] is None]
    cap = child.cap_on(asset)
    window = None if cap is None else cap.window
    total = _WITHOUT_LIMIT if cap is None or cap.lifetime is None else cap.lifetime
    grid = grid_of(limit, child, starts_at=starts_at)
    span = grid.widest(0 if window is None else window.window_s)
    room = Room(
        calls=child.max_calls or UINT32_MAX,
        windows=span.windows,
        each=total if window is None else min(total, window.limit),
        total=total,
    )
    filled = fill(_amounts(movers, asset), room, need=limit.limit + 1)
    return None if filled is None else tuple(_stages(filled, span, movers, asset))


def _amounts(movers: Sequence[Reach], asset: bytes | None) -> Amounts:
    sets = [reach.counts(asset) for reach in movers]
    most = max((words.most for words in sets if words.values is None), default=0)
    listed = {value for words in sets for value in words.values or () if value > most}
    return Amounts(most, tuple(sorted(listed, reverse=True)))


def _stages(
    filled: Sequence[Filled], span: Span, movers: Sequence[Reach], asset: bytes | None
) -> Iterator[Stage]:
    first = 0
    for group in filled:
        runs = tuple(
            Run(
                (next(one for one in movers if amount in one.counts(asset)).moving(asset, amount),),
                times,
            )
            for amount, times in group.contents
        )
        if not runs:
            continue
        begin, then = span.time_of(first), span.time_of(first + 1)
        at_once = 1 if then - begin != span.window_s else group.windows
        yield Stage(begin, runs, at_once, span.window_s)
        if group.windows > at_once:
            yield Stage(then, runs, group.windows - 1, span.window_s)
        first += group.windows
