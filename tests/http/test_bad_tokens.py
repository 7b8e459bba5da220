"""Bearer strings that prove nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.http.calls import Token
from tests.http.unchanged import check_problem, state

if TYPE_CHECKING:
    from tests.http.calls import Caller
    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def refused(stage: Stage, by: Caller) -> None:
    """Send a write, and check that it was refused for its proof."""
    before = await state(stage.world)
    answer = await by.send("POST", "/v1/users", {"reference": "somebody"})
    check_problem(answer, 401, "proof_refused")
    assert answer.headers.get_list("www-authenticate") == [
        'Bearer realm="valetkey"',
        'DPoP error="invalid_token", algs="ES256 ES256K EdDSA Ed25519"',
    ]
    assert await state(stage.world) == before


@pytest.mark.parametrize(
    "token",
    [
        "x",
        "vk_secret_",
        "vk_session_",
        "vk_secret_" + "A" * 43,
        "vk_session_" + "A" * 43,
        "A" * 8000,
    ],
    ids=["x", "secret", "session", "no secret", "no session", "long"],
)
async def test_a_token_that_is_none_is_refused(stage: Stage, token: str) -> None:
    """Whatever was wrong, the answer is the same."""
    await refused(stage, stage.by(Token(token)))


@pytest.mark.parametrize(
    "authorization", ["Basic dXNlcjpwYXNz", "vk_secret_x", "Bearervk", "Digest x", "Bearer \xfc"]
)
async def test_another_scheme_is_refused(stage: Stage, authorization: str) -> None:
    """Tokens come as bearer tokens."""
    headers = {"authorization": authorization.encode("latin-1").decode("latin-1")}
    answer = await stage.client.get(
        "/v1/users", headers=[(b"authorization", headers["authorization"].encode("latin-1"))]
    )
    check_problem(answer, 401, "proof_refused")


async def test_a_revoked_api_key_is_refused(stage: Stage) -> None:
    """From the answer of the revocation on."""
    added = await stage.secret.post("/v1/credentials", {"kind": "secret", "role": "owner"})
    by = stage.by(Token(added["token"]))
    await by.get("/v1/users")
    await by.post(f"/v1/credentials/{added['credential']['id']}/revoke")
    await refused(stage, by)
