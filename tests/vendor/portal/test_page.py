"""The vendor's page on sessions, in its order: its calls over HTTP, as its library makes them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.http.calls import Caller, Token
from tests.http.custodian import PORTAL, TATUM, Custodian, bearer
from tests.http.portal_client import CURVES, ME, Client, opened, sealed, signer_of
from tests.vendor.portal.sdk import application, bundle, sdk_page
from valetkey.core.wallet import Curve, PublicKey, address_of
from valetkey.devchain import fund, wait_for
from valetkey.spec.secp256k1 import address_of_key

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from tests.http.dialect_stage import Spoken
    from valetkey.devchain import Deployment, Node

pytestmark = pytest.mark.asyncio(loop_scope="module")

ETHER: Final = 10**18
SHOP: Final = "0x" + "5e" * 20
HELLO: Final = "0x" + b"hello".hex()
ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
# What a frontend does with the token alone: the third block of the page, then generateWallet.
FRONTEND: Final = """async ([api, login]) => {
  const asked = await fetch("/session", {method: "POST", headers: {"x-login": login}});
  if (!asked.ok) return {status: asked.status};
  const {token} = await asked.json();
  const ask = async (method, path, body) => {
    const answer = await fetch(api + path, {
      method,
      headers: {authorization: `Bearer ${token}`, "content-type": "application/json"},
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return answer.status === 204 ? null : await answer.json();
  };
  const shares = await ask("POST", "/v1/generate", {});
  const signingSharePairIds = Object.values(shares).map((one) => one.id);
  await ask("PATCH", "/api/v3/clients/me/signing-share-pairs", {
    signingSharePairIds, status: "STORED_CLIENT",
  });
  return {status: asked.status, token, shares, client: await ask("GET", "/api/v3/clients/me")};
}"""


@dataclass(slots=True)
class Story:
    """What the steps know of each other."""

    backend: Custodian
    made: dict[str, Any] = field(default_factory=dict)
    client: Client | None = None


async def test_the_page_works_in_its_order(
    there: Spoken, portal_node: Node, portal_deployment: Deployment
) -> None:
    """Its blocks, the rows of its table, and what comes after them in the life of a wallet."""
    story = Story(Custodian(there.own, there.key, TATUM))
    await _a_client(story)
    await _a_session(story)
    await _a_wallet(story)
    await _the_table(story, there)
    await _signatures(story, there, portal_node, portal_deployment)
    await _backup_and_end(story, there)
    await _beyond(story, there)


def client_in(story: Story) -> Client:
    """Return the client of the story."""
    assert story.client is not None
    return story.client


async def _a_client(story: Story) -> None:
    """Its id, its permanent key, its first token."""
    story.made = await story.backend.client()
    assert {"id", "clientApiKey", "clientSessionToken"} <= set(story.made)


async def _a_session(story: Story) -> None:
    """`createClientSession`: a new token each time, and the client's id."""
    first, second = [await story.backend.token(story.made["id"]) for _ in range(2)]
    assert first["clientSessionToken"] != second["clientSessionToken"]
    assert first["id"] == second["id"] == story.made["id"]
    story.client = Client(story.backend.http, first["clientSessionToken"])


async def _a_wallet(story: Story) -> None:
    """`initClient`, `generateWallet`, `updateSigningSharePairs`, `getClientDetails`."""
    client = client_in(story)
    shares = await client.generate()
    assert set(shares) == set(CURVES)
    told = await client.ask("GET", ME)
    assert told["metadata"]["namespaces"]["eip155"]["address"].startswith("0x")
    statuses = {one["signingSharePairs"][0]["status"] for one in told["wallets"]}
    assert statuses == {"completed"}


async def _the_table(story: Story, there: Spoken) -> None:
    """The token is refused where the custodian is asked; the key is as good as the token."""
    token = client_in(story).token
    for path in (PORTAL, TATUM):
        headers = bearer(token) if path == PORTAL else {"x-api-key": token}
        for method, below in (("POST", ""), ("GET", ""), ("POST", f"/{story.made['id']}/sessions")):
            answer = await there.own.request(method, path + below, headers=headers)
            assert answer.status_code == 403
    answer = await there.own.get(ME, headers=bearer(story.made["clientApiKey"]))
    assert answer.status_code == 200
    shown = await there.own.get(ME, headers=bearer(token))
    assert story.made["clientApiKey"] not in shown.text


async def test_a_frontend_gets_a_token_from_its_backend_and_nothing_else(
    there: Spoken,
    browser: Browser,
    portal_deployment: Deployment,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Who is not logged in gets 401 and no token is made; no byte that a page got is a key."""
    backend = Custodian(there.own, there.key)
    made = await backend.client()
    host = f"localhost:{there.own.base_url.port}"
    script = bundle(tmp_path_factory.mktemp("portal"))
    chain_id, rpc = portal_deployment.chain_id, portal_deployment.rpc_url
    async with (
        application(script, backend) as (server, app),
        sdk_page(browser, app, host, chain_id=chain_id, rpc=rpc) as page,
    ):
        server.clients["alice"] = made["id"]
        refused = await page.run(FRONTEND, [f"http://{host}", "mallory"])
        assert (refused, server.minted) == ({"status": 401}, 0)
        told = await page.run(FRONTEND, [f"http://{host}", "alice"])
        assert (told["status"], server.minted) == (200, 1)
        assert told["client"]["metadata"]["namespaces"]["eip155"]["address"].startswith("0x")
        everything = await page.everything()
        assert told["token"].encode() in everything
        for secret in (made["clientApiKey"], there.key, there.native):
            assert secret.encode() not in everything


async def _signatures(
    story: Story, there: Spoken, portal_node: Node, portal_deployment: Deployment
) -> None:
    """The sender is the wallet; a share that does not fit has an id each."""
    client = client_in(story)
    address, chain = await client.address(), f"eip155:{portal_deployment.chain_id}"
    assert signer_of(b"hello", await client.sign("personal_sign", [HELLO])) == address
    fund(portal_node.rpc, portal_deployment, bytes.fromhex(address[2:]), 10 * ETHER)
    sent = await client.sign(
        "eth_sendTransaction",
        [{"from": address, "to": SHOP, "value": hex(ETHER)}],
        chainId=chain,
        rpcUrl="http://127.0.0.1:1/never-asked",
    )
    wait_for(portal_node.rpc, bytes.fromhex(sent[2:]))
    assert portal_node.rpc.ask("eth_getTransactionByHash", sent)["from"].lower() == address
    assert int(portal_node.rpc.ask("eth_getBalance", SHOP, "latest"), 16) == ETHER
    share = client.shares["SECP256K1"]["share"]
    send = {"share": share, "chain": chain, "to": SHOP, "token": "NATIVE", "amount": "0.5"}
    told = await client.ask("POST", "/v1/assets/send", send)
    assert told["metadata"]["rawAmount"] == str(ETHER // 2)
    wait_for(portal_node.rpc, bytes.fromhex(told["transactionHash"][2:]))
    assert int(portal_node.rpc.ask("eth_getBalance", SHOP, "latest"), 16) == ETHER + ETHER // 2
    for amount in ("0", "-1", "1e3", "0." + "0" * 18 + "1", "x", "9" * 80):
        refused = await client.refused("/v1/assets/send", {**send, "amount": amount})
        assert refused == "MALFORMED_BODY"
    other = Client(there.own, (await story.backend.client())["clientSessionToken"])
    await other.generate()
    blob = opened(share)
    changed = sealed({**blob, "share": str(int(blob["share"]) ^ 1)})
    for wrong, expected in (
        (client.shares["ED25519"]["share"], "SIGN_SHARE_MISMATCH"),
        (other.shares["SECP256K1"]["share"], "SIGN_SHARE_MISMATCH"),
        (changed, "SHARE_PARSING_FAILED"),
    ):
        assert await client.refused("/v1/assets/send", {**send, "share": wrong}) == expected


async def _backup_and_end(story: Story, there: Spoken) -> None:
    """The new share signs and the old one does not; then the key leaves, and is the wallet's."""
    client = client_in(story)
    address, before = await client.address(), dict(client.shares)
    backup = await client.ask("POST", "/v1/backup", {"generateResponse": json.dumps(before)})
    client.shares = await client.ask("POST", "/v1/recover", {"backupResponse": json.dumps(backup)})
    await client.store()
    assert signer_of(b"hello", await client.sign("personal_sign", [HELLO])) == address
    old = client.signing("personal_sign", [HELLO], share=before["SECP256K1"]["share"])
    assert await client.refused("/v1/sign", old) == "STATE_INVALID"
    wallets = {one["curve"]: one["id"] for one in (await client.ask("GET", ME))["wallets"]}
    path = f"{ME}/wallets/{wallets['SECP256K1']}"
    answer = await client.send("GET", f"{path}/ejectable-backup-shares?backupMethod=PASSWORD")
    assert (answer.status_code, answer.json()["code"]) == (403, "eject_not_enabled")
    assert (await client.send("PATCH", f"{path}/complete-eject")).status_code == 409
    asked = {"walletId": wallets["SECP256K1"]}
    told = await story.backend.ask("PATCH", f"/{story.made['id']}/enable-eject", asked, status=403)
    assert told["code"] == "scope_missing"
    native = Caller(there.shared, Token(there.native))
    owner = {"kind": "secret", "role": "owner", "surface": "portal"}
    key = (await native.post("/v1/credentials", owner))["token"]
    await Custodian(there.own, key, TATUM).ask("PATCH", f"/{story.made['id']}/enable-eject", asked)
    given = await client.ask("GET", f"{path}/ejectable-backup-shares?backupMethod=PASSWORD")
    pairs = (
        (client.shares, given["data"]["custodianSigningShare"]),
        (backup, given["data"]["custodianBackupShare"]),
    )
    for mine, theirs in pairs:
        joined = join(opened(mine["SECP256K1"]["share"]), json.loads(theirs))
        assert f"0x{address_of_key(joined.to_bytes(32)).hex()}" == address
    await client.ask("PATCH", f"{path}/complete-eject")
    body = client.signing("personal_sign", [HELLO])
    assert await client.refused("/v1/sign", body) == "STATE_INVALID"
    again = await client.send("GET", f"{path}/ejectable-backup-shares")
    assert again.status_code == 403


def join(mine: dict[str, Any], theirs: dict[str, str]) -> int:
    """Return the key on the line through both shares, at zero: Lagrange over the group's order."""
    x, y = int(mine["bks"]["client"]["X"]), int(mine["share"])
    other_x, other_y = int(theirs["bk"]), int(theirs["share"])
    weight = other_x * pow(other_x - x, -1, ORDER)
    other_weight = x * pow(x - other_x, -1, ORDER)
    key = (y * weight + other_y * other_weight) % ORDER
    point = mine["pubkey"]
    prefix = b"\x03" if int(point["Y"]) & 1 else b"\x02"
    public = PublicKey(Curve.SECP256K1, prefix + int(point["X"]).to_bytes(32))
    assert address_of(public) == address_of_key(key.to_bytes(32))
    return key


async def _beyond(story: Story, there: Spoken) -> None:
    """Sessions are listed, one and all are revoked, and the log has a line for each."""
    sessions = f"/{story.made['id']}/sessions"
    listed = (await story.backend.ask("GET", sessions))["results"]
    assert {one["kind"] for one in listed} == {"clientApiKey", "clientSessionToken"}
    last = listed[0]["sessionId"]
    revoked = await story.backend.ask("DELETE", f"{sessions}/{last}")
    every = await story.backend.ask("DELETE", sessions)
    assert (await client_in(story).send("GET", ME)).status_code == 401
    ids = {one["sessionId"] for one in (*revoked["results"], *every["results"])}
    native = Caller(there.shared, Token(there.native))
    log = await native.get("/v1/audit?resource=session&action=revoked&order=newest")
    assert ids == {line["subject_id"] for line in log["items"]} & ids
    assert len(ids) == len(listed)
