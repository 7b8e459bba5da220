"""Open sessions are looked at on their chains: what was ended there, past us, is over here too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from valetkey.core.budget import Hold
from valetkey.core.chain import GrantStage
from valetkey.core.errors import ValetkeyError
from valetkey.core.permission.lower import lower
from valetkey.core.session import Session, State, Step, Watch
from valetkey.core.wallet import Account, OwnerKey
from valetkey.flows.due import put_off
from valetkey.flows.gate import present
from valetkey.flows.grant import granted
from valetkey.flows.holds import settle_holds, unbound
from valetkey.flows.kill_again import is_ending, kill_again
from valetkey.flows.record import SYSTEM, audit, has_left
from valetkey.flows.standing import grant_state_of, runs_our_code
from valetkey.flows.stop import note_killed
from valetkey.flows.turns import in_turns

if TYPE_CHECKING:
    from valetkey.core.chain import GrantState, Head
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

WATCHED: Final = 100  # at most so many in one round
STILL_OPEN: Final = "still_open"
_OVER: Final = frozenset({State.REVOKED, State.CLOSED})


@dataclass(frozen=True, slots=True)
class _Seen:
    """
    What the chain said.

    Args:
        newest: A block not before the one that *state* is of.
        deep: One that is deep enough, and not after it.
        is_ours: Whether the account runs our code; not asked before the session is over here.
    """

    state: GrantState
    newest: Head
    deep: Head
    is_ours: bool


async def look_at_sessions(world: World, *, limit: int = WATCHED) -> int:
    """
    Return how many sessions were found ended on chain, and are ended here now.

    Looks at those that wait longest, *limit* at most; each is due again after ``watch_s``, also if
    its chain does not answer, so that a silent chain holds up no other. A session that can move
    nothing more is not looked at again, and budgets hold only what it has moved.
    """
    now = world.clock.now()
    waiting = await world.store.read(lambda view: view.find(Watch, limit=limit))
    due = [one for one in waiting if one.due_at <= now]
    return sum(await in_turns(partial(_look, world), due))


async def _look(world: World, due: Watch) -> bool:
    session, account, is_held = await world.store.read(lambda view: _facts(view, due))
    seen: _Seen | None = None
    try:
        if is_held or world.clock.now() < session.expires_at:
            seen = await _see(world, session, account)
    except ValetkeyError:  # the chain is silent, or not configured: another time
        seen = None
    return await world.store.write(partial(_note, world, due, seen))


async def _see(world: World, session: Session, account: Account) -> _Seen:
    chain = world.chain(account.chain)
    permission = unbound(session)
    counters = len(lower(permission).limits) if permission else 0
    # In this order: the state is of a block between the two, however many are mined meanwhile.
    deep = await chain.head(confirmations=world.bounds.confirmations)
    state = await grant_state_of(chain, account, granted(session), counters=counters)
    newest = await chain.head()
    is_ours = True
    if session.state in _OVER:
        is_ours = await runs_our_code(chain, account)
    return _Seen(state, newest, deep, is_ours)


def _facts(view: View, due: Watch) -> tuple[Session, Account, bool]:
    session = present(view.get(Session, due.session_id), "session")
    account = present(view.get(Account, session.account_id or ""), "account")
    return session, account, _is_held(view, session)


def _is_held(view: View, session: Session) -> bool:
    return bool(view.find(Hold, session_id=session.id, limit=1))


def _note(world: World, due: Watch, seen: _Seen | None, tx: Tx) -> bool:
    """Write down what the chain says, and when it is asked next; say whether that ended it here."""
    if tx.get(Watch, due.id) is None:  # another process was faster
        return False
    session = present(tx.get(Session, due.session_id), "session")
    now = world.clock.now()
    if has_left(tx, session.organization_id):  # or it is back before the next look
        put_off(tx, due, due_at=now + world.bounds.watch_s)
        return False
    stage = seen.state.stage if seen else None
    ended = stage is GrantStage.REVOKED and note_killed(world, tx, session_id=session.id)
    if stage is not GrantStage.REVOKED and seen is not None:  # or the chain has taken it back
        due = replace(due, over_in=None)
    elif due.over_in is None and seen is not None:
        due = replace(due, over_in=seen.newest.number)
    session = present(tx.get(Session, due.session_id), "session")
    if _can_move_nothing(tx, session, due, seen, now=now):
        tx.drop(Watch, due.id)
        never_signed = seen is None or _is_unsigned(session)
        settle_holds(tx, session, None if never_signed or not seen else seen.state, now=now)
        return ended
    if seen and session.state in _OVER and not is_ending(tx, session):
        if stage is GrantStage.OPEN:
            if not due.alive:
                _note_alive(world, tx, session)
            due = replace(due, alive=1)
        if seen.is_ours and stage is not GrantStage.REVOKED:
            kill_again(world, tx, session)
    put_off(tx, due, due_at=now + world.bounds.watch_s)
    return ended


def _can_move_nothing(
    view: View, session: Session, due: Watch, seen: _Seen | None, *, now: int
) -> bool:
    """
    Say whether *session* is over for good, on its chain too.

    1. It was ended here, and its owner's key is here and never signed. 2. Its time is over, and no
    budget waits to hear what it has moved. 3. Its chain has ended it, deep enough that no block
    takes that back. 4. Its chain is past its end.
    """
    # Not by our clock alone: it may be wrong, and what is pending would be signed afterwards.
    if session.state in _OVER and _is_unsigned(session):  # 1
        return True
    if now >= session.lasts_until and not _is_held(view, session):  # 2
        return True
    if seen is None:
        return False
    if seen.state.stage is GrantStage.REVOKED:  # 3
        return due.over_in is not None and due.over_in <= seen.deep.number
    return seen.deep.at >= session.expires_at  # 4


def _is_unsigned(session: Session) -> bool:
    signed = granted(session).owner_signature is not None
    return session.owner_key is OwnerKey.SEALED and not signed


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
