"""The same cases on other machines: so it is the contract that agrees, not one EVM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chain.differential import compare as bulk
from tests.chain.differential.anvil import Anvil
from tests.chain.differential.pyevm import PyEvm
from tests.chain.differential.report import table, write
from tests.chain.differential.shrink import tell
from tests.chain.test_differential import LEAST_ACCEPTED
from tests.chain.world import World, artefact
from valetkey.devchain import Engine, choose, launch

if TYPE_CHECKING:
    from tests.chain.differential.evm import Evm

SEED = 5
CASES = 2_000


def compare(evm: Evm, engine: str, now: int) -> None:
    """Hold *evm* against `decide` in all cases around second *now*."""
    try:
        tally = bulk.run(evm, seed=SEED, indexes=range(CASES), now=now)
    except bulk.Disagreement as found:
        pytest.fail(f"\nexpected {found.said}\ngot      {found.done}\n{tell(found.case)}")
    write(table(tally, engine=engine, seed=SEED), f"differential-{engine}.txt")
    assert tally.drawn.total() == CASES
    assert tally.drawn["accepted"] >= LEAST_ACCEPTED * CASES
    assert tally.one_off.total() > 0.9 * tally.drawn["accepted"]


@pytest.mark.timeout(600)
def test_py_evm_agrees_too() -> None:
    """In delegated accounts (EIP-7702), by an EVM that shares no code with the others."""
    runtime = bytes.fromhex(artefact("Account")["runtime"][2:])
    compare(PyEvm(runtime), "py-evm", bulk.NOW)


@pytest.mark.timeout(600)
def test_a_chain_of_blocks_agrees_too() -> None:
    """In delegated accounts on anvil, each run a transaction in a block of its own second."""
    choice = choose(Engine.ANVIL)
    if choice is None:
        pytest.skip("anvil is not installed")
    with launch(choice) as node:
        chain = Anvil(World(node.rpc))
        compare(chain, "anvil", chain.now())
