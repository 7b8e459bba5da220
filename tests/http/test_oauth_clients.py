"""Clients that prove themselves by id and secret (RFC 6749, section 2.3.1), at token endpoints."""

from __future__ import annotations

import asyncio
import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import pytest

from tests.http.calls import Key
from tests.http.unchanged import check_problem, state
from valetkey.wire.exchange import ACCESS_TOKEN, GRANT_TYPE

if TYPE_CHECKING:
    import httpx

    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

ROOT: Final = Path(__file__).parents[2]
INTROSPECT: Final = "/v1/tokens/introspect"
CHALLENGE: Final = 'Basic realm="valetkey", charset="UTF-8"'
NODE: Final = """
import * as oauth from "oauth4webapi";
const { issuer, id, secret, token } = JSON.parse(process.argv[1]);
const insecure = { [oauth.allowInsecureRequests]: true };
const found = await oauth.discoveryRequest(new URL(issuer), { ...insecure, algorithm: "oauth2" });
const server = await oauth.processDiscoveryResponse(new URL(issuer), found);
const client = { client_id: id };
const auth = oauth.ClientSecretBasic(secret);
const look = async () => {
  const answer = await oauth.introspectionRequest(server, client, auth, token, insecure);
  return (await oauth.processIntrospectionResponse(server, client, answer)).active;
};
const told = { before: await look() };
await oauth.processRevocationResponse(
  await oauth.revocationRequest(server, client, auth, token, insecure));
told.after = await look();
console.log(JSON.stringify(told));
"""


def basic(client_id: str, secret: str) -> dict[str, str]:
    """Return the field of a client, as appendix B of RFC 6749 writes its halves."""
    pair = f"{quote(client_id, safe='')}:{quote(secret, safe='')}"
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


async def client_of(stage: Stage, **fields: object) -> tuple[str, str]:
    """Return id and key of a new credential."""
    wanted = {"kind": "secret", "role": "operator", **fields}
    added = await stage.secret.post("/v1/credentials", wanted)
    return added["credential"]["id"], added["token"]


async def look(
    stage: Stage, fields: dict[str, str], token: str, path: str = INTROSPECT
) -> httpx.Response:
    """Ask what *token* is worth, or revoke it."""
    return await stage.client.post(path, data={"token": token}, headers=fields)


async def test_a_client_of_others_introspects_and_revokes(stage: Stage) -> None:
    """Npm `oauth4webapi` finds the endpoints and proves itself by `client_secret_basic`."""
    opened = await stage.open("bearer", "read")
    client_id, secret = await client_of(stage)
    issuer = str(stage.client.base_url).rstrip("/")
    facts = {"issuer": issuer, "id": client_id, "secret": secret, "token": opened["token"]}
    process = await asyncio.create_subprocess_exec(
        *("node", "--input-type=module", "-e", NODE, json.dumps(facts)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    said, wrong = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, wrong.decode()
    assert json.loads(said) == {"before": True, "after": False}


async def test_a_client_exchanges_a_token(stage: Stage) -> None:
    """At the token endpoint proper; what it may is what its key may."""
    opened = await stage.open("bearer", "read")
    form = {"grant_type": GRANT_TYPE, "subject_token": opened["token"]}
    form["subject_token_type"] = ACCESS_TOKEN
    fields = basic(*await client_of(stage))
    answer = await stage.client.post("/v1/tokens/exchange", data=form, headers=fields)
    assert answer.status_code == 200, answer.text
    auditor = basic(*await client_of(stage, role="auditor"))
    refused = await stage.client.post("/v1/tokens/exchange", data=form, headers=auditor)
    assert (refused.status_code, refused.json()["code"]) == (400, "scope_missing")


async def test_a_secret_proves_no_other_client(stage: Stage) -> None:
    """The attack: a good key beside another id, an unknown one, none; all are told the same."""
    opened = await stage.open("bearer", "read")
    client_id, secret = await client_of(stage)
    other_id, _ = await client_of(stage)
    before = await state(stage.world)
    wrongs = [
        basic(other_id, secret),
        basic("crd_" + "0" * 24, secret),
        basic(stage.org.organization.id, secret),
        basic("", secret),
        basic(client_id, ""),
        basic(client_id, "vk_secret_" + "A" * 43),
        basic(secret, client_id),
    ]
    for fields in wrongs:
        for path in (INTROSPECT, "/v1/tokens/revoke"):
            refused = await look(stage, fields, opened["token"], path)
            check_problem(refused, 401, "proof_refused")
            assert CHALLENGE in refused.headers.get_list("www-authenticate")
            assert secret not in refused.text
    assert await state(stage.world) == before
    good = await look(stage, basic(client_id, secret), opened["token"])
    assert good.json()["active"] is True


@pytest.mark.parametrize(
    "text", ["Basic", "Basic !!!!", "Basic YQ", "Basic YTpi YTpi", "Basic /////w=="]
)
async def test_what_is_no_pair_is_refused(stage: Stage, text: str) -> None:
    """Whatever stands behind the scheme."""
    check_problem(await look(stage, {"authorization": text}, "x"), 401, "proof_refused")


async def test_a_pair_proves_nobody_elsewhere(stage: Stage) -> None:
    """Other routes take it as before, not at all; a key-bound token needs its proof here, too."""
    fields = basic(*await client_of(stage))
    refused = await stage.client.get("/v1/users", headers=fields)
    check_problem(refused, 401, "proof_refused")
    key = Key.make("p256", 340)
    opened = await stage.open("stamp", "write", key=key.document, bound_token=True)
    bound: dict[str, Any] = basic(opened["session"]["id"], opened["token"])
    check_problem(await look(stage, bound, "x"), 401, "proof_key_bound")
    plain = await stage.client.get("/v1/users")
    assert CHALLENGE not in plain.headers.get_list("www-authenticate")


async def test_a_pair_and_a_proof_are_two(stage: Stage) -> None:
    """RFC 6749 2.3: not more than one way in one request."""
    fields = basic(*await client_of(stage))
    for more in ({"dpop": "x"}, {"signature": "vk=:AA==:", "signature-input": "vk=()"}):
        check_problem(await look(stage, {**fields, **more}, "x"), 401, "proof_refused")
