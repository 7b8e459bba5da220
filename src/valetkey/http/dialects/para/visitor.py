"""Who asks: an API key in one header field, and the client's cookie in another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, NotFound, Unauthenticated
from valetkey.core.principal import ANONYMOUS, Principal, PrincipalKind
from valetkey.core.surface import Surface
from valetkey.core.visit import lookup_of
from valetkey.flows.prove import authenticate
from valetkey.flows.visits import arrive, look
from valetkey.http.dialects.vendor import token_in
from valetkey.http.routes import EVERYBODY, SECRET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.flows.visits import Seen
    from valetkey.flows.world import World
    from valetkey.http.incoming import Incoming
    from valetkey.http.routes import Route
    from valetkey.http.traced import Noted

KEY: Final = b"x-external-api-key"
COOKIE: Final = b"x-capsule-sid"
TOUCH: Final = "/touch"
INIT: Final = "/users/init"
_RENEWED: Final = "regenerate=true"


class Visitor(Principal):
    """
    Whoever asks: the session of a client that has logged in, else its API key.

    Args:
        seen: The client; None where only the API key is looked at.
        lookup: Its lookup id.
    """

    seen: Seen | None
    lookup: str


async def prove(world: World, route: Route, incoming: Incoming, noted: Noted) -> Principal:
    """
    Return who asks.

    1. the API key, of its surface; on `TOUCH` one that is refused is nobody, which is how the
    vendor says so; 2. routes of a backend take no publishable key; 3. the client, who gets a cookie
    on `TOUCH` and `INIT` if it has none, and on `TOUCH` another one if it asks or has just
    logged in.
    """
    if route.who == EVERYBODY and route.path != TOUCH:
        return ANONYMOUS
    try:
        key = await authenticate(
            world, token_in(incoming, KEY), is_write=False, surface=Surface.PARA
        )
    except Unauthenticated:
        if route.path != TOUCH:
            raise
        return ANONYMOUS
    if key is ANONYMOUS:  # 1
        return ANONYMOUS
    if route.who == SECRET:  # 2
        if key.kind is not PrincipalKind.SECRET:
            detail = f"{KEY.decode()}: expected a secret key, got {key.kind.said}"
            raise Unauthenticated(Code.PROOF_REFUSED, detail)
        return key
    return await _client(world, key, route, incoming, noted)  # 3


async def _client(
    world: World, key: Principal, route: Route, incoming: Incoming, noted: Noted
) -> Visitor:
    cookie = incoming.fields.get(COOKIE, b"").decode("latin-1")
    is_touch = route.path == TOUCH
    renews = _RENEWED in incoming.query if is_touch else None
    seen = await look(world, key, cookie, renews=renews) if cookie else None
    fresh = seen.cookie if seen else None
    if seen is None and route.path in {TOUCH, INIT}:
        seen, fresh = await arrive(world, key)
    if fresh is not None:
        noted.headers += ((COOKIE, fresh.encode()),)
    if seen is None:
        return _visitor(key, None, "")
    who = seen.principal if seen.session is not None else key
    return _visitor(who, seen, lookup_of(fresh or cookie) or "")


def _visitor(who: Principal, seen: Seen | None, lookup: str) -> Visitor:
    made = Visitor._make(who)
    made.seen, made.lookup = seen, lookup
    return made


def client_of(principal: Principal) -> Seen:
    """
    Return the client that asks.

    Raises:
        Unauthenticated: It has shown no cookie, or none that is known.
    """
    if not isinstance(principal, Visitor) or principal.seen is None:
        detail = f"{COOKIE.decode()}: expected a cookie of ours, got none that is known"
        raise Unauthenticated(Code.PROOF_MISSING, detail)
    return principal.seen


def expect_own(principal: Principal, names: Sequence[str]) -> str:
    """
    Return the user in the path, who is the one that asks.

    Raises:
        NotFound: It is somebody else.
    """
    seen = client_of(principal)
    if seen.session is None or seen.session.user_id != names[0]:
        raise NotFound(Code.NOT_FOUND, "there is no such user, or it is not yours")
    return names[0]
