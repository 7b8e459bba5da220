"""Routes: reads, streams, writes, and the way out. A table finds them in a few steps."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from msgspec import Struct

from valetkey.core.errors import Code, Malformed, NotFound
from valetkey.core.ids import Prefix, check_id
from valetkey.core.principal import PrincipalKind
from valetkey.http.rates import Lane, Pace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from valetkey.core.principal import Principal
    from valetkey.core.scope import Scope, SessionScope
    from valetkey.flows.meter import Subject
    from valetkey.http.admitted import Admitted, Exit
    from valetkey.http.sight import Reads

EVERYBODY: Final = frozenset(PrincipalKind)
SECRET: Final = frozenset({PrincipalKind.SECRET})
SESSION: Final = frozenset({PrincipalKind.SESSION})
SECRET_OR_SESSION: Final = SECRET | SESSION
PUBLISHABLE: Final = frozenset({PrincipalKind.PUBLISHABLE})
SECRET_OR_PUBLISHABLE: Final = SECRET | PUBLISHABLE
EVERY_KEY: Final = SECRET_OR_SESSION | PUBLISHABLE

B = TypeVar("B")
Q = TypeVar("Q")


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """A route without query parameters."""


class Ask(Struct, Generic[B, Q], frozen=True):
    """
    What a request asks for.

    Args:
        id: What stands in the path where the route has braces first; empty without.
        body: As the route's type says; None for a route without body.
        peer: From where it comes, as `Peers` says.
        names: What stands at all braces, in their order.
    """

    id: str
    body: B
    query: Q
    peer: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Route:
    """
    What all routes have.

    Args:
        path: With segments in braces, each named after what its id names.
        who: Kinds of principals that get in.
        lane: How its requests are counted.
        pace: How often one caller may use it and others of the same pace; None is as the lane says.
        scope: What a credential must be allowed; None only where none gets in, or everybody.
        session_scope: What a session must be allowed; None is all that a session can be.
        answer: Type of the body of the answer.
        body: Type of the body of the request; None for none.
        form: Whether the body is a form (``application/x-www-form-urlencoded``), as OAuth has it.
        is_oauth: Whether it is refused in the form of OAuth 2, too.
        is_new_each_time: Whether asking again is a new write, for its clients know of no such ids.
    """

    method: str
    path: str
    who: frozenset[PrincipalKind]
    summary: str
    answer: Any
    scope: Scope | None = None
    session_scope: SessionScope | None = None
    lane: Lane = Lane.USUAL
    pace: Pace | None = None
    body: type[Struct] | None = None
    query: type[Struct] = NoQuery
    status: int = 200
    form: bool = False
    is_oauth: bool = False
    is_new_each_time: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(_Route):
    """A route that looks: its handler gets `Reads`, and so has nothing to write with."""

    handle: Callable[[Reads, Principal, Ask[Any, Any]], Awaitable[object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream(Read):
    """
    A read whose answer goes on: its handler says what is watched, and for whom is checked again.

    What it is asked for may have a ``ticket`` in the place of a proof. ``answer`` is the type of
    what its events say.
    """

    handle: Callable[[Reads, Principal, Ask[Any, Any]], Awaitable[Subject]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Write(_Route):
    """
    A route that changes something.

    Its handler gets what the door admits, and that only after write access and a request id.

    Args:
        carried_by: Kinds that get in without write access, because the body proves itself.
        is_repeatable: Whether asking for the same again is the same request, without an id.
    """

    handle: Callable[[Admitted, Ask[Any, Any]], Awaitable[object]]
    carried_by: frozenset[PrincipalKind] = field(default_factory=frozenset)
    is_repeatable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave(_Route):
    """The one thing that a session without write access may do: end itself."""

    handle: Callable[[Exit, Ask[Any, Any]], Awaitable[object]]


Route = Read | Write | Leave

_BRACES: Final = re.compile(r"\{(\w+)\}")
PREFIXES: Final = {
    "organization_id": Prefix.ORGANIZATION,
    "user_id": Prefix.USER,
    "credential_id": Prefix.CREDENTIAL,
    "wallet_id": Prefix.WALLET,
    "account_id": Prefix.ACCOUNT,
    "session_id": Prefix.SESSION,
    "activity_id": Prefix.ACTIVITY,
    "webhook_id": Prefix.WEBHOOK,
    "delivery_id": Prefix.DELIVERY,
}


def parameters_of(path: str) -> tuple[str, ...]:
    """Return the names in braces in *path*, in their order."""
    return tuple(_BRACES.findall(path))


class Table:
    """
    Every route by path and method.

    Paths without braces are one look-up; the others are one more for each set of places at which
    braces stand in any path.

    Raises:
        ValueError: Two routes have the same method and path, or one is open to credentials without
            saying which scope it takes.
    """

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes = tuple(routes)
        self._methods: dict[str, dict[str, Route]] = {}
        places: set[tuple[int, ...]] = set()
        for route in self.routes:
            _check_scope(route)
            key = _BRACES.sub("{}", route.path)
            places.add(tuple(at for at, one in enumerate(key.split("/")) if one == "{}"))
            methods = self._methods.setdefault(key, {})
            if route.method in methods:
                msg = f"expected {route.method} {route.path} once"
                raise ValueError(msg)
            methods[route.method] = route
        places.discard(())
        self._places = sorted(places, key=lambda at: (-len(at), at), reverse=True)

    def find(self, method: str, path: str) -> tuple[Route, tuple[str, ...]]:
        """
        Return the route for *path* and what stands at its braces, unchecked.

        Where several fit, the one with the fewest braces is it, and those furthest behind.

        Raises:
            NotFound: There is nothing under that path.
            Malformed: ``method_not_allowed``, with those that are in the facts.
        """
        methods = self._methods.get(path)
        names: tuple[str, ...] = ()
        if methods is None:
            methods, names = self._find_template(path)
        asked = "GET" if method == "HEAD" else method
        route = methods.get(asked)
        if route is None:
            allowed = sorted(methods)
            if "GET" in methods:
                allowed.append("HEAD")
            detail = f"expected {' or '.join(allowed)}, got {method[:20]}"
            raise Malformed(Code.METHOD_NOT_ALLOWED, detail, allow=allowed)
        return route, names

    def lane(self, method: str, path: str) -> Lane:
        """Return how requests for *path* are counted: as others where there is nothing."""
        try:
            return self.find(method, path)[0].lane
        except (NotFound, Malformed):
            return Lane.USUAL

    def _find_template(self, path: str) -> tuple[dict[str, Route], tuple[str, ...]]:
        parts = path.split("/")
        for places in self._places:
            if places[-1] >= len(parts):
                continue
            names = tuple(parts[at] for at in places)
            methods = self._methods.get(_filled(parts, places))
            if methods is not None and not {"", "{}"} & {*names}:
                return methods, names
        raise NotFound(Code.NO_SUCH_ROUTE, f"there is nothing at {path[:80]!r}")


def _filled(parts: Sequence[str], places: Sequence[int]) -> str:
    filled = list(parts)
    for at in places:
        filled[at] = "{}"
    return "/".join(filled)


def _check_scope(route: Route) -> None:
    needs = PrincipalKind.SECRET in route.who and route.who != EVERYBODY
    if needs != (route.scope is not None):
        wanted = "a scope, for credentials get in" if needs else "no scope"
        msg = f"{route.method} {route.path}: expected {wanted}, got {route.scope}"
        raise ValueError(msg)


def check_names(route: Route, names: tuple[str, ...]) -> tuple[str, ...]:
    """
    Return *names* if they are ids of the kinds that the path of *route* wants.

    Raises:
        Malformed: One is not.
    """
    for parameter, name in zip(parameters_of(route.path), names, strict=True):
        prefix = PREFIXES.get(parameter)
        if prefix is not None:
            check_id(name, prefix)
    return names
