"""Openfort's format has its own place, proofs and errors, and nothing of ours."""

from __future__ import annotations

import asyncio
import base64
from http.client import HTTPConnection
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from tests.http.openfort.stage import HOST, PAGE, Stage, by, refusal, staged
from tests.worlds import dump
from valetkey.config import Rates
from valetkey.core.activity import Request
from valetkey.core.errors import (
    ChainRejected,
    Code,
    Conflict,
    Forbidden,
    Limited,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
    ValetkeyError,
)
from valetkey.flows.credentials import revoke_credential
from valetkey.http.dialects.openfort.errors import refuse
from valetkey.http.native.table import ROUTES
from valetkey.http.traced import Noted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

LIST: Final = "/v1/players"
BUCKET: Final = {"policy": "address", "limit": 1, "window_s": 1}
UNKNOWN: Final = "00000000-0000-4000-8000-000000000000"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there() -> AsyncIterator[Stage]:
    """Give a server that speaks the format."""
    async with staged() as made:
        yield made


def basic(user: str, password: str = "") -> dict[str, str]:
    """Return the header of HTTP's Basic scheme."""
    told = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"authorization": f"Basic {told}"}


async def test_it_stands_behind_its_prefix_on_its_own_socket_and_at_its_host(
    there: Stage,
) -> None:
    """One world behind all three; the key is a token, or a user without a password."""
    for fields in (by(there.keys.sk), basic(there.keys.sk)):
        answers = [
            await there.nobody.get(LIST, headers=fields),
            await there.native.get(f"/openfort{LIST}", headers=fields),
            await there.native.get(LIST, headers={**fields, "host": HOST}),
        ]
        assert [one.status_code for one in answers] == [200] * 3
        assert len({one.text for one in answers}) == 1


async def test_no_native_route_is_there(there: Stage) -> None:
    """But for paths that both have, where a native key proves nobody."""
    for path in sorted({route.path for route in ROUTES} | {"/consent", "/openapi.json"}):
        answer = await there.nobody.get(path, headers=by(there.keys.founded.secret))
        assert refusal(answer)[0] in {400, 401, 404}, path
    native = await there.native.get("/v1/users", headers=by(there.keys.sk))
    assert (native.status_code, native.json()["code"]) == (401, "proof_refused")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        by(f"sk_test_{UNKNOWN}"),
        by("nonsense"),
        by("a" * 5000),
        basic(f"sk_test_{UNKNOWN}"),
        basic("", "x"),
        {"authorization": "Basic"},
        {"authorization": "Basic !!!"},
        {"authorization": "Basic c2s="},
        {"authorization": "Basic /zo="},
        {"authorization": "Digest a"},
        {"x-project-key": f"pk_test_{UNKNOWN}"},
        {"cookie": "authorization=Bearer"},
    ],
)
async def test_whoever_proves_nothing_is_told_so_in_the_vendors_form(
    there: Stage, fields: dict[str, str]
) -> None:
    """With 401, which means nothing else."""
    status, code, message = refusal(await there.nobody.get(LIST, headers=fields))
    assert (status, code) == (401, "proof_missing" if not fields or "cookie" in fields else code)
    assert code in {"proof_missing", "proof_refused"}
    assert message


async def test_a_key_with_a_password_is_no_key(there: Stage) -> None:
    """Whoever sends one means something else."""
    answer = await there.nobody.get(LIST, headers=basic(there.keys.sk, "x"))
    assert refusal(answer)[:2] == (401, "proof_refused")


async def test_a_secret_key_is_not_looked_for_where_the_project_is_named(there: Stage) -> None:
    """What proves a backend is one header; beside it the project's key says nothing more."""
    hidden = await there.nobody.get(LIST, headers={"x-project-key": there.keys.sk})
    assert refusal(hidden)[:2] == (401, "proof_refused")
    named = await there.nobody.get(LIST, headers={"x-project-key": there.keys.pk})
    assert refusal(named)[:2] == (400, "not_allowed")
    both = {**by(there.keys.sk), "x-project-key": there.keys.pk}
    assert (await there.nobody.get(LIST, headers=both)).status_code == 200


