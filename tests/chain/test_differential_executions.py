"""Executions that session keys sign are decided as runs are: the same cases, by the other way."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.chain.differential import compare as bulk
from tests.chain.differential.anvil import Anvil
from tests.chain.differential.dice import Dice
from tests.chain.differential.execution import (
    expected_execution,
    is_sayable,
    packed_execution,
)
from tests.chain.differential.pyevm import PyEvm
from tests.chain.differential.shrink import tell
from tests.chain.world import World, artefact
from valetkey.devchain import Engine, choose, launch

if TYPE_CHECKING:
    from tests.chain.differential.evm import Evm

SEED = 11
LEAST_ACCEPTED = 0.4
REFUSALS = {
    *("CapExceeded", "TooManyCalls", "ArgumentRefused", "ArgumentMissing", "NoSuchRule"),
    *("NonceUsed", "NonceTooFar", "SignatureRefused", "NotGranted", "GrantFrozen", "GrantRevoked"),
    *("GrantNotStarted", "GrantExpired", "DeadlinePassed", "RelayerNotAllowed", "TargetForbidden"),
    *("TargetRefused", "SelectorRefused", "RuleTooWide"),
}


def compare(evm: Evm, *, cases: int, now: int = bulk.NOW) -> Counter[str]:
    """Hold *evm* against `decide` in *cases* cases; return how often each outcome came."""
    tally = Counter[str]()
    for index in range(cases):
        case = bulk.draw(Dice(SEED, index), index, now=now, p256=evm.checks_p256)
        if not is_sayable(case):
            continue
        packed = packed_execution(case)
        said = expected_execution(case, packed, checks_p256=evm.checks_p256)
        done = evm.run(packed)
        if said != done:
            pytest.fail(f"\nexpected {said}\ngot      {done}\n{tell(case)}")
        tally[bulk.name_of(said)] += 1
    assert tally["accepted"] >= LEAST_ACCEPTED * tally.total()
    assert set(tally) >= REFUSALS
    return tally


@pytest.mark.timeout(600)
def test_decide_and_executions_agree_on_every_case() -> None:
    """Same verdict, same refusal for the same call, same slots afterwards, same calls made."""
    pytest.importorskip("pyrevm", reason="no wheels of pyrevm for this Python")
    from tests.chain.differential.revm import Revm  # noqa: PLC0415 - where it is installed

    tally = compare(Revm(bytes.fromhex(artefact("Account")["runtime"][2:])), cases=6_000)
    assert tally.total() > 5_000


@pytest.mark.timeout(600)
def test_py_evm_agrees_too() -> None:
    """In delegated accounts, by an EVM that shares no code with the others."""
    tally = compare(PyEvm(bytes.fromhex(artefact("Account")["runtime"][2:])), cases=1_000)
    assert tally.total() > 800


@pytest.mark.timeout(600)
def test_a_chain_of_blocks_agrees_too() -> None:
    """In delegated accounts on anvil, P-256 keys among them."""
    choice = choose(Engine.ANVIL)
    if choice is None:
        pytest.skip("anvil is not installed")
    with launch(choice) as node:
        chain = Anvil(World(node.rpc))
        assert compare(chain, cases=1_000, now=chain.now()).total() > 800
