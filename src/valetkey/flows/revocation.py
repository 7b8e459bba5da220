"""Revocations that an owner signs when they are asked for: their signature is the kill note."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from valetkey.core.asked_revocation import AskedRevocation
from valetkey.core.errors import Code, Conflict
from valetkey.core.grant import KillBy, grant_key_index
from valetkey.core.plan import consent_digests
from valetkey.core.scope import Scope
from valetkey.core.session import Event, Session, State, Usage, state_of
from valetkey.core.wallet import Account, OwnerKey
from valetkey.flows.gate import expect_known, expect_write, present
from valetkey.flows.grant import expect_owner, granted
from valetkey.flows.kill_note import seal_note
from valetkey.flows.reached import expect_account
from valetkey.flows.record import admit, begin, part_of, write_down
from valetkey.flows.stop import Ask, Stopped, carry, is_alive, take_out
from valetkey.flows.turns import in_turns

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

ASK = "session:ask_revoke"


def sessions_of_key(
    view: View, organization_id: str, account_id: str, key_address: bytes
) -> list[Session]:
    """Return the sessions of an account under whose grants the key signs, the newest first."""
    return view.find(  # of the account: others may have sessions under the same key by the thousand
        Session,
        account_id=account_id,
        grant_key_index=grant_key_index(organization_id, key_address),
        newest_first=True,
    )


def asked_of(world: Sight, view: View, session: Session) -> AskedRevocation | None:
    """Return the revocation of *session* that waits for its owner, if it is still of use."""
    asked = view.get(AskedRevocation, session.id)
    return asked if asked is not None and is_alive(world, view, session) else None


async def ask_revocation(
    world: World, principal: Principal, request: Request, *, session_id: str, by_key: bool = False
) -> Session:
    """
    Return the session, whose owner is asked for the signature that revokes it.

    One that its owner has not signed ends at once: the chain does not know it. So does one of an
    owner whose key is here: this server has signed its end already.

    Args:
        by_key: Whether all sessions of its account that have the same key are to end with it.

    Raises:
        NotFound: The principal may not know of it.
        Conflict: It is over, or it only reads.
    """
    expect_write(principal)

    def body(tx: Tx) -> tuple[Session, Stopped | None]:
        session, _ = to_end(tx, principal, session_id)
        if admit(world, tx, principal, request) is not None:
            return session, None
        usage = present(tx.get(Usage, session.id), "session")
        if not is_alive(world, tx, session):
            state = state_of(session, usage, now=world.clock.now())
            detail = f"expected a session that is not over, got one that is {state}"
            raise Conflict(Code.SESSION_STATE, detail, state=state.value)
        is_theirs = session.owner_key is OwnerKey.OUTSIDE
        if granted(session).owner_signature is None or not is_theirs:
            stopped = take_out(world, tx, Ask(principal, request, session.id, Event.REVOKE))
            return stopped.session, stopped
        asked = AskedRevocation(session.id, session.organization_id, world.clock.now(), by_key)
        tx.put(asked)
        owner = session.organization_id
        activity = begin(
            world, principal, request, ASK, organization_id=owner, subject_id=session.id
        )
        write_down(world, tx, activity, "session:revocation_asked")
        return session, None

    session, stopped = await world.store.write(body)
    return session if stopped is None else (await carry(world, stopped)).session


async def sign_revocation(
    world: World, principal: Principal, request: Request, *, session_id: str, signature: bytes
) -> Session:
    """
    Return the session, revoked: the owner has signed what revokes it on chain.

    Whoever brings the signature only carries it: it is the proof, and the kill note from now on,
    asked for or not. Bringing it again changes nothing. A session whose grant the owner has not
    signed ends here alone: the chain does not know it, and nobody has us pay for telling it.

    Raises:
        Malformed: The signature is not the owner's; the revocation still waits.
    """
    expect_known(principal)
    session, account = await world.store.read(lambda view: to_end(view, principal, session_id))
    _, killed = consent_digests(granted(session), account)
    note = expect_owner(account, killed, signature, "signature")
    sealed = await seal_note(world, session, note)

    def body(tx: Tx) -> list[Stopped]:
        fresh, _ = to_end(tx, principal, session_id)
        if admit(world, tx, principal, request) is not None or fresh.state is State.REVOKED:
            return []
        asked = tx.get(AskedRevocation, fresh.id)
        if asked is not None:
            tx.drop(AskedRevocation, fresh.id)
        if granted(fresh).owner_signature is not None:
            grant = replace(granted(fresh), sealed_kill_note=sealed, kill_by=KillBy.OWNER)
            tx.put(replace(fresh, grant=grant))
        ending = [fresh, *_of_same_key(world, tx, fresh, asked)]
        return [
            take_out(world, tx, Ask(principal, part_of(request, one.id), one.id, Event.REVOKE))
            for one in ending
        ]

    world.checkpoint.reached("stop:before_refuse")
    stopped = await world.store.write(body)
    world.checkpoint.reached("stop:after_refuse")
    await in_turns(partial(carry, world), stopped)
    return await world.store.read(lambda view: to_end(view, principal, session_id)[0])


def to_end(view: View, principal: Principal, session_id: str) -> tuple[Session, Account]:
    """
    Return a session and its account, if *principal* may know of them.

    Raises:
        NotFound: It is of another organization, or of another user than the client's.
        Conflict: It only reads.
    """
    session = present(view.get(Session, session_id), "session")
    account = present(view.get(Account, session.account_id or ""), "session")
    expect_account(view, principal, account, scope=Scope.SESSIONS_STOP, what="session")
    granted(session)
    return session, account


def _of_same_key(
    world: World, tx: Tx, session: Session, asked: AskedRevocation | None
) -> list[Session]:
    grant = session.grant
    if asked is None or not asked.by_key or grant is None:
        return []
    owner = session.organization_id
    found = sessions_of_key(tx, owner, session.account_id or "", grant.session_key)
    return [one for one in found if one.id != session.id and is_alive(world, tx, one)]
