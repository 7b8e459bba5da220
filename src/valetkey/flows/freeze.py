"""Freeze a session and take it back into use; on chain too, where the owner has signed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.activity import ActivityState
from valetkey.core.child_session import OVER, state_in_line
from valetkey.core.errors import Code, Conflict, ValetkeyError
from valetkey.core.session import Event, Session, State, Step, Usage, next_state, state_of
from valetkey.core.wallet import Account
from valetkey.flows.counts import add_activity
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.line import line_of
from valetkey.flows.record import admit, begin
from valetkey.flows.relay import NODE_CODES
from valetkey.flows.stop import Stopped, carry
from valetkey.flows.switch import (
    FreezeNote,
    Word,
    expect_none_on_its_way,
    note_of,
    sign_switch,
    word_of,
)
from valetkey.flows.tree import note_event, switch_below

if TYPE_CHECKING:
    from valetkey.core.activity import Activity, Request
    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


async def freeze_note(
    world: Sight, principal: Principal, *, session_id: str, freeze: bool
) -> FreezeNote:
    """Return what the owner of the account signs to freeze or unfreeze the session on chain."""
    expect_secret(principal)

    def facts(view: View) -> tuple[Session, Account]:
        session = present(view.get(Session, session_id), "session")
        expect_reach(view, principal, session.organization_id, "session")
        return session, present(view.get(Account, session.account_id or ""), "account")

    session, account = await world.store.read(facts)
    return await note_of(world, session, account, freeze=freeze)


async def freeze(
    world: World,
    principal: Principal,
    request: Request,
    *,
    session_id: str,
    owner_signature: bytes | None = None,
) -> Stopped:
    """
    Freeze a session and all below it: refused at once, and on chain where the owner has signed.

    Freezing a frozen session changes nothing here, and may bring the owner's signature later.

    Args:
        owner_signature: Over `freeze_note`; not needed when this server holds the owner's key.

    Raises:
        Malformed: The signature is not the owner's; nothing has changed.
        Conflict: The session is over.
    """
    expect_secret(principal)
    word = await word_of(world, principal, session_id, owner_signature, freeze=True)

    def body(tx: Tx) -> Stopped:
        session = present(tx.get(Session, session_id), "session")
        expect_reach(tx, principal, session.organization_id, "session")
        before = admit(world, tx, principal, request)
        if before is not None:
            return Stopped(session, before)
        session = _frozen(world, tx, principal, session)
        activity = _switch(world, principal, request, session, (Event.FREEZE, word))
        add_activity(world, tx, activity)
        return Stopped(session, activity)

    world.checkpoint.reached("stop:before_refuse")
    stopped = await world.store.write(body)
    world.checkpoint.reached("stop:after_refuse")
    return await _carry(world, stopped)


def _frozen(world: World, tx: Tx, principal: Principal, session: Session) -> Session:
    usage = present(tx.get(Usage, session.id), "session")
    state = state_of(session, usage, now=world.clock.now())
    in_line = state_in_line(line_of(tx, session), now=world.clock.now())
    if state is State.FROZEN and in_line not in OVER:
        return session
    if next_state(state, Event.FREEZE) is None or in_line in OVER:
        detail = f"expected an open session, got one that is {in_line}"
        raise Conflict(Code.SESSION_STATE, detail)
    at_ms = world.clock.now_ms()
    steps = (Step("server", "freeze_requested", at_ms), Step("server", "refused", at_ms))
    frozen = replace(session, state=State.FROZEN, steps=(*session.steps, *steps))
    tx.put(frozen)
    note_event(world, tx, frozen, Event.FREEZE, principal.subject_id)
    asker = principal.subject_id
    switch_below(world, tx, frozen, Event.FREEZE, principal_id=asker, steps=steps)
    return frozen


async def unfreeze(
    world: World,
    principal: Principal,
    request: Request,
    *,
    session_id: str,
    owner_signature: bytes | None = None,
) -> Stopped:
    """
    Take a frozen session back into use. Never the holder, never a parent: it gives power.

    Raises:
        Malformed: The signature is not the owner's; nothing has changed.
        Conflict: It is not frozen, or is frozen on chain and the owner has not signed.
    """
    expect_secret(principal)
    word = await word_of(world, principal, session_id, owner_signature, freeze=False)

    def body(tx: Tx) -> Stopped:
        session = present(tx.get(Session, session_id), "session")
        expect_reach(tx, principal, session.organization_id, "session", widens=True)
        before = admit(world, tx, principal, request)
        if before is not None:
            return Stopped(session, before)
        expect_none_on_its_way(tx, session, word)
        session = _thawed(world, tx, principal, session)
        activity = _switch(world, principal, request, session, (Event.UNFREEZE, word))
        add_activity(world, tx, activity)
        return Stopped(session, activity)

    return await _carry(world, await world.store.write(body))


def _thawed(world: World, tx: Tx, principal: Principal, session: Session) -> Session:
    _expect_none_above(tx, session)
    usage = present(tx.get(Usage, session.id), "session")
    now_state = state_of(session, usage, now=world.clock.now())
    state = next_state(now_state, Event.UNFREEZE)
    if state is None:
        detail = f"expected a frozen session, got one that is {now_state}"
        raise Conflict(Code.SESSION_STATE, detail)
    step = Step("server", "unfrozen", world.clock.now_ms())
    thawed = replace(session, state=state, steps=(*session.steps, step))
    tx.put(thawed)
    note_event(world, tx, thawed, Event.UNFREEZE, principal.subject_id)
    asker = principal.subject_id
    switch_below(world, tx, thawed, Event.UNFREEZE, principal_id=asker, steps=(step,))
    return thawed


def _expect_none_above(view: View, session: Session) -> None:
    for above, _ in line_of(view, session)[1:]:
        if above.state is State.FROZEN:
            detail = f"{above.id}, above this session, is frozen: unfreeze that one first"
            raise Conflict(Code.SESSION_STATE, detail)


def _switch(
    world: World,
    principal: Principal,
    request: Request,
    session: Session,
    switched: tuple[Event, Word],
) -> Activity:
    event, word = switched
    activity = begin(
        world,
        principal,
        request,
        f"session:{event.value}",
        organization_id=session.organization_id,
        subject_id=session.id,
    )
    return replace(
        activity,
        state=word.state,
        session_id=session.id,
        account_id=session.account_id,
        intent=word.intent,
    )


async def _carry(world: World, stopped: Stopped) -> Stopped:
    """Bring the owner's word to the chain as far as it gets now, and return how it went."""
    activity = stopped.activity
    if activity.state is ActivityState.AWAITING:
        try:
            activity = await sign_switch(world, activity)
        except ValetkeyError as silent:
            if silent.code not in NODE_CODES:
                raise
    return await carry(world, Stopped(stopped.session, activity))


__all__ = ["FreezeNote", "freeze", "freeze_note", "unfreeze"]
