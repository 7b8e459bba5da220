"""Portal's custodians: clients, and sessions of theirs that are ordinary sessions of ours."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from tests.http.calls import Caller, Token, unique
from tests.http.custodian import PORTAL, TATUM, Custodian, bearer
from tests.http.dialect_stage import SPOKEN, Spoken, spoken
from valetkey.config import DialectConfig
from valetkey.core.activity import Request
from valetkey.core.credential import CredentialKind
from valetkey.core.errors import Malformed
from valetkey.core.scope import Role, Scope, Standing
from valetkey.core.surface import Surface
from valetkey.flows.credentials import add_credential
from valetkey.http.faces import Faces
from valetkey.http.settings import Settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR_S: Final = 3600
ME: Final = "/api/v3/clients/me"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there() -> AsyncIterator[Spoken]:
    """Give a server that speaks Portal's format."""
    async with spoken() as made:
        yield made


def custodian(there: Spoken, path: str = PORTAL) -> Custodian:
    """Return a backend at the dialect's own socket."""
    return Custodian(there.own, there.key, path)


def at(moment: str) -> int:
    """Return Unix seconds."""
    return int(datetime.fromisoformat(moment).timestamp())


async def me(there: Spoken, token: str) -> int:
    """Return how a client that shows *token* is answered."""
    return (await there.own.get(ME, headers=bearer(token))).status_code


async def natively(there: Spoken, path: str, body: object | None = None) -> dict[str, Any]:
    """Ask the native API as the organization's backend."""
    caller = Caller(there.shared, Token(there.native))
    told: dict[str, Any] = await (caller.get(path) if body is None else caller.post(path, body))
    return told


@pytest.mark.parametrize("path", [PORTAL, TATUM])
async def test_a_backend_makes_clients_and_opens_sessions(there: Spoken, path: str) -> None:
    """Each time a new token, for the same client; the vendor's fields, and ours beside them."""
    backend = custodian(there, path)
    made = await backend.client()
    assert made["clientApiKey"].startswith("vk_client_")
    assert made["clientSessionToken"].startswith("vk_cst_")
    first, second = [await backend.token(made["id"]) for _ in range(2)]
    tokens = {one["clientSessionToken"] for one in (made, first, second)}
    assert len(tokens) == 3
    assert {"id", "clientSessionToken", "isAccountAbstracted"} <= set(first)
    assert (first["id"], first["isAccountAbstracted"]) == (made["id"], False)
    assert "clientApiKey" not in first
    assert at(first["maxExpiresAt"]) - at(first["expiresAt"]) == 6 * 24 * HOUR_S
    for token in (*tokens, made["clientApiKey"]):
        assert await me(there, token) == 200


async def test_both_families_of_paths_are_one_thing(there: Spoken) -> None:
    """What one has made the other shows; so does the older path of sessions."""
    made = await custodian(there, PORTAL).client()
    shown = await custodian(there, TATUM).ask("GET", f"/{made['id']}")
    assert shown == await custodian(there, PORTAL).ask("GET", f"/{made['id']}")
    assert (shown["id"], shown["wallets"], shown["ejectedAt"]) == (made["id"], [], None)
    older = f"/api/v1/custodians/clients/{made['id']}/session"
    answer = await there.own.post(older, headers=bearer(there.key))
    assert await me(there, answer.json()["clientSessionToken"]) == 200


async def test_a_list_of_clients_comes_in_parts(there: Spoken) -> None:
    """Newest first, each once, with where the next part begins."""
    backend = custodian(there)
    made = [(await backend.client())["id"] for _ in range(3)]
    first = await backend.ask("GET", "?take=2")
    behind = await backend.ask("GET", f"?take=2&cursor={first['metadata']['cursor']}")
    listed = [one["id"] for one in (*first["results"], *behind["results"])]
    assert listed[:3] == made[::-1]
    assert len(set(listed)) == len(listed)
    assert first["metadata"]["total"] >= 3


