"""Users who show an ID token of somebody else's: whom their organization trusts to name them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import Request, request_hash
from valetkey.core.errors import Code, Forbidden, Malformed, Unauthenticated
from valetkey.core.identity import (
    Identity,
    IdentityProvider,
    identity_id,
    provider_id,
    read_token,
    subject_of,
)
from valetkey.core.ids import Prefix
from valetkey.core.organization import User
from valetkey.core.session import Session, State
from valetkey.flows.client_session import open_client_session
from valetkey.flows.gate import present
from valetkey.flows.guests import LoggedIn, add_client_user
from valetkey.flows.holder import of_session
from valetkey.flows.line import line_of
from valetkey.flows.profiles import profile_of
from valetkey.flows.prove import TOUCH_S
from valetkey.flows.record import admit, part_of
from valetkey.flows.visits import touch

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.holder import Asked
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

LABEL: Final = "log-in with a token of {name}"
_SECOND_MS: Final = 1000
_ENDS_ALONE: Final = frozenset({State.OPEN, State.EXPIRED, State.CLOSED, State.EXHAUSTED})


@dataclass(frozen=True, slots=True)
class Vouched:
    """
    What a token says, believed.

    Args:
        issued_at: Unix seconds.
    """

    provider: IdentityProvider
    subject: str
    issued_at: int


async def vouched(world: World, key: Principal, *, name: str, token: str) -> Vouched:
    """
    Return whom the provider called *name* vouches for with *token*.

    Args:
        key: The publishable key that the client came with: the provider is its organization's.

    Raises:
        Malformed: The organization has no such provider.
        Unauthenticated: The token is none of the provider's, of another audience, or too old.
        Unavailable: The provider's keys could not be looked up.
    """
    id_ = provider_id(key.organization_id, name)
    provider = await world.store.read(lambda view: view.get(IdentityProvider, id_))
    if provider is None:
        detail = f"provider: expected one that the organization has set, got {name[:40]!r}"
        raise Malformed(Code.MALFORMED_REQUEST, detail)
    parsed = read_token(token)
    now = world.clock.now()
    keys = await world.issuers.keys_of(world.outbound, provider, parsed, now=now)
    return Vouched(provider, *subject_of(provider, parsed, keys, now=now))


async def log_in_with(
    world: World, key: Principal, *, name: str, token: str, asked: Asked
) -> LoggedIn:
    """
    Return the user whom *token* names, known or new, with a session that such tokens prove.

    Raises:
        As `vouched`.
        Unauthenticated: Their session was revoked after the token was issued.
        Forbidden: Their session is frozen, or their organization has taken them out.
        Limited: There are too many users or sessions.
    """
    who = await vouched(world, key, name=name, token=token)
    return await _logged_in(world, key, who, asked)


async def prove_with(
    world: World, key: Principal, *, name: str, token: str, asked: Asked
) -> Principal:
    """
    Return the session of the user whom *token* names, and note that it is used.

    Raises:
        As `log_in_with`.
    """
    who = await vouched(world, key, name=name, token=token)
    now = world.clock.now()
    proven = await world.store.read(lambda view: _proven(view, who, asked, now=now))
    if proven is None:
        opened = (await _logged_in(world, key, who, asked)).session
        line = await world.store.read(lambda view: line_of(view, opened))
        return of_session(line, asked, now=now)
    principal, session, used_at = proven
    if now > used_at and (session.idle_s or now - used_at >= TOUCH_S):
        await world.store.write(lambda tx: touch(tx, session, now=now))
    return principal


def _proven(
    view: View, who: Vouched, asked: Asked, *, now: int
) -> tuple[Principal, Session, int] | None:
    """Return the session that is in use; None if one has to be opened."""
    found = view.get(Identity, identity_id(who.provider, who.subject))
    session = view.get(Session, found.session_id) if found and found.session_id else None
    if session is None:
        return None
    line = line_of(view, session)
    try:
        principal = of_session(line, asked, now=now)
    except Unauthenticated:
        if session.state in _ENDS_ALONE:
            return None
        _expect_newer(session, who)
        return None
    return principal, session, line[0][1].last_used_at


def _user(view: View, user_id: str) -> User:
    user = present(view.get(User, user_id), "user")
    if profile_of(view, user).deleted_at is not None:
        raise Forbidden(Code.NOT_ALLOWED, "this user was taken out by their organization")
    return user


def _expect_newer(session: Session, who: Vouched) -> None:
    """
    Let pass a token that was issued after *session* was revoked.

    Raises:
        Unauthenticated: It was there before: the provider has to vouch again.
    """
    ended_ms = max((step.at_ms for step in session.steps), default=0)
    if who.issued_at * _SECOND_MS <= ended_ms:
        detail = "the session was revoked after this token was issued; get a new one and log in"
        raise Unauthenticated(Code.SESSION_REVOKED, f"token: {detail}")


async def _logged_in(world: World, key: Principal, who: Vouched, asked: Asked) -> LoggedIn:
    id_ = identity_id(who.provider, who.subject)
    new_id, now = world.new_id(Prefix.USER), world.clock.now()
    request = Request(world.new_id(Prefix.REQUEST), request_hash("log_in_with", id_))

    def body(tx: Tx) -> LoggedIn:
        admit(world, tx, key, request)
        found = tx.get(Identity, id_)
        if found is None:
            reference = f"{who.provider.name}:{who.subject}"
            user = add_client_user(world, tx, key, request, user_id=new_id, reference=reference)
            found = Identity(id_, key.organization_id, user.id)
        user = _user(tx, found.user_id)
        proven = _proven(tx, who, asked, now=now)
        if proven is not None:  # somebody else was quicker
            return LoggedIn(user, proven[1])
        session = open_client_session(
            world,
            tx,
            key,
            part_of(request, "session"),
            user_id=user.id,
            surface=asked.surface,
            label=LABEL.format(name=who.provider.name),
        )
        tx.put(replace(found, session_id=session.id))
        return LoggedIn(user, session)

    return await world.store.write(body)
