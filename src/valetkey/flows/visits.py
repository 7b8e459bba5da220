"""Clients of a vendor's surface: they come, are told from each other, and leave."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from valetkey.core.child_session import refusal_in_line
from valetkey.core.errors import Code, Unauthenticated
from valetkey.core.principal import Principal, PrincipalKind
from valetkey.core.scope import held
from valetkey.core.session import Session, Usage
from valetkey.core.terms import Terms
from valetkey.core.token import fingerprint, is_mark
from valetkey.core.visit import (
    ANONYMOUS_S,
    LOOKUP_BYTES,
    SECRET_BYTES,
    Visit,
    lookup_of,
    make_cookie,
    renewed,
    turned,
    visit_id,
)
from valetkey.flows.line import line_of
from valetkey.flows.record import refuse_moved

if TYPE_CHECKING:
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


@dataclass(frozen=True, slots=True)
class Seen:
    """
    A client that shows a cookie.

    Args:
        cookie: A new one that it has to show from now on; None if it keeps the one that it has.
        session: What it has logged in to, if that is in use.
        terms: Of the API key that it came with.
    """

    visit: Visit
    terms: Terms
    session: Session | None
    cookie: str | None = field(default=None, repr=False)

    @property
    def principal(self) -> Principal:
        """
        Who it is: its session.

        Raises:
            Unauthenticated: It has not logged in, or its session is over.
        """
        if self.session is None:
            detail = "expected a session that is in use, got a client that has not logged in"
            raise Unauthenticated(Code.PROOF_MISSING, detail)
        permission = self.session.permission
        return Principal(
            PrincipalKind.SESSION,
            self.session.organization_id,
            self.session.id,
            self.session.access,
            key=self.session.key,
            session_scopes=held(permission.scopes if permission else ()),
        )


async def arrive(world: World, key: Principal) -> tuple[Seen, str]:
    """Return a client that has just come with the API key *key*, and its cookie."""
    take, now = world.entropy.take, world.clock.now()
    cookie = make_cookie(take(LOOKUP_BYTES), take(SECRET_BYTES))
    visit = Visit(
        id=visit_id(lookup_of(cookie) or ""),
        organization_id=key.organization_id,
        credential_id=key.subject_id,
        fingerprint=fingerprint(cookie),
        forget_at=now + ANONYMOUS_S,
    )

    def body(tx: Tx) -> Seen:
        refuse_moved(tx, visit.organization_id)
        tx.add(visit)
        return Seen(visit, terms_of(tx, visit), None)

    return await world.store.write(body), cookie


async def look(world: World, key: Principal, cookie: str, *, renews: bool | None) -> Seen | None:
    """
    Return the client that shows *cookie*, and note that it was used; None if there is none such.

    A session that it has is used as well, so that it goes on.

    Args:
        key: The API key that it shows: a cookie is for clients of the same organization.
        renews: Whether it gets another cookie, while the one that it has is good for a moment;
            None where its client would not learn of one.
    """
    lookup = lookup_of(cookie)
    if lookup is None:
        return None
    now = world.clock.now()
    fresh = renewed(cookie, world.entropy.take(SECRET_BYTES))

    def known(view: View) -> tuple[Seen | None, bool]:
        visit = _visit_of(view, key, lookup, cookie, now=now)
        if visit is None:
            return None, False
        session = _session_of(view, visit, now=now)
        seen = Seen(visit, terms_of(view, visit), session)
        return seen, _is_due(view, seen, now=now) or _turns(seen, cookie, renews=renews)

    def body(tx: Tx) -> Seen | None:
        seen, is_due = known(tx)
        if seen is None or not is_due:
            return seen
        if _turns(seen, cookie, renews=renews):
            visit = turned(seen.visit, fresh, now=now)
            if renews:  # its client has what it logged in for
                visit = replace(visit, device_key=None)
            seen = replace(seen, visit=visit, cookie=fresh)
        if seen.session is not None:
            session = replace(seen.session, fingerprint=seen.visit.fingerprint)
            seen = replace(seen, session=session)
            tx.put(session)
            touch(tx, session, now=now)
        elif seen.visit.session_id is None:
            seen = replace(seen, visit=replace(seen.visit, forget_at=now + ANONYMOUS_S))
        tx.put(seen.visit)
        return seen

    seen, is_due = await world.store.read(known)
    return await world.store.write(body) if is_due else seen


def _turns(seen: Seen, cookie: str, *, renews: bool | None) -> bool:
    """
    Say whether the client gets a new cookie: it asks, or its own is older than its log-in.

    Not with the cookie before: then it was told already, by an answer that is on its way.
    """
    is_newest = is_mark(fingerprint(cookie), seen.visit.fingerprint)
    is_old = seen.session is not None and seen.visit.before is None
    return is_newest and renews is not None and (renews or is_old)


def _is_due(view: View, seen: Seen, *, now: int) -> bool:
    if seen.session is not None:
        usage = view.get(Usage, seen.session.id)
        return usage is not None and now > usage.last_used_at
    return seen.visit.session_id is None and seen.visit.forget_at - now < ANONYMOUS_S // 2


async def by_lookup(world: Sight, key: Principal, lookup: str) -> Seen | None:
    """
    Return the client with that lookup id, if it is one of the organization of *key*.

    A lookup id proves nothing but to whoever has a secret key of the organization.
    """
    now = world.clock.now()

    def body(view: View) -> Seen | None:
        visit = view.get(Visit, visit_id(lookup))
        if visit is None or visit.organization_id != key.organization_id or now >= visit.forget_at:
            return None
        return Seen(visit, terms_of(view, visit), _session_of(view, visit, now=now))

    return await world.store.read(body)


async def leave(world: World, visit: Visit) -> None:
    """Forget a client; its cookies are refused from now on. Its session is closed by its holder."""
    await world.store.write(lambda tx: tx.drop(Visit, visit.id))


def terms_of(view: View, visit: Visit) -> Terms:
    """Return what the API key of a client opens."""
    known = view.get(Terms, visit.credential_id)
    return known or Terms(visit.credential_id, visit.organization_id)


def touch(tx: Tx, session: Session, *, now: int) -> None:
    """Note that *session* was used."""
    usage = tx.get(Usage, session.id)
    if usage is not None and now > usage.last_used_at:
        tx.put(replace(usage, last_used_at=now))


def _visit_of(view: View, key: Principal, lookup: str, cookie: str, *, now: int) -> Visit | None:
    visit = view.get(Visit, visit_id(lookup))
    if visit is None or visit.organization_id != key.organization_id or now >= visit.forget_at:
        return None
    mark = fingerprint(cookie)
    was_good = now < visit.before_until and is_mark(mark, visit.before)
    return visit if is_mark(mark, visit.fingerprint) or was_good else None


def _session_of(view: View, visit: Visit, *, now: int) -> Session | None:
    session = view.get(Session, visit.session_id) if visit.session_id else None
    if session is None or refusal_in_line(line_of(view, session), now=now) is not None:
        return None
    return session