async def test_a_token_ends_a_day_after_its_last_use_and_a_week_after_its_first() -> None:
    """23 h 59 min idle is fine, 24 h 1 min is not; daily use ends after 7 days."""
    async with spoken() as there:
        clock, made = there.clock, await custodian(there).client()
        token = made["clientSessionToken"]
        clock.advance(24 * HOUR_S - 60)
        assert await me(there, token) == 200
        clock.advance(24 * HOUR_S + 60)
        assert await me(there, token) == 401
        other = (await custodian(there).token(made["id"]))["clientSessionToken"]
        alive = []
        for _ in range(8):
            clock.advance(24 * HOUR_S - 60)
            alive.append(await me(there, other))
        assert alive == [200] * 7 + [401]
        clock.advance(30 * 24 * HOUR_S)
        assert await me(there, made["clientApiKey"]) == 200


async def test_the_key_of_a_client_ends_with_the_longest_session_of_the_operator() -> None:
    """What the vendor calls permanent ends after a year unless set, and can be made anew."""
    async with spoken() as there:
        made = await custodian(there).client()
        there.clock.advance(there.world.bounds.max_session_s)
        assert await me(there, made["clientApiKey"]) == 401
        again = await custodian(there).ask("POST", f"/{made['id']}/api-key")
        assert await me(there, again["clientApiKey"]) == 200


async def test_a_session_of_a_client_is_an_ordinary_one_natively() -> None:
    """Listed, watched, frozen, unfrozen, revoked and written down like any other."""
    async with spoken() as there:
        made = await custodian(there).client()
        opened = await custodian(there).token(made["id"])
        token, path = opened["clientSessionToken"], f"/v1/sessions/{opened['sessionId']}"
        listed = await natively(there, f"/v1/sessions?user_id={made['id']}")
        assert opened["sessionId"] in {one["id"] for one in listed["items"]}
        shown = await natively(there, path)
        assert (shown["surface"], shown["proof"], shown["access"]) == ("portal", "bearer", "write")
        assert shown["headline"] == "may act as its user"
        await natively(there, f"{path}/freeze", {})
        assert await me(there, token) == 403
        await natively(there, f"{path}/unfreeze", {})
        assert await me(there, token) == 200
        there.clock.advance(HOUR_S)
        assert await me(there, token) == 200
        used = (await natively(there, path))["last_used_at"]
        assert used - shown["last_used_at"] >= HOUR_S
        await natively(there, f"{path}/revoke", {})
        assert await me(there, token) == 401
        log = await natively(there, f"/v1/audit?subject_id={opened['sessionId']}")
        assert [one["event"] for one in log["items"]] == [
            "session:opened",
            "session:frozen",
            "session:unfrozen",
            "session:revoked",
        ]


async def test_sessions_are_listed_and_revoked_one_by_one_and_all_together(there: Spoken) -> None:
    """From the answer on nobody gets in; the log has a line for each."""
    backend = custodian(there, TATUM)
    made = await backend.client()
    first, second = [await backend.token(made["id"]) for _ in range(2)]
    sessions = f"/{made['id']}/sessions"
    listed = (await backend.ask("GET", sessions))["results"]
    kinds = sorted(one["kind"] for one in listed)
    assert kinds == ["clientApiKey", *["clientSessionToken"] * 3]
    assert {one["state"] for one in listed} == {"open"}
    one = await backend.ask("DELETE", f"{sessions}/{first['sessionId']}")
    assert [(row["sessionId"], row["state"]) for row in one["results"]] == [
        (first["sessionId"], "revoked")
    ]
    assert await me(there, first["clientSessionToken"]) == 401
    assert await me(there, second["clientSessionToken"]) == 200
    every = await backend.ask("DELETE", sessions)
    assert len(every["results"]) == 3
    for token in (second["clientSessionToken"], made["clientApiKey"]):
        assert await me(there, token) == 401
    log = await natively(there, "/v1/audit?resource=session&action=revoked&order=newest")
    revoked = {line["subject_id"] for line in log["items"]}
    assert {row["sessionId"] for row in (*one["results"], *every["results"])} <= revoked


async def test_a_session_is_revoked_under_its_own_client_alone(there: Spoken) -> None:
    """A slip in the path ends nobody else's session."""
    backend = custodian(there)
    made, other = await backend.client(), await backend.client()
    opened = await backend.token(made["id"])
    path = f"/{other['id']}/sessions/{opened['sessionId']}"
    assert (await backend.ask("DELETE", path, status=404))["code"] == "not_found"
    assert await me(there, opened["clientSessionToken"]) == 200


