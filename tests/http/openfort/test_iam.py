"""Log-in as Openfort's clients do it: guests, and tokens of somebody else's."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio

from tests.http.openfort.stage import PAGE, SPOKEN, Stage, by, refusal, staged
from tests.issuer import AUDIENCE, ISSUER, Issuer, make_key
from valetkey.config import DialectConfig
from valetkey.core.ids import Prefix
from valetkey.core.surface import Surface
from valetkey.http.dialects.openfort import ids

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")

GUEST = "/iam/v2/auth/sign-in/anonymous"
SESSION = "/iam/v2/auth/get-session"
OUT = "/iam/v2/auth/sign-out"
ME = "/iam/v2/me"
THIRD = "/iam/v2/user/third_party"
TRUST = "/v1/identity-providers"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there() -> AsyncIterator[Stage]:
    """Give a server without a chain, where guests may come as often as they like."""
    spoken = DialectConfig(SPOKEN.ports, SPOKEN.host, SPOKEN.origins, {"guests": 0})
    async with staged(spoken=spoken) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def issuer(there: Stage) -> Issuer:
    """Return somebody whom the organization trusts."""
    made = Issuer()
    body = {"name": "custom", "issuer": ISSUER, "audiences": [AUDIENCE], "keys": made.keys}
    answer = await there.native.post(TRUST, json=body, headers={"idempotency-key": "trust"})
    assert answer.status_code == 200, answer.text
    return made


def project(there: Stage, **more: str) -> dict[str, str]:
    """Return what the SDK's headers say of its project."""
    return {"x-project-key": there.keys.pk, **more}


def told(there: Stage, token: str, provider: str = "custom") -> dict[str, str]:
    """Return the headers with a token of somebody else's."""
    headers = {"x-player-token": token, "x-auth-provider": provider, "x-token-type": "idToken"}
    return {**by(there.keys.pk), **headers}


async def guest(there: Stage) -> dict[str, Any]:
    """Return what a new guest is told."""
    answer = await there.nobody.post(GUEST, headers=project(there))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def token_of(there: Stage, issuer: Issuer, **changed: object) -> str:
    """Return a fresh token about alice."""
    return issuer.token("alice", now=there.clock.now(), **changed)  # type: ignore[arg-type]


async def test_a_guest_is_a_user_with_a_session_of_the_surface(there: Stage) -> None:
    """Shown natively as every other session, and ended by its own log-out."""
    come = await guest(there)
    headers = project(there, **by(come["token"]))
    answer = await there.nobody.get(SESSION, headers=headers)
    said = answer.json()
    assert said["session"]["token"] == come["token"]
    assert said["session"]["userId"] == said["user"]["id"] == come["user"]["id"]
    assert said["user"]["isAnonymous"] is True
    assert (await there.nobody.get(ME, headers=headers)).json() == said["user"]
    user_id = ids.native(come["user"]["id"], Prefix.USER, ids.USER)
    assert user_id == come["user"]["nativeId"]
    session_id = ids.native(said["session"]["id"], Prefix.SESSION, ids.SESSION)
    shown = (await there.native.get(f"/v1/sessions/{session_id}")).json()
    assert (shown["user_id"], shown["surface"]) == (user_id, Surface.OPENFORT)
    out = await there.nobody.post(OUT, headers=headers, json={})
    assert out.status_code == 200, out.text
    assert refusal(await there.nobody.get(SESSION, headers=headers))[0] == 401


async def test_a_guest_whose_session_is_revoked_natively_is_logged_out(there: Stage) -> None:
    """The next request is a 401, which is what the SDK logs out by."""
    come = await guest(there)
    headers = project(there, **by(come["token"]))
    said = (await there.nobody.get(SESSION, headers=headers)).json()
    session_id = ids.native(said["session"]["id"], Prefix.SESSION, ids.SESSION)
    path, key = f"/v1/sessions/{session_id}/revoke", {"idempotency-key": session_id}
    assert (await there.native.post(path, json={}, headers=key)).status_code == 200
    assert refusal(await there.nobody.get(ME, headers=headers))[:2] == (401, "session_revoked")


async def test_a_guest_who_is_frozen_waits_and_is_not_logged_out(there: Stage) -> None:
    """A 401 would have the SDK forget the token, which is good again when the session goes on."""
    come = await guest(there)
    headers = project(there, **by(come["token"]))
    said = (await there.nobody.get(SESSION, headers=headers)).json()
    session_id = ids.native(said["session"]["id"], Prefix.SESSION, ids.SESSION)
    for verb, status in (("freeze", 400), ("unfreeze", 200)):
        path, key = f"/v1/sessions/{session_id}/{verb}", {"idempotency-key": session_id + verb}
        assert (await there.native.post(path, json={}, headers=key)).status_code == 200
        assert (await there.nobody.get(SESSION, headers=headers)).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"x-project-key": "pk_test_00000000-0000-4000-8000-000000000000"}, 401),
        ({"x-project-key": "sk"}, 401),
        ({"authorization": "Bearer x"}, 401),
    ],
)
async def test_nobody_signs_up_without_a_key_of_the_project(
    there: Stage, headers: dict[str, str], status: int
) -> None:
    """A key that is none is a credential that is not valid: nothing else is answered so."""
    assert refusal(await there.nobody.post(GUEST, headers=headers))[0] == status
    secret = await there.nobody.post(GUEST, headers={"x-project-key": there.keys.sk})
    assert refusal(secret)[0] == 401


