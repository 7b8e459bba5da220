"""Which transactions a local chain takes, refuses and lets wait."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from eth_account import Account

from valetkey.core.errors import ChainRejected
from valetkey.devchain import CHAIN_ID, NodeError, create, dev_keys, wait_for
from valetkey.spec.secp256k1 import sign_digest
from valetkey.spec.transaction import Unsigned, digest, seal, transaction_hash

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.devchain import DevKey, Node

pytest_plugins = ("tests.chains",)

NOBODY = b"\x78" * 20


def hexed(value: bytes) -> str:
    """Return *value* as the nodes take it."""
    return "0x" + value.hex()


def raw(key: DevKey, nonce: int, **fields: Any) -> bytes:  # noqa: ANN401 - those of a transaction
    """Return a signed transfer of one wei; *fields* are those of the transaction."""
    defaults: dict[str, Any] = {
        "chain_id": CHAIN_ID,
        "nonce": nonce,
        "max_priority_fee_wei": 1,
        "max_fee_wei": 10**10,
        "gas_limit": 21_000,
        "to": NOBODY,
        "value_wei": 1,
        "data": b"",
    }
    unsigned = Unsigned(**(defaults | fields))
    return seal(unsigned, sign_digest(digest(unsigned), key.secret))


def test_a_legacy_transaction_is_taken(node: Node, new_key: Callable[[], DevKey]) -> None:
    """Type 0, as old tools sign it."""
    key = new_key()
    fields = {
        "chainId": CHAIN_ID,
        "nonce": 0,
        "gasPrice": 10**10,
        "gas": 21_000,
        "to": hexed(NOBODY),
        "value": 1,
        "data": b"",
    }
    signed = Account.sign_transaction(fields, key.secret)
    tx_hash = node.rpc.ask("eth_sendRawTransaction", hexed(bytes(signed.raw_transaction)))
    done = wait_for(node.rpc, bytes.fromhex(tx_hash[2:]))
    found = node.rpc.ask("eth_getTransactionByHash", tx_hash)
    assert (found["type"], int(found["v"], 16)) == ("0x0", signed.v)
    assert done.gas_used == 21_000


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"gas_limit": 20_999}, "intrinsic gas too low"),
        ({"value_wei": 10**19}, "insufficient funds"),
        ({"max_fee_wei": 1}, "max fee per gas less than block base fee"),
        ({"chain_id": 1}, "chain id"),
        ({"gas_limit": 40_000_000}, "gas limit|gas too high"),
    ],
)
def test_an_impossible_transaction_is_refused(
    node: Node, new_key: Callable[[], DevKey], fields: dict[str, int], said: str
) -> None:
    """With the words that relayers look for; nothing is mined."""
    key = new_key()
    with pytest.raises(NodeError, match=f"(?i){said}"):
        node.rpc.ask("eth_sendRawTransaction", hexed(raw(key, 0, **fields)))
    assert node.rpc.ask("eth_getTransactionCount", hexed(key.address), "pending") == "0x0"


@pytest.mark.parametrize("junk", ["0x", "0x02c0", "0xc0", "0x03" + "00" * 40, "0x05f8"])
def test_bytes_that_are_no_transaction_are_refused(node: Node, junk: str) -> None:
    """An error, never a crash: the next question is answered."""
    with pytest.raises(NodeError):
        node.rpc.ask("eth_sendRawTransaction", junk)
    assert node.rpc.ask("eth_chainId")


def test_a_nonce_ahead_waits_and_can_be_outbid(node: Node, new_key: Callable[[], DevKey]) -> None:
    """The pool holds it; a tenth more in both fees replaces it; the gap closed, both are mined."""
    key = new_key()
    waiting = raw(key, 1)
    tx_hash = node.rpc.ask("eth_sendRawTransaction", hexed(waiting))
    found = node.rpc.ask("eth_getTransactionByHash", tx_hash)
    assert (found["hash"], found["blockNumber"]) == (hexed(transaction_hash(waiting)), None)
    assert node.rpc.ask("eth_getTransactionReceipt", tx_hash) is None
    with pytest.raises(NodeError, match="already"):
        node.rpc.ask("eth_sendRawTransaction", hexed(waiting))
    with pytest.raises(NodeError, match="underpriced"):
        node.rpc.ask("eth_sendRawTransaction", hexed(raw(key, 1, value_wei=2)))
    better = raw(key, 1, value_wei=3, max_fee_wei=2 * 10**10, max_priority_fee_wei=2)
    node.rpc.ask("eth_sendRawTransaction", hexed(better))
    node.rpc.ask("eth_sendRawTransaction", hexed(raw(key, 0)))
    wait_for(node.rpc, transaction_hash(better))
    assert node.rpc.ask("eth_getTransactionByHash", tx_hash) is None
    with pytest.raises(NodeError, match="nonce too low"):
        node.rpc.ask("eth_sendRawTransaction", hexed(raw(key, 0, value_wei=5)))


def test_without_automine_blocks_are_made_on_request(fresh_node: Node) -> None:
    """Several transactions then share one block, in the order of nonces."""
    rpc, key = fresh_node.rpc, dev_keys()[3]
    rpc.ask("evm_setAutomine", False)  # noqa: FBT003 - JSON-RPC's own
    hashes = [rpc.ask("eth_sendRawTransaction", hexed(raw(key, nonce))) for nonce in (0, 1, 2)]
    assert [rpc.ask("eth_getTransactionReceipt", each) for each in hashes] == [None] * 3
    assert rpc.ask("eth_getTransactionCount", hexed(key.address), "latest") == "0x0"
    assert rpc.ask("eth_getTransactionCount", hexed(key.address), "pending") == "0x3"
    rpc.ask("evm_mine")
    receipts = [rpc.ask("eth_getTransactionReceipt", each) for each in hashes]
    assert {receipt["blockNumber"] for receipt in receipts} == {"0x1"}
    assert [int(receipt["cumulativeGasUsed"], 16) for receipt in receipts] == [
        21_000,
        42_000,
        63_000,
    ]


def test_a_failed_transaction_is_told(node: Node, new_key: Callable[[], DevKey]) -> None:
    """Mined, paid for, and an error for whoever set the chain up."""
    key = new_key()
    target = create(node.rpc, dev_keys()[0], bytes.fromhex("6003600a5f3960035ff35f5ffd"))
    tx_hash = node.rpc.ask(
        "eth_sendRawTransaction", hexed(raw(key, 0, to=target, value_wei=0, gas_limit=50_000))
    )
    with pytest.raises(ChainRejected, match="was mined and failed"):
        wait_for(node.rpc, bytes.fromhex(tx_hash[2:]))
