"""What a session may do here beside its rules: every route for sessions under every scope."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.http.calls import Key, Stamper
from tests.http.requests_for import MAKERS, add_targets
from tests.http.session_requests import CHILD
from tests.http.unchanged import check_problem, state
from valetkey.core.principal import PrincipalKind
from valetkey.core.scope import SessionScope, held
from valetkey.devchain import mint
from valetkey.http.native.table import ROUTES
from valetkey.http.routes import EVERYBODY

if TYPE_CHECKING:
    import httpx

    from tests.http.calls import Caller
    from tests.http.stage import Stage
    from valetkey.http.routes import Route

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "roles.md"
EXCHANGE: Final = "POST /v1/tokens/exchange"
LAST: Final = "POST /v1/session/close"  # ends the session that asks
_ROW: Final = re.compile(r"\| `([^`]+)` \| `(session:[a-z]+)` \|")
_SCOPE: Final = re.compile(r"\| `(session:[a-z]+)` \| ([^|`]+) \|")


def named(route: Route) -> str:
    """Return a route as pages call it."""
    return f"{route.method} {route.path}"


def for_sessions() -> list[Route]:
    """Return every route that sessions get in, what ends them last."""
    found = [one for one in ROUTES if PrincipalKind.SESSION in one.who and one.who != EVERYBODY]
    return sorted(found, key=lambda one: named(one) == LAST)


async def held_to(stage: Stage, number: int, *scopes: str) -> tuple[str, Caller]:
    """Return a session that writes within *scopes*, and its holder."""
    return await stage.stamped(number, "write", permission=stage.permission(scopes=sorted(scopes)))


async def ask(stage: Stage, route: Route, name: str, caller: Caller) -> httpx.Response:
    """Ask a route for what is the session's own, if it has that."""
    maker = MAKERS.get(f"{named(route)} own", MAKERS[named(route)])
    path, body = await maker(stage, name)
    stage.store.changes.clear()
    return await caller.send(route.method, path, body)


def code_of(answer: httpx.Response) -> str:
    """Return why something was refused, or yes."""
    return "yes" if answer.status_code < 400 else str(answer.json()["code"])


async def test_the_reference_says_which_scope_each_route_asks_of_sessions() -> None:
    """Each scope with what it lets a session, and each route; none is without."""
    text = PAGE.read_text()
    assert dict(_ROW.findall(text)) == {named(one): one.session_scope for one in for_sessions()}
    assert {name: said.strip() for name, said in _SCOPE.findall(text)} == {
        scope.value: scope.said for scope in SessionScope
    }
    assert {one.session_scope for one in for_sessions()} == set(SessionScope)


async def test_every_route_answers_every_scope_as_the_reference_says(stage: Stage) -> None:
    """
    A session that names scopes gets in where one of them is asked for, and nowhere else.

    Where it gets in, it is answered as one that names none; where not, nothing changes.
    """
    await add_targets(stage)
    mint(stage.node.rpc, stage.deployment, bytes.fromhex(stage.account["address"][2:]), 10**6)
    callers: dict[str, tuple[Caller, frozenset[str]]] = {}
    for number, names in enumerate([(), ("orders:read",), *((one.value,) for one in SessionScope)]):
        name = "+".join(names) or "free"
        stage.keys[name], caller = await held_to(stage, 501 + number, *names)
        callers[name] = caller, held(names)
    for route in for_sessions():
        free = code_of(await ask(stage, route, "free", callers["free"][0]))
        assert free != "scope_not_allowed"
        for name, (caller, scopes) in callers.items():
            if name == "free":
                continue
            answer = await ask(stage, route, name, caller)
            if route.session_scope in scopes:
                assert code_of(answer) == free, (named(route), name)
                continue
            is_oauth = named(route) == EXCHANGE
            assert answer.status_code == (400 if is_oauth else 403), (named(route), name)
            assert code_of(answer) == "scope_not_allowed", (named(route), name)
            written = {type(one).__name__ for one in stage.store.changes}
            assert written <= {"SeenNonce", "Usage"}, (named(route), name)


async def test_a_child_has_no_more_than_what_is_above_it(stage: Stage) -> None:
    """The attack: under a session that only runs, one that names nothing, and so would have all."""
    parent_id, _ = await held_to(stage, 521, "session:run")
    key = Key.make("p256", 522)
    body = {"proof": "stamp", "access": "write", "key": key.document}
    path = f"/v1/sessions/{parent_id}/children"
    before = await state(stage.world)
    refused = await stage.secret.send("POST", path, {**body, "permission": stage.permission()})
    check_problem(refused, 403, "not_within_parent")
    assert await state(stage.world) == before
    reading = {**CHILD, "proof": "stamp", "key": key.document}
    child = (await stage.secret.post(path, reading))["session"]["id"]
    by = stage.by(Stamper(child, key, stage.clock))
    assert (await by.get("/v1/session"))["id"] == child
    check_problem(await by.send("GET", "/v1/activities"), 403, "scope_not_allowed")


async def test_a_refusal_names_the_caveat_and_the_scope(stage: Stage) -> None:
    """And says it in the words for a person, before the session is opened."""
    key_id, by = await held_to(stage, 523, "session:read")
    refused = await by.send("POST", "/v1/runs", {"calls": [stage.transfer(1)]})
    check_problem(refused, 403, "scope_not_allowed")
    assert refused.json()["caveat"] == "scopes"
    assert "session:run" in refused.json()["detail"]
    shown = await stage.secret.get(f"/v1/sessions/{key_id}")
    assert any("session:read" in line for line in shown["explanation"])


async def test_a_scope_of_ours_that_is_none_is_refused(stage: Stage) -> None:
    """A slip of the pen would hold the session to nothing at all."""
    key = Key.make("p256", 524).document
    body = {"proof": "stamp", "access": "write", "key": key, "ttl_s": 60}
    body |= {
        "account_id": stage.account["id"],
        "permission": stage.permission(scopes=["session:x"]),
    }
    refused = await stage.secret.send("POST", "/v1/sessions", body)
    check_problem(refused, 400, "malformed_permission")
    assert "session:read" in refused.json()["detail"]
