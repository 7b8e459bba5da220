"""Sessions whose grant the chain has taken before their first use."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import Activity
from valetkey.core.errors import Code
from valetkey.core.session import Session, State, Usage, state_of
from valetkey.flows.gate import present
from valetkey.flows.record import audit

if TYPE_CHECKING:
    from valetkey.ports import Tx, View

REGISTER: Final = "session:register"


def why_no_more(view: View, activity: Activity) -> tuple[Code, str] | None:
    """Return why a registration may no longer be brought to the chain, or None if it may."""
    session = present(view.get(Session, activity.session_id or ""), "session")
    if session.state in {State.REVOKED, State.CLOSED}:
        return Code.SESSION_REVOKED, "it was ended before it was on chain"
    return None


def note_registered(tx: Tx, activity: Activity, *, now: int) -> None:
    """
    Open the session whose grant the chain has taken, unless it was ended meanwhile.

    One that the chain refused is as unsigned as before: what was handed to nobody needs no kill
    note, and nobody has us pay for one again and again.
    """
    if activity.kind != REGISTER or activity.session_id is None or activity.outcome is None:
        return
    session = present(tx.get(Session, activity.session_id), "session")
    usage = present(tx.get(Usage, session.id), "session")
    if session.grant is None or state_of(session, usage, now=now) is not State.PENDING:
        return
    if not activity.outcome.succeeded:
        if not _was_handed_over(tx, session):
            unsigned = replace(session.grant, owner_signature=None, sealed_kill_note=None)
            tx.put(replace(session, grant=unsigned))
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


def _was_handed_over(view: View, session: Session) -> bool:
    """Say whether a transaction with the owner's signature over the grant was ever planned."""
    governing = view.find(Activity, governs=session.id, newest_first=True)
    return any(one.attempts for one in governing if one.kind == REGISTER)
