"""Executions that wait for a signature: at most so many, and none beyond its time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import Activity, ActivityState
from valetkey.core.errors import Code, Limited, ValetkeyError
from valetkey.core.quota import ExecutionMark, execution_mark
from valetkey.flows.gate import present
from valetkey.flows.settle import lapse

if TYPE_CHECKING:
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

AT_ONCE: Final = 8  # that make room for one: more than one, so that all do in the end
IN_A_ROUND: Final = 500
_LATE: Final = (Code.DEADLINE_PASSED, "nobody signed it in time")


def wait_for_signature(world: World, tx: Tx, activity: Activity) -> None:
    """
    Note that *activity* waits for a signature; what has waited too long lapses to make room.

    Raises:
        Limited: So many of its account, or of its organization, wait as may.
    """
    mark = _mark_of(activity)
    bounds = world.bounds
    of_account = {"account_id": mark.account_id}
    _make_room(world, tx, "account_executions", bounds.account_executions, of_account)
    of_all = {"organization_id": mark.organization_id}
    _make_room(world, tx, "executions", bounds.executions, of_all)
    tx.add(mark)


def wait_no_longer(tx: Tx, activity: Activity) -> None:
    """Note that *activity* waits for no signature any more."""
    tx.drop(ExecutionMark, _mark_of(activity).id)


def lapse_unsigned(world: World, tx: Tx, activity: Activity, why: tuple[Code, str]) -> Activity:
    """Return *activity*, which waited for a signature, ended."""
    wait_no_longer(tx, activity)
    return lapse(world, tx, activity, why)


async def lapse_late(world: World) -> int:
    """Return how many executions have lapsed, for nobody signed them in time; a part at a time."""
    late = await world.store.read(lambda view: _late(world, view, limit=IN_A_ROUND))
    ended = 0
    for mark in late:
        try:
            await world.store.write(partial(_lapse, world, mark))
        except ValetkeyError:  # it holds up no other
            continue
        ended += 1
    return ended


def _make_room(world: World, tx: Tx, quota: str, most: int, where: dict[str, str]) -> None:
    waiting = tx.count(ExecutionMark, **where)
    if waiting < most:
        return
    for mark in _late(world, tx, limit=AT_ONCE, **where):
        _lapse(world, mark, tx)
        waiting -= 1
    if waiting >= most:
        whose = "account" if "account_id" in where else "organization"
        detail = f"expected at most {most} executions of one {whose} that wait for a signature,"
        detail += " got one more; sign one, or wait until the time of one is over"
        raise Limited(Code.QUOTA_EXCEEDED, detail, quota=quota, limit=most, current=waiting)


def _late(world: World, view: View, *, limit: int, **where: str) -> list[ExecutionMark]:
    now = world.clock.now()
    oldest = view.find(ExecutionMark, limit=limit, newest_first=False, after="", **where)
    return [one for one in oldest if one.ends_at <= now]


def _lapse(world: World, mark: ExecutionMark, tx: Tx) -> None:
    tx.drop(ExecutionMark, mark.id)
    activity = present(tx.get(Activity, mark.activity_id), "activity")
    if activity.state is ActivityState.AWAITING:  # else another process was faster
        lapse(world, tx, activity, _LATE)


def _mark_of(activity: Activity) -> ExecutionMark:
    return execution_mark(
        activity.id,
        organization_id=activity.organization_id,
        account_id=present(activity.account_id, "account"),
        ends_at=present(activity.execution, "execution").deadline,
    )
