"""Transactions of clients: several at once, requests made again, tokens, and what is refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.http.calls import unique
from tests.http.custodian import Custodian, bearer
from tests.http.portal_client import Client
from valetkey.core.send_line import HOLD_S
from valetkey.devchain import fund, mint, wait_for
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from tests.http.dialect_stage import Spoken
    from valetkey.devchain import Deployment, Node

pytestmark = pytest.mark.asyncio(loop_scope="module")

ETHER: Final = 10**18
UNIT: Final = 10**6  # of the token
AT_ONCE: Final = 4


class Sender(Client):
    """A client with native currency and tokens, and where it sends."""

    node: Node
    deployment: Deployment
    shop: str

    def sending(self, **more: object) -> dict[str, object]:
        """Return the body of a request that sends tokens."""
        return {
            "share": self.shares["SECP256K1"]["share"],
            "chain": f"eip155:{self.deployment.chain_id}",
            "to": self.shop,
            "token": f"0x{self.deployment.token.hex()}",
            "amount": "1.5",
            **more,
        }

    def paying(self, **more: object) -> dict[str, object]:
        """Return the body of a request that sends 1 wei."""
        chain = f"eip155:{self.deployment.chain_id}"
        draft = [{"to": self.shop, "value": "0x1", **more}]
        return self.signing("eth_sendTransaction", draft, chainId=chain)

    def mined(self, tx_hash: str) -> dict[str, Any]:
        """Return the transaction, once it is mined and has done what it should."""
        wait_for(self.node.rpc, bytes.fromhex(tx_hash[2:]))
        told: dict[str, Any] = self.node.rpc.ask("eth_getTransactionByHash", tx_hash)
        return told

    def got(self) -> int:
        """Return what the shop has, in wei."""
        return int(self.node.rpc.ask("eth_getBalance", self.shop, "latest"), 16)

    def tokens(self, holder: str) -> int:
        """Return what *holder* has of the token."""
        data = f"0x70a08231{holder[2:].rjust(64, '0')}"
        call = {"to": f"0x{self.deployment.token.hex()}", "data": data}
        return int(self.node.rpc.ask("eth_call", call, "latest"), 16)


async def sender(there: Spoken, node: Node, deployment: Deployment) -> Sender:
    """Return a new one, with 1 of the native currency and 10 of the token."""
    made = await Custodian(there.own, there.key).client()
    client = Sender(there.own, made["clientSessionToken"])
    client.node, client.deployment = node, deployment
    client.shop = f"0x{keccak256(unique().encode())[12:].hex()}"
    await client.generate()
    address = bytes.fromhex((await client.address())[2:])
    fund(node.rpc, deployment, address, ETHER)
    mint(node.rpc, deployment, address, 10 * UNIT)
    return client


async def test_sends_at_once_have_a_nonce_each(
    there: Spoken, portal_node: Node, portal_deployment: Deployment
) -> None:
    """All are mined, in the order of their nonces; so is what follows them."""
    client = await sender(there, portal_node, portal_deployment)
    bodies = [client.paying() for _ in range(AT_ONCE)]
    told = await asyncio.gather(*(client.ask("POST", "/v1/sign", one) for one in bodies))
    told.append(await client.ask("POST", "/v1/sign", client.paying()))
    nonces = [int(client.mined(one["data"])["nonce"], 16) for one in told]
    assert sorted(nonces) == list(range(AT_ONCE + 1))
    assert client.got() == AT_ONCE + 1


async def test_a_nonce_comes_back_when_nothing_came_of_it(
    there: Spoken, portal_node: Node, portal_deployment: Deployment
) -> None:
    """What the node does not take leaves no gap that later ones would wait behind."""
    client = await sender(there, portal_node, portal_deployment)
    too_much = client.paying(value=hex(2 * ETHER), gas="0x5208")
    answer = await client.send("POST", "/v1/sign", too_much)
    assert (answer.status_code, answer.json()["code"]) == (422, "chain_rejected")
    sent = await client.ask("POST", "/v1/sign", client.paying())
    assert client.mined(sent["data"])["nonce"] == "0x0"
    assert client.got() == 1


async def test_a_transaction_that_is_only_signed_holds_no_nonce(
    there: Spoken, portal_node: Node, portal_deployment: Deployment
) -> None:
    """Whoever has it may never send it."""
    client = await sender(there, portal_node, portal_deployment)
    body = client.paying() | {"method": "eth_signTransaction"}
    raw = (await client.ask("POST", "/v1/sign", body))["data"]
    sent = await client.ask("POST", "/v1/sign", client.paying(value="0x2"))
    assert client.mined(sent["data"])["nonce"] == "0x0"
    assert client.got() == 2
    assert raw.startswith("0x02")


async def test_a_request_made_again_pays_once(
    there: Spoken, portal_node: Node, portal_deployment: Deployment
) -> None:
    """The same idempotency key never signs a second transaction, whatever the next nonce is."""
    client = await sender(there, portal_node, portal_deployment)
    headers = {**bearer(client.token), "idempotency-key": unique()}
    body = client.paying()
    first = await client.http.post("/v1/sign", json=body, headers=headers)
    client.mined(first.json()["data"])
    again = await client.http.post("/v1/sign", json=body, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "request_id_reused")
    after = await client.ask("POST", "/v1/sign", client.paying())
    assert client.mined(after["data"])["nonce"] == "0x1"
    assert client.got() == 2
    there.clock.advance(HOLD_S)
    later = await client.ask("POST", "/v1/sign", client.paying())
    assert client.mined(later["data"])["nonce"] == "0x2"


async def test_tokens_are_sent_in_whole_units(
    there: Spoken, portal_node: Node, portal_deployment: Deployment
) -> None:
    """By the token's address or by its decimals' worth: what arrives is what was said."""
    client = await sender(there, portal_node, portal_deployment)
    told = await client.ask("POST", "/v1/assets/send", client.sending())
    client.mined(told["transactionHash"])
    assert told["metadata"] == {
        "amount": "1.5",
        "rawAmount": str(15 * UNIT // 10),
        "tokenAddress": f"0x{portal_deployment.token.hex()}",
        "tokenDecimals": 6,
    }
    assert client.tokens(client.shop) == 15 * UNIT // 10
    assert client.tokens(await client.address()) == 85 * UNIT // 10
    tiny = await client.ask("POST", "/v1/assets/send", client.sending(amount="0.000001"))
    client.mined(tiny["transactionHash"])
    assert client.tokens(client.shop) == 15 * UNIT // 10 + 1


async def test_tokens_that_cannot_be_sent_are_refused_and_nothing_moves(
    there: Spoken, portal_node: Node, portal_deployment: Deployment
) -> None:
    """No token, too much of one, no amount: refused before anything is signed."""
    client = await sender(there, portal_node, portal_deployment)
    shop = client.shop
    for more in (
        *({"amount": one} for one in ("-1", "+1", "1e3", "1.0000001", "0", "0.0", "", " 1", "1.")),
        *({"amount": one} for one in ("1,5", "0x1", "NaN", "٣", "9" * 72, "1" * 129)),
        *({"token": one} for one in (shop, "DOGE", "", "0x12", f"{shop}00")),
        *({"to": one} for one in ("", "shop.eth", shop[:-2])),
    ):
        refused = await client.refused("/v1/assets/send", client.sending(**more))
        assert refused == "MALFORMED_BODY", more
    other = client.sending(chain="eip155:5")
    assert await client.refused("/v1/assets/send", other) == "WRONG_CHAIN"
    answer = await client.send("POST", "/v1/assets/send", client.sending(amount="10.000001"))
    assert (answer.status_code, answer.json()["code"]) == (422, "call_reverted")
    assert client.tokens(shop) == 0
    assert client.tokens(await client.address()) == 10 * UNIT
    count = portal_node.rpc.ask("eth_getTransactionCount", await client.address(), "pending")
    assert int(count, 16) == 0
