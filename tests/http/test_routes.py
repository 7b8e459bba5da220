"""The route table, and what its kinds of routes can reach."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from tests.worlds import make_world
from valetkey import http
from valetkey.adapters.store.memory import MemoryStore
from valetkey.adapters.vault.memory import MemoryVault
from valetkey.core.errors import Code, Forbidden, Malformed, NotFound, Unauthenticated
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.flows.world import World
from valetkey.http.door import expect_entry
from valetkey.http.native.table import ROUTES
from valetkey.http.readiness import Readiness
from valetkey.http.routes import SESSION, Leave, Read, Route, Table, Write, parameters_of
from valetkey.http.settings import Settings
from valetkey.http.sight import ReadOnly, Reads, reads_of
from valetkey.telemetry.telemetry import Telemetry

TABLE = Table(ROUTES)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_is_found_by_its_path(route: Route) -> None:
    """What is in the table is reached, with the id that stands in the path."""
    path, names = route.path, parameters_of(route.path)
    for at, parameter in enumerate(names):
        path = path.replace(f"{{{parameter}}}", f"something-{at}")
    assert TABLE.find(route.method, path) == (
        route,
        tuple(f"something-{at}" for at in range(len(names))),
    )


def test_a_path_without_braces_wins_over_one_with_them() -> None:
    """`/v1/sessions/revoke` is no session called revoke."""
    route, names = TABLE.find("POST", "/v1/sessions/revoke")
    assert (route.path, names) == ("/v1/sessions/revoke", ())


def test_what_no_route_has_is_not_found() -> None:
    """Neither too short nor too long, nor with nothing where an id belongs."""
    for path in ("", "/", "/v1/sessions/a/b", "/v1/sessions//consent", "/v1/sessions/a/consent/b"):
        with pytest.raises(NotFound):
            TABLE.find("GET", path)


def test_another_method_is_refused_with_those_that_are_there() -> None:
    """The facts name what the header will."""
    with pytest.raises(Malformed) as caught:
        TABLE.find("DELETE", "/v1/sessions")
    assert caught.value.code is Code.METHOD_NOT_ALLOWED
    assert caught.value.facts == {"allow": ["GET", "POST", "HEAD"]}


def test_a_route_is_in_the_table_once() -> None:
    """Two handlers for one request is a mistake that is found when the server starts."""
    with pytest.raises(ValueError, match="once"):
        Table([ROUTES[0], ROUTES[0]])


def test_what_changes_something_is_no_get() -> None:
    """GET is safe (RFC 9110 9.2.1)."""
    assert {route.method for route in ROUTES if not isinstance(route, Read)} == {"POST"}


def test_whoever_is_turned_away_reads_which_proof_is_taken_and_which_came() -> None:
    """In a person's words, not in those of the route table."""
    for route in ROUTES:
        for kind in set(PrincipalKind) - set(route.who):
            principal = Principal(kind, "org", "subject", Access.WRITE)
            with pytest.raises((Forbidden, Unauthenticated)) as refused:
                expect_entry(route, principal)
            wanted = " or ".join(sorted(one.said for one in route.who))
            assert refused.value.detail == f"expected {wanted}, got {kind.said}"
    assert PrincipalKind.SECRET.said == "a secret key"


def test_only_the_way_out_is_open_to_sessions_without_write_access() -> None:
    """
    A read session reaches no write (DESIGN 10).

    Writes ask for write access, but where a publishable key or a consent link carries what proves
    itself, and where a session brings the key that it is proven by from now on; the only other
    thing that changes something is for a session to end itself.
    """
    carried = {
        (route.path, kind)
        for route in ROUTES
        if isinstance(route, Write)
        for kind in route.carried_by
    }
    kinds = {PrincipalKind.PUBLISHABLE, PrincipalKind.SESSION, PrincipalKind.LINK}
    assert {kind for _, kind in carried} == kinds
    assert [path for path, kind in carried if kind is PrincipalKind.LINK] == ["/v1/consent"]
    by_sessions = [path for path, kind in carried if kind is PrincipalKind.SESSION]
    assert by_sessions == ["/v1/session/key"]
    leaving = [route for route in ROUTES if isinstance(route, Leave)]
    assert [(route.path, route.who) for route in leaving] == [("/v1/session/close", SESSION)]


@pytest.mark.parametrize(
    "route",
    [route for route in ROUTES if isinstance(route, Read)],
    ids=lambda route: f"{route.method} {route.path}",
)
def test_a_read_handler_is_given_nothing_to_write_with(route: Read) -> None:
    """Its first parameter is `Reads`: no transaction and no key can be reached from there."""
    first = next(iter(inspect.signature(route.handle).parameters.values()))
    assert first.annotation == "Reads"


async def test_what_reads_are_given_has_no_transaction_and_no_key() -> None:
    """The store has no ``write`` there, and there is no vault at all."""
    world = await make_world()
    see = reads_of(world, Settings(), Readiness({}, world.clock, Telemetry()))
    assert isinstance(see.store, ReadOnly)
    assert not hasattr(see.store, "write")
    assert {name for name in dir(see.store) if not name.startswith("_")} == {"read"}
    held = [getattr(see, name) for name in Reads.__slots__]
    assert not any(isinstance(one, (World, MemoryStore, MemoryVault)) for one in held)
    assert not {"vault", "relayer", "stopper", "auditor", "entropy", "checkpoint"} & set(
        Reads.__slots__
    )


def test_the_door_alone_makes_what_it_hands_out() -> None:
    """Nobody else says `Admitted(` or `Exit(`: whoever holds one came through the door."""
    rooms = Path(http.__file__).parent
    makers = {
        path.name
        for path in rooms.rglob("*.py")
        if re.search(r"(?<!class )\b(Admitted|Exit)\(", path.read_text())
    }
    assert makers == {"door.py"}
