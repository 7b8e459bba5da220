"""What must be true of a store after anything at all."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TypeVar

from valetkey.core.activity import Activity, ActivityState
from valetkey.core.audit import AuditHead, AuditLine, verify
from valetkey.core.budget import FEES, BudgetLine, Reservation, ReservationState
from valetkey.core.event import EVENTS
from valetkey.core.organization import Organization
from valetkey.core.permission.lower import lower
from valetkey.core.session import Session, Usage
from valetkey.ports import MAX_FOUND

if TYPE_CHECKING:
    from valetkey.flows.world import World
    from valetkey.ports import Entity, View

E = TypeVar("E", bound="Entity")


def every(view: View, kind: type[E]) -> list[E]:
    """Return all of *kind*, however many."""
    found: list[E] = []
    while page := view.find(kind, after=found[-1].id if found else "", limit=MAX_FOUND):
        found += page
    return found


async def check_books(world: World) -> None:
    """
    Compare everything that is counted with what it is counted from.

    1. every audit log is unbroken up to its head; 2. an activity has what its state needs, and no
    more; 3. what is booked to a budget line is what reservations and transactions hold of it; 4. a
    session has booked at least what is reserved and committed, and no more than its caps; 5. no
    two transactions share a nonce of the relayer.
    """
    await world.store.read(_check)


def _check(view: View) -> None:
    for organization in every(view, Organization):  # 1
        lines = [one for one in every(view, AuditLine) if one.organization_id == organization.id]
        head = view.get(AuditHead, organization.id)
        assert head is not None
        assert verify(lines, head=head) is None
        assert lines[-1].hash == head.hash
        assert {one.event for one in lines} <= EVENTS  # what webhooks can ask for
    activities = every(view, Activity)
    reservations = every(view, Reservation)
    for activity in activities:  # 2
        _check_activity(view, activity)
    _check_lines(view, activities, reservations)  # 3
    for session in every(view, Session):  # 4
        _check_session(view, session, reservations)
    _check_nonces(activities)  # 5


def _check_activity(view: View, activity: Activity) -> None:
    state = activity.state
    has_reservation = view.get(Reservation, activity.id) is not None
    assert has_reservation == (activity.run is not None), activity
    if state in {ActivityState.READY, ActivityState.SENDING, ActivityState.INCLUDED}:
        assert activity.intent is not None, activity
        assert activity.outcome is None, activity
    if state in {ActivityState.SENDING, ActivityState.INCLUDED}:
        assert activity.attempts, activity
    if state in {ActivityState.FAILED, ActivityState.LAPSED}:
        assert activity.outcome is not None, activity
        assert not activity.outcome.succeeded, activity
    if state is ActivityState.DONE and activity.intent is not None:
        assert activity.outcome is not None, activity
        assert activity.outcome.succeeded, activity
        assert activity.outcome.tx_hash in {one.tx_hash for one in activity.attempts}, activity


def _check_lines(view: View, activities: list[Activity], reservations: list[Reservation]) -> None:
    held: dict[tuple[str, int], int] = defaultdict(int)
    for activity in activities:
        for entry in (*activity.fees, *activity.uses):
            held[entry.line_id, entry.window] += entry.amount
    for reservation in reservations:
        if reservation.state is not ReservationState.RELEASED:
            for entry in reservation.entries:
                held[entry.line_id, entry.window] += entry.amount
    for line in every(view, BudgetLine):
        booked = held[line.id, line.counter.window]
        assert line.counter.spent == booked, (line, booked)
        if line.asset != FEES:
            assert line.counter.spent <= line.limit, line


def _check_session(view: View, session: Session, reservations: list[Reservation]) -> None:
    usage = view.get(Usage, session.id)
    assert usage is not None
    if session.permission is None:
        return
    mine = [
        one
        for reservation in reservations
        for one in reservation.bookings
        if one.session_id == session.id and reservation.state is not ReservationState.RELEASED
    ]
    assert usage.spent.calls >= sum(one.calls for one in mine), session.id
    limits = lower(session.permission).limits
    for index, (limit, counter) in enumerate(zip(limits, usage.spent.counters, strict=True)):
        booked = sum(one.amounts[index] for one in mine if one.windows[index] == counter.window)
        assert booked <= counter.spent <= limit.limit, (session.id, limit, counter, booked)


def _check_nonces(activities: list[Activity]) -> None:
    taken: set[tuple[str, int]] = set()
    for activity in activities:
        nonces = {one.transaction.nonce for one in activity.attempts}
        assert len(nonces) <= 1, activity
        for nonce in nonces:
            place = (activity.relayer_id or "", nonce)
            assert place not in taken, activity
            taken.add(place)
