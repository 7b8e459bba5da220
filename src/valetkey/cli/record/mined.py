"""What became of the transactions that a script sent: the calls that an account made."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from valetkey.core.permission.backtest import Recorded
from valetkey.core.permission.effects import EFFECTS, selector_of
from valetkey.core.permission.model import Call
from valetkey.devchain import NodeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.devchain import Rpc

_MINED_S: Final = 10.0
_WITH_TRANSACTIONS: Final = False
_POLL_S: Final = 0.05
_EXECUTE: Final = selector_of("execute(bytes32,bytes)")
_BATCH_MODE: Final = b"\x01\x00"  # many calls, of which one that fails reverts all
_BATCH_FORMS: Final = frozenset({bytes(4), bytes.fromhex("78210001")})
_DECIMALS: Final = f"0x{selector_of('decimals()').hex()}"
_ITSELF: Final = bytes(20)  # what ERC-7821 lets the account call itself by
_WORD_BYTES: Final = 32
_MAX_DECIMALS: Final = 77


@dataclass(frozen=True, slots=True)
class Taken:
    """
    What was recorded.

    Args:
        runs: In the order of the chain.
        left_out: Transactions of the account that no session could make, each with the reason.
        others: Who else sent transactions.
    """

    runs: tuple[Recorded, ...]
    left_out: tuple[str, ...]
    others: frozenset[bytes]


def read_back(rpc: Rpc, sent: Sequence[str], account: bytes) -> Taken:
    """
    Return what *account* did in the transactions *sent*, as the node says that they were mined.

    Raises:
        Unavailable: The node does not answer.
    """
    placed: list[tuple[int, int, Recorded]] = []
    left_out: list[str] = []
    others: set[bytes] = set()
    for tx_hash in sent:
        told = rpc.ask("eth_getTransactionByHash", tx_hash)
        sender = bytes.fromhex(told["from"][2:]) if told else account
        if sender != account:
            others.add(sender)
            continue
        receipt = _receipt(rpc, tx_hash) if told else None
        reason = _reason(told, receipt)
        made = () if reason or told is None else _calls(rpc, told, account)
        calls = tuple(call for call in made if call.to not in {account, _ITSELF})
        if len(calls) < len(made):
            left_out.append(f"{tx_hash}: it calls the account itself, which no session can")
        if reason:
            left_out.append(f"{tx_hash}: {reason}")
        if not calls or receipt is None:
            continue
        block = rpc.ask("eth_getBlockByHash", receipt["blockHash"], _WITH_TRANSACTIONS)
        run = Recorded(int(block["timestamp"], 16), calls)
        place = int(receipt["blockNumber"], 16), int(receipt["transactionIndex"], 16)
        placed.append((*place, run))
    placed.sort(key=lambda one: one[:2])
    return Taken(tuple(run for *_, run in placed), tuple(left_out), frozenset(others))


def _receipt(rpc: Rpc, tx_hash: str) -> dict[str, Any] | None:
    give_up_at = time.monotonic() + _MINED_S
    while True:
        receipt: dict[str, Any] | None = rpc.ask("eth_getTransactionReceipt", tx_hash)
        if receipt is not None or time.monotonic() > give_up_at:
            return receipt
        time.sleep(_POLL_S)


def _reason(told: dict[str, Any] | None, receipt: dict[str, Any] | None) -> str:
    """Return why a transaction of the account is no run; empty if it is one."""
    if told is None or receipt is None:
        return "it was not mined"
    if receipt["status"] != "0x1":
        return "it was mined and failed"
    if told["to"] is None:
        return "it creates a contract, which no session can"
    return ""


def _calls(rpc: Rpc, told: dict[str, Any], account: bytes) -> tuple[Call, ...]:
    """Return the calls of one transaction; a batch of the account to itself is what is in it."""
    call = Call(
        bytes.fromhex(told["to"][2:]), int(told["value"], 16), bytes.fromhex(told["input"][2:])
    )
    if call.to == account and rpc.ask("eth_getCode", told["to"], told["blockNumber"]) != "0x":
        return _batch(call.data) or (call,)
    return (call,)


def _batch(data: bytes) -> tuple[Call, ...]:
    """
    Return the calls that *data* lets an account make.

    Spec:
        ERC-7821 ``execute``: bytes 0, 1 and 6 to 9 of the mode say that it is one batch.
    """
    if data[:4] != _EXECUTE:
        return ()
    try:
        mode, execution = decode(["bytes32", "bytes"], data[4:])
        if mode[:2] != _BATCH_MODE or mode[6:10] not in _BATCH_FORMS:
            return ()
        (listed, *_) = decode(["(address,uint256,bytes)[]"], execution)
    except DecodingError:
        return ()
    return tuple(Call(bytes.fromhex(to[2:]), value, data) for to, value, data in listed)


def ask_decimals(rpc: Rpc, runs: Sequence[Recorded]) -> dict[bytes, int]:
    """Return the decimals that the tokens among the targets of *runs* say they have."""
    tokens = {call.to for run in runs for call in run.calls if call.selector in EFFECTS}
    found: dict[bytes, int] = {}
    for token in sorted(tokens):
        try:
            told = rpc.ask("eth_call", {"to": f"0x{token.hex()}", "data": _DECIMALS}, "latest")
        except NodeError:
            continue
        word = bytes.fromhex(told[2:])
        if len(word) == _WORD_BYTES and int.from_bytes(word) <= _MAX_DECIMALS:
            found[token] = int.from_bytes(word)
    return found
