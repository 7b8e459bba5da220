"""The owner's word: signatures that open a pending session, and the kill note that ends it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.grant import KillBy
from valetkey.core.plan import (
    consent,
    consent_digests,
    owner_signature_of,
    through_factory,
    with_v,
)
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Event, Session, State, Usage, next_state, state_of
from valetkey.core.wallet import Account, SealedKey, Wallet
from valetkey.flows.consent_link import expect_link_to
from valetkey.flows.counts import add_activity, count_longer
from valetkey.flows.gate import expect_known, expect_reach, expect_secret, present
from valetkey.flows.kill_note import open_note, seal_note
from valetkey.flows.reached import is_client_of
from valetkey.flows.record import SYSTEM, admit, audit, begin, earlier, part_of
from valetkey.flows.stop import Ask, Stopped, carry, take_out

if TYPE_CHECKING:
    from valetkey.core.activity import Intent, Request
    from valetkey.core.grant import Grant
    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


def granted(session: Session) -> Grant:
    """
    Return the grant of *session*.

    Raises:
        Conflict: It has none, for it only reads.
    """
    if session.grant is None:
        raise Conflict(
            Code.SESSION_STATE, "expected a session with a permission, got one that reads"
        )
    return session.grant


def _expect_not_another(view: View, principal: Principal, session: Session) -> None:
    """Let no session know of another one, but clients of those of their user."""
    if principal.kind is not PrincipalKind.SESSION or principal.subject_id == session.id:
        return
    if not is_client_of(view, principal, session.user_id):
        present(None, "session")


async def consent_of(
    world: Sight, principal: Principal, *, session_id: str
) -> dict[str, dict[str, object]]:
    """Return the typed data of ``grant`` and ``kill_note`` that the owner signs, both EIP-712."""
    expect_known(principal)

    def facts(view: View) -> tuple[Session, Account]:
        session = present(view.get(Session, session_id), "session")
        _expect_not_another(view, principal, session)
        expect_reach(view, principal, session.organization_id, "session")
        return session, present(view.get(Account, session.account_id or ""), "account")

    session, account = await world.store.read(facts)
    return consent(granted(session), account)


async def kill_note_of(
    world: World, principal: Principal, *, session_id: str
) -> tuple[Session, Account, Intent]:
    """
    Return what ends the session on chain, whoever sends it. Not for a parent: it is the owner's.

    Raises:
        Conflict: The owner has not signed it yet, or there is nothing on chain.
    """
    expect_secret(principal)

    def facts(view: View) -> tuple[Session, Account]:
        session = present(view.get(Session, session_id), "session")
        expect_reach(view, principal, session.organization_id, "session", widens=True)
        if granted(session).sealed_kill_note is None:
            detail = "expected a session whose owner has signed, got one without a kill note"
            raise Conflict(Code.SESSION_STATE, detail)
        return session, present(view.get(Account, session.account_id or ""), "account")

    session, account = await world.store.read(facts)
    # Also while the account is there: then the factory only hands the note on.
    intent = through_factory(account, await open_note(world, session, account))
    return session, account, intent


@dataclass(frozen=True, slots=True)
class Signed:
    """What the owner signed: the grant (65 bytes); and the kill note as the vault seals it."""

    owner_signature: bytes
    sealed_kill_note: bytes
    kill_by: KillBy = KillBy.OWNER

    def on(self, session: Session) -> Session:
        """Return *session* with it."""
        grant = replace(
            granted(session),
            owner_signature=self.owner_signature,
            sealed_kill_note=self.sealed_kill_note,
            kill_by=self.kill_by,
        )
        return replace(session, grant=grant)


async def accept_grant(
    world: World,
    principal: Principal,
    request: Request,
    *,
    session_id: str,
    owner_signature: bytes,
    kill_note: bytes,
) -> Session:
    """
    Return the session, open: both signatures are the owner's.

    Whoever brings them, a publishable key too, only carries them: the signatures are the proof.
    A session that was ended while the owner signed stays ended: what they have signed would be
    alive on chain, so the kill note that came with it is sent there at once.

    Raises:
        Malformed: A signature is not the owner's.
        Conflict: The session is neither pending nor ended before it was signed.
    """
    if principal.kind is not PrincipalKind.LINK:
        expect_known(principal)
    session, account = await world.store.read(lambda view: to_grant(view, principal, session_id))
    given, killed = _expect_owner(granted(session), account, owner_signature, kill_note)
    signed = Signed(given, await seal_note(world, session, killed))

    def body(tx: Tx) -> tuple[Session, Stopped | None]:
        session, _ = to_grant(tx, principal, session_id)
        killing = part_of(request, session.id)
        if admit(world, tx, principal, request) is not None:
            killed = earlier(tx, principal, killing)
            return session, Stopped(session, killed) if killed else None
        is_late = was_ended_unsigned(session, now=world.clock.now())
        attached = _attach(world, tx, session, signed, principal_id=principal.subject_id)
        owner = session.organization_id
        activity = begin(
            world, principal, request, "session:grant", organization_id=owner, subject_id=session.id
        )
        add_activity(world, tx, replace(activity, session_id=session.id))
        if not is_late:
            return attached, None
        stopped = take_out(world, tx, Ask(principal, killing, session.id, Event.REVOKE))
        return stopped.session, stopped

    session, stopped = await world.store.write(body)
    return session if stopped is None else (await carry(world, stopped)).session


def to_grant(view: View, principal: Principal, session_id: str) -> tuple[Session, Account]:
    """Return a session with a grant, and its account, for whoever may bring its owner's word."""
    session = present(view.get(Session, session_id), "session")
    _expect_not_another(view, principal, session)
    if principal.kind is PrincipalKind.LINK:
        expect_link_to(view, principal, session.id)
    expect_reach(view, principal, session.organization_id, "session", widens=True)
    granted(session)
    return session, present(view.get(Account, session.account_id or ""), "account")


