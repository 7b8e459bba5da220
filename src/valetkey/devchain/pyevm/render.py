"""Blocks, transactions and receipts as JSON-RPC shows them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from eth.abc import SignedTransactionAPI

    from valetkey.devchain.pyevm.ledger import Block, Mined

_LEGACY = 0
_SET_CODE = 4
_ZERO_BLOOM = "0x" + "00" * 256


def hexed(value: bytes) -> str:
    """Return *value* as ``0x`` and lower-case hex."""
    return "0x" + value.hex()


def type_of(transaction: SignedTransactionAPI) -> int:
    """Return the number of the transaction's type; 0 for one from before types."""
    return transaction.type_id or _LEGACY


def block(found: Block, *, is_full: bool) -> dict[str, object]:
    """Return *found*, with whole transactions or their hashes."""
    header = found.header
    return {
        "number": hex(header.block_number),
        "hash": hexed(header.hash),
        "parentHash": hexed(header.parent_hash),
        "timestamp": hex(header.timestamp),
        "gasLimit": hex(header.gas_limit),
        "gasUsed": hex(header.gas_used),
        "baseFeePerGas": hex(header.base_fee_per_gas or 0),
        "miner": hexed(header.coinbase),
        "mixHash": hexed(header.mix_hash),
        "stateRoot": hexed(header.state_root),
        "transactionsRoot": hexed(header.transaction_root),
        "receiptsRoot": hexed(header.receipt_root),
        "sha3Uncles": hexed(header.uncles_hash),
        "logsBloom": "0x" + header.bloom.to_bytes(256, "big").hex(),
        "extraData": hexed(header.extra_data),
        "nonce": hexed(header.nonce),
        "difficulty": "0x0",
        "totalDifficulty": "0x0",
        "size": "0x0",
        "blobGasUsed": "0x0",
        "excessBlobGas": "0x0",
        "uncles": [],
        "withdrawals": [],
        "transactions": [
            transaction(each.transaction, each) if is_full else hexed(each.transaction.hash)
            for each in found.mined
        ],
    }


def transaction(sent: SignedTransactionAPI, mined: Mined | None) -> dict[str, object]:
    """Return *sent*; where it is, unless it still waits."""
    number = type_of(sent)
    price_wei = sent.max_fee_per_gas if mined is None else mined.price_wei
    shown: dict[str, object] = {
        "type": hex(number),
        "hash": hexed(sent.hash),
        "from": hexed(sent.sender),
        "to": hexed(sent.to) if sent.to else None,
        "nonce": hex(sent.nonce),
        "gas": hex(sent.gas),
        "gasPrice": hex(price_wei),
        "value": hex(sent.value),
        "input": hexed(sent.data),
        "chainId": None if sent.chain_id is None else hex(sent.chain_id),
        "v": hex(_v(sent)),
        "r": hex(sent.r),
        "s": hex(sent.s),
        "blockNumber": None if mined is None else hex(mined.block_number),
        "blockHash": None if mined is None else hexed(mined.block_hash),
        "transactionIndex": None if mined is None else hex(mined.index),
    }
    if number != _LEGACY:
        shown["yParity"] = hex(sent.y_parity)
        shown["maxFeePerGas"] = hex(sent.max_fee_per_gas)
        shown["maxPriorityFeePerGas"] = hex(sent.max_priority_fee_per_gas)
        shown["accessList"] = []
    if number == _SET_CODE:
        shown["authorizationList"] = list(_authorizations(sent))
    return shown


def receipt(mined: Mined) -> dict[str, object]:
    """Return how *mined* ended."""
    sent = mined.transaction
    return {
        "type": hex(type_of(sent)),
        "status": "0x1" if mined.succeeded else "0x0",
        "transactionHash": hexed(sent.hash),
        "transactionIndex": hex(mined.index),
        "blockHash": hexed(mined.block_hash),
        "blockNumber": hex(mined.block_number),
        "from": hexed(sent.sender),
        "to": hexed(sent.to) if sent.to else None,
        "contractAddress": None if mined.created is None else hexed(mined.created),
        "gasUsed": hex(mined.gas_used),
        "cumulativeGasUsed": hex(mined.cumulative_gas_used),
        "effectiveGasPrice": hex(mined.price_wei),
        "logs": list(logs(mined)),
        "logsBloom": _ZERO_BLOOM,
    }


def logs(mined: Mined) -> Iterator[dict[str, object]]:
    """Return the events of *mined*."""
    for offset, log in enumerate(mined.logs):
        yield {
            "address": hexed(log.address),
            "topics": [hexed(topic) for topic in log.topics],
            "data": hexed(log.data),
            "blockNumber": hex(mined.block_number),
            "blockHash": hexed(mined.block_hash),
            "blockTimestamp": hex(mined.block_at),
            "transactionHash": hexed(mined.transaction.hash),
            "transactionIndex": hex(mined.index),
            "logIndex": hex(mined.first_log + offset),
            "removed": False,
        }


def _v(sent: SignedTransactionAPI) -> int:
    """Return v: the parity, or what EIP-155 makes of it in a legacy transaction."""
    if type_of(sent) != _LEGACY or sent.chain_id is None:
        return sent.y_parity
    return sent.y_parity + 35 + 2 * sent.chain_id


def _authorizations(sent: SignedTransactionAPI) -> Iterator[dict[str, str]]:
    for entry in sent.authorization_list:
        yield {
            "chainId": hex(entry.chain_id),
            "address": hexed(entry.address),
            "nonce": hex(entry.nonce),
            "yParity": hex(entry.y_parity),
            "r": hex(entry.r),
            "s": hex(entry.s),
        }
