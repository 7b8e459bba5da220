"""The JSON-RPC methods, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eth.exceptions import OutOfGas, Revert

from valetkey.devchain.pyevm import params, render
from valetkey.devchain.pyevm.node import LocalNode, Reverted
from valetkey.devchain.pyevm.params import InvalidParams
from valetkey.devchain.pyevm.pool import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.devchain.pyevm.ledger import Block, State

_VERSION = "py-evm/valetkey"
_HISTORY_BLOCKS = 1024
_LATEST = frozenset({"latest", "safe", "finalized"})
_TIP_WEI = 10**9

_INVALID_REQUEST = -32600
_NO_SUCH_METHOD = -32601
_INVALID_PARAMS = -32602
_INTERNAL = -32603
_REFUSED = -32000
_REVERTED = 3


class Methods:
    """What *node* answers."""

    def __init__(self, node: LocalNode) -> None:
        self._node = node
        self._ledger = node.ledger
        self._table: dict[str, Callable[..., Any]] = {
            "eth_accounts": list,
            "eth_blockNumber": lambda: hex(self._number("latest")),
            "eth_call": self._call,
            "eth_chainId": lambda: hex(node.chain_id),
            "eth_estimateGas": self._estimate_gas,
            "eth_feeHistory": self._fee_history,
            "eth_gasPrice": lambda: hex(self._ledger.next_base_fee_wei + _TIP_WEI),
            "eth_getBalance": lambda of, at="latest": hex(
                self._state(at).get_balance(params.address(of))
            ),
            "eth_getBlockByHash": self._block_by_hash,
            "eth_getBlockByNumber": self._block_by_number,
            "eth_getCode": lambda of, at="latest": render.hexed(
                self._state(at).get_code(params.address(of))
            ),
            "eth_getLogs": self._logs,
            "eth_getStorageAt": self._storage_at,
            "eth_getTransactionByHash": self._transaction,
            "eth_getTransactionCount": self._transaction_count,
            "eth_getTransactionReceipt": self._receipt,
            "eth_maxPriorityFeePerGas": lambda: hex(_TIP_WEI),
            "eth_sendRawTransaction": lambda raw: render.hexed(node.send(params.data(raw))),
            "evm_increaseTime": lambda by: node.clock.advance(params.quantity(by)),
            "evm_mine": self._mine,
            "evm_setAutomine": self._set_automine,
            "evm_setNextBlockTimestamp": self._set_next_timestamp,
            "net_version": lambda: str(node.chain_id),
            "web3_clientVersion": lambda: _VERSION,
        }

    def answer(self, question: object) -> dict[str, object]:
        """Return the JSON-RPC answer to *question*, a parsed body."""
        number = question.get("id") if isinstance(question, dict) else None
        try:
            return {"jsonrpc": "2.0", "id": number, "result": self._result(question)}
        except _Problem as problem:
            error = {"code": problem.code, "message": problem.text}
            if problem.data is not None:
                error["data"] = problem.data
            return {"jsonrpc": "2.0", "id": number, "error": error}

    def _result(self, question: object) -> Any:  # noqa: ANN401 - any JSON value
        if not isinstance(question, dict) or not isinstance(question.get("method"), str):
            raise _Problem(_INVALID_REQUEST, "invalid request")
        method = self._table.get(question["method"])
        given = question.get("params", [])
        if method is None:
            raise _Problem(_NO_SUCH_METHOD, f"method not found: {question['method']:.80}")
        if not isinstance(given, list):
            raise _Problem(_INVALID_PARAMS, "expected params in a list")
        try:
            return method(*given)
        except Refused as refused:
            raise _Problem(_REFUSED, str(refused)) from None
        except Reverted as reverted:
            raise _problem_of(reverted) from None
        except (InvalidParams, TypeError) as error:
            raise _Problem(_INVALID_PARAMS, str(error)) from None

    def _call(self, call: object, at: object = "latest") -> str:
        computation = self._node.attempt(params.question(call), number=self._number_or_next(at))
        if computation.is_error:
            raise Reverted(computation)
        return render.hexed(computation.output)

    def _estimate_gas(self, call: object, at: object = "latest") -> str:
        number = self._number_or_next(at)
        return hex(self._node.estimate(params.question(call), number=number))

    def _fee_history(
        self, count: object, newest: object, percentiles: object = None
    ) -> dict[str, object]:
        last = self._number(newest)
        first = max(last + 1 - min(params.quantity(count), _HISTORY_BLOCKS), 0)
        if not isinstance(percentiles, list | None):
            raise InvalidParams("expected percentiles in a list")
        headers = [block.header for block in self._ledger.blocks[first : last + 2]]
        fees = [header.base_fee_per_gas or 0 for header in headers]
        if len(headers) == last + 1 - first:  # the newest block's follower is not made yet
            fees.append(self._ledger.next_base_fee_wei)
        history: dict[str, object] = {
            "oldestBlock": hex(first),
            "baseFeePerGas": [hex(fee) for fee in fees],
            "gasUsedRatio": [
                block.header.gas_used / block.header.gas_limit
                for block in self._ledger.blocks[first : last + 1]
            ],
        }
        if percentiles is not None:  # every percentile is answered by the middle
            history["reward"] = [
                [hex(self._node.median_tip_wei(number))] * len(percentiles)
                for number in range(first, last + 1)
            ]
        return history

    def _storage_at(self, of: object, slot: object, at: object = "latest") -> str:
        found = self._state(at).get_storage(params.address(of), params.quantity(slot))
        return render.hexed(found.to_bytes(32, "big"))

    def _transaction_count(self, of: object, at: object = "latest") -> str:
        sender = params.address(of)
        count = self._state(at).get_nonce(sender)
        return hex(self._node.pool.next_nonce(sender, count) if at == "pending" else count)

    def _block_by_number(self, at: object, is_full: object = False) -> dict[str, object] | None:  # noqa: FBT002 - JSON-RPC's own
        try:
            found = self._ledger.blocks[self._number(at)]
        except Refused:
            return None
        return render.block(found, is_full=is_full is True)

    def _block_by_hash(self, wanted: object, is_full: object = False) -> dict[str, object] | None:  # noqa: FBT002 - JSON-RPC's own
        block_hash = params.data(wanted)
        for block in reversed(self._ledger.blocks):
            if block.header.hash == block_hash:
                return render.block(block, is_full=is_full is True)
        return None

    def _transaction(self, wanted: object) -> dict[str, object] | None:
        tx_hash = params.data(wanted)
        mined = self._node.mined.get(tx_hash)
        sent = self._node.pool.find(tx_hash) if mined is None else mined.transaction
        return None if sent is None else render.transaction(sent, mined)

    def _receipt(self, wanted: object) -> dict[str, object] | None:
        mined = self._node.mined.get(params.data(wanted))
        return None if mined is None else render.receipt(mined)

    def _logs(self, asked: object) -> list[dict[str, object]]:
        fields = params.mapping(asked)
        first = self._number(fields.get("fromBlock", "latest"))
        last = self._number(fields.get("toBlock", "latest"))
        return [
            log
            for block in self._ledger.blocks[first : last + 1]
            for log in _logs_of(block)
            if _matches(log, fields)
        ]

    def _mine(self, *_: object) -> str:
        self._node.mine()
        return "0x0"

    def _set_automine(self, is_on: object) -> None:
        self._node.is_automining = is_on is True
        if self._node.is_automining:
            self._node.mine_waiting()

    def _set_next_timestamp(self, at: object) -> None:
        wanted = params.quantity(at)
        if wanted < self._ledger.newest.timestamp:
            raise InvalidParams(f"{wanted} is lower than the previous block's timestamp")
        self._node.clock.set_next(wanted)

    def _state(self, at: object) -> State:
        return self._ledger.state(self._number(at))

    def _number_or_next(self, at: object) -> int | None:
        return None if at == "pending" else self._number(at)

    def _number(self, at: object) -> int:
        newest = len(self._ledger.blocks) - 1
        if at in _LATEST or at == "pending":
            return newest
        number = 0 if at == "earliest" else params.quantity(at)
        if number > newest:
            raise Refused(f"header not found: the newest block is {newest}")
        return number


class _Problem(Exception):
    def __init__(self, code: int, text: str, data: str | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.data = data


def _problem_of(reverted: Reverted) -> _Problem:
    if isinstance(reverted.error, Revert):
        return _Problem(_REVERTED, "execution reverted", render.hexed(reverted.output))
    if isinstance(reverted.error, OutOfGas):
        return _Problem(_INTERNAL, "EVM error OutOfGas")
    return _Problem(_INTERNAL, f"EVM error {type(reverted.error).__name__}")


def _logs_of(block: Block) -> list[dict[str, Any]]:
    return [log for mined in block.mined for log in render.logs(mined)]


def _matches(log: dict[str, Any], fields: Any) -> bool:  # noqa: ANN401 - a parsed object
    """Say whether *log* comes from an address and has topics that *fields* ask for."""
    wanted = fields.get("address")
    addresses = [wanted] if isinstance(wanted, str) else wanted or []
    if addresses and log["address"] not in {str(each).lower() for each in addresses}:
        return False
    for index, topic in enumerate(fields.get("topics") or []):
        if topic is None:
            continue
        options = [topic] if isinstance(topic, str) else topic
        if index >= len(log["topics"]) or log["topics"][index] not in options:
            return False
    return True
