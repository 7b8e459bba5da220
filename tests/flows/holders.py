"""Who a session proves to be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.principal import Principal, PrincipalKind
from valetkey.core.scope import held

if TYPE_CHECKING:
    from valetkey.core.session import Session


def as_holder(session: Session) -> Principal:
    """Return who the proof of *session* proves, without what is one request's alone."""
    scopes = held(session.permission.scopes if session.permission else ())
    who = (PrincipalKind.SESSION, session.organization_id, session.id, session.access)
    return Principal(*who, key=session.key, session_scopes=scopes)