async def test_a_token_of_a_provider_that_nobody_named_proves_nobody(there: Stage) -> None:
    """Also beside a good key: it is not taken for the key's alone. A mistake logs nobody out."""
    fields = {"x-player-token": "a.b.c", "x-auth-provider": "custom", "x-token-type": "idToken"}
    answer = await there.pk.get(LIST, headers=fields)
    assert refusal(answer)[:2] == (400, "malformed_request")
    assert "a.b.c" not in answer.text


async def test_a_key_that_was_revoked_proves_nobody() -> None:
    """From its next request on."""
    async with staged() as there:
        assert (await there.sk.get(LIST)).status_code == 200
        await revoke_credential(
            there.world,
            there.keys.founded.principal,
            Request("revoke", ""),
            credential_id=there.keys.secret.id,
        )
        assert refusal(await there.sk.get(LIST))[:2] == (401, "proof_refused")


@pytest.mark.parametrize("text", ["[object%20Object]", "%5Bobject%20Object%5D"])
async def test_a_path_that_was_made_of_an_object_is_answered_with_a_hint(
    there: Stage, text: str
) -> None:
    """That is what an older call of a newer client sends, without a body."""
    answer = await there.pk.post(f"/v1/sessions/{text}/signature")
    status, code, message = refusal(answer)
    assert (status, code) == (404, "no_such_route")
    assert "sessions.signature(id, {signature})" in message


async def test_where_nothing_is_there_is_nothing(there: Stage) -> None:
    """Nor for a method that a path does not have, a body of another type, or too much of it."""
    answers = [
        await there.sk.get("/v1/nothing"),
        await there.sk.get(f"{LIST}/pla_{UNKNOWN}"),
        await there.sk.patch(LIST),
        await there.sk.post(LIST, content=b"a=b", headers={"content-type": "text/plain"}),
        await there.sk.post(LIST, content=b"x" * 100_000),
        await there.sk.get(f"{LIST}/somebody"),
        await there.sk.get(LIST, params={"name": "a" * 4000}),
    ]
    assert [refusal(one)[:2] for one in answers] == [
        (404, "no_such_route"),
        (404, "not_found"),
        (400, "method_not_allowed"),
        (400, "unsupported_media_type"),
        (400, "body_too_large"),
        (400, "malformed_id"),
        (400, "url_too_long"),
    ]


async def test_the_same_request_is_made_once(there: Stage) -> None:
    """By its key, also at once; without one each is new; with another body it is refused."""
    fields = {"x-idempotency-key": "one-player"}
    asked = [there.sk.post(LIST, json={"name": "Once"}, headers=fields) for _ in range(4)]
    answers = [one.json() for one in await asyncio.gather(*asked)]
    assert len({one["id"] for one in answers}) == 1
    before = await dump(there.world)
    other = await there.sk.post(LIST, json={"name": "Twice"}, headers=fields)
    assert refusal(other)[:2] == (409, "request_id_reused")
    assert await dump(there.world) == before
    new = [(await there.sk.post(LIST, json={"name": "New"})).json()["id"] for _ in range(2)]
    assert new[0] != new[1]
    native = await there.sk.post(
        LIST, json={"name": "Once"}, headers={"idempotency-key": "one-player"}
    )
    assert native.json()["id"] != answers[0]["id"]


@pytest.mark.parametrize("key", ["", "a" * 129, "a b", "\u00e9"])
async def test_a_key_of_a_request_that_is_none_is_refused(there: Stage, key: str) -> None:
    """And a second one beside it: two readers could see different ones."""
    before = await dump(there.world)
    answer = await there.sk.post(LIST, headers=[(b"x-idempotency-key", key.encode())])
    assert refusal(answer)[:2] == (400, "malformed_request")
    twice = httpx.Headers([("x-idempotency-key", "a"), ("x-idempotency-key", "b")])
    assert refusal(await there.sk.post(LIST, headers=twice))[:2] == (400, "malformed_request")
    assert await dump(there.world) == before


