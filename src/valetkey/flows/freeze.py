"""Freeze a session and take it back into use; on chain too, where the owner has signed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.activity import Activity, ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.plan import freeze_consent, freeze_intent, is_signed_by, with_v
from valetkey.core.session import Event, Session, State, Step, Usage, next_state, state_of
from valetkey.core.wallet import Account, SealedKey, Wallet
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.grant import granted
from valetkey.flows.record import begin, earlier
from valetkey.flows.stop import Stopped, carry, note_event

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


@dataclass(frozen=True, slots=True)
class FreezeNote:
    """What the owner signs to freeze or unfreeze on chain, and the sequence it is good for."""

    typed_data: dict[str, object]
    digest: bytes
    sequence: int


async def freeze_note(
    world: Sight, principal: Principal, *, session_id: str, freeze: bool
) -> FreezeNote:
    """Return what the owner of the account signs to freeze or unfreeze the session on chain."""
    expect_secret(principal)
    session, account, _ = await world.store.read(
        lambda view: _chain_facts(view, principal, session_id, widens=False)
    )
    return await _note(world, session, account, freeze=freeze)


async def _note(world: Sight, session: Session, account: Account, *, freeze: bool) -> FreezeNote:
    grant = granted(session)
    state = await world.chain(account.chain).grant_state(
        account.address, grant.grant_id, counters=0
    )
    sequence = state.freeze_sequence
    typed_data, digest = freeze_consent(grant, account, sequence, freeze=freeze)
    return FreezeNote(typed_data, digest, sequence)


def _chain_facts(
    view: View, principal: Principal, session_id: str, *, widens: bool
) -> tuple[Session, Account, SealedKey | None]:
    session = present(view.get(Session, session_id), "session")
    expect_reach(view, principal, session.organization_id, "session", widens=widens)
    account = present(view.get(Account, session.account_id or ""), "account")
    wallet = present(view.get(Wallet, account.wallet_id), "wallet")
    return session, account, view.get(SealedKey, wallet.key_id) if wallet.key_id else None


async def freeze(
    world: World,
    principal: Principal,
    request: Request,
    *,
    session_id: str,
    owner_signature: bytes | None = None,
) -> Stopped:
    """
    Freeze a session: refused from this answer on, and on chain where the owner has signed.

    Freezing a frozen session changes nothing here, and may bring the owner's signature later.

    Args:
        owner_signature: Over `freeze_note`; not needed when this server holds the owner's key.
    """
    expect_secret(principal)

    def body(tx: Tx) -> tuple[Stopped, bool]:
        session = present(tx.get(Session, session_id), "session")
        expect_reach(tx, principal, session.organization_id, "session")
        before = earlier(tx, principal, request)
        if before is not None:
            return Stopped(session, before), True
        usage = present(tx.get(Usage, session_id), "session")
        now_state = state_of(session, usage, now=world.clock.now())
        if now_state is not State.FROZEN:
            if next_state(now_state, Event.FREEZE) is None:
                detail = f"expected an open session, got one that is {now_state}"
                raise Conflict(Code.SESSION_STATE, detail)
            at_ms = world.clock.now_ms()
            steps = (Step("server", "freeze_requested", at_ms), Step("server", "refused", at_ms))
            session = replace(session, state=State.FROZEN, steps=(*session.steps, *steps))
            tx.put(session)
            note_event(world, tx, session, Event.FREEZE, principal.subject_id)
        activity = _switch(world, principal, request, session, Event.FREEZE)
        tx.add(activity)
        return Stopped(session, activity), False

    world.checkpoint.reached("stop:before_refuse")
    stopped, repeated = await world.store.write(body)
    world.checkpoint.reached("stop:after_refuse")
    if repeated or stopped.session.grant is None:
        return await carry(world, stopped)
    return await _switch_chain(world, principal, stopped, owner_signature, freeze=True)


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
        Conflict: It is not frozen, or is frozen on chain and the owner has not signed.
    """
    expect_secret(principal)
    is_frozen_on_chain = await _is_frozen_on_chain(world, principal, session_id, owner_signature)

    def body(tx: Tx) -> Stopped:
        fresh = present(tx.get(Session, session_id), "session")
        expect_reach(tx, principal, fresh.organization_id, "session", widens=True)
        before = earlier(tx, principal, request)
        if before is not None:
            return Stopped(fresh, before)
        usage = present(tx.get(Usage, session_id), "session")
        now_state = state_of(fresh, usage, now=world.clock.now())
        state = next_state(now_state, Event.UNFREEZE)
        if state is None:
            detail = f"expected a frozen session, got one that is {now_state}"
            raise Conflict(Code.SESSION_STATE, detail)
        step = Step("server", "unfrozen", world.clock.now_ms())
        fresh = replace(fresh, state=state, steps=(*fresh.steps, step))
        tx.put(fresh)
        activity = _switch(world, principal, request, fresh, Event.UNFREEZE)
        tx.add(activity)
        note_event(world, tx, fresh, Event.UNFREEZE, principal.subject_id)
        return Stopped(fresh, activity)

    stopped = await world.store.write(body)
    if not is_frozen_on_chain:
        return await carry(world, stopped)
    return await _switch_chain(world, principal, stopped, owner_signature, freeze=False)


async def _is_frozen_on_chain(
    world: World, principal: Principal, session_id: str, owner_signature: bytes | None
) -> bool:
    session = await world.store.read(lambda view: present(view.get(Session, session_id), "session"))
    if session.grant is None:
        return False
    session, account, key = await world.store.read(
        lambda view: _chain_facts(view, principal, session_id, widens=True)
    )
    state = await world.chain(account.chain).grant_state(
        account.address, granted(session).grant_id, counters=0
    )
    is_frozen = state.stage is GrantStage.FROZEN
    if is_frozen and key is None and owner_signature is None:
        detail = "it is frozen on chain: expected owner_signature over the note, got none"
        raise Conflict(Code.SESSION_STATE, detail)
    return is_frozen


def _switch(
    world: World, principal: Principal, request: Request, session: Session, event: Event
) -> Activity:
    activity = begin(
        world,
        principal,
        request,
        f"session:{event.value}",
        organization_id=session.organization_id,
        subject_id=session.id,
    )
    return replace(activity, session_id=session.id, account_id=session.account_id)


async def _switch_chain(
    world: World,
    principal: Principal,
    stopped: Stopped,
    owner_signature: bytes | None,
    *,
    freeze: bool,
) -> Stopped:
    """Bring the owner's freeze or unfreeze to the chain, if there is a signature for it."""
    session, account, key = await world.store.read(
        lambda view: _chain_facts(view, principal, stopped.session.id, widens=False)
    )
    note = await _note(world, session, account, freeze=freeze)
    if key is not None:
        owner_signature = with_v(await world.vault.sign(key, note.digest))
    if owner_signature is None:
        return stopped
    if not is_signed_by(note.digest, owner_signature, account.address):
        detail = f"owner_signature: expected 65 bytes over 0x{note.digest.hex()}"
        raise Malformed(Code.MALFORMED_SIGNATURE, detail)
    intent = freeze_intent(granted(session), account, owner_signature, freeze=freeze)

    def body(tx: Tx) -> None:
        activity = present(tx.get(Activity, stopped.activity.id), "activity")
        if activity.state is ActivityState.DONE and activity.intent is None:
            tx.put(replace(activity, state=ActivityState.READY, intent=intent))

    await world.store.write(body)
    return await carry(world, stopped)
