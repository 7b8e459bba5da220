"""Paths, queries, headers and ids that are not what they must be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from tests.http.calls import unique
from tests.http.unchanged import check_problem, state

if TYPE_CHECKING:
    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

USER: Final = {"reference": "somebody"}
SOMEBODY: Final = "0" * 24


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/v1",
        "/v1/",
        "/v1/users/",
        "/v1//users",
        "/v1/nothing",
        "/v1/users/usr_1/more",
        "/v1/%75sers",
        "/V1/users",
        "/v1/sessions//consent",
        "/problems/",
    ],
)
async def test_what_is_not_there_is_not_found(stage: Stage, path: str) -> None:
    """A path is one of ours to the letter, or nothing."""
    check_problem(await stage.client.get(path), 404, "no_such_route")


async def test_another_method_is_told_which_there_are(stage: Stage) -> None:
    """405 names what is allowed (RFC 9110 15.5.6)."""
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"):
        answer = await stage.secret.send(method, "/v1/users")
        check_problem(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "GET, POST, HEAD"
    answer = await stage.secret.send("GET", "/v1/runs")
    assert answer.headers["allow"] == "POST"


async def test_head_is_get_without_body(stage: Stage) -> None:
    """RFC 9110 9.3.2."""
    asked = await stage.secret.send("HEAD", "/v1/users")
    got = await stage.secret.send("GET", "/v1/users")
    assert (asked.status_code, asked.content) == (200, b"")
    assert asked.headers["content-length"] == got.headers["content-length"]
    missing = await stage.client.head("/nothing")
    assert (missing.status_code, missing.content) == (404, b"")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("all=true", "unknown field `all`"),
        ("limit=1&limit=2", "'limit' once"),
        ("limit=0", ">= 1"),
        ("limit=101", "<= 100"),
        ("limit=ten", "limit: Expected"),
        ("limit=", "limit: Expected"),
        ("limit", "name=value"),
        ("after=%ff", "name=value"),
        (f"after={'x' * 257}", "length <= 256"),
        ("&".join(f"a{i}=1" for i in range(33)), "at most 32"),
        ("organization_id=somebody", "org_ and 24 characters"),
    ],
)
async def test_a_query_that_we_do_not_know_is_refused(stage: Stage, query: str, says: str) -> None:
    """A misspelt filter must not look as if it had filtered."""
    answer = await stage.secret.send("GET", f"/v1/users?{query}")
    code = "malformed_id" if "organization_id" in query else "malformed_request"
    check_problem(answer, 400, code)
    assert says in answer.json()["detail"]


async def test_a_state_that_is_none_is_refused(stage: Stage) -> None:
    """A filter's words are the ones of the states."""
    answer = await stage.secret.send("GET", "/v1/sessions?state=alive")
    check_problem(answer, 400, "malformed_request")


async def test_a_long_url_is_refused(stage: Stage) -> None:
    """2048 bytes of path and query are enough for everything that we have."""
    answer = await stage.secret.send("GET", "/v1/users?after=" + "x" * 2040)
    check_problem(answer, 414, "url_too_long")


@pytest.mark.parametrize(
    "extra",
    [[("x-long", "y" * 16_384)], [(f"x-{number}", "y") for number in range(64)]],
    ids=["long", "many"],
)
async def test_large_headers_are_refused(stage: Stage, extra: list[tuple[str, str]]) -> None:
    """Header fields are bounded in number and size."""
    check_problem(await stage.client.get("/healthz", headers=extra), 431, "headers_too_large")


@pytest.mark.parametrize("name", ["authorization", "idempotency-key", "content-type"])
async def test_a_header_that_decides_is_there_once(stage: Stage, name: str) -> None:
    """Two readers of one request must not see two different ones."""
    answer = await stage.client.get("/v1/users", headers=[(name, "a"), (name, "b")])
    check_problem(answer, 400, "malformed_request")
    assert f"{name} once" in answer.json()["detail"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/sessions/ses_short",
        "/v1/sessions/somebody",
        f"/v1/sessions/usr_{SOMEBODY}",
        f"/v1/users/ses_{SOMEBODY}",
        f"/v1/users/usr_{SOMEBODY[:-1]}U",
        f"/v1/accounts/wal_{SOMEBODY}/state",
        "/v1/activities/" + "x" * 500,
    ],
)
async def test_an_id_of_another_form_is_refused(stage: Stage, path: str) -> None:
    """An id says what it names."""
    answer = await stage.secret.send("GET", path)
    check_problem(answer, 400, "malformed_id")
    assert len(answer.json()["detail"]) < 120


