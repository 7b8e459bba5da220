"""Who holds a credential, a session or a link, in the state that is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from valetkey.core.child_session import refusal_in_line, scopes_in_line, state_in_line
from valetkey.core.consent_link import ConsentLink
from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.errors import Code, Forbidden, Unauthenticated
from valetkey.core.ids import Prefix
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.scope import Scope
from valetkey.core.session import Session, State
from valetkey.core.surface import Surface
from valetkey.flows.gate import expect_scope, forbid
from valetkey.flows.line import line_of

if TYPE_CHECKING:
    from valetkey.core.child_session import Line
    from valetkey.core.permission.decide import Deny
    from valetkey.core.wallet import PublicKey
    from valetkey.ports import View

_MAY_OPEN: Final = {Code.SESSION_FROZEN, Code.SESSION_PENDING, Code.SESSION_NOT_STARTED}


def refused(*notes: str) -> Unauthenticated:
    """Return the one answer for whoever is unknown; *notes* are for the log, not for the wire."""
    error = Unauthenticated(Code.PROOF_REFUSED, "expected a valid token or signature, got neither")
    for note in notes:
        error.add_note(note)
    return error


class Asked(NamedTuple):
    """What a proof is shown for; see `authenticate`."""

    is_write: bool
    is_leaving: bool
    surface: Surface


def holder_of(view: View, key_id: str) -> tuple[Session | Credential | None, Line | None]:
    """Return what has that id, and its line if it is a session."""
    if key_id.startswith(f"{Prefix.SESSION}_"):
        session = view.get(Session, key_id)
        return session, line_of(view, session) if session else None
    return view.get(Credential, key_id), None


def key_of(holder: Session | Credential | None) -> PublicKey | None:
    """Return the public key that proves *holder*, if there is one."""
    return holder.key if isinstance(holder, Session) else holder.public_key if holder else None


def of_credential(credential: Session | Credential | None, asked: Asked) -> Principal:
    """
    Return who *credential* proves.

    Raises:
        Unauthenticated: It is none, was revoked, or is of another surface.
    """
    if not isinstance(credential, Credential) or credential.revoked_at is not None:
        raise refused()
    _expect_surface(credential, asked)
    publishable = credential.kind is CredentialKind.PUBLISHABLE
    return Principal(
        kind=PrincipalKind.PUBLISHABLE if publishable else PrincipalKind.SECRET,
        organization_id=credential.organization_id,
        subject_id=credential.id,
        access=Access.READ if publishable else Access.WRITE,
        scopes=credential.granted,
        key=credential.public_key,
    )


def of_session(line: Line, asked: Asked, *, now: int) -> Principal:
    """
    Return who the first session of *line* proves.

    Raises:
        Unauthenticated: It is over, or of another surface.
        Forbidden: It is frozen, pending or not started.
    """
    session = line[0][0]
    _expect_surface(session, asked)
    denied = _refusal(line, now=now, is_leaving=asked.is_leaving)
    if denied is not None:
        kind = Forbidden if denied.code in _MAY_OPEN else Unauthenticated
        raise kind(denied.code, denied.detail)
    who = (PrincipalKind.SESSION, session.organization_id, session.id, session.access)
    return Principal(*who, key=session.key, session_scopes=scopes_in_line(line))


def _refusal(line: Line, *, now: int, is_leaving: bool) -> Deny | None:
    """Return why a session is not let in; one that has used up what it may is, and so may read."""
    denied = refusal_in_line(line, now=now)
    if denied is None or state_in_line(line, now=now) is State.EXHAUSTED:
        return None
    return None if is_leaving and denied.code in _MAY_OPEN else denied


def _expect_surface(holder: Session | Credential, asked: Asked) -> None:
    """
    Let pass what was issued for this surface.

    Others are as unknown as what was never issued: only the log says why. Not the audit log, for a
    key that is meant to be in browsers could fill it.
    """
    if holder.surface is not asked.surface:
        raise refused(f"other_surface {holder.surface} {holder.id}")


def prove_again(view: View, principal: Principal, *, now: int) -> Principal:
    """
    Return *principal*, who was proven some time ago, as it is now, if it may still read.

    Raises:
        Unauthenticated: The credential or session is over, or has another key by now.
        Forbidden: The session is frozen, or the credential may not read any more.
    """
    holder, line = holder_of(view, principal.subject_id)
    if key_of(holder) != principal.key:
        raise refused("key_rotated")
    # Where it works was looked at when it was proven, and does not change.
    surface = Surface.NATIVE if holder is None else holder.surface
    asked = Asked(is_write=False, is_leaving=False, surface=surface)
    if line is not None:
        return of_session(line, asked, now=now)._replace(access=Access.READ)
    found = of_credential(holder, asked)
    expect_scope(found, Scope.READ)
    return found._replace(access=Access.READ)


def expect_holding(view: View, principal: Principal, *, now: int, is_leaving: bool = False) -> None:
    """
    Let pass whoever was proven some time ago and still holds all of what was proven then.

    Args:
        is_leaving: The session is given back, whatever has become of it meanwhile.

    Raises:
        Unauthenticated: The credential, session or link is not there any more, or has another key.
        Forbidden: The session is not in use any more, or the credential may do less by now.
    """
    if principal.kind is PrincipalKind.ANONYMOUS:
        return
    if principal.kind is PrincipalKind.LINK:
        link = view.get(ConsentLink, principal.subject_id)
        if link is None or now >= link.expires_at:
            raise refused("link_replaced")
        return
    holder, line = holder_of(view, principal.subject_id)
    if key_of(holder) != principal.key:
        raise refused("key_rotated")
    if line is not None:
        denied = _refusal(line, now=now, is_leaving=False)
        if denied is not None and not is_leaving:
            raise forbid(denied)
        return
    if not isinstance(holder, Credential) or holder.revoked_at is not None:
        raise refused("revoked")
    lost = sorted(principal.scopes - holder.granted)
    if lost:
        detail = f"expected what the credential could do when it asked, it has lost {lost[0]}"
        raise Forbidden(Code.SCOPE_MISSING, f"{detail}; ask again", scope=lost[0].value)
