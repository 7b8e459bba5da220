"""What a token is worth now, asked by the backend that was shown it; and the end of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.child_session import refusal_in_line
from valetkey.core.errors import NotFound
from valetkey.core.session import Session, State
from valetkey.core.surface import Surface
from valetkey.core.token import SESSIONS, fingerprint, is_mark
from valetkey.flows.gate import expect_reach, expect_secret
from valetkey.flows.line import line_of
from valetkey.flows.record import has_left
from valetkey.flows.shown import show
from valetkey.flows.stop import revoke

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.shown import Shown
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import View


async def introspect(world: Sight, principal: Principal, *, token: str) -> Shown | None:
    """
    Return the session that *token* proves, if it may be used at this moment, else None.

    Asking is no use: an idle session does not live longer by it. A token of somebody else's
    organization, or one of another surface, is as unknown as one that was never given out.

    Spec:
        RFC 7662.
    """
    expect_secret(principal)
    now = world.clock.now()

    def body(view: View) -> Shown | None:
        session = session_of_token(view, principal, token)
        if session is None or session.surface is not Surface.NATIVE:
            return None
        if has_left(view, session.organization_id):
            return None
        line = line_of(view, session)
        if refusal_in_line(line, now=now) is not None:
            return None
        return show(line, now=now)

    return await world.store.read(body)


async def revoke_token(world: World, principal: Principal, request: Request, *, token: str) -> None:
    """
    Revoke the session that *token* proves; one that proves nothing is no error.

    Spec:
        RFC 7009, section 2.2.
    """
    expect_secret(principal)
    found = await world.store.read(lambda view: session_of_token(view, principal, token))
    if found is not None and found.state not in {State.REVOKED, State.CLOSED}:
        await revoke(world, principal, request, session_id=found.id)


def session_of_token(view: View, principal: Principal, token: str) -> Session | None:
    """Return the session behind *token* if *principal* may know of it."""
    if not token.startswith(SESSIONS):
        return None
    mark = fingerprint(token)
    found = view.find(Session, fingerprint=mark, limit=1)
    if not found or not is_mark(mark, found[0].fingerprint):
        return None
    try:
        expect_reach(view, principal, found[0].organization_id, "token")
    except NotFound:
        return None
    return found[0]
