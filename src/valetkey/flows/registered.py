"""Sessions whose grant the chain has taken before their first use."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code
from valetkey.core.session import Session, State, Usage, state_of
from valetkey.flows.gate import present
from valetkey.flows.record import audit

if TYPE_CHECKING:
    from valetkey.core.activity import Activity
    from valetkey.ports import Tx, View

REGISTER: Final = "session:register"


def why_no_more(view: View, activity: Activity) -> tuple[Code, str] | None:
    """Return why a registration may no longer be brought to the chain, or None if it may."""
    session = present(view.get(Session, activity.session_id or ""), "session")
    if session.state in {State.REVOKED, State.CLOSED}:
        return Code.SESSION_REVOKED, "it was ended before it was on chain"
    return None


def note_registered(tx: Tx, activity: Activity, *, now: int) -> None:
    """Open the session whose grant the chain has taken, unless it was ended meanwhile."""
    is_done = activity.outcome is not None and activity.outcome.succeeded
    if activity.kind != REGISTER or activity.session_id is None or not is_done:
        return
    session = present(tx.get(Session, activity.session_id), "session")
    usage = present(tx.get(Usage, session.id), "session")
    if session.grant is None or state_of(session, usage, now=now) is not State.PENDING:
        return
    tx.put(replace(session, state=State.OPEN))
    audit(
        tx,
        session.organization_id,
        "session:granted",
        at=now,
        subject_id=session.id,
        principal_id=activity.principal_id,
        grant_id=f"0x{session.grant.grant_id.hex()}",
        state=State.OPEN.value,
    )