def was_ended_unsigned(session: Session, *, now: int) -> bool:
    """Say whether *session* was ended here before its owner signed what the chain would take."""
    is_over = session.state in {State.REVOKED, State.CLOSED} and now < session.expires_at
    return is_over and session.grant is not None and session.grant.sealed_kill_note is None


def owner_key_of(view: View, session: Session) -> SealedKey | None:
    """Return the key of the owner of *session*, if this server holds it."""
    wallet = view.get(Wallet, session.wallet_id or "")
    return view.get(SealedKey, wallet.key_id) if wallet and wallet.key_id else None


async def sign_as_owner(world: World, session_id: str, owner: SealedKey) -> Session:
    """
    Return the session, open: signed with the owner's key that this server holds.

    One that is not pending any more is returned as it is.
    """

    def facts(view: View) -> tuple[Session, Account]:
        session = present(view.get(Session, session_id), "session")
        return session, present(view.get(Account, session.account_id or ""), "account")

    session, account = await world.store.read(facts)
    given, killed = consent_digests(granted(session), account)
    world.checkpoint.reached("grant:before_sign")
    owner_signature = with_v(await world.vault.sign(owner, given))
    kill_note = with_v(await world.vault.sign(owner, killed))
    signed = Signed(owner_signature, await seal_note(world, session, kill_note))
    world.checkpoint.reached("grant:after_sign")

    def body(tx: Tx) -> Session:
        fresh = present(tx.get(Session, session_id), "session")
        usage = present(tx.get(Usage, session_id), "session")
        if state_of(fresh, usage, now=world.clock.now()) is not State.PENDING:
            return fresh
        return _attach(world, tx, fresh, signed, principal_id=SYSTEM)

    return await world.store.write(body)


def _attach(
    world: World,
    tx: Tx,
    session: Session,
    signed: Signed,
    *,
    principal_id: str,
) -> Session:
    now = world.clock.now()
    usage = present(tx.get(Usage, session.id), "session")
    state = next_state(state_of(session, usage, now=now), Event.GRANT)
    if was_ended_unsigned(session, now=now):
        state = session.state
    if state is None:
        now_is = state_of(session, usage, now=now)
        detail = f"expected a pending session, got one that is {now_is}"
        raise Conflict(Code.SESSION_STATE, detail, state=now_is.value)
    attached = replace(signed.on(session), state=state)
    tx.put(attached)
    count_longer(tx, session, attached)
    audit(
        tx,
        session.organization_id,
        "session:granted",
        at=now,
        subject_id=session.id,
        principal_id=principal_id,
        grant_id=f"0x{granted(session).grant_id.hex()}",
        state=state.value,
    )
    return attached


def _expect_owner(
    grant: Grant, account: Account, owner_signature: bytes, kill_note: bytes
) -> tuple[bytes, bytes]:
    """Return both signatures as the account takes them."""
    given, killed = consent_digests(grant, account)
    return (
        expect_owner(account, given, owner_signature, "owner_signature"),
        expect_owner(account, killed, kill_note, "kill_note"),
    )


def expect_owner(account: Account, digest: bytes, signature: bytes, name: str) -> bytes:
    """
    Return *signature* as the account takes it from its owner.

    Raises:
        Malformed: It would not take it; the detail begins with *name*.
    """
    taken = owner_signature_of(account, digest, signature)
    if taken is None:
        detail = f"{name}: expected 65 bytes by 0x{account.owner.hex()} over the typed data"
        raise Malformed(Code.MALFORMED_SIGNATURE, detail)
    return taken
