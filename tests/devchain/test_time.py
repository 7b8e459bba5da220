"""The time of blocks follows real time, and moves forward on request."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from valetkey.devchain import NodeError

if TYPE_CHECKING:
    from valetkey.devchain import Node

pytest_plugins = ("tests.chains",)

NOW = "0x4260005260206000f3"  # returns the block's time


def now_on(node: Node) -> int:
    """Return the time that a transaction sent now would see."""
    return int(node.rpc.ask("eth_call", {"data": NOW}, "pending"), 16)


def newest_at(node: Node) -> int:
    """Return the time of the newest block."""
    block = node.rpc.ask("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 - JSON-RPC's own
    return int(block["timestamp"], 16)


def test_many_blocks_in_a_second_do_not_run_ahead_of_time(fresh_node: Node) -> None:
    """Blocks follow real time, however many there are."""
    for _ in range(20):
        fresh_node.rpc.ask("evm_mine")
    assert abs(newest_at(fresh_node) - time.time()) < 3
    assert abs(now_on(fresh_node) - time.time()) < 3


def test_time_moves_forward_on_request(fresh_node: Node) -> None:
    """By so many seconds, or to an exact one, and goes on from there; never back."""
    rpc = fresh_node.rpc
    rpc.ask("evm_increaseTime", 1000)
    assert abs(now_on(fresh_node) - time.time() - 1000) < 3
    rpc.ask("evm_mine")
    assert abs(newest_at(fresh_node) - time.time() - 1000) < 3
    exact = int(time.time()) + 5000
    rpc.ask("evm_setNextBlockTimestamp", exact)
    assert now_on(fresh_node) == exact
    rpc.ask("evm_mine")
    assert newest_at(fresh_node) == exact
    rpc.ask("evm_mine")
    assert exact <= newest_at(fresh_node) < exact + 3
    with pytest.raises(NodeError):
        rpc.ask("evm_setNextBlockTimestamp", exact - 1)
