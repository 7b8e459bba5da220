"""Sessions put on their chain before their first use: open when the chain has taken the grant."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.activity import SETTLED, Activity, ActivityState
from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.grant import KillBy
from valetkey.core.plan import consent_digests, register_intent, with_v
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Event, Session, State, Usage, state_of
from valetkey.flows.counts import add_activity, count_longer
from valetkey.flows.gate import expect_known, expect_secret, present
from valetkey.flows.grant import Signed, expect_owner, granted, to_grant, was_ended_unsigned
from valetkey.flows.kill_again import has_note
from valetkey.flows.kill_note import seal_note
from valetkey.flows.record import admit, audit, begin, earlier, part_of
from valetkey.flows.registered import REGISTER
from valetkey.flows.relay import drive
from valetkey.flows.sponsoring import count_registering
from valetkey.flows.stop import Ask, Stopped, carry, take_out

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.core.wallet import Account
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


@dataclass(frozen=True, slots=True)
class Registered:
    """
    How far a registration has come.

    Args:
        activity: What brings it to the chain; or the end of the session, if that came first.
    """

    session: Session
    activity: Activity


def _nothing(_view: View) -> None:
    """Refuse nothing."""


async def register(
    world: World,
    principal: Principal,
    request: Request,
    *,
    session_id: str,
    owner_signature: bytes | None = None,
    kill_note: bytes | None = None,
    unless: Callable[[View], None] = _nothing,
) -> Registered:
    """
    Put the grant of a session on its chain.

    A pending session stays pending until the chain has taken the grant, and is open from then on;
    one whose owner has signed already stays as it is. What the chain refuses leaves the session
    pending: the owner may sign again. The same signature again, while it is on its way or when it
    is done, has the same answer. Like `accept_grant` it is for whoever brings what the owner has
    signed, and a session that was ended meanwhile is ended on chain too if a backend brings it.

    Args:
        owner_signature: The owner's over the grant; None for a session that has it.
        kill_note: The owner's over the revocation. Without it the relayer signs that the grant
            binds.
        unless: Raises what is to be refused beside, in the transaction that writes it down.

    Raises:
        Malformed: A signature is not the owner's; or there is no kill note, and the grant binds no
            relayer whose key is here.
        Forbidden: No owner's signature, from somebody who may only carry one; or the sponsorship
            that was named does not pay for it now.
        Conflict: The session is over.
    """
    if owner_signature is None:
        expect_secret(principal)  # nothing that they carry is a proof
    elif principal.kind is not PrincipalKind.LINK:
        expect_known(principal)
    facts = await world.store.read(lambda view: _facts(view, principal, request, session_id))
    session, account, before = facts
    if before is not None:
        return await _carry(world, session, before)
    signed = await _signed(world, session, account, owner_signature, kill_note)
    world.checkpoint.reached("register:before_plan")

    def body(tx: Tx) -> tuple[Session, Activity | Stopped]:
        again = admit(world, tx, principal, request)
        session, _ = to_grant(tx, principal, session_id)
        known = again or _on_its_way(tx, session, signed)
        if known is not None:
            return session, known
        killed = earlier(tx, principal, part_of(request, session.id))
        if killed is not None:
            return session, Stopped(session, killed)
        unless(tx)
        return _write_down(world, tx, (principal, request), (session, account), signed)

    session, planned = await world.store.write(body)
    world.checkpoint.reached("register:after_plan")
    if isinstance(planned, Stopped):
        stopped = await carry(world, planned)
        return Registered(stopped.session, stopped.activity)
    return await _carry(world, session, planned)


def _facts(
    view: View, principal: Principal, request: Request, session_id: str
) -> tuple[Session, Account, Activity | None]:
    session, account = to_grant(view, principal, session_id)
    return session, account, earlier(view, principal, request)


async def _carry(world: World, session: Session, activity: Activity) -> Registered:
    activity = await drive(world, activity.id)
    session_id = session.id
    session = await world.store.read(lambda view: present(view.get(Session, session_id), "session"))
    return Registered(session, activity)


async def _signed(
    world: World,
    session: Session,
    account: Account,
    owner_signature: bytes | None,
    kill_note: bytes | None,
) -> Signed:
    """Return what the owner has signed, checked, with a kill note that the vault has sealed."""
    grant = granted(session)
    given, killed = consent_digests(grant, account)
    if owner_signature is None:
        if grant.owner_signature is None or grant.sealed_kill_note is None:
            detail = "owner_signature: expected one, for the owner has not signed the session yet"
            raise Malformed(Code.MALFORMED_SIGNATURE, detail)
        return Signed(grant.owner_signature, grant.sealed_kill_note, grant.kill_by)
    taken = expect_owner(account, given, owner_signature, "owner_signature")
    if kill_note is not None:
        note = expect_owner(account, killed, kill_note, "kill_note")
        return Signed(taken, await seal_note(world, session, note))
    relayer = session.permission.relayer if session.permission else None
    if relayer is None or not world.payers.has(relayer):
        detail = "kill_note: expected the owner's, for the grant binds no relayer of this server"
        raise Malformed(Code.MALFORMED_SIGNATURE, detail)
    world.checkpoint.reached("register:before_sign")
    note = with_v(await world.vault.sign(world.payers.key_of(relayer), killed))
    world.checkpoint.reached("register:after_sign")
    return Signed(taken, await seal_note(world, session, note), KillBy.RELAYER)


def _on_its_way(view: View, session: Session, signed: Signed) -> Activity | None:
    """
    Return the registration that has not ended, or that the same signature has brought about.

    Of an open session any signature has: an owner can make as many over one grant as they like, and
    the chain knows it already.
    """
    is_known = session.state is State.OPEN
    is_same = is_known or granted(session).owner_signature == signed.owner_signature
    for one in view.find(Activity, governs=session.id, newest_first=True):
        is_done = one.state is ActivityState.DONE
        if one.kind == REGISTER and (one.state not in SETTLED or (is_done and is_same)):
            return one
    return None


def _write_down(
    world: World,
    tx: Tx,
    asked: tuple[Principal, Request],
    held: tuple[Session, Account],
    signed: Signed,
) -> tuple[Session, Activity | Stopped]:
    principal, request = asked
    session, account = held
    now = world.clock.now()
    is_backend = principal.kind is PrincipalKind.SECRET  # nobody else has us pay for what is over
    if is_backend and was_ended_unsigned(session, now=now):
        ended = signed.on(session)
        tx.put(ended)
        ask = Ask(principal, part_of(request, session.id), session.id, Event.REVOKE)
        return ended, take_out(world, tx, ask)
    usage = present(tx.get(Usage, session.id), "session")
    state = state_of(session, usage, now=now)
    if state not in {State.PENDING, State.OPEN}:
        detail = f"expected a session that is pending or open, got one that is {state}"
        raise Conflict(Code.SESSION_STATE, detail, state=state.value)
    if state is State.PENDING or not has_note(session):
        before, session = session, signed.on(session)
        tx.put(session)
        count_longer(tx, before, session)
    return session, _planned(world, tx, asked, (session, account))


def _planned(
    world: World, tx: Tx, asked: tuple[Principal, Request], held: tuple[Session, Account]
) -> Activity:
    (principal, request), (session, account) = asked, held
    grant, owner = granted(session), session.organization_id
    signature = present(grant.owner_signature, "owner's signature")
    activity = replace(
        begin(world, principal, request, REGISTER, organization_id=owner, subject_id=session.id),
        state=ActivityState.READY,
        session_id=session.id,
        account_id=account.id,
        sponsorship_id=session.sponsorship_id,
        intent=register_intent(grant, account, signature, session.expires_at),
    )
    activity = count_registering(world, tx, activity, account)
    add_activity(world, tx, activity)
    audit(
        tx,
        owner,
        "session:signed",
        at=world.clock.now(),
        subject_id=session.id,
        principal_id=principal.subject_id,
        grant_id=f"0x{grant.grant_id.hex()}",
        kill_by=grant.kill_by.value,
    )
    return activity
