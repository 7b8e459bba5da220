"""Who of an organization may do what: every route under every role, as the reference says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.http.calls import Key, Stamper, Token
from tests.http.doors import CODES, read_table
from tests.http.requests_for import MAKERS, add_targets
from tests.http.unchanged import check_problem, state
from valetkey.core.principal import PrincipalKind
from valetkey.core.scope import ROLES, Role, Scope
from valetkey.devchain import mint
from valetkey.http.dialects.openfort.face import ROUTES as SPOKEN
from valetkey.http.native.table import ROUTES
from valetkey.http.routes import EVERYBODY, Table

if TYPE_CHECKING:
    from tests.http.calls import Caller
    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXCHANGE: Final = "POST /v1/tokens/exchange"
PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "roles.md"
_ROLE_ROW: Final = re.compile(r"\| `([^` ]+)` \| [^|`]+ \|((?: (?:yes)? ?\|){3})")
_ROUTE_ROW: Final = re.compile(r"\| `((?:GET|POST) [^`]+)` \| `([^`]+)` \|((?: (?:yes)? ?\|){3})")


def allowed(cells: str) -> set[str]:
    """Return the roles whose column says yes."""
    words = [word.strip() for word in cells.strip("|").split("|")]
    return {role.value for role, word in zip(Role, words, strict=True) if word == "yes"}


def read_routes() -> dict[str, tuple[str, set[str]]]:
    """Return route, scope and roles as the reference says."""
    found = _ROUTE_ROW.findall(PAGE.read_text())
    return {route: (scope, allowed(cells)) for route, scope, cells in found}


async def of_role(stage: Stage, role: str, scopes: list[str] | None = None) -> Caller:
    """Return somebody with a new key of *role*."""
    body = {"kind": "secret", "role": role, "scopes": scopes}
    return stage.by(Token((await stage.secret.post("/v1/credentials", body))["token"]))


async def test_the_reference_says_what_the_server_does() -> None:
    """Each scope with its roles, and each route that credentials use with its scope."""
    rows = {name: allowed(cells) for name, cells in _ROLE_ROW.findall(PAGE.read_text())}
    held = {
        scope.value: {role.value for role, has in ROLES.items() if scope in has} for scope in Scope
    }
    assert rows == held
    scoped = {
        f"{route.method} {route.path}": route.scope.value
        for route in ROUTES
        if route.scope is not None
    }
    assert {route: scope for route, (scope, _) in read_routes().items()} == scoped
    spoken = {route.scope.value for route in SPOKEN if route.scope is not None}
    assert {*scoped.values(), *spoken} == {scope.value for scope in Scope}


async def test_a_route_says_which_scope_it_takes_or_the_server_does_not_start() -> None:
    """What nobody thought about is open to nobody, and found before anybody asks."""
    for route in ROUTES:
        is_for_credentials = PrincipalKind.SECRET in route.who and route.who != EVERYBODY
        assert (route.scope is not None) == is_for_credentials
        wrong: Any = {name: getattr(route, name) for name in route.__dataclass_fields__}
        wrong["scope"] = None if is_for_credentials else Scope.READ
        with pytest.raises(ValueError, match="scope"):
            Table([type(route)(**wrong)])


async def test_every_route_answers_every_role_as_the_reference_says(stage: Stage) -> None:
    """
    What a role may not do is refused by name and changes nothing; what it may, an owner may.

    A credential held to one scope gets in where that is asked for, and nowhere else.
    """
    await add_targets(stage)
    mint(stage.node.rpc, stage.deployment, bytes.fromhex(stage.account["address"][2:]), 10**6)
    callers = {role.value: await of_role(stage, role.value) for role in Role}
    held = await of_role(stage, "owner", ["tokens:introspect"])
    for route, (scope, roles) in read_routes().items():
        method, _, _ = route.partition(" ")
        for role, caller in callers.items():
            stage.callers["finishes"] = caller if role in roles else stage.secret
            path, body = await MAKERS[route](stage, "secret")
            if role in roles:
                answer = await caller.send(method, path, body)
                code = "yes" if answer.status_code < 400 else answer.json()["code"]
                assert CODES.get(code, code) == read_table()[route]["secret"], (route, role)
                continue
            before = await state(stage.world)
            answer = await caller.send(method, path, body)
            if route == EXCHANGE:  # refused as OAuth refuses
                assert (answer.status_code, answer.json()["code"]) == (400, "scope_missing")
            else:
                check_problem(answer, 403, "scope_missing")
                assert answer.json()["scope"] == scope
            assert await state(stage.world) == before, (route, role)
        path, body = await MAKERS[route](stage, "secret")
        answer = await held.send(method, path, body)
        may = scope in {"tokens:introspect", "self"}
        assert (answer.json().get("code") == "scope_missing") is not may, route


async def test_a_missing_scope_tells_nothing_of_what_there_is(stage: Stage) -> None:
    """One's own, a stranger's and nobody's id are refused in the same words."""
    auditor = await of_role(stage, "auditor")
    opened = await stage.open("bearer", "read")
    stranger = stage.by(Token(stage.stranger.secret))
    body = {"proof": "bearer", "access": "read", "ttl_s": 60}
    other = await stranger.post("/v1/sessions", body)
    said = set()
    for key in (opened["session"]["id"], other["session"]["id"], "ses_" + "0" * 24):
        answer = await auditor.send("POST", f"/v1/sessions/{key}/revoke", {})
        said.add((answer.status_code, answer.json()["code"], answer.json()["detail"]))
    assert {(status, code) for status, code, _ in said} == {(403, "scope_missing")}
    assert len(said) == 1
    answer = await auditor.send("GET", f"/v1/sessions/{other['session']['id']}", None)
    check_problem(answer, 404, "not_found")


async def test_another_role_counts_from_the_next_request(stage: Stage) -> None:
    """The key is the same; what it may do is read with each proof. So it is for keys that sign."""
    key = Key.make("p256", 71)
    p256 = {"kind": "p256", "public_key": key.document["public_key"], "role": "operator"}
    added = (await stage.secret.post("/v1/credentials", p256))["credential"]
    signing = stage.by(Stamper(added["id"], key, stage.clock))
    body = {"proof": "bearer", "access": "read", "ttl_s": 60}
    await signing.post("/v1/sessions", body)
    path = f"/v1/credentials/{added['id']}/role"
    changed = await stage.secret.post(path, {"role": "auditor"})
    assert (changed["role"], changed["scopes"]) == ("auditor", ["audit:read", "read", "self"])
    check_problem(await signing.send("POST", "/v1/sessions", body), 403, "scope_missing")
    await signing.get("/v1/audit")
    await stage.secret.post(path, {"role": "operator", "scopes": ["sessions:open"]})
    await signing.post("/v1/sessions", body)
    check_problem(await signing.send("GET", "/v1/audit", None), 403, "scope_missing")


async def test_what_is_no_role_is_refused(stage: Stage) -> None:
    """Neither a role nor a scope that there is not, nor a role for what is in browsers."""
    before = await state(stage.world)
    for body in (
        {"kind": "secret", "role": "admin"},
        {"kind": "secret", "scopes": ["*"]},
        {"kind": "secret", "scopes": ["read"] * 99},
        {"kind": "publishable", "role": "operator"},
        {"kind": "publishable", "scopes": []},
    ):
        check_problem(
            await stage.secret.send("POST", "/v1/credentials", body), 400, "malformed_body"
        )
    assert await state(stage.world) == before
