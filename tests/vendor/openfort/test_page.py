"""The page's own calls, by curl, in their order; what comes of them is read off the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils.crypto import keccak

from tests.vendor.openfort.page import (
    ACCOUNT,
    AUTHORIZE,
    KEY,
    POLICY,
    REGISTER,
    REVOKE,
    SESSION,
    SIGNATURE,
    USE,
    VALID_UNTIL,
)
from tests.vendor.openfort.shop import HOUR_S, MINT, Opened, Shop, signed
from valetkey.spec.permission_bytes import Status

if TYPE_CHECKING:
    from tests.vendor.openfort.page import Said

pytestmark = pytest.mark.asyncio(loop_scope="module")

WINDOW: Final = 8 * HOUR_S
HASHES: Final = ("userOpHash", "userOperationHash", "signableHash")
OPERATIONS: Final = ("userOp", "userOperation")


def fresh(shop: Shop, **more: str) -> dict[str, str]:
    """Return what comes in the place of the dots that all calls have."""
    return {KEY: more["key"], ACCOUNT: shop.account, POLICY: shop.policy}


async def registered(shop: Shop) -> Opened:
    """Return a session that the page's first call asked for."""
    key = Account.create()
    until = f"validUntil={shop.there.clock.now() + HOUR_S}"
    said = await shop.curl.page(REGISTER, {**fresh(shop, key=key.address), VALID_UNTIL: until})
    assert said.status == 200, said.body
    return Opened(said, key)


async def authorized(shop: Shop) -> Opened:
    """Return a session that the page's second call made live."""
    opened = await registered(shop)
    signature = signed(shop.owner, opened.digest)
    said = await shop.curl.page(AUTHORIZE, {SESSION: opened.id, SIGNATURE: signature})
    assert (said.status, said.body["isActive"]) == (200, True), said.body
    return opened


def digest_of(payload: dict[str, Any]) -> str:
    """Return the digest that whoever signs can work out from *payload*."""
    typed = payload["valetkey"]["typed_data"]
    signable = encode_typed_data(full_message=typed)
    return "0x" + keccak(b"\x19" + signable.version + signable.header + signable.body).hex()


def check_payload(said: Said) -> None:
    """Fail unless what is to be signed is there in all the ways that clients look for it."""
    payload = said.payload
    assert {payload[name] for name in HASHES} == {digest_of(payload)}
    assert payload["valetkey"]["digest"] == payload["signableHash"]
    for name in OPERATIONS:
        assert payload[name]
        assert all(isinstance(one, str) and one.startswith("0x") for one in payload[name].values())


async def test_step_1_a_wrong_key_is_refused(shop: Shop) -> None:
    """With the vendor's shape of errors; as the user of Basic the right one works."""
    wrong = "sk_test_00000000-0000-4000-8000-000000000000"
    said = await shop.curl.form("/v1/players", method="GET", key=wrong)
    assert (said.status, said.body["error"]["type"]) == (401, "invalid_request_error")
    assert said.error
    said = await shop.curl.page(
        'curl https://api.openfort.io/v1/players -u "$YOUR_SECRET_KEY:"',
    )
    assert (said.status, said.body["object"]) == (200, "list")


async def test_step_2_what_is_needed_is_made_with_forms(shop: Shop) -> None:
    """A player, an account that is not deployed yet, a contract with its ABI, a policy."""
    form = shop.curl.form
    account = (await form(f"/v1/accounts/{shop.account}", method="GET")).body
    assert account["ownerAddress"].lower() == shop.owner.address.lower()
    assert (account["chainId"], account["player"]["id"]) == (80002, shop.player)
    contract = (await form(f"/v1/contracts/{shop.contract}", method="GET")).body
    assert contract["address"].lower() == shop.there.asset
    (function,) = contract["abi"]
    assert (function["name"], len(function["inputs"])) == ("mint", len(MINT["inputs"]))
    policy = (await form(f"/v1/policies/{shop.policy}", method="GET")).body
    assert (policy["enabled"], len(policy["policyRules"])) == (True, 2)
    player = (await form(f"/v1/players/{shop.player}", method="GET")).body
    assert (player["object"], player["name"]) == ("player", "Ada")


async def test_step_3_the_pages_own_times_are_refused(shop: Shop) -> None:
    """They are of 2023: the answer names the field, and nothing is on its way."""
    before = shop.chain.relayed
    said = await shop.curl.page(REGISTER, fresh(shop, key=Account.create().address))
    assert said.status == 400
    assert "validUntil" in said.error
    assert "validUntil" in said.body["error"]["details"]
    assert shop.chain.relayed == before


async def test_step_4_a_session_is_registered(shop: Shop) -> None:
    """It is not live, and says what to sign in all five fields, equal to what it says."""
    opened = await registered(shop)
    body = opened.said.body
    assert (body["object"], body["id"][:4]) == ("session", "ses_")
    assert (body["isActive"], body["address"].lower()) == (False, opened.key.address.lower())
    assert (body["validAfter"].isdigit(), body["validUntil"].isdigit()) == (True, True)
    assert body["account"]["id"] == shop.account
    check_payload(opened.said)
    typed = opened.said.payload["valetkey"]["typed_data"]
    assert (typed["primaryType"], typed["domain"]["chainId"]) == ("Grant", 80002)
    assert typed["domain"]["verifyingContract"].lower() == shop.address.lower()
    assert typed["message"]["key"].lower() == opened.key.address.lower()
    over_at = int(typed["message"]["expiresAt"])  # the first second after
    assert over_at == int(body["validUntil"]) + 1


