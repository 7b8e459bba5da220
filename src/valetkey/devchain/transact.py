"""A transaction from a key on a local chain, sent and waited for."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.core.errors import ChainRejected, Code, Unavailable
from valetkey.spec.secp256k1 import sign_digest
from valetkey.spec.transaction import SetCode, Unsigned, authorization_digest, digest, seal

if TYPE_CHECKING:
    from valetkey.devchain.keys import DevKey
    from valetkey.devchain.rpc import Rpc

_PRIORITY_FEE_WEI = 10**9
_GAS_PER_AUTHORIZATION = 25_000  # EIP-7702, for an account that is new
_RECEIPT_TIMEOUT_S = 20.0
_RECEIPT_POLL_S = 0.001


@dataclass(frozen=True, slots=True)
class Done:
    """A transaction that succeeded; *created* is the new contract's address, if it made one."""

    tx_hash: bytes
    gas_used: int
    block_number: int
    created: bytes | None


def transact(
    rpc: Rpc,
    key: DevKey,
    to: bytes | None,
    *,
    data: bytes = b"",
    value_wei: int = 0,
    authorizations: tuple[SetCode, ...] = (),
) -> Done:
    """
    Send a transaction of *key* and wait until it is mined.

    Args:
        to: 20 bytes, or None to create a contract with *data*.

    Raises:
        ChainRejected: It was mined and failed.
        NodeError: The node does not take it.
        Unavailable: It is not mined in time.
    """
    sender = _hexed(key.address)
    call = {"from": sender, "value": hex(value_wei), "data": _hexed(data)}
    if to is not None:
        call["to"] = _hexed(to)
    gas_price_wei = int(rpc.ask("eth_gasPrice"), 16)
    unsigned = Unsigned(
        chain_id=int(rpc.ask("eth_chainId"), 16),
        nonce=int(rpc.ask("eth_getTransactionCount", sender, "pending"), 16),
        max_priority_fee_wei=_PRIORITY_FEE_WEI,
        max_fee_wei=2 * gas_price_wei + _PRIORITY_FEE_WEI,
        gas_limit=_gas_limit(rpc, call, authorizations),
        to=to,
        value_wei=value_wei,
        data=data,
        authorizations=authorizations,
    )
    raw = seal(unsigned, sign_digest(digest(unsigned), key.secret))
    return wait_for(rpc, bytes.fromhex(rpc.ask("eth_sendRawTransaction", _hexed(raw))[2:]))


def wait_for(rpc: Rpc, tx_hash: bytes) -> Done:
    """
    Return how *tx_hash* ended, once it did.

    Raises:
        ChainRejected: It failed.
        Unavailable: It is not mined in time.
    """
    give_up_at = time.monotonic() + _RECEIPT_TIMEOUT_S
    while (receipt := rpc.ask("eth_getTransactionReceipt", _hexed(tx_hash))) is None:
        if time.monotonic() > give_up_at:
            raise Unavailable(Code.CHAIN_UNREACHABLE, "the local chain mines nothing")
        time.sleep(_RECEIPT_POLL_S)  # anvil mines after it has answered
    if receipt["status"] != "0x1":
        raise ChainRejected(Code.CALL_REVERTED, f"{_hexed(tx_hash)} was mined and failed")
    created = receipt["contractAddress"]
    return Done(
        tx_hash=tx_hash,
        gas_used=int(receipt["gasUsed"], 16),
        block_number=int(receipt["blockNumber"], 16),
        created=None if created is None else bytes.fromhex(created[2:]),
    )


def delegate(rpc: Rpc, sponsor: DevKey, account: DevKey, implementation: bytes) -> Done:
    """Let *account* run the code at *implementation* (EIP-7702), paid by *sponsor*."""
    chain_id = int(rpc.ask("eth_chainId"), 16)
    nonce = int(rpc.ask("eth_getTransactionCount", _hexed(account.address), "latest"), 16)
    signature = sign_digest(authorization_digest(chain_id, implementation, nonce), account.secret)
    authorization = SetCode(chain_id, implementation, nonce, signature)
    return transact(rpc, sponsor, account.address, authorizations=(authorization,))


def _gas_limit(rpc: Rpc, call: dict[str, str], authorizations: tuple[SetCode, ...]) -> int:
    """Return a limit with some room; an authorization's cost is added, not simulated."""
    needed = int(rpc.ask("eth_estimateGas", call, "pending"), 16)
    return needed + needed // 5 + _GAS_PER_AUTHORIZATION * len(authorizations)


def _hexed(value: bytes) -> str:
    return "0x" + value.hex()
