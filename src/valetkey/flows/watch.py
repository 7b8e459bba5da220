"""Open sessions are looked at on their chains: what was ended there, past us, is over here too."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import Activity
from valetkey.core.chain import GrantStage
from valetkey.core.errors import ValetkeyError
from valetkey.core.session import Session, State, Step, Watch, watch_id
from valetkey.core.wallet import Account
from valetkey.flows.gate import present
from valetkey.flows.grant import granted
from valetkey.flows.record import SYSTEM, audit
from valetkey.flows.settle import ENDINGS
from valetkey.flows.stop import note_killed

if TYPE_CHECKING:
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

WATCHED: Final = 100  # at most so many in one round
AT_ONCE: Final = 20
STILL_OPEN: Final = "still_open"
_OVER: Final = frozenset({State.REVOKED, State.CLOSED})


def watch(tx: Tx, session: Session, *, due_at: int, alive: int = 0) -> None:
    """Have the chain asked about *session* at *due_at*; once a round has time for it."""
    key = watch_id(session.id, due_at=due_at)
    tx.put(Watch(key, session.id, due_at, alive))


async def look_at_sessions(world: World, *, limit: int = WATCHED) -> int:
    """
    Return how many sessions were found ended on chain, and are ended here now.

    Looks at those that wait longest, *limit* at most; each is due again after ``watch_s``, also if
    its chain does not answer, so that a silent chain holds up no other. A session whose time is
    over is not looked at again.
    """
    now = world.clock.now()
    waiting = await world.store.read(lambda view: view.find(Watch, limit=limit))
    due = [one for one in waiting if one.due_at <= now]
    ended = 0
    for start in range(0, len(due), AT_ONCE):
        looks = (_look(world, one) for one in due[start : start + AT_ONCE])
        ended += sum(await asyncio.gather(*looks))
    return ended


async def _look(world: World, due: Watch) -> bool:
    session, account = await world.store.read(lambda view: _facts(view, due))
    stage = None
    if world.clock.now() < session.expires_at:
        try:
            chain = world.chain(account.chain)
            grant_id = granted(session).grant_id
            stage = (await chain.grant_state(account.address, grant_id, counters=0)).stage
        except ValetkeyError:  # not there, or not configured: another time
            stage = None
    return await world.store.write(partial(_note, world, due, stage))


def _facts(view: View, due: Watch) -> tuple[Session, Account]:
    session = present(view.get(Session, due.session_id), "session")
    return session, present(view.get(Account, session.account_id or ""), "account")


def _note(world: World, due: Watch, stage: GrantStage | None, tx: Tx) -> bool:
    """Write down what the chain says, and when it is asked next; say whether that ended it here."""
    if tx.get(Watch, due.id) is None:  # another process was faster
        return False
    tx.drop(Watch, due.id)
    session = present(tx.get(Session, due.session_id), "session")
    now = world.clock.now()
    if now >= session.expires_at:
        return False
    if stage is GrantStage.REVOKED:
        return note_killed(world, tx, session_id=session.id)
    alive = due.alive
    if stage is GrantStage.OPEN and session.state in _OVER and not _is_ending(tx, session):
        alive = 1
        if not due.alive:
            _note_alive(world, tx, session)
    watch(tx, session, due_at=now + world.bounds.watch_s, alive=alive)
    return False


def _is_ending(view: View, session: Session) -> bool:
    unsettled = view.find(Activity, session_id=session.id, settled=0)
    return any(one.kind in ENDINGS for one in unsettled)


def _note_alive(world: World, tx: Tx, session: Session) -> None:
    """Say in the log that a session which is over here is open there."""
    step = Step("chain", STILL_OPEN, world.clock.now_ms())
    tx.put(replace(session, steps=(*session.steps, step)))
    audit(
        tx,
        session.organization_id,
        "session:found_open",
        at=world.clock.now(),
        subject_id=session.id,
        principal_id=SYSTEM,
    )