async def test_step_5_the_owner_authorizes_it(shop: Shop) -> None:
    """With the publishable key; on the chain it is open, and the account paid for nothing."""
    opened = await registered(shop)
    before = shop.chain.relayer_wei, shop.chain.wei(shop.address)
    by_key = signed(opened.key, opened.digest)
    said = await shop.curl.page(AUTHORIZE, {SESSION: opened.id, SIGNATURE: by_key})
    assert said.status == 400, said.body
    pending = await shop.curl.form(f"/v1/sessions/{opened.id}", method="GET")
    assert (pending.body["isActive"], bool(pending.body["nextAction"])) == (False, True)
    by_owner = signed(shop.owner, opened.digest)
    said = await shop.curl.page(AUTHORIZE, {SESSION: opened.id, SIGNATURE: by_owner})
    assert (said.status, said.body["isActive"]) == (200, True), said.body
    assert "nextAction" not in said.body
    view = await shop.chain.session(opened.id, shop.address)
    assert (view.status, view.is_open) == (Status.OPEN, True)
    assert shop.chain.relayer_wei < before[0]
    assert shop.chain.wei(shop.address) == before[1]


async def test_step_5_the_same_signature_again_is_the_same_answer(shop: Shop) -> None:
    """And no second transaction."""
    opened = await registered(shop)
    fields = {SESSION: opened.id, SIGNATURE: signed(shop.owner, opened.digest)}
    first = await shop.curl.page(AUTHORIZE, fields)
    before = shop.chain.relayed
    again = await shop.curl.page(AUTHORIZE, fields)
    assert (again.status, again.body) == (200, first.body)
    assert shop.chain.relayed == before


async def test_step_6_a_transaction_is_asked_for(shop: Shop) -> None:
    """As on the page, with an address and nothing to do; and with something to do."""
    opened = await authorized(shop)
    literal = await shop.curl.page(USE, fresh(shop, key=opened.key.address))
    assert (literal.status, literal.body["object"]) == (200, "transactionIntent"), literal.body
    check_payload(literal)
    said = await shop.intend(*shop.mint())
    assert (said.status, said.body["id"][:4]) == (200, "tin_"), said.body
    check_payload(said)
    assert said.payload["signableHash"] != literal.payload["signableHash"]
    message = said.payload["valetkey"]["typed_data"]["message"]
    (call,) = message["calls"]
    assert (call["to"].lower(), call["data"][:10]) == (shop.there.asset, "0x6a627842")


async def test_step_6_an_empty_transaction_is_a_use(shop: Shop) -> None:
    """Or gas would be free for whoever has the key: it is included, and one call is used up."""
    opened = await shop.open("limit=2", f"whitelist[]={shop.there.asset}")
    empty = await shop.act(opened, f"address={opened.key.address}")
    assert (empty.status, empty.body["response"]["status"]) == (200, 1), empty.body
    assert (await shop.chain.session(opened.id, shop.address)).calls == 1


async def test_step_7_the_session_key_signs(shop: Shop) -> None:
    """``signMessage`` over the raw digest; what it mints is there, on the chain."""
    opened = await authorized(shop)
    before = shop.chain.minted(shop.address)
    intent = await shop.intend(*shop.mint())
    said = await shop.sign_intent(intent, opened.key)
    assert (said.status, said.body["response"]["status"]) == (200, 1), said.body
    assert shop.chain.minted(shop.address) == before + 1
    receipt = shop.chain.receipt(said.body["response"]["transactionHash"])
    assert int(receipt["status"], 16) == 1
    assert "nextAction" not in said.body
    again = await shop.sign_intent(intent, opened.key)
    assert (again.status, again.body) == (200, said.body)
    assert shop.chain.minted(shop.address) == before + 1


async def test_step_10_the_owner_revokes_it(shop: Shop) -> None:
    """At the same place as it was authorized; what it signs afterwards is refused."""
    opened = await authorized(shop)
    waiting = await shop.intend(*shop.mint())
    said = await shop.curl.page(REVOKE, fresh(shop, key=opened.key.address))
    assert (said.status, said.body["id"]) == (200, opened.id), said.body
    check_payload(said)
    signature = signed(shop.owner, said.payload["signableHash"])
    said = await shop.curl.page(AUTHORIZE, {SESSION: opened.id, SIGNATURE: signature})
    assert (said.status, said.body["isActive"]) == (200, False), said.body
    view = await shop.chain.session(opened.id, shop.address)
    assert (view.status, view.is_open) == (Status.REVOKED, False)
    before = shop.chain.minted(shop.address)
    late = await shop.sign_intent(waiting, opened.key)
    assert late.status == 400
    assert late.error
    refused = await shop.act(opened)
    assert refused.status == 400
    assert shop.chain.minted(shop.address) == before
