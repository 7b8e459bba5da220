"""The line from a session up to its root, as it is in one state of the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Unavailable
from valetkey.core.session import Session, Usage

if TYPE_CHECKING:
    from valetkey.core.child_session import Line
    from valetkey.ports import View


def line_of(view: View, session: Session) -> Line:
    """
    Return *session* with its usage, then its parent, and so on to its root.

    Inside a write all of it is locked: who stops one of them comes before or after.

    Raises:
        Unavailable: One is not there, or they do not stand below each other: the store is damaged.
    """
    usage = view.get(Usage, session.id)
    line = [] if usage is None else [(session, usage)]
    for depth in range(session.depth - 1, -1, -1):
        above = view.get(Session, line[-1][0].parent_id or "") if line else None
        usage = view.get(Usage, above.id) if above else None
        if above is None or usage is None or above.depth != depth:
            raise _damaged(session)
        line.append((above, usage))
    if not line or line[-1][0].parent_id is not None:
        raise _damaged(session)
    return line


def root_of(view: View, session: Session) -> Session:
    """Return the session at the top: the one under whose grant *session* makes its runs."""
    return line_of(view, session)[-1][0]


def is_below(view: View, session: Session, above_id: str) -> bool:
    """Say whether *session* stands below the session with the id *above_id*, at any depth."""
    return any(one.id == above_id for one, _ in line_of(view, session)[1:])


def _damaged(session: Session) -> Unavailable:
    detail = f"the sessions above {session.id} are not in the store as they were written"
    return Unavailable(Code.STORE_UNAVAILABLE, detail)