async def test_ids_of_another_organization_are_answered_like_ids_of_nothing(
    stage: Stage,
) -> None:
    """What one may not know of is not there, to the letter (DESIGN 10)."""
    stranger = stage.callers["stranger"]
    user = await stage.secret.post("/v1/users", USER)
    theirs = {
        "organizations": (stage.org.organization.id, "org"),
        "users": (user["id"], "usr"),
        "wallets": (stage.account["wallet_id"], "wal"),
        "accounts": (stage.account["id"], "acc"),
        "sessions": (stage.keys["chain"], "ses"),
    }
    for noun, (key, prefix) in theirs.items():
        before = await state(stage.world)
        hidden = await stranger.send("GET", f"/v1/{noun}/{key}")
        absent = await stranger.send("GET", f"/v1/{noun}/{prefix}_{SOMEBODY}")
        check_problem(hidden, 404, "not_found")
        assert hidden.json()["detail"] == absent.json()["detail"]
        assert await state(stage.world) == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (
            "/v1/sessions",
            {"proof": "bearer", "access": "read", "ttl_s": 9, "account_id": "account"},
        ),
        ("/v1/wallets", {"owner_key": "sealed", "chain": "eip155:31337", "user_id": "user"}),
        ("/v1/budgets", {"scope_id": "user", "asset": "native", "limit": "1"}),
        ("/v1/budgets", {"scope_id": "wallet", "asset": "native", "limit": "1"}),
        ("/v1/sessions/revoke", {"scope": "wallet", "scope_id": "wallet"}),
        ("/v1/sessions/revoke", {"scope": "organization", "scope_id": "organization"}),
    ],
)
async def test_ids_of_another_organization_in_a_body_are_not_found(
    stage: Stage, path: str, body: dict[str, object]
) -> None:
    """Nothing is made or changed with somebody else's things."""
    theirs = {
        "user": (await stage.secret.post("/v1/users", USER))["id"],
        "account": stage.account["id"],
        "wallet": stage.account["wallet_id"],
        "organization": stage.org.organization.id,
    }
    filled = {
        name: theirs.get(str(value), value) if name.endswith("_id") else value
        for name, value in body.items()
    }
    before = await state(stage.world)
    answer = await stage.callers["stranger"].send("POST", path, filled)
    check_problem(answer, 404, "not_found")
    assert await state(stage.world) == before


async def test_a_write_without_unique_id_is_refused(stage: Stage) -> None:
    """A write that may be retried must be recognised when it is."""
    before = await state(stage.world)
    headers = {"authorization": f"Bearer {stage.org.secret}"}
    answer = await stage.client.post("/v1/users", json=USER, headers=headers)
    check_problem(answer, 400, "request_id_missing")
    assert await state(stage.world) == before


@pytest.mark.parametrize("key", ["", "x" * 129, "with space", "tab\tbed", "\xfc"])
async def test_a_unique_id_of_another_form_is_refused(stage: Stage, key: str) -> None:
    """1 to 128 printable ASCII characters."""
    before = await state(stage.world)
    headers = [
        (b"authorization", f"Bearer {stage.org.secret}".encode()),
        (b"idempotency-key", key.encode("latin-1")),
    ]
    answer = await stage.client.post("/v1/users", json=USER, headers=headers)
    check_problem(answer, 400, "malformed_request")
    assert await state(stage.world) == before


async def test_the_same_unique_id_finds_the_same_thing(stage: Stage) -> None:
    """A repeated request changes nothing, and is answered as it was."""
    key = unique()
    first = await stage.secret.send("POST", "/v1/users", USER, request_id=key)
    before = await state(stage.world)
    again = await stage.secret.send(
        "POST", "/v1/users", b'{ "reference" : "somebody" }', request_id=key
    )
    assert (again.status_code, again.json()) == (201, first.json())
    assert await state(stage.world) == before


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/users", {"reference": "somebody else"}),
        ("/v1/organizations", {"name": "somebody"}),
        ("/v1/credentials", {"kind": "secret"}),
    ],
)
async def test_the_same_unique_id_for_something_else_is_refused(
    stage: Stage, path: str, body: object
) -> None:
    """An id belongs to what was asked for first."""
    key = unique()
    await stage.secret.send("POST", "/v1/users", USER, request_id=key)
    before = await state(stage.world)
    answer = await stage.secret.send("POST", path, body, request_id=key)
    check_problem(answer, 409, "request_id_reused")
    assert await state(stage.world) == before


async def test_the_same_unique_id_of_another_thing_in_the_path_is_refused(stage: Stage) -> None:
    """The path is part of what is asked for."""
    first, second = [(await stage.open("bearer", "read"))["session"]["id"] for _ in range(2)]
    key = unique()
    await stage.secret.send("POST", f"/v1/sessions/{first}/freeze", {}, request_id=key)
    before = await state(stage.world)
    answer = await stage.secret.send("POST", f"/v1/sessions/{second}/freeze", {}, request_id=key)
    check_problem(answer, 409, "request_id_reused")
    assert await state(stage.world) == before


async def test_the_same_unique_id_of_somebody_else_is_another_one(stage: Stage) -> None:
    """Ids are per principal: nobody can take them away from others."""
    key = unique()
    first = await stage.secret.send("POST", "/v1/users", USER, request_id=key)
    other = await stage.callers["stranger"].send("POST", "/v1/users", USER, request_id=key)
    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json()["id"] != other.json()["id"]


async def test_a_repeated_opening_does_not_show_the_token_again(stage: Stage) -> None:
    """A token is shown once; only its fingerprint is kept."""
    key, body = unique(), {"proof": "bearer", "access": "read", "ttl_s": 60}
    first = (await stage.secret.send("POST", "/v1/sessions", body, request_id=key)).json()
    again = (await stage.secret.send("POST", "/v1/sessions", body, request_id=key)).json()
    assert first["token"].startswith("vk_session_")
    assert again["token"] is None
    assert again["session"]["id"] == first["session"]["id"]
