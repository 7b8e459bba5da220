"""An execution of a session key with anything in it changed makes the signed calls, or none."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.chain.differential import compare as bulk
from tests.chain.differential.case import EVERYBODY
from tests.chain.differential.dice import Dice
from tests.chain.differential.execution import is_sayable, packed_execution
from tests.chain.differential.outcome import Accepted, Refused
from tests.chain.executions import op_data, paid
from tests.chain.session import Session
from tests.chain.world import artefact
from tests.searched import LONGER
from valetkey.spec import erc7821
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from tests.chain.session import Owner

SEED = 23
CASES = 400 * LONGER
CHANGES = 8
SIGNED = 32 + 32 + 65
HEAD = 2


def test_every_byte_beside_the_calls_counts(owner: Owner) -> None:
    """Only the run's nonce and deadline, which nobody signed, can be others."""
    session = Session.opened(owner)
    session.register()
    calls = [paid(session)]
    data = op_data(session, calls, run_deadline=pb.NEVER_EXPIRES)
    free = SIGNED + HEAD + len(session.packed)
    for place in range(len(data)):
        changed = bytearray(data)
        changed[place] ^= 1
        refusal = session.refusal(erc7821.execute_calldata(calls, op_data=bytes(changed)))
        is_free = free + 3 <= place < free + 9  # the lowest byte of the nonce, and the deadline
        assert (refusal is None) is is_free, place


def changed(data: bytes, rng: random.Random) -> bytes:
    """Return *data* with one to three changes somewhere behind the selector."""
    other = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        at = rng.randrange(4, len(other))
        kind = rng.choice(("flip", "set", "cut", "add", "move"))
        if kind == "flip":
            other[at] ^= 1 << rng.randrange(8)
        elif kind == "set":
            other[at] = rng.choice((0, 1, 2, 27, 28, 31, 32, 64, 65, 128, 255))
        elif kind == "cut":
            del other[at : at + rng.choice((1, 2, 32))]
        elif kind == "add":
            other[at:at] = rng.randbytes(rng.choice((1, 2, 32)))
        else:
            start = rng.randrange(4, len(other))
            other[at : at + 32] = other[start : start + 32]
    return bytes(other)


@pytest.mark.timeout(600)
def test_no_change_makes_other_calls_than_those_signed() -> None:
    """Random changes of whole calldata: refused, or exactly the calls that the key signed."""
    pytest.importorskip("pyrevm", reason="no wheels of pyrevm for this Python")
    from tests.chain.differential.revm import Revm  # noqa: PLC0415 - where it is installed

    evm = Revm(bytes.fromhex(artefact("Account")["runtime"][2:]), gas=30_000_000)
    rng = random.Random(SEED)  # noqa: S311 - the same changes each time
    tally = Counter[str]()
    for index in range(CASES):
        case = bulk.draw(Dice(SEED, index), index)
        if not is_sayable(case):
            continue
        for number in range(CHANGES):
            # Slots and nonces of its own: what the one before left does not decide.
            other = replace(case, salt=index + (number + 1) * 2**24)
            packed = packed_execution(other)
            done = evm.run(replace(packed, data=changed(packed.data, rng)))
            tally[bulk.name_of(done)] += 1
            if isinstance(done, Accepted):
                signed = tuple(call for call in case.calls if call.to in EVERYBODY)
                assert done.calls == signed
            else:
                assert isinstance(done, Refused)
    assert tally["accepted"] < tally.total() // 4
    assert len(tally) > 10
