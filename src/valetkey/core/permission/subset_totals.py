"""The most that a session can book to one counter of another permission."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.permission.fill import Room, fill
from valetkey.core.permission.overlap import Grid, Nest
from valetkey.core.permission.trace import Run, Stage
from valetkey.core.units import UINT32_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from valetkey.core.permission.fill import Filled
    from valetkey.core.permission.model import Cap, Permission
    from valetkey.core.permission.reach import Reach
    from valetkey.core.permission.reach_wide import WideReach

    Make = Callable[[int], Run]


def passes_count(
    child: Permission, most: int, *, window_s: int, starts_at: int
) -> tuple[Stage, ...] | None:
    """
    Return how *child* makes more than *most* calls in one window; None if it cannot.

    Args:
        window_s: 0 for the whole life.
        starts_at: When the windows begin, not after the child.
    """
    grid = Grid(starts_at, window_s, child.starts_at, child.expires_at)
    return _passes(grid, _room(child, None, 1), most, lambda _: Run(()), is_counted=True)


def passes_limit(
    child: Permission,
    movers: Sequence[Reach | WideReach],
    asset: bytes | None,
    most: int,
    grid: Grid,
) -> tuple[Stage, ...] | None:
    """
    Return how *child* moves more than *most* of *asset* in one window of *grid*; None if it cannot.

    One rule is enough, the one that moves most in a call: they share calls, windows and caps. What
    the child counts it only bounds from above (`check_comparable`), so a smaller amount will do
    where the largest does not fit; what it does not count always fits.

    Args:
        movers: The rules of the child that can be used and move *asset*.
    """
    mover = max(movers, key=lambda reach: reach.counts(asset).greatest, default=None)
    if mover is None or mover.counts(asset).greatest == 0:
        return None
    cap = child.cap_on(asset)
    counted = cap is not None and (cap.lifetime is not None or cap.window is not None)
    room = _room(child, cap, mover.counts(asset).greatest)

    def run(amount: int) -> Run:
        return Run((mover.moving(asset, amount),))

    return _passes(grid, room, most, run, is_counted=counted)


def _room(child: Permission, cap: Cap | None, most: int) -> Room:
    """Return how much *child* may move under *cap*, if one call may move *most*."""
    life_s = child.expires_at - child.starts_at
    calls = child.max_calls or UINT32_MAX
    total = calls * most
    if cap is not None and cap.lifetime is not None:
        total = min(total, cap.lifetime)
    each, amount_s = total, life_s
    if cap is not None and cap.window is not None:
        each, amount_s = min(total, cap.window.limit), cap.window.window_s
    rated, rate_s = calls, life_s
    if child.rate is not None:
        rated, rate_s = child.rate.calls, child.rate.window_s
    inner_s, outer_s = sorted((amount_s, rate_s))
    fitting, rest = divmod(each, most)
    return Room(
        nest=Nest(child.starts_at, inner_s, -(-outer_s // inner_s)),
        most=most,
        inner=rated if rate_s == inner_s else fitting,
        outer=fitting if rate_s == inner_s else rated,
        rest=rest,
        amount_is_outer=rate_s == inner_s,
        calls=calls,
        total=total,
    )


def _passes(
    grid: Grid, room: Room, most: int, make: Make, *, is_counted: bool
) -> tuple[Stage, ...] | None:
    found = grid.find(room.nest, lambda groups: room.holds(groups) <= most)
    if found is None:
        return None
    groups = room.nest.groups(*found)
    need = most + 1
    if not is_counted:  # then listed amounts may be all there are, and more is as good
        need = -(-need // room.most) * room.most
    filled = fill(room, groups, need=need)
    return tuple(stage for one in filled for stage in _stages(one, room.nest, found[0], make))


def _stages(filled: Filled, nest: Nest, begin: int, make: Make) -> Iterator[Stage]:
    runs = []
    for amount, times in filled.contents:
        run = make(amount)
        runs.append(Run(run.calls, times))
    every_s, outers = nest.inner_s, filled.outers
    at = nest.starts_at + filled.first * every_s
    if at < begin:  # the first window is cut off; those behind it begin where they begin
        yield Stage(begin, tuple(runs))
        if filled.inners > 1:
            yield Stage(at + every_s, tuple(runs), filled.inners - 1, every_s)
        at, outers = at + nest.outer_s, outers - 1
    if outers:
        yield Stage(at, tuple(runs), filled.inners, every_s, outers, nest.outer_s)
