"""`decide` and the contract agree: the same cases to both, tens of thousands of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.chain.differential import compare as bulk
from tests.chain.differential.dice import Dice
from tests.chain.differential.expected import expected
from tests.chain.differential.faults import FAULTS
from tests.chain.differential.neighbours import NEIGHBOURS
from tests.chain.differential.outcome import Accepted, Refused
from tests.chain.differential.pack import compiled, pack
from tests.chain.differential.report import table, write
from tests.chain.differential.shrink import told
from tests.chain.world import artefact
from valetkey.core.permission.compile import compile_run
from valetkey.core.permission.decide import Allow, Spent, decide

if TYPE_CHECKING:
    from tests.chain.differential.evm import Evm
    from tests.chain.differential.outcome import Outcome
    from tests.chain.differential.pack import Packed

SEED = 3
CASES = 20_000
LEAST_OF_EACH = 500
LEAST_ACCEPTED = 0.4
COMPILED_CASES = 300


@pytest.fixture(scope="module")
def evm() -> Evm:
    """Return revm with the committed contract."""
    pytest.importorskip("pyrevm", reason="no wheels of pyrevm for this Python")
    from tests.chain.differential.revm import Revm  # noqa: PLC0415 - where it is installed

    return Revm(bytes.fromhex(artefact("Account")["runtime"][2:]))


@pytest.mark.timeout(600)
def test_decide_and_the_contract_agree_on_every_case(evm: Evm) -> None:
    """
    Same verdict, same refusal for the same call, same slots afterwards, same calls made.

    Each accepted case is asked once more with one field one off.
    """
    try:
        tally = bulk.run(evm, seed=SEED, indexes=range(CASES))
    except bulk.Disagreement as found:
        pytest.fail(told(found, evm), pytrace=False)
    text = table(tally, engine="revm", seed=SEED)
    write(text, "differential.txt")
    print(text)  # noqa: T201 - shown with -s, and when a count is too low
    assert tally.drawn.total() == CASES
    assert tally.drawn["accepted"] >= LEAST_ACCEPTED * CASES
    assert set(tally.drawn) == {"accepted", *FAULTS}
    assert min(tally.drawn[name] for name in FAULTS) >= LEAST_OF_EACH
    assert set(tally.fields) == set(NEIGHBOURS)
    assert tally.one_off.total() > 0.9 * tally.drawn["accepted"]


def test_what_is_compared_is_what_a_server_would_send() -> None:
    """An accepted run has the grant and the calls of `compile_run`, for the rules of `decide`."""
    compared = Counter[str]()
    for index in range(COMPILED_CASES):
        case = bulk.draw(Dice(SEED, index), index)
        packed = pack(case)
        outcome = expected(case, packed)
        compared[bulk.name_of(outcome)] += 1
        if isinstance(outcome, Accepted):
            spent = Spent(case.kept.calls, case.kept.counters)
            answer = decide(case.calls, case.permission, spent, now=case.at, account=case.account)
            assert isinstance(answer, Allow)
            run = compile_run(case.permission, compiled(case), case.calls, answer.rules)
            between = case.nonce.to_bytes(4) + case.deadline.to_bytes(5)
            assert packed.data[6:].startswith(run.grant + between + run.calls)
    assert compared["accepted"] > COMPILED_CASES // 3


class Lenient:
    """The contract with one fault: it takes any nonce."""

    checks_p256 = False

    def __init__(self, evm: Evm) -> None:
        self._evm = evm

    def run(self, packed: Packed) -> Outcome:
        """Accept what only the nonce was wrong with."""
        outcome = self._evm.run(packed)
        is_nonce = isinstance(outcome, Refused) and outcome.error.startswith("Nonce")
        return Accepted((), (), granted=False) if is_nonce else outcome


def test_a_fault_is_found_and_told_in_few_words(evm: Evm) -> None:
    """A contract that takes a used nonce is found, and the case is cut down to that."""
    lenient = Lenient(evm)
    with pytest.raises(bulk.Disagreement) as found:
        bulk.run(lenient, seed=SEED, indexes=range(1_000))
    text = told(found.value, lenient)
    assert "expected Refused(error='Nonce" in text
    assert "call 0" not in text
    assert text.count("target") == 1
