"""The owner's word on freezing: what is signed, by whom, and how it gets to the chain."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import SETTLED, Activity, ActivityState
from valetkey.core.chain import GrantStage
from valetkey.core.errors import Code, Conflict, Malformed, ValetkeyError
from valetkey.core.plan import freeze_consent, freeze_intent, owner_signature_of, with_v
from valetkey.core.session import Session, State
from valetkey.core.wallet import Account
from valetkey.flows.gate import expect_reach, present
from valetkey.flows.grant import granted, owner_key_of
from valetkey.flows.relay import NODE_CODES
from valetkey.flows.settle import FREEZE, UNFREEZE, lapse
from valetkey.flows.standing import grant_state_of

if TYPE_CHECKING:
    from valetkey.core.activity import Intent
    from valetkey.core.principal import Principal
    from valetkey.core.wallet import SealedKey
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

_KINDS: Final = frozenset({FREEZE, UNFREEZE})


@dataclass(frozen=True, slots=True)
class FreezeNote:
    """What the owner signs to freeze or unfreeze on chain, and the sequence it is good for."""

    typed_data: dict[str, object]
    digest: bytes
    sequence: int
    stage: GrantStage


@dataclass(frozen=True, slots=True)
class Word:
    """
    How the owner's word gets to the chain.

    Args:
        intent: What brings their signature; None without one.
        is_ours: Whether this server signs for them, once the switch is written down.
    """

    intent: Intent | None = None
    is_ours: bool = False

    @property
    def state(self) -> ActivityState:
        """The state that an activity begins in."""
        if self.is_ours:
            return ActivityState.AWAITING
        return ActivityState.DONE if self.intent is None else ActivityState.READY


async def note_of(world: Sight, session: Session, account: Account, *, freeze: bool) -> FreezeNote:
    """Return what the owner signs now to freeze or unfreeze *session* on chain."""
    grant = granted(session)
    state = await grant_state_of(world.chain(account.chain), account, grant)
    typed_data, digest = freeze_consent(grant, account, state.freeze_sequence, freeze=freeze)
    return FreezeNote(typed_data, digest, state.freeze_sequence, state.stage)


async def word_of(
    world: World,
    principal: Principal,
    session_id: str,
    owner_signature: bytes | None,
    *,
    freeze: bool,
) -> Word:
    """
    Return how the owner's word on a switch gets to the chain. Changes nothing.

    Freezing never waits for a chain that does not answer: it then happens here alone.

    Raises:
        Malformed: The signature is not the owner's.
        Conflict: It is frozen on chain, and the owner has not signed.
    """
    facts = await world.store.read(
        lambda view: _facts(view, principal, session_id, widens=not freeze)
    )
    if facts is None:
        return Word()
    session, account, key = facts
    if key is not None:
        return Word(is_ours=True)
    if freeze and owner_signature is None:
        return Word()
    try:
        note = await note_of(world, session, account, freeze=freeze)
    except ValetkeyError as silent:
        if freeze and silent.code in NODE_CODES:
            return Word()
        raise
    if not freeze and note.stage is not GrantStage.FROZEN:
        return Word()
    if owner_signature is None:
        detail = "it is frozen on chain: expected the owner's signature over the note, got none"
        raise Conflict(Code.SESSION_STATE, detail)
    taken = owner_signature_of(account, note.digest, owner_signature)
    if taken is None:
        detail = f"owner_signature: expected 65 bytes over 0x{note.digest.hex()}"
        raise Malformed(Code.MALFORMED_SIGNATURE, detail)
    return Word(freeze_intent(granted(session), account, taken, freeze=freeze))


def _facts(
    view: View, principal: Principal, session_id: str, *, widens: bool
) -> tuple[Session, Account, SealedKey | None] | None:
    """Return what a switch on chain needs, or None if nothing of the session is there."""
    session = present(view.get(Session, session_id), "session")
    expect_reach(view, principal, session.organization_id, "session", widens=widens)
    if session.grant is None or session.grant.owner_signature is None:
        return None
    account = present(view.get(Account, session.account_id or ""), "account")
    return session, account, owner_key_of(view, session)


def expect_none_on_its_way(view: View, session: Session, word: Word) -> None:
    """
    Let pass if no switch of *session* is on its way to the chain, or if we sign after it.

    Raises:
        Conflict: There is one: what the owner has signed is over the state before it.
    """
    if not word.is_ours and _switches(view, session.id):
        detail = "expected no freeze on its way to the chain, got one; wait and sign its note"
        raise Conflict(Code.SESSION_STATE, detail)


def _switches(view: View, session_id: str) -> list[Activity]:
    found = view.find(Activity, governs=session_id, newest_first=True)
    return [one for one in found if one.kind in _KINDS and one.state not in SETTLED]


async def sign_switch(world: World, activity: Activity) -> Activity:
    """
    Return a switch with the owner's signature that this server makes, ready for the chain.

    One that was overtaken lapses; one that comes after another waits until that is settled.
    """

    def facts(view: View) -> tuple[Session, Account, SealedKey | None, bool]:
        session = present(view.get(Session, activity.session_id or ""), "session")
        account = present(view.get(Account, session.account_id or ""), "account")
        waits = any(one.state is not ActivityState.AWAITING for one in _switches(view, session.id))
        return session, account, owner_key_of(view, session), waits

    session, account, key, waits = await world.store.read(facts)
    if waits or key is None:
        return activity
    freeze = activity.kind == FREEZE
    note = await note_of(world, session, account, freeze=freeze)
    world.checkpoint.reached("switch:before_sign")
    signature = with_v(await world.vault.sign(key, note.digest))
    world.checkpoint.reached("switch:after_sign")
    intent = freeze_intent(granted(session), account, signature, freeze=freeze)
    is_there = (note.stage is GrantStage.FROZEN) == freeze

    def body(tx: Tx) -> Activity:
        fresh = present(tx.get(Activity, activity.id), "activity")
        if fresh.state is not ActivityState.AWAITING:
            return fresh
        now = present(tx.get(Session, session.id), "session")
        if (now.state is State.FROZEN) != freeze:
            detail = "another word on the session came after it"
            return lapse(world, tx, fresh, (Code.SESSION_STATE, detail))
        state = ActivityState.DONE if is_there else ActivityState.READY
        ready = replace(fresh, state=state, intent=None if is_there else intent)
        tx.put(ready)
        return ready

    return await world.store.write(body)
