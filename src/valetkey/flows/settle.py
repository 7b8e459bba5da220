"""How an activity ends in the ledger: what is booked, committed, released, and written down."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.activity import (
    SETTLED,
    Activity,
    ActivityState,
    Attempt,
    Outcome,
)
from valetkey.core.budget import (
    BudgetLine,
    Entry,
    Reservation,
    ReservationState,
    book,
    settle,
)
from valetkey.core.chain import Counter
from valetkey.core.child_session import refusal_in_line, state_in_line
from valetkey.core.errors import ChainRejected, Code
from valetkey.core.permission.decide import Deny, Spent
from valetkey.core.plan import caveat_of
from valetkey.core.session import Session, State, Step, Usage
from valetkey.core.sponsorship import Fund, fee_line_ids
from valetkey.core.wallet import Account
from valetkey.flows.alerts import note_budget
from valetkey.flows.due import watch_now
from valetkey.flows.gate import present
from valetkey.flows.line import line_of, root_of
from valetkey.flows.record import SYSTEM, audit, stepped
from valetkey.flows.registered import REGISTER, note_registered, why_no_more
from valetkey.flows.sponsoring import lines_for_gas, uses_given_back

if TYPE_CHECKING:
    from valetkey.core.budget import Booking
    from valetkey.core.chain import Receipt
    from valetkey.flows.world import World
    from valetkey.ports import Tx

RUN = "run"
EXECUTE = "account:execute"
FREEZE = "session:freeze"
UNFREEZE = "session:unfreeze"
DELEGATE = "account:delegate"
UNDELEGATE = "account:undelegate"
DEPLOY = "account:deploy"
REVOKE = "session:revoke"
ENDINGS = frozenset({REVOKE, "session:close"})
STOPS = ENDINGS | {FREEZE}
RECENT_NONCES = 64


def why_stale(world: World, tx: Tx, activity: Activity) -> tuple[Code, str] | None:
    """Return why *activity* may no longer be brought to the chain, or None if it may."""
    now = world.clock.now()
    deadlines = (activity.intent, activity.run, activity.execution)
    if any(one and one.deadline is not None and now >= one.deadline for one in deadlines):
        return Code.DEADLINE_PASSED, "it was too late to bring it to the chain"
    if activity.kind == REGISTER:
        return why_no_more(tx, activity)
    if activity.run is None or activity.session_id is None:
        return None
    session = present(tx.get(Session, activity.session_id), "session")
    line = line_of(tx, session)
    denied = refusal_in_line(line, now=now)
    if denied is None or state_in_line(line, now=now) is State.EXHAUSTED:
        return None
    return denied.code, f"it was not on its way yet: {denied.detail}"


def book_fees(
    world: World, tx: Tx, activity: Activity, ceiling_wei: int
) -> tuple[Entry, ...] | Deny:
    """
    Book the most that a transaction can cost to every line that pays, or say which has not enough.

    A sponsorship that was named is one of them. Nothing is booked unless all of it fits.
    """
    fund = activity.intent.fund if activity.intent else Fund.RUNS
    session = tx.get(Session, activity.session_id) if activity.session_id else None
    keys = fee_line_ids(
        organization_id=activity.organization_id,
        user_id=session.user_id if session else _user_of(tx, activity),
        session_ids=[one.id for one, _ in line_of(tx, session)] if session else (),
        fund=fund,
    )
    sponsored = lines_for_gas(tx, activity, ceiling_wei)
    if isinstance(sponsored, Deny):
        return sponsored
    found = (tx.get(BudgetLine, key) for key in keys)
    booked: list[tuple[BudgetLine, Entry]] = []
    for line in (*(one for one in found if one is not None), *sponsored):
        result = book(line, ceiling_wei, now=world.clock.now())
        if isinstance(result, Deny):
            return result
        booked.append(result)
    for line, _ in booked:
        tx.put(line)
        note_budget(tx, line, now=world.clock.now())
    return tuple(entry for _, entry in booked)


def _user_of(tx: Tx, activity: Activity) -> str | None:
    """Return whose budget for fees an owner's calls are booked to, if anybody's."""
    account_id = activity.account_id if activity.execution else None
    account = tx.get(Account, account_id) if account_id else None
    return account.user_id if account else None


def fail(world: World, tx: Tx, activity: Activity, code: Code, detail: str) -> Activity:
    """Return *activity* ended without having been mined, refused for *code*."""
    outcome = Outcome(succeeded=False, code=code.value, detail=detail)
    return _end(world, tx, activity, ActivityState.FAILED, outcome)


def lapse(world: World, tx: Tx, activity: Activity, why: tuple[Code, str]) -> Activity:
    """Return *activity* ended, for it can no longer happen."""
    code, detail = why
    outcome = Outcome(succeeded=False, code=code.value, detail=detail)
    return _end(world, tx, activity, ActivityState.LAPSED, outcome)


async def refuse(world: World, activity: Activity, rejected: ChainRejected) -> Activity:
    """
    Return *activity* ended, for the chain would refuse it; the caveat is named if one did.

    One that was stopped here, or is too late, has lapsed, whatever the chain has come to say.
    """

    def body(tx: Tx) -> Activity:
        fresh = present(tx.get(Activity, activity.id), "activity")
        if fresh.state is not ActivityState.READY:  # somebody else has planned it meanwhile
            return fresh
        stale = why_stale(world, tx, fresh)
        if stale is not None:
            return lapse(world, tx, fresh, stale)
        session = tx.get(Session, fresh.session_id) if fresh.session_id else None
        permission = root_of(tx, session).permission if session else None
        denied = None
        if permission is not None and fresh.run is not None:
            denied = caveat_of(rejected, permission, fresh.run.rules)
        if denied is None:
            return fail(world, tx, fresh, rejected.code, rejected.detail)
        return fail(world, tx, fresh, denied.code, f"{denied.caveat}: {denied.detail}")

    return await world.store.write(body)


@dataclass(frozen=True, slots=True)
class Ending:
    """The attempt that was mined, how, and why it did not do what it was for, if so."""

    attempt: Attempt
    receipt: Receipt
    why: tuple[Code, str] | None


def finish(world: World, tx: Tx, *, activity_id: str, ending: Ending) -> Activity:
    """Return the activity with its outcome; fees become what they really were."""
    attempt, receipt, why = ending.attempt, ending.receipt, ending.why
    activity = present(tx.get(Activity, activity_id), "activity")
    if activity.state in SETTLED:
        return activity
    code, detail = why if why is not None else (None, "")
    outcome = Outcome(
        succeeded=why is None,
        code=code.value if code else None,
        detail=detail,
        tx_hash=attempt.tx_hash,
        block_number=receipt.block_number,
        block_at=receipt.block_at,
        gas_used=receipt.gas_used,
        fee_wei=receipt.fee_wei,
    )
    name = "final" if activity.state is ActivityState.INCLUDED else "included"
    activity = stepped(activity, name, at_ms=world.clock.now_ms(), plane="chain")
    activity = replace(activity, fees=_settle_fees(tx, activity, receipt.fee_wei))
    if why is None:
        return _end(world, tx, activity, ActivityState.DONE, outcome)
    cancelled = code is Code.DEADLINE_PASSED
    state = ActivityState.LAPSED if cancelled else ActivityState.FAILED
    return _end(world, tx, activity, state, outcome)


def _settle_fees(tx: Tx, activity: Activity, fee_wei: int) -> tuple[Entry, ...]:
    """Replace every booked ceiling by what was paid: one entry a line, the rest given back."""
    paid: dict[str, Entry] = {}
    for entry in activity.fees:
        line = tx.get(BudgetLine, entry.line_id)
        if line is None:
            continue
        actual = 0 if entry.line_id in paid else fee_wei
        tx.put(settle(line, entry, actual=actual))
        paid.setdefault(entry.line_id, Entry(entry.line_id, entry.window, actual))
    return tuple(paid.values())


def _end(
    world: World, tx: Tx, activity: Activity, state: ActivityState, outcome: Outcome
) -> Activity:
    if outcome.tx_hash is None:
        activity = replace(activity, fees=_settle_fees(tx, activity, 0))
        activity = uses_given_back(tx, activity)
    ended = replace(activity, state=state, outcome=outcome)
    tx.put(ended)
    _settle_reservation(world, tx, ended)
    _note_stop(tx, ended, now=world.clock.now())
    note_registered(tx, ended, now=world.clock.now())
    facts = {"kind": activity.kind}
    if outcome.code is not None:
        facts["code"] = outcome.code
    if outcome.tx_hash is not None:
        facts["tx_hash"] = f"0x{outcome.tx_hash.hex()}"
    audit(
        tx,
        activity.organization_id,
        f"activity:{state.value}",
        at=world.clock.now(),
        subject_id=activity.id,
        principal_id=SYSTEM,
        **facts,
    )
    return ended


def _settle_reservation(world: World, tx: Tx, activity: Activity) -> None:
    reservation = tx.get(Reservation, activity.id)
    if reservation is None or reservation.state is not ReservationState.RESERVED:
        return
    if activity.outcome is not None and activity.outcome.succeeded:
        commit(tx, reservation)
        return
    session = present(tx.get(Session, reservation.session_id), "session")
    permission = session.permission
    # A signed run may still be brought by anybody until its deadline, unless only we may bring it
    # and have not, or the chain has answered it.
    is_over = not activity.attempts or (activity.outcome and activity.outcome.tx_hash)
    if is_over and permission is not None and world.payers.has(permission.relayer):
        release(tx, reservation)


def _note_stop(tx: Tx, activity: Activity, *, now: int) -> None:
    """Copy the steps that a stop, or its undoing, took on the chain to its session."""
    if activity.kind not in STOPS | {UNFREEZE} or activity.session_id is None:
        return
    session = present(tx.get(Session, activity.session_id), "session")
    on_chain = tuple(step for step in activity.times if step.plane == "chain")
    if activity.outcome is not None and not activity.outcome.succeeded:
        on_chain = tuple(Step("chain", "failed", step.at_ms) for step in on_chain[-1:])
    tx.put(replace(session, steps=(*session.steps, *on_chain)))
    if activity.kind in ENDINGS and on_chain:
        watch_now(tx, session.id, now=now)


def commit(tx: Tx, reservation: Reservation) -> None:
    """Keep what *reservation* booked for good: the chain has used its nonce."""
    tx.put(replace(reservation, state=ReservationState.COMMITTED))
    usage = present(tx.get(Usage, reservation.session_id), "session")
    nonces = (*usage.recent_nonces, reservation.nonce)[-RECENT_NONCES:]
    tx.put(replace(usage, recent_nonces=nonces))


def release(tx: Tx, reservation: Reservation) -> None:
    """Give back what *reservation* booked, to each session: the chain can no longer take it."""
    tx.put(replace(reservation, state=ReservationState.RELEASED))
    for booking in reservation.bookings:
        _unbook(tx, booking)
    for entry in reservation.entries:
        line = tx.get(BudgetLine, entry.line_id)
        if line is not None:
            tx.put(settle(line, entry, actual=0))


def _unbook(tx: Tx, booking: Booking) -> None:
    usage = present(tx.get(Usage, booking.session_id), "session")
    counters = tuple(
        _given_back(counter, amount, window)
        for counter, amount, window in zip(
            usage.spent.counters, booking.amounts, booking.windows, strict=True
        )
    )
    spent = Spent(
        calls=max(usage.spent.calls - booking.calls, 0),
        counters=counters,
        rate=_given_back(usage.spent.rate, booking.calls, booking.rate_window),
    )
    tx.put(replace(usage, spent=spent))


def _given_back(counter: Counter, amount: int, window: int) -> Counter:
    """Return *counter* without *amount*, if it still counts the *window* that it was booked to."""
    if counter.window != window:
        return counter
    return Counter(max(counter.spent - amount, 0), window)
