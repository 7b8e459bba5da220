"""
ERC-7821: calls that the owner of an account sends, or signs for anyone.

A session key signs the same; its calls are then made as a run under its grant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_abi.abi import encode

from valetkey.spec.eip712 import Field, TypedData
from valetkey.spec.keccak import keccak256

__all__ = [
    "BATCH",
    "BATCH_SIGNED",
    "Call",
    "execute_calldata",
    "execute_nonce_calldata",
    "execute_typed_data",
    "op_data",
    "session_op_data",
    "supports_execution_mode_calldata",
]

BATCH: Final = bytes.fromhex("01000000000000000000").ljust(32, b"\0")
"""The mode of calls that the owner sends."""
BATCH_SIGNED: Final = bytes.fromhex("01000000000078210001").ljust(32, b"\0")
"""The mode of calls that may carry a signature beside them."""

_WORD: Final = 32
_FIRST_USE: Final = 1 << 15
_CALLS: Final = "(address,uint256,bytes)[]"
_ZERO_ADDRESS: Final = bytes(20)
_TYPES: Final = {
    "Execute": (Field("calls", "Call[]"), Field("nonce", "uint256"), Field("deadline", "uint256")),
    "Call": (Field("to", "address"), Field("value", "uint256"), Field("data", "bytes")),
}


@dataclass(frozen=True, slots=True)
class Call:
    """
    One call of the account.

    Attributes:
        to: 20 bytes; zeros stand for the account itself.
        value_wei: Native value that the account sends along.
        data: Its input.
    """

    to: bytes
    value_wei: int = 0
    data: bytes = b""


def execute_calldata(
    calls: Sequence[Call], *, op_data: bytes = b"", mode: bytes | None = None
) -> bytes:
    """
    Return the calldata that makes *calls*, all or none.

    Args:
        op_data: From `op_data` or `session_op_data`; empty when the owner sends it.
        mode: 32 bytes; the one that fits *op_data* if not given.
    """
    rows = [(call.to, call.value_wei, call.data) for call in calls]
    data = encode([_CALLS, "bytes"], [rows, op_data]) if op_data else encode([_CALLS], [rows])
    chosen = mode or (BATCH_SIGNED if op_data else BATCH)
    selector = keccak256(b"execute(bytes32,bytes)")[:4]
    return selector + encode(["bytes32", "bytes"], [chosen, data])


def op_data(nonce: int, deadline: int, signature: bytes) -> bytes:
    """
    Return what travels beside calls that the owner signed.

    Args:
        nonce: As signed (`execute_typed_data`).
        deadline: As signed.
        signature: 65 bytes.
    """
    return nonce.to_bytes(_WORD, "big") + deadline.to_bytes(_WORD, "big") + signature


def session_op_data(
    nonce: int,
    deadline: int,
    signature: bytes,
    *,
    grant: bytes,
    run_nonce: int,
    run_deadline: int,
    rules: Sequence[int],
    owner_signature: bytes | None = None,
) -> bytes:
    """
    Return what travels beside calls that a session key signed.

    ``nonce32 | deadline32 | signature65 | head2 | grant | nonce4 | deadline5 | rule1 of each call
    | [owner_signature65]``: what follows the signature makes a run of the calls and is not signed.
    Whoever submits it chooses it, so a grant should bind its relayer.

    Args:
        nonce: As signed (`execute_typed_data`), at least 2^64: those below are the owner's.
        deadline: As signed.
        signature: 65 bytes of the session key, in any form that a run takes.
        grant: Packed, in the open form if its rules are in a tree.
        run_nonce: Of the run, below 2^32.
        run_deadline: Of the run, below 2^40: first second at which it is no longer accepted.
        rules: For each call, the index of the rule that it is under.
        owner_signature: 65 bytes over the grant, when this may be its first use.
    """
    head = len(grant) | (_FIRST_USE if owner_signature is not None else 0)
    return (
        op_data(nonce, deadline, signature)
        + head.to_bytes(2, "big")
        + grant
        + run_nonce.to_bytes(4, "big")
        + run_deadline.to_bytes(5, "big")
        + bytes(rules)
        + (owner_signature or b"")
    )


def execute_typed_data(
    calls: Sequence[Call], *, nonce: int, deadline: int, chain_id: int, account: bytes
) -> TypedData:
    """
    Return what the owner, or a session key, signs so that anyone may submit *calls*, once.

    Args:
        calls: The account's own address is spelled out where zeros stand for it.
        nonce: Any key in the upper 192 bits, below it the next number under that key.
        deadline: First second at which the signature is no longer accepted.
        chain_id: Of the one chain where it holds.
        account: 20 bytes.
    """
    shown = [
        {
            "to": account if call.to == _ZERO_ADDRESS else call.to,
            "value": call.value_wei,
            "data": call.data,
        }
        for call in calls
    ]
    domain = {"name": "valetkey", "version": "1", "chainId": chain_id, "verifyingContract": account}
    message = {"calls": shown, "nonce": nonce, "deadline": deadline}
    return TypedData(_TYPES, "Execute", domain, message)


def execute_nonce_calldata(key: int) -> bytes:
    """Return the calldata that reads the next nonce under *key* (192 bits), key included."""
    return keccak256(b"executeNonce(uint192)")[:4] + encode(["uint192"], [key])


def supports_execution_mode_calldata(mode: bytes) -> bytes:
    """Return the calldata that asks whether the account takes *mode*."""
    return keccak256(b"supportsExecutionMode(bytes32)")[:4] + mode