async def test_a_guests_token_works_for_its_project_and_its_surface_alone(there: Stage) -> None:
    """Neither beside another project's key, nor natively, nor as a key."""
    come = await guest(there)
    wrong = {**by(come["token"]), "x-project-key": there.others.pk}
    assert refusal(await there.nobody.get(ME, headers=wrong))[0] == 401
    native = await there.native.get("/v1/session", headers=by(come["token"]))
    assert native.status_code == 401
    again = await there.nobody.post(GUEST, headers=by(come["token"]))
    assert refusal(again)[0] in {400, 401}


async def test_a_third_partys_token_logs_in_and_proves(there: Stage, issuer: Issuer) -> None:
    """One user and one session, whatever token of theirs comes; the token is told back."""
    token = token_of(there, issuer)
    body = {"provider": "custom", "token": token}
    made = await there.nobody.post(THIRD, json=body, headers=project(there))
    assert made.status_code == 200, made.text
    said = await there.nobody.get(SESSION, headers=told(there, token))
    assert said.status_code == 200, said.text
    assert said.json()["session"]["token"] == token
    assert said.json()["user"]["id"] == made.json()["id"]
    assert said.json()["user"]["isAnonymous"] is False
    other = token_of(there, issuer, jti="another")
    again = await there.nobody.get(SESSION, headers=told(there, other))
    assert again.json()["session"]["id"] == said.json()["session"]["id"]
    out = await there.nobody.post(OUT, headers=told(there, token), json={})
    assert out.status_code == 200
    after = await there.nobody.get(SESSION, headers=told(there, token))
    assert after.json()["session"]["id"] != said.json()["session"]["id"]


async def test_tokens_that_prove_nothing_are_refused_and_a_wrong_name_is_readable(
    there: Stage, issuer: Issuer
) -> None:
    """401 logs the SDK's user out: for tokens that are not valid, not for an app's mistake."""
    now = there.clock.now()
    for token in (
        token_of(there, issuer, aud="another"),
        token_of(there, issuer, iss="https://evil.example"),
        token_of(there, issuer, exp=now - 1),
        issuer.token("alice", now=now, key=make_key("first")),
        "x.y.z",
        "",
    ):
        body = {"provider": "custom", "token": token}
        for answer in (
            await there.nobody.get(ME, headers=told(there, token)),
            await there.nobody.post(THIRD, json=body, headers=project(there)),
        ):
            assert refusal(answer)[0] == 401
    good = token_of(there, issuer)
    for provider in ("firebase", "", "Custom"):
        status, _, said = refusal(await there.nobody.get(ME, headers=told(there, good, provider)))
        assert (status, "provider" in said) == (400, True)
    others = {**told(there, good), **by(there.others.pk)}
    assert refusal(await there.nobody.get(ME, headers=others))[0] == 400


async def test_a_storm_of_tabs_has_one_session_and_no_refusal(there: Stage, issuer: Issuer) -> None:
    """All of a user's tabs ask at once, before every provider request."""
    token = issuer.token("carol", now=there.clock.now())
    answers = await asyncio.gather(
        *(there.nobody.get(SESSION, headers=told(there, token)) for _ in range(40))
    )
    assert {one.status_code for one in answers} == {200}
    assert len({one.json()["session"]["id"] for one in answers}) == 1


async def test_tokens_are_in_no_log(there: Stage, issuer: Issuer) -> None:
    """Neither a guest's nor a third party's, also where they are refused."""
    come, token = await guest(there), token_of(there, issuer)
    await there.nobody.get(ME, headers=by(come["token"]))
    await there.nobody.get(ME, headers=told(there, token))
    await there.nobody.get(ME, headers=told(there, token[:-4] + "AAAA"))
    said = b"".join(there.lines).decode()
    assert come["token"] not in said
    assert token.rpartition(".")[2] not in said


async def test_pages_ask_with_every_header_of_the_sdk(there: Stage) -> None:
    """The preflight of the SDK's requests, from a page that the operator names."""
    asked = "authorization,content-type,x-project-key,x-player-token,x-auth-provider,x-token-type"
    headers = {
        "origin": PAGE,
        "access-control-request-method": "POST",
        "access-control-request-headers": asked,
    }
    answer = await there.nobody.request("OPTIONS", THIRD, headers=headers)
    allowed = answer.headers["access-control-allow-headers"].lower()
    assert all(name in allowed for name in asked.split(","))
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert "access-control-allow-credentials" not in answer.headers


async def test_guests_from_one_address_are_so_many_a_minute() -> None:
    """Each is a user of the organization: beyond that it is a 429, and no user is made."""
    spoken = DialectConfig(SPOKEN.ports, SPOKEN.host, SPOKEN.origins, {"guests": 2})
    async with staged(spoken=spoken) as there:
        for _ in range(2):
            await guest(there)
        answer = await there.nobody.post(GUEST, headers=project(there))
        assert refusal(answer)[:2] == (429, "rate_limited")
        users = await there.native.get("/v1/users")
        assert len(users.json()["items"]) == 2
        assert isinstance(answer, httpx.Response)
