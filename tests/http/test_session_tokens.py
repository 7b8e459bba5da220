"""Tokens signed by us: checked by other people's libraries, with the keys that we publish."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from joserfc import jwt as jose
from joserfc.jwk import ECKey, KeySet

from tests.http.calls import Key, Token
from tests.http.unchanged import check_problem
from valetkey.flows.issue_token import rotate_token_key

if TYPE_CHECKING:
    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT: Final = Path(__file__).parents[2]
SHOP: Final = "https://shop.example"
ISSUE: Final = "/v1/session/token"
KEYS: Final = "/.well-known/jwks.json"
NODE: Final = """
import { createLocalJWKSet, jwtVerify } from "jose";
const { token, keys, issuer, audience } = JSON.parse(process.argv[1]);
const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
  issuer, audience, algorithms: ["ES256"],
});
console.log(JSON.stringify(payload));
"""


async def issued(stage: Stage, token: str, **asked: object) -> Any:  # noqa: ANN401 - JSON
    """Return what the holder of *token* is given."""
    return await stage.by(Token(token)).post(ISSUE, {"audience": SHOP, **asked})


async def read(stage: Stage, token: str, *, audience: str = SHOP) -> dict[str, Any]:
    """Return the claims as PyJWT reads them, with a key found by its id."""
    keys = jwt.PyJWKSet.from_dict(await stage.by(Token("x")).get(KEYS))
    key = keys[jwt.get_unverified_header(token)["kid"]]
    issuer = str(stage.client.base_url).rstrip("/")
    claims: dict[str, Any] = jwt.decode(
        token, key.key, algorithms=["ES256"], audience=audience, issuer=issuer, leeway=10
    )
    return claims


async def test_a_token_says_which_session_it_is_of(stage: Stage) -> None:
    """RFC 7519 4.1: who issued it, about whom, for whom, until when."""
    opened = await stage.open("bearer", "read")
    told = await issued(stage, opened["token"])
    claims = await read(stage, told["token"])
    session = opened["session"]
    assert claims["sub"] == claims["sid"] == session["id"]
    assert claims["organization_id"] == stage.org.organization.id
    assert claims["access"] == "read"
    assert claims["exp"] == told["expires_at"] == claims["iat"] + 300
    assert "cnf" not in claims
    again = await read(stage, (await issued(stage, opened["token"]))["token"])
    assert again["jti"] != claims["jti"]


async def test_three_libraries_read_the_same(stage: Stage) -> None:
    """PyJWT, joserfc and npm jose check signature, issuer and audience."""
    opened = await stage.open("bearer", "read")
    token = (await issued(stage, opened["token"]))["token"]
    keys = await stage.by(Token("x")).get(KEYS)
    claims = await read(stage, token)
    assert jose.decode(token, KeySet.import_key_set(keys), algorithms=["ES256"]).claims == claims
    facts = {"token": token, "keys": keys, "issuer": claims["iss"], "audience": SHOP}
    node = subprocess.run(  # noqa: S603, ASYNC221 - our own script
        ["node", "--input-type=module", "-e", NODE, json.dumps(facts)],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert node.returncode == 0, node.stderr
    assert json.loads(node.stdout) == claims


async def test_a_token_of_a_key_names_the_key(stage: Stage) -> None:
    """RFC 9449 6.1: whoever is shown the token can ask for a proof by that key."""
    key = Key.make("p256", 60)
    _, holder = await stage.stamped(60, "read")
    claims = await read(stage, (await holder.post(ISSUE, {"audience": SHOP}))["token"])
    public = EllipticCurvePublicKey.from_encoded_point(SECP256R1(), key.public)
    assert claims["cnf"] == {"jkt": ECKey.import_key(public).thumbprint()}


async def test_a_session_that_may_write_gets_a_minute(stage: Stage) -> None:
    """A token outlives a revocation by its whole life: where something is written, it is short."""
    _, holder = await stage.stamped(61, "write")
    told = await holder.post(ISSUE, {"audience": SHOP})
    claims = await read(stage, told["token"])
    assert claims["exp"] - claims["iat"] == 60
    assert claims["permission_id"].startswith("0x")
    check_problem(
        await holder.send("POST", ISSUE, {"audience": SHOP, "life_s": 61}), 400, "malformed_body"
    )


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"audience": SHOP, "life_s": 301}, "1 to 300"),
        ({"audience": SHOP, "life_s": 0}, "1 to 300"),
        ({"audience": ""}, "audience"),
        ({"audience": "a" * 257}, "audience"),
        ({}, "audience"),
    ],
)
async def test_a_token_that_may_not_be_is_not_made(
    stage: Stage, asked: dict[str, object], says: str
) -> None:
    """Nobody gets a longer life than there is, nor a token that is for anybody."""
    opened = await stage.open("bearer", "read")
    answer = await stage.by(Token(opened["token"])).send("POST", ISSUE, asked)
    check_problem(answer, 400, "malformed_body")
    assert says in answer.json()["detail"]


async def test_no_token_lives_longer_than_its_session(stage: Stage) -> None:
    """The end of the session is the end of all that stands for it."""
    opened = await stage.open("bearer", "read", ttl_s=30)
    told = await issued(stage, opened["token"])
    assert told["expires_at"] == opened["session"]["expires_at"]


async def test_a_token_is_for_its_audience_alone(stage: Stage) -> None:
    """What one backend was shown is no proof to another."""
    opened = await stage.open("bearer", "read")
    token = (await issued(stage, opened["token"]))["token"]
    with pytest.raises(jwt.InvalidAudienceError):
        await read(stage, token, audience="https://other.example")


async def test_our_own_routes_take_no_such_token(stage: Stage) -> None:
    """Here a session is looked up each time: what it was a minute ago is no proof."""
    opened = await stage.open("bearer", "read")
    token = (await issued(stage, opened["token"]))["token"]
    check_problem(await stage.by(Token(token)).send("GET", "/v1/session"), 401, "proof_refused")


async def test_keys_change_without_a_token_being_lost(stage: Stage) -> None:
    """
    A new key signs at once; the one before it checks what it has signed, and then goes.

    The published keys have no private member.
    """
    opened = await stage.open("bearer", "read")
    first = (await issued(stage, opened["token"]))["token"]
    new = await rotate_token_key(stage.world)
    second = (await issued(stage, opened["token"]))["token"]
    assert jwt.get_unverified_header(second)["kid"] == new
    assert jwt.get_unverified_header(first)["kid"] != new
    for token in (first, second):
        assert (await read(stage, token))["sid"] == opened["session"]["id"]
    await rotate_token_key(stage.world)
    published = (await stage.by(Token("x")).get(KEYS))["keys"]
    assert len(published) == 2
    assert jwt.get_unverified_header(first)["kid"] not in {key["kid"] for key in published}
    assert all(set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"} for key in published)


async def test_the_metadata_names_what_is_there(stage: Stage) -> None:
    """RFC 8414 2: each endpoint that is named answers."""
    told = await stage.by(Token("x")).get("/.well-known/oauth-authorization-server")
    base = str(stage.client.base_url).rstrip("/")
    assert told["issuer"] == base
    assert (await stage.client.get(told["jwks_uri"])).status_code == 200
    for name in ("introspection_endpoint", "revocation_endpoint"):
        answer = await stage.client.post(
            told[name],
            data={"token": "none"},
            headers={"authorization": f"Bearer {stage.org.secret}"},
        )
        assert answer.status_code == 200, answer.text
