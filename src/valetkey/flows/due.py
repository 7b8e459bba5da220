"""When the chain is asked next how a session stands there."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.session import Session, Watch, watch_id

if TYPE_CHECKING:
    from valetkey.ports import Tx


def watch(tx: Tx, session: Session, *, due_at: int) -> None:
    """Have the chain asked about a new *session* at *due_at*; once a round has time for it."""
    tx.put(Watch(watch_id(session.id, due_at=due_at), session.id, due_at))


def put_off(tx: Tx, watched: Watch, *, due_at: int) -> None:
    """Have the chain asked at *due_at*, and not when it would have been."""
    tx.drop(Watch, watched.id)
    tx.put(replace(watched, id=watch_id(watched.session_id, due_at=due_at), due_at=due_at))


def watch_now(tx: Tx, session_id: str, *, now: int) -> None:
    """Have the chain asked in the next round: something has just changed there."""
    for one in tx.find(Watch, session_id=session_id):
        put_off(tx, one, due_at=now)
