"""Tokens bound to keys, read with by somebody else's client: npm `oauth4webapi`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.http.calls import Key
from valetkey.spec.jwt import b64u, jwk_of

if TYPE_CHECKING:
    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT: Final = Path(__file__).parents[2]
NODE: Final = """
import * as oauth from "oauth4webapi";
const { url, issuer, token, keys } = JSON.parse(process.argv[1]);
const insecure = { [oauth.allowInsecureRequests]: true };
const curve = { name: "ECDSA", namedCurve: "P-256" };
const load = (jwk, use) => crypto.subtle.importKey("jwk", jwk, curve, false, [use]);
const pair = async ({ d, ...jwk }) => ({
  privateKey: await load({ ...jwk, d }, "sign"),
  publicKey: await crypto.subtle.importKey("jwk", jwk, curve, true, ["verify"]),
});
const found = await oauth.discoveryRequest(new URL(issuer), { ...insecure, algorithm: "oauth2" });
const server = await oauth.processDiscoveryResponse(new URL(issuer), found);
const told = { algorithms: server.dpop_signing_alg_values_supported, asked: [] };

const ask = (DPoP) =>
  oauth.protectedResourceRequest(token, "GET", new URL(url), new Headers(), null,
    { ...insecure, DPoP });
for (const key of keys) {
  const handle = oauth.DPoP({ client_id: "test" }, await pair(key));
  try {
    await ask(handle);
  } catch (error) {
    told.asked.push(oauth.isDPoPNonceError(error) ? "nonce needed" : String(error));
  }
  try {
    const answer = await ask(handle);
    told.asked.push((await answer.json()).id);
  } catch (error) {
    const challenge = error.cause.find(({ scheme }) => scheme === "dpop");
    told.asked.push(challenge.parameters.error);
  }
}
console.log(JSON.stringify(told));
"""


def private(key: Key) -> dict[str, str]:
    """Return *key* with its private member, as WebCrypto takes it."""
    return {**jwk_of(key.curve, key.public), "d": b64u(key.private)}


async def node(facts: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
    """Return what the script says of *facts*."""
    process = await asyncio.create_subprocess_exec(
        "node",
        "--input-type=module",
        "-e",
        NODE,
        json.dumps(facts),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, wrong = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, wrong.decode()
    return json.loads(said)


async def test_a_client_of_others_reads_with_a_bound_token(stage: Stage) -> None:
    """
    It finds us, asks, learns the nonce from our challenge, and asks again.

    With the key of somebody else it is told that the token is not valid.
    """
    key, other = Key.make("p256", 330), Key.make("p256", 331)
    opened, prover = await stage.proving(key)
    base = str(stage.client.base_url).rstrip("/")
    told = await node(
        {
            "url": f"{base}/v1/session",
            "issuer": base,
            "token": prover.text,
            "keys": [private(key), private(other)],
        }
    )
    assert told["algorithms"] == ["ES256", "ES256K", "EdDSA", "Ed25519"]
    assert told["asked"] == [
        "nonce needed",
        opened["session"]["id"],
        "nonce needed",
        "invalid_token",
    ]
