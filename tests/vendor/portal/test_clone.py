"""Account-abstracted clients: their account is a clone that their split key owns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
from eth_abi.abi import decode

from tests.http.custodian import TATUM, Custodian
from tests.http.portal_client import ME, Client
from valetkey.devchain import fund, transact
from valetkey.devchain.keys import dev_keys
from valetkey.spec import erc1271, erc6492
from valetkey.spec.clone import address_of_calldata
from valetkey.spec.eip712 import digest, from_json
from valetkey.spec.permission_bytes import personal_digest
from valetkey.spec.secp256k1 import address_of_public_key

if TYPE_CHECKING:
    from tests.http.dialect_stage import Spoken
    from valetkey.devchain import Deployment, Node

pytestmark = pytest.mark.asyncio(loop_scope="module")

HELLO: Final = "0x" + b"hello".hex()
APP: Final = "0x" + "a9" * 20


def order(**domain: object) -> dict[str, Any]:
    """Return typed data of an app."""
    return {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Order": [{"name": "item", "type": "Item"}, {"name": "price", "type": "uint256"}],
            "Item": [{"name": "name", "type": "string"}],
        },
        "primaryType": "Order",
        "domain": {"name": "Shop", "chainId": 31337, "verifyingContract": APP, **domain},
        "message": {"item": {"name": "tea"}, "price": 7},
    }


async def newcomer(there: Spoken) -> tuple[dict[str, Any], Client]:
    """Return what a custodian got for a new account-abstracted client, and that client."""
    backend = Custodian(there.own, there.key, TATUM)
    made = await backend.ask("POST", body={"isAccountAbstracted": True})
    client = Client(there.own, made["clientSessionToken"])
    await client.generate()
    return made, client


async def owner_of(client: Client) -> bytes:
    """Return the address of the client's key."""
    wallets = (await client.ask("GET", ME))["wallets"]
    held = next(one for one in wallets if one["curve"] == "SECP256K1")
    return address_of_public_key(bytes.fromhex(held["publicKey"]))


def is_signed(node: Node, account: str, hash_: bytes, signature: bytes) -> bool:
    """Say what the account on the chain answers to ERC-1271."""
    data = erc1271.is_valid_signature_calldata(hash_, signature)
    told = node.rpc.ask("eth_call", {"to": account, "data": f"0x{data.hex()}"}, "latest")
    return erc1271.is_valid(bytes.fromhex(told[2:]))


async def test_the_address_is_the_accounts_own(
    there: Spoken, portal_node: Node, portal_deployment: Deployment
) -> None:
    """What the factory says on the chain; every answer says that the client is one of those."""
    made, client = await newcomer(there)
    assert made["isAccountAbstracted"] is True
    assert (await client.ask("GET", ME))["isAccountAbstracted"] is True
    owner = await owner_of(client)
    call = {
        "to": f"0x{portal_deployment.clone_factory.hex()}",
        "data": f"0x{address_of_calldata(owner, bytes(32)).hex()}",
    }
    told = portal_node.rpc.ask("eth_call", call, "latest")
    assert await client.address() == f"0x{told[-40:]}"
    assert await client.address() != f"0x{owner.hex()}"
    assert await client.sign("eth_accounts", []) == [await client.address()]
    backend = Custodian(there.own, there.key)
    sessions = f"/{made['id']}/sessions"
    for body in ({"isAccountAbstracted": True}, {}):
        assert (await backend.ask("POST", sessions, body))["isAccountAbstracted"] is True
    plain = await backend.client()
    for one, wrong in ((made, False), (plain, True)):
        body = {"isAccountAbstracted": wrong}
        told = await backend.ask("POST", f"/{one['id']}/sessions", body, status=400)
        assert told["code"] == "malformed_body"


async def test_signatures_hold_before_and_after_the_account_is_there(
    there: Spoken, portal_node: Node, portal_deployment: Deployment
) -> None:
    """First with what makes it (ERC-6492), then by itself (ERC-1271); on this account alone."""
    _, client = await newcomer(there)
    account, chain = await client.address(), f"eip155:{portal_deployment.chain_id}"
    asked = {
        personal_digest(b"hello"): ("personal_sign", [HELLO]),
        digest(from_json(order())): ("eth_signTypedData_v4", [account, order()]),
    }
    early = [await client.sign(*one, chainId=chain) for one in asked.values()]
    inside = []
    for text in early:
        data = bytes.fromhex(text[2:])
        assert data.endswith(erc6492.MAGIC)
        factory, deploys, signature = decode(["address", "bytes", "bytes"], data[:-32])
        assert factory == f"0x{portal_deployment.clone_factory.hex()}"
        inside.append(signature)
    assert portal_node.rpc.ask("eth_getCode", account, "latest") == "0x"
    transact(portal_node.rpc, dev_keys()[0], bytes.fromhex(factory[2:]), data=deploys)
    late = [bytes.fromhex((await client.sign(*one, chainId=chain))[2:]) for one in asked.values()]
    assert late == inside
    for hash_, signature in zip(asked, late, strict=True):
        assert is_signed(portal_node, account, hash_, signature)
        assert not is_signed(portal_node, account, personal_digest(b"another"), signature)


async def test_nothing_signed_gives_power_over_the_account(
    there: Spoken, portal_deployment: Deployment
) -> None:
    """Nor typed data about the account, nor such that is called as what it is nested in."""
    _, client = await newcomer(there)
    chain = f"eip155:{portal_deployment.chain_id}"
    own = order(verifyingContract=await client.address())
    for typed in (own, order(name="valetkey")):
        body = client.signing("eth_signTypedData_v4", ["", typed], chainId=chain)
        assert await client.refused("/v1/sign", body, status=403) == "AUTH_FAILED"
    disguised = order()
    disguised["types"]["TypedDataSign"] = disguised["types"].pop("Order")
    disguised["primaryType"] = "TypedDataSign"
    body = client.signing("eth_signTypedData_v4", ["", disguised], chainId=chain)
    assert await client.refused("/v1/sign", body) == "MALFORMED_BODY"
    body = client.signing("personal_sign", [f"0x{'ab' * 32}"], chainId=chain)
    assert await client.refused("/v1/sign", body, status=403) == "AUTH_FAILED"
    body = client.signing("personal_sign", [HELLO], chainId="eip155:5")
    assert await client.refused("/v1/sign", body) == "WRONG_CHAIN"


async def test_nothing_is_sent_for_such_a_client(
    there: Spoken, portal_node: Node, portal_deployment: Deployment
) -> None:
    """What its key would send would come from the key's address, which is not the client's."""
    _, client = await newcomer(there)
    owner, chain = await owner_of(client), f"eip155:{portal_deployment.chain_id}"
    fund(portal_node.rpc, portal_deployment, owner, 10**18)
    for method in ("eth_sendTransaction", "eth_signTransaction"):
        body = client.signing(method, [{"to": APP, "value": "0x1"}], chainId=chain)
        assert await client.refused("/v1/sign", body) == "METHOD_UNSUPPORTED"
    share = client.shares["SECP256K1"]["share"]
    send = {"share": share, "chain": chain, "to": APP, "token": "NATIVE", "amount": "0.1"}
    assert await client.refused("/v1/assets/send", send) == "METHOD_UNSUPPORTED"
    count = portal_node.rpc.ask("eth_getTransactionCount", f"0x{owner.hex()}", "pending")
    assert int(count, 16) == 0