async def test_a_client_reaches_nothing_of_a_custodian(there: Spoken) -> None:
    """Neither its token nor its key, on any custodian route; nor a custodian what is a client's."""
    made = await custodian(there).client()
    for token in (made["clientSessionToken"], made["clientApiKey"]):
        for path in (PORTAL, TATUM):
            backend = Custodian(there.own, token, path)
            one = f"/{made['id']}"
            for method, below in (
                ("POST", ""),
                ("GET", ""),
                ("GET", one),
                ("POST", f"{one}/sessions"),
                ("GET", f"{one}/sessions"),
                ("DELETE", f"{one}/sessions"),
                ("DELETE", f"{one}/sessions/ses_1"),
                ("POST", f"{one}/api-key"),
            ):
                told = await backend.ask(method, below, status=403)
                assert told["code"] == "not_allowed"
        assert await me(there, token) == 200
    assert await me(there, there.key) == 403


async def test_a_client_of_another_custodian_is_not_there(there: Spoken) -> None:
    """Nor does the answer say that it is somebody's."""
    async with spoken() as elsewhere:
        theirs = (await custodian(elsewhere).client())["id"]
    backend = custodian(there)
    for method, below in (("GET", ""), ("POST", "/sessions"), ("DELETE", "/sessions")):
        for client in (theirs, "cli_1", "usr_", "%00"):
            told = await backend.ask(method, f"/{client}{below}", status=404)
            assert told["code"] == "not_found"


async def test_a_custodian_does_what_its_scopes_say(there: Spoken) -> None:
    """A key that only reads makes no client, opens no session and revokes none."""
    _, key = await add_credential(
        there.world,
        there.founded.principal,
        Request(unique(), ""),
        kind=CredentialKind.SECRET,
        label="reads",
        public_key=None,
        surface=Surface.PORTAL,
        standing=Standing(Role.OPERATOR, (Scope.READ, Scope.SESSIONS_OPEN)),
    )
    made = await custodian(there).client()
    backend = Custodian(there.own, key or "")
    assert (await backend.ask("POST", body={}, status=403))["code"] == "scope_missing"
    told = await backend.ask("DELETE", f"/{made['id']}/sessions", status=403)
    assert told["code"] == "scope_missing"
    assert await me(there, (await backend.token(made["id"]))["clientSessionToken"]) == 200


async def test_what_is_not_there_is_said_so(there: Spoken) -> None:
    """No account of a contract, no more than 100 at once: refused, and nothing is made."""
    backend = custodian(there)
    before = (await backend.ask("GET"))["metadata"]["total"]
    for body in (
        {"isAccountAbstracted": True},
        {"isAccountAbstracted": 1},
        {"reference": "x" * 129},
    ):
        told = await backend.ask("POST", body=body, status=400)
        assert told["code"] == "malformed_body"
    assert (await backend.ask("GET", "?take=101", status=400))["code"] == "malformed_request"
    assert (await backend.ask("GET"))["metadata"]["total"] == before


async def test_the_published_limits_are_the_defaults_and_may_be_set() -> None:
    """200 requests of one caller in a minute; stops are never held up by them."""
    async with spoken() as there:
        backend = custodian(there)
        made = await backend.client()
        answer = await there.own.get(TATUM, headers={"x-api-key": there.key})
        assert answer.headers["ratelimit-policy"] == '"portal-api";q=200;w=60'
    config = DialectConfig(ports=[0], per_minute={"api": 2})
    async with spoken(config) as there:
        backend = custodian(there)
        made = await backend.client()
        await backend.ask("GET")
        refused = await there.own.get(TATUM, headers={"x-api-key": there.key})
        assert refused.status_code == 429
        assert refused.json()["code"] == "rate_limited"
        await backend.ask("DELETE", f"/{made['id']}/sessions")
        assert await me(there, made["clientSessionToken"]) == 401
    with pytest.raises(Malformed, match="per_minute"):
        Faces(Settings(dialects={"portal": DialectConfig(per_minute={"mcp": 1})}))
    free = {"api": 0, "mpc": 0}
    faces = Faces(Settings(dialects={"portal": DialectConfig(per_minute=free)}))
    assert {route.pace for route in faces.dialects["portal"].table.routes} <= {None}
    assert SPOKEN.per_minute == {}
