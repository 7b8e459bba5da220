"""Our values as a node takes them, and a node's answers as our values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.adapters.chain.evm import answers
from valetkey.adapters.chain.evm.reverts import rejection, revert_data
from valetkey.core.chain import Authorization, Head, Log, Receipt, Transaction
from valetkey.core.errors import ChainRejected, Code
from valetkey.spec import transaction as codec

if TYPE_CHECKING:
    from valetkey.adapters.chain.evm.rpc import NodeRefused

_EXECUTION_REVERTED = 3  # go-ethereum's code, also anvil's
# "gas required exceeds allowance": go-ethereum's word for a call that burns all that it is given.
_EXECUTION = ("revert", "evm error", "opcode", "out of gas", "gas required exceeds", "stack")


def hexed(value: bytes) -> str:
    """Return *value* as ``0x`` and lower-case hex."""
    return "0x" + value.hex()


def unsigned(transaction: Transaction, *, chain_id: int) -> codec.Unsigned:
    """Return *transaction* as the codec takes it."""
    return codec.Unsigned(
        chain_id=chain_id,
        nonce=transaction.nonce,
        max_priority_fee_wei=transaction.fees.priority_fee_wei,
        max_fee_wei=transaction.fees.max_fee_wei,
        gas_limit=transaction.gas_limit,
        to=transaction.to,
        value_wei=transaction.value_wei,
        data=transaction.data,
        authorizations=tuple(
            codec.SetCode(entry.chain_id, entry.delegate, entry.nonce, entry.signature)
            for entry in transaction.authorizations
        ),
    )


def call(transaction: Transaction) -> dict[str, object]:
    """Return *transaction* as a question: without nonce, gas limit and fees."""
    asked: dict[str, object] = {
        "from": hexed(transaction.sender),
        "to": hexed(transaction.to),
        "value": hex(transaction.value_wei),
        "data": hexed(transaction.data),
    }
    if transaction.authorizations:
        asked["type"] = "0x4"
        asked["authorizationList"] = [_authorization(each) for each in transaction.authorizations]
    return asked


def head(block: object) -> Head:
    """Return the number and time of *block*."""
    return Head(
        number=answers.quantity(answers.member(block, "number"), "number"),
        at=answers.quantity(answers.member(block, "timestamp"), "timestamp"),
    )


def receipt(tx_hash: bytes, found: object, block: object, newest: Head) -> Receipt:
    """Return how the transaction *tx_hash* ended, from its receipt *found* in *block*."""
    number = answers.quantity(answers.member(found, "blockNumber"), "blockNumber")
    gas_used = answers.quantity(answers.member(found, "gasUsed"), "gasUsed")
    price_wei = answers.quantity(answers.member(found, "effectiveGasPrice"), "effectiveGasPrice")
    return Receipt(
        tx_hash=tx_hash,
        succeeded=answers.quantity(answers.member(found, "status"), "status") == 1,
        block_number=number,
        block_at=head(block).at,
        gas_used=gas_used,
        fee_wei=gas_used * price_wei + _rollup_fee_wei(found),
        confirmations=max(newest.number - number, 0) + 1,
    )


def logs(found: object) -> tuple[Log, ...]:
    """Return what contracts said in the transaction of the receipt *found*."""
    return tuple(
        Log(
            address=answers.data(answers.member(one, "address"), "address", length=20),
            topics=tuple(
                answers.data(topic, "topics", length=32)
                for topic in answers.items(answers.member(one, "topics"), "topics")
            ),
            data=answers.data(answers.member(one, "data"), "data"),
            index=answers.quantity(answers.member(one, "logIndex"), "logIndex"),
        )
        for one in answers.items(answers.member(found, "logs"), "logs")
    )


def call_error(refused: NodeRefused) -> ChainRejected:
    """Return why a simulated call failed, from any node's way of saying it."""
    data = revert_data(refused.data)
    if data is not None:
        return rejection(data)
    text = refused.text.lower()
    if refused.code == _EXECUTION_REVERTED or any(words in text for words in _EXECUTION):
        return ChainRejected(Code.CALL_REVERTED, f"reverted: {refused.text}")
    return ChainRejected(Code.CHAIN_REJECTED, f"the node refused: {refused.text}")


def _authorization(entry: Authorization) -> dict[str, str]:
    y_parity, r, s = codec.split_signature(entry.signature)
    return {
        "chainId": hex(entry.chain_id),
        "address": hexed(entry.delegate),
        "nonce": hex(entry.nonce),
        "yParity": hex(y_parity),
        "r": hex(r),
        "s": hex(s),
    }


def _rollup_fee_wei(found: object) -> int:
    """Return what an OP-stack chain takes on top for its data on layer 1; 0 elsewhere."""
    fee = found.get("l1Fee") if isinstance(found, dict) else None
    return 0 if fee is None else answers.quantity(fee, "l1Fee")
