"""End a session: revoke, close. Refused here first, then on the chain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from valetkey.core.activity import Activity, ActivityState, Request
from valetkey.core.errors import Code, Forbidden
from valetkey.core.organization import User
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Event, Session, State, Step, Usage, next_state, stoppable_state
from valetkey.core.wallet import Wallet
from valetkey.flows.counts import add_activity
from valetkey.flows.gate import (
    expect_known,
    expect_reach,
    expect_secret,
    expect_write,
    present,
)
from valetkey.flows.kill_again import endings_of, has_note
from valetkey.flows.kill_note import ready_to_kill
from valetkey.flows.line import is_below
from valetkey.flows.record import admit, begin, earlier, has_left, part_of, write_down
from valetkey.flows.relay import drive
from valetkey.flows.settle import ENDINGS
from valetkey.flows.tree import end_below, note_event
from valetkey.flows.turns import AT_ONCE, in_turns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

PAGE = 1000
CHAIN = "chain"
_ENDS = frozenset({State.REVOKED, State.CLOSED, State.EXPIRED})


@dataclass(frozen=True, slots=True)
class Stopped:
    """
    How a stop went.

    Args:
        session: With the time of each step on each plane among its ``steps``.
        activity: What brings it to the chain; ``done`` at once when nothing has to be.
    """

    session: Session
    activity: Activity


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks for the end of which session; *event* is a revocation or a closing."""

    principal: Principal
    request: Request
    session_id: str
    event: Event


class Scope(StrEnum):
    """Whose sessions are revoked together."""

    USER = "user"
    WALLET = "wallet"
    ORGANIZATION = "organization"


async def revoke(
    world: World, principal: Principal, request: Request, *, session_id: str
) -> Stopped:
    """
    Revoke a session: refused from this answer on, and killed on chain by its kill note.

    Its organization and the parent may do it. Revoking again changes nothing, but sends the kill
    note again if it has failed.
    """
    expect_secret(principal)
    return await _end(world, Ask(principal, request, session_id, Event.REVOKE))


async def revoke_below(
    world: World, principal: Principal, request: Request, *, session_id: str
) -> Stopped:
    """
    Revoke a session that stands below the one that *principal* is, and all below it.

    Raises:
        NotFound: It does not stand there.
    """
    expect_write(principal)

    def facts(view: View) -> None:
        session = present(view.get(Session, session_id), "session")
        if not is_below(view, session, principal.subject_id):
            present(None, "session")

    await world.store.read(facts)
    return await _end(world, Ask(principal, request, session_id, Event.REVOKE))


async def close(world: World, principal: Principal, request: Request) -> Stopped:
    """Close the session that *principal* is: its holder gives it back."""
    if principal.kind is not PrincipalKind.SESSION:
        detail = "expected the session's own proof; use revoke to end somebody else's"
        expect_known(principal)
        raise Forbidden(Code.NOT_ALLOWED, detail)
    return await _end(world, Ask(principal, request, principal.subject_id, Event.CLOSE))


async def revoke_all(
    world: World, principal: Principal, request: Request, *, scope: Scope, scope_id: str
) -> list[Stopped]:
    """
    Revoke every session of a user, wallet or organization that is not over, together.

    All are refused at once. They are brought to their chains a few at a time, and wait together as
    long as one would; what is not included by then comes with the next rounds.
    """
    expect_secret(principal)

    def body(tx: Tx) -> list[Stopped]:
        owner = _owner_of(tx, scope, scope_id)
        expect_reach(tx, principal, owner, scope.value)
        sessions = _of_scope(tx, scope, scope_id)
        if admit(world, tx, principal, request) is not None:
            return _revoked_before(tx, principal, request, sessions)
        alive = [one for one in sessions if is_alive(world, tx, one)]
        activity = begin(
            world,
            principal,
            request,
            "session:revoke_all",
            organization_id=owner,
            subject_id=scope_id,
        )
        write_down(world, tx, activity, "session:revoked_all", count=str(len(alive)))
        return [
            take_out(world, tx, Ask(principal, part_of(request, one.id), one.id, Event.REVOKE))
            for one in alive
        ]

    world.checkpoint.reached("stop:before_refuse")
    refused = await world.store.write(body)
    world.checkpoint.reached("stop:after_refuse")
    share = min(1, AT_ONCE / len(refused)) if refused else 1
    hurried = replace(world, bounds=replace(world.bounds, wait_s=world.bounds.wait_s * share))
    return await in_turns(partial(carry, hurried), refused)


def _of_scope(view: View, scope: Scope, scope_id: str) -> list[Session]:
    where = {f"{scope.value}_id": scope_id}
    found: list[Session] = []
    while True:
        after = found[-1].id if found else ""
        page = view.find(Session, after=after, limit=PAGE, newest_first=False, **where)
        if not page:
            return found
        found += page


