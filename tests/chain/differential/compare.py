"""Cases in bulk: asked of both planes, compared, and counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from tests.chain.differential.cases import draw_fitting
from tests.chain.differential.dice import Dice
from tests.chain.differential.expected import expected, said_of
from tests.chain.differential.faults import FAULTS, with_p256
from tests.chain.differential.neighbours import NEIGHBOURS
from tests.chain.differential.outcome import Accepted
from tests.chain.differential.pack import pack
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.decide import Spent, decide
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chain.differential.case import Case
    from tests.chain.differential.evm import Evm
    from tests.chain.differential.outcome import Outcome

NOW: Final = 1_700_000_000
_FAULTY: Final = 0.585
_SECOND_FAULT: Final = 0.1
_TRIES: Final = 1000  # a million cases are drawn at times, and one of them is unlucky
_P256: Final = 0.2
_OTHER_SLOTS: Final = 2**31
_KINDS: Final = tuple(FAULTS)
_FIELDS: Final = tuple(NEIGHBOURS)
_ARGUMENTS: Final = ("ArgumentMissing", "ArgumentRefused", "CapExceeded")
_WIDE: Final = ("TargetRefused", "SelectorRefused", "RuleTooWide")
_DECIDED: Final = frozenset(("NoSuchRule", *_WIDE, *_ARGUMENTS))


class Disagreement(AssertionError):
    """
    The two planes do not give the same outcome for *case*.

    Args:
        said: What `decide`, inside the order of checks, says.
        done: What the contract did.
    """

    def __init__(self, case: Case, said: Outcome, done: Outcome) -> None:
        super().__init__(f"expected {said}, got {done} for {case}")
        self.case, self.said, self.done = case, said, done


@dataclass(slots=True)
class Tally:
    """How often each outcome came, for cases as drawn and for those with one field one off."""

    drawn: Counter[str] = field(default_factory=Counter)
    one_off: Counter[str] = field(default_factory=Counter)
    fields: Counter[str] = field(default_factory=Counter)

    def add(self, other: Tally) -> None:
        """Add what another part of the same run counted."""
        self.drawn += other.drawn
        self.one_off += other.one_off
        self.fields += other.fields


def draw(dice: Dice, index: int, *, now: int = NOW, p256: bool = False) -> Case:
    """
    Return case number *index*: one that is accepted, or one with a fault or two.

    Args:
        p256: Whether P-256 keys can be open: some cases then have one.
    """
    kind = _KINDS[index % len(_KINDS)] if dice.chance(_FAULTY) else None
    for _ in range(_TRIES):
        case = draw_fitting(dice, now, index, wide=kind in _WIDE)
        if p256 and dice.chance(_P256):
            case = with_p256(case)
        if kind is None:
            if _decided(case) is None:
                return case
            continue
        if dice.chance(_SECOND_FAULT):
            first = FAULTS[dice.one(_KINDS)](dice, case)
            # Damage to the grant's bytes is about these bytes, and what follows may change them.
            case = case if first is None or first.damage.flip is not None else first
        faulty = FAULTS[kind](dice, case)
        if faulty is None or not is_possible(faulty, p256=p256):
            continue
        if kind not in _DECIDED or _decided(faulty) == kind:
            return faulty
    raise LookupError(f"expected a case of {kind or 'acceptance'} in {_TRIES} draws, got none")


def _decided(case: Case) -> str | None:
    """Return the refusal that `decide` alone gives, in the contract's words; None is none."""
    spent = Spent(case.kept.calls, case.kept.counters)
    answer = decide(case.calls, case.permission, spent, now=case.at, account=case.account)
    refusal = said_of(answer, case)
    return None if refusal is None else refusal.error


def is_possible(case: Case, *, p256: bool) -> bool:
    """Say whether a chain can come into the state of *case*: an open grant was read once."""
    if case.kept.status is not pb.Status.OPEN:
        return True
    targets = {rule.target for rule in case.permission.rules}
    is_checked = p256 or not case.is_p256
    return is_checked and case.damage.flip is None and case.account not in targets


def compare(case: Case, evm: Evm) -> Outcome:
    """
    Return what both planes say to *case*.

    Raises:
        Disagreement: They do not say the same.
    """
    check_permission(case.permission)
    packed = pack(case)
    said = expected(case, packed, checks_p256=evm.checks_p256)
    done = evm.run(packed)
    if said != done:
        raise Disagreement(case, said, done)
    return said


def name_of(outcome: Outcome) -> str:
    """Return the class that *outcome* counts for."""
    return "accepted" if isinstance(outcome, Accepted) else outcome.error


def run(evm: Evm, *, seed: int, indexes: range, now: int = NOW) -> Tally:
    """
    Compare the cases of *seed* with these *indexes*, and a neighbour of each accepted one.

    Args:
        now: The second that all of them are around.

    Raises:
        Disagreement: Of the first case that differs.
    """
    tally = Tally()
    for index in indexes:
        dice = Dice(seed, index)
        case = draw(dice, index, now=now, p256=evm.checks_p256)
        outcome = compare(case, evm)
        tally.drawn[name_of(outcome)] += 1
        if isinstance(outcome, Accepted):
            for name, neighbour in _one_off(dice, case, index):
                tally.one_off[name_of(compare(neighbour, evm))] += 1
                tally.fields[name] += 1
    return tally


def _one_off(dice: Dice, case: Case, index: int) -> Iterator[tuple[str, Case]]:
    for step in range(len(_FIELDS)):
        name = _FIELDS[(index + step) % len(_FIELDS)]
        neighbour = NEIGHBOURS[name](dice, case)
        if neighbour is not None and neighbour != case:
            yield name, replace(neighbour, salt=case.salt + _OTHER_SLOTS)
            return
