"""Kill notes: sealed as soon as they come, opened only to be handed out or sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.activity import Activity, ActivityState
from valetkey.core.errors import Unavailable
from valetkey.core.plan import kill_intent
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.session import Session
from valetkey.core.wallet import Account
from valetkey.flows.gate import present

if TYPE_CHECKING:
    from valetkey.core.activity import Intent
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


def note_context(session: Session) -> str:
    """Return what the vault binds the kill note of *session* to."""
    return f"{session.organization_id}/kill-note/{session.id}"


async def seal_note(world: World, session: Session, kill_note: bytes) -> bytes:
    """Return *kill_note* sealed: whoever copies the store cannot end the session with it."""
    return await world.vault.seal(SecretBytes(kill_note), context=note_context(session))


async def open_note(world: World, session: Session, account: Account) -> Intent:
    """
    Return what ends *session* on chain, whoever sends it; it must have a kill note.

    Raises:
        Unavailable: The vault does not open the note.
    """
    grant = present(session.grant, "grant")
    sealed = present(grant.sealed_kill_note, "kill note")
    note = await world.vault.open(sealed, context=note_context(session))
    return kill_intent(grant, account, note.reveal())


async def ready_to_kill(world: World, activity: Activity) -> Activity:
    """
    Return the end of a session with its kill note in it, ready for the chain.

    It stays as it is while the vault does not open the note: the session is refused already, and
    the next round tries again.
    """

    def facts(view: View) -> tuple[Session, Account]:
        session = present(view.get(Session, activity.session_id or ""), "session")
        return session, present(view.get(Account, session.account_id or ""), "account")

    session, account = await world.store.read(facts)
    try:
        intent = await open_note(world, session, account)
    except Unavailable:
        return activity
    world.checkpoint.reached("stop:after_open")

    def body(tx: Tx) -> Activity:
        fresh = present(tx.get(Activity, activity.id), "activity")
        if fresh.state is not ActivityState.AWAITING:
            return fresh
        ready = replace(fresh, state=ActivityState.READY, intent=intent)
        tx.put(ready)
        return ready

    return await world.store.write(body)