def is_alive(world: Sight, view: View, session: Session) -> bool:
    """Say whether a stop of *session* ends something: frozen ones may come back, and idle ones."""
    usage = present(view.get(Usage, session.id), "session")
    return stoppable_state(session, usage, now=world.clock.now()) not in _ENDS


def _revoked_before(
    view: View, principal: Principal, request: Request, sessions: Sequence[Session]
) -> list[Stopped]:
    pairs = ((one, earlier(view, principal, part_of(request, one.id))) for one in sessions)
    return [Stopped(session, activity) for session, activity in pairs if activity is not None]


def _owner_of(view: View, scope: Scope, scope_id: str) -> str:
    if scope is Scope.ORGANIZATION:
        return scope_id
    if scope is Scope.USER:
        return present(view.get(User, scope_id), scope.value).organization_id
    return present(view.get(Wallet, scope_id), scope.value).organization_id


async def _end(world: World, ask: Ask) -> Stopped:
    def body(tx: Tx) -> Stopped:
        is_leaving = ask.event is Event.CLOSE
        admit(world, tx, ask.principal, ask.request, is_leaving=is_leaving)
        return take_out(world, tx, ask)

    world.checkpoint.reached("stop:before_refuse")
    stopped = await world.store.write(body)
    world.checkpoint.reached("stop:after_refuse")
    return await carry(world, stopped)


async def carry(world: World, stopped: Stopped) -> Stopped:
    """Bring the stop to the chain, if there is something to bring, and return how it went."""
    activity = stopped.activity
    if activity.state is ActivityState.AWAITING and activity.kind in ENDINGS:
        activity = await ready_to_kill(world, activity)
    activity = await drive(world, activity.id)
    session = await world.store.read(
        lambda view: present(view.get(Session, stopped.session.id), "session")
    )
    return Stopped(session, activity)


def take_out(world: World, tx: Tx, ask: Ask) -> Stopped:
    """
    Return the session out of use on this plane with all below it, and what ends it on the other.

    Of one that is ended here already nothing changes, but a kill note that never got to the chain
    is planned again.
    """
    principal, event = ask.principal, ask.event
    session = present(tx.get(Session, ask.session_id), "session")
    expect_reach(tx, principal, session.organization_id, "session")
    before = earlier(tx, principal, ask.request)
    if before is not None:
        return Stopped(session, before)
    activity = begin(
        world,
        principal,
        ask.request,
        f"session:{event.value}",
        organization_id=session.organization_id,
        subject_id=session.id,
    )
    activity = replace(activity, session_id=session.id, account_id=session.account_id)
    usage = present(tx.get(Usage, session.id), "session")
    state = next_state(stoppable_state(session, usage, now=world.clock.now()), event)
    if has_note(session) and (state or _is_kill_missing(tx, session)):
        activity = replace(activity, state=ActivityState.AWAITING)
    if state is not None:
        at_ms = world.clock.now_ms()
        steps = (
            Step("server", f"{event.value}_requested", at_ms),
            Step("server", "refused", at_ms),
        )
        session = replace(session, state=state, steps=(*session.steps, *steps))
        tx.put(session)
        note_event(world, tx, session, event, principal.subject_id)
        end_below(world, tx, session, event, principal_id=principal.subject_id, steps=steps)
    add_activity(world, tx, activity)
    return Stopped(session, activity)


def _is_kill_missing(view: View, session: Session) -> bool:
    """Say whether *session* was ended here, and every kill note that was sent for it failed."""
    if session.state not in {State.REVOKED, State.CLOSED}:
        return False
    ends = endings_of(view, session)
    sent = [one for one in ends if one.intent or one.state is ActivityState.AWAITING]
    return all(one.state in {ActivityState.FAILED, ActivityState.LAPSED} for one in sent)


def note_killed(world: World, tx: Tx, *, session_id: str) -> bool:
    """
    Note that the chain has ended a session past us: somebody submitted its kill note.

    Returns:
        Whether it was not over already, and is of an organization that acts here.
    """
    session = present(tx.get(Session, session_id), "session")
    usage = present(tx.get(Usage, session_id), "session")
    state = next_state(stoppable_state(session, usage, now=world.clock.now()), Event.REVOKE)
    if state is None or has_left(tx, session.organization_id):
        return False
    step = Step("chain", "revoked", world.clock.now_ms())
    tx.put(replace(session, state=state, steps=(*session.steps, step)))
    note_event(world, tx, session, Event.REVOKE, CHAIN)
    end_below(world, tx, session, Event.REVOKE, principal_id=CHAIN, steps=(step,))
    return True
