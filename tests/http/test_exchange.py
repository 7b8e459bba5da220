"""A token exchanged for that of a narrower session, as RFC 8693 has it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.http.calls import Form, Key, Stamper, Token, unique
from tests.http.unchanged import check_problem, state
from valetkey.core.token import TokenType
from valetkey.wire.exchange import ACCESS_TOKEN, GRANT_TYPE

if TYPE_CHECKING:
    import httpx

    from tests.http.calls import Caller
    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH = "/v1/tokens/exchange"
METADATA = "/.well-known/oauth-authorization-server"


async def exchange(
    by: Caller, token: str, *, request_id: str = "", **fields: str
) -> httpx.Response:
    """Ask for a token in the place of *token*; a field that is empty is left out."""
    form = {
        "grant_type": GRANT_TYPE,
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        **fields,
    }
    filled = Form({name: value for name, value in form.items() if value})
    return await by.send("POST", PATH, filled, request_id=request_id or unique())


async def bound(stage: Stage, number: int) -> tuple[str, str, Caller]:
    """Return a session that writes, its token, which is bound to its key, and its holder."""
    key = Key.make("p256", number)
    opened = await stage.open("stamp", "write", key=key.document, bound_token=True)
    key_id = opened["session"]["id"]
    return key_id, opened["token"], stage.by(Stamper(key_id, key, stage.clock))


def check_refused(answer: httpx.Response, error: str, code: str, *, status: int = 400) -> None:
    """Expect an error in the form of RFC 6749, section 5.2."""
    told = answer.json()
    assert (answer.status_code, told["error"], told["code"]) == (status, error, code), told
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert told.keys() == {"error", "error_description", "code", "request_id"}
    assert '"' not in told["error_description"]


async def test_a_backend_gets_a_shorter_token_for_another(stage: Stage) -> None:
    """RFC 8693 2.2.1: the token, its type, its life; it works, and stands under the first."""
    opened = await stage.open("bearer", "read")
    answer = await exchange(stage.secret, opened["token"], ttl_s="60", label="mailer")
    told = answer.json()
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert told["issued_token_type"] == ACCESS_TOKEN
    assert (told["token_type"], told["scope"]) == (TokenType.BEARER, "")
    assert 58 <= told["expires_in"] <= 60
    child = stage.by(Token(told["access_token"]))
    shown = await child.get("/v1/session")
    assert (shown["id"], shown["label"]) == (told["session_id"], "mailer")
    assert (shown["parent_id"], shown["access"]) == (opened["session"]["id"], "read")
    again = (await exchange(stage.secret, told["access_token"])).json()
    assert again["expires_in"] <= told["expires_in"]
    await stage.secret.post(f"/v1/sessions/{opened['session']['id']}/revoke", {})
    check_problem(await child.send("GET", "/v1/session"), 401, "session_revoked")
    late = await exchange(stage.secret, told["access_token"])
    check_refused(late, "invalid_request", "session_revoked")


async def test_a_holder_gets_a_token_for_a_key_with_a_narrower_permission(stage: Stage) -> None:
    """The token is bound to the key that is named; by that key the session writes."""
    limits = stage.permission(scopes=["orders:read", "orders:write"])
    key = Key.make("p256", 401)
    opened = await stage.open(
        "stamp", "write", key=key.document, permission=limits, bound_token=True
    )
    holder = stage.by(Stamper(opened["session"]["id"], key, stage.clock))
    new = Key.make("p256", 402)
    narrow = {**limits, "max_calls": 2}
    answer = await exchange(
        holder,
        opened["token"],
        key=json.dumps(new.document),
        permission=json.dumps(narrow),
        scope="orders:read",
        ttl_s="30",
    )
    told = answer.json()
    assert answer.status_code == 200, told
    assert (told["token_type"], told["scope"]) == (TokenType.DPOP, "orders:read")
    child = stage.by(Stamper(told["session_id"], new, stage.clock))
    shown = await child.get("/v1/session")
    assert (shown["calls_left"], shown["permission"]["scopes"]) == (2, ["orders:read"])
    alone = await stage.by(Token(told["access_token"])).send("GET", "/v1/session")
    check_problem(alone, 401, "proof_key_bound")


@pytest.mark.parametrize(
    ("fields", "error", "code"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type", "malformed_body"),
        ({"grant_type": ""}, "invalid_request", "malformed_body"),
        ({"subject_token": ""}, "invalid_request", "malformed_body"),
        ({"subject_token": "vk_session_nobodys"}, "invalid_request", "not_found"),
        ({"subject_token_type": "urn:x"}, "invalid_request", "malformed_body"),
        ({"requested_token_type": "urn:x"}, "invalid_request", "malformed_body"),
        ({"audience": "shop"}, "invalid_target", "malformed_body"),
        ({"resource": "https://shop.example"}, "invalid_target", "malformed_body"),
        ({"actor_token": "x"}, "invalid_request", "malformed_body"),
        ({"scope": "orders:read"}, "invalid_scope", "malformed_body"),
        ({"ttl_s": "0"}, "invalid_request", "malformed_body"),
        ({"ttl_s": "1000000"}, "invalid_request", "not_within_parent"),
        ({"key": "{"}, "invalid_request", "malformed_body"),
        ({"key": "[" * 5000}, "invalid_request", "malformed_body"),
        ({"permission": "{}"}, "invalid_request", "malformed_body"),
        ({"idle_s": "-1"}, "invalid_request", "malformed_body"),
    ],
)
async def test_what_is_asked_otherwise_is_refused_in_the_words_of_oauth(
    stage: Stage, fields: dict[str, str], error: str, code: str
) -> None:
    """RFC 6749 5.2, RFC 8693 2.2.2; nothing has changed."""
    opened = await stage.open("bearer", "read")
    before = await state(stage.world)
    check_refused(await exchange(stage.secret, opened["token"], **fields), error, code)
    assert await state(stage.world) == before


async def test_more_than_the_subject_is_refused(stage: Stage) -> None:
    """A permission, and a scope that the subject has not."""
    _, token, holder = await bound(stage, 403)
    key = json.dumps(Key.make("p256", 404).document)
    wide = stage.permission(recipients="anything")
    for permission, scope, error in (
        (wide, "", "invalid_request"),
        (stage.permission(), "orders:read", "invalid_scope"),
    ):
        asked = {"key": key, "permission": json.dumps(permission), "scope": scope}
        check_refused(await exchange(holder, token, **asked), error, "not_within_parent")
    opened = await stage.open("bearer", "read", account_id=stage.account["id"])
    asked = {"key": key, "permission": json.dumps(stage.permission())}
    refused = await exchange(stage.secret, opened["token"], **asked)
    check_refused(refused, "invalid_request", "not_within_parent")
    await stage.secret.post(f"/v1/sessions/{opened['session']['id']}/revoke", {})


async def test_a_token_that_is_bound_to_a_key_is_refused_without_its_proof(stage: Stage) -> None:
    """Whoever finds it, a backend of the organization too, has nothing; nor has another session."""
    _, token, holder = await bound(stage, 405)
    _, other_token, other = await bound(stage, 406)
    before = await state(stage.world)
    check_refused(await exchange(stage.secret, token), "invalid_request", "proof_key_bound")
    assert await state(stage.world) == before
    check_refused(await exchange(other, token), "invalid_request", "not_found")
    check_refused(await exchange(holder, other_token), "invalid_request", "not_found")
    opened = await stage.open("bearer", "read")
    check_refused(await exchange(holder, opened["token"]), "invalid_request", "not_found")
    assert (await exchange(holder, token)).status_code == 200


async def test_who_is_unknown_or_may_not_ask_is_told_so(stage: Stage) -> None:
    """RFC 6749 5.2: 401 with the challenge for a client that was not proven."""
    opened = await stage.open("bearer", "read")
    token = opened["token"]
    unknown = await exchange(stage.callers["anonymous"], token)
    check_refused(unknown, "invalid_client", "proof_missing", status=401)
    assert "Bearer" in unknown.headers["www-authenticate"]
    wrong = await exchange(stage.by(Token("vk_secret_nobodys")), token)
    check_refused(wrong, "invalid_client", "proof_refused", status=401)
    for name, code in (("publishable", "not_allowed"), ("bearer", "read_only")):
        refused = await exchange(stage.callers[name], token)
        check_refused(refused, "unauthorized_client", code)
    check_refused(await exchange(stage.callers["stranger"], token), "invalid_request", "not_found")
    above = await exchange(stage.callers["parent"], token)
    check_refused(above, "unauthorized_client", "not_allowed")


async def test_too_many_are_refused_for_now(stage: Stage) -> None:
    """A bound of the server keeps its status, and says that it may pass."""
    opened = await stage.open("bearer", "read")
    for _ in range(stage.world.bounds.session_children):
        assert (await exchange(stage.secret, opened["token"])).status_code == 200
    refused = await exchange(stage.secret, opened["token"])
    check_refused(refused, "temporarily_unavailable", "too_many_child_sessions", status=429)


async def test_a_client_without_request_ids_gets_a_token_each_time(stage: Stage) -> None:
    """OAuth's clients send none. Who sends one gets one session, and its token once."""
    opened = await stage.open("bearer", "read")
    headers = {"authorization": f"Bearer {stage.org.secret}"}
    form = {
        "grant_type": GRANT_TYPE,
        "subject_token": opened["token"],
        "subject_token_type": ACCESS_TOKEN,
    }
    plain: list[Any] = [
        (await stage.client.post(PATH, data=form, headers=headers)).json() for _ in range(2)
    ]
    assert plain[0]["access_token"] != plain[1]["access_token"]
    same = unique()
    assert (await exchange(stage.secret, opened["token"], request_id=same)).status_code == 200
    again = await exchange(stage.secret, opened["token"], request_id=same)
    check_refused(again, "invalid_request", "request_id_reused")


async def test_the_metadata_names_the_endpoint(stage: Stage) -> None:
    """RFC 8414 2: where, by which grant, and how clients are proven."""
    told = await stage.by(Token("x")).get(METADATA)
    assert told["token_endpoint"] == f"{told['issuer']}{PATH}"
    assert told["grant_types_supported"] == [GRANT_TYPE]
    for endpoint in ("token", "introspection", "revocation"):
        methods = told[f"{endpoint}_endpoint_auth_methods_supported"]
        assert methods == ["client_secret_basic", "Bearer"]