# What SDKs for browsers send, of every generation.
OF_SDKS = (
    *("authorization", "content-type", "x-project-key", "x-player-token", "x-auth-provider"),
    *("x-token-type", "x-request-id", "x-native-app-identifier", "x-idempotency-key"),
)


async def test_pages_of_named_origins_alone_may_ask(there: Stage) -> None:
    """The browser is told for that origin, also on a refusal, and never that cookies are fine."""
    asking = {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type,x-project-key",
    }
    for origin in (PAGE, "http://localhost:5173"):
        before = await there.nobody.options(LIST, headers={**asking, "origin": origin})
        assert (before.status_code, before.content) == (204, b"")
        allowed = before.headers["access-control-allow-headers"].split(", ")
        assert {*OF_SDKS} <= {*allowed}
        for fields in (by(there.keys.sk), {}):
            answer = await there.nobody.get(LIST, headers={**fields, "origin": origin})
            assert answer.headers["access-control-allow-origin"] == origin
            assert "access-control-allow-credentials" not in answer.headers
            assert "set-cookie" not in answer.headers
    for origin in (f"{PAGE}.evil", "null"):
        answer = await there.sk.get(LIST, headers={"origin": origin})
        assert "access-control-allow-origin" not in answer.headers


async def test_a_guesser_is_told_to_wait_in_the_vendors_form() -> None:
    """By a sentence that the clients replace with their own, and so by the status, too."""
    rates = Rates(address_per_s=0.01, address_burst=30, failure_cost=10)
    async with staged(rates=rates) as there:
        for _ in range(3):
            await there.nobody.get(LIST, headers=by(f"sk_test_{UNKNOWN}"))
        assert refusal(await there.sk.get(LIST))[:2] == (429, "rate_limited")


def _ask(url: str, target: str, fields: dict[str, str]) -> None:
    """Ask by a client that logs no URL itself, for there is a key in it."""
    at = urlsplit(url)
    connection = HTTPConnection(at.hostname or "", at.port, timeout=10)
    connection.request("GET", target, headers=fields)
    connection.getresponse().read()
    connection.close()


async def test_no_key_is_logged(there: Stage) -> None:
    """Neither where it belongs nor where it does not."""
    for fields in (by(there.keys.sk), basic(there.keys.sk), {"x-project-key": there.keys.sk}):
        await asyncio.to_thread(_ask, there.url, f"{LIST}?name={there.keys.pk}", fields)
    text = b"".join(there.lines).decode()
    assert f'"/openfort{LIST}"' in text
    for key in (there.keys.sk, there.keys.pk, basic(there.keys.sk)["authorization"][6:]):
        assert key not in text
    assert there.keys.sk not in repr(there.keys)


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Malformed(Code.MALFORMED_SIGNATURE, "signature: expected the owner's"), 400),
        (Unauthenticated(Code.SESSION_EXPIRED, "it is over"), 401),
        (Forbidden(Code.TARGET_NOT_ALLOWED, "targets: not this one"), 400),
        (NotFound(Code.NOT_FOUND, "there is no such thing"), 404),
        (Conflict(Code.CONFLICT, "it is there"), 400),
        (Conflict(Code.REQUEST_ID_REUSED, "take another"), 409),
        (ChainRejected(Code.CALL_REVERTED, "it reverted"), 400),
        (Limited(Code.SPONSORSHIP_EXCEEDED, "nobody pays"), 400),
        (Limited(Code.RATE_LIMITED, "wait", retry_after_s=1, **BUCKET), 429),
        (Unavailable(Code.CHAIN_UNREACHABLE, "the chain is away"), 503),
        (ValetkeyError(Code.INTERNAL, "the log has it"), 500),
    ],
    ids=lambda one: one.code if isinstance(one, ValetkeyError) else "",
)
async def test_every_kind_of_error_has_a_status_that_the_clients_read(
    error: ValetkeyError, status: int
) -> None:
    """Whatever a developer should read is a 400: other statuses lose our words in some client."""
    answer = refuse(error, "req_1", Noted("POST"))
    assert answer.status == status
    assert error.detail.encode() in answer.body
    assert (b'"details"' in answer.body) is (": " in error.detail)
