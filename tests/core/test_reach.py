"""The reach of a rule: sets of words, and calls out of them that are allowed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import ANN, TOKEN, TRANSFER, ask, permission_with
from tests.core.strategies import constraints, permissions, words
from tests.searched import searched
from valetkey.core.permission.decide import Allow
from valetkey.core.permission.model import Cap, Constraint, Operator, Permission, Rule
from valetkey.core.permission.reach import EVERY_WORD, Words, reaches
from valetkey.core.units import UINT256_MAX

SETS = st.one_of(
    st.builds(Words, st.integers(0, 9)),
    st.lists(st.integers(0, 9), max_size=5, unique=True).map(
        lambda values: Words(values=tuple(sorted(values)))
    ),
)


def inside(words_: Words) -> set[int]:
    """Return those up to 12."""
    return {word for word in range(12) if word in words_}


@searched(200)
@given(SETS, SETS)
def test_a_set_knows_what_is_outside_another(one: Words, other: Words) -> None:
    """A witness if there is one."""
    found = one.outside(other)
    assert (found is None) is (inside(one) <= inside(other))
    assert found is None or (found in one and found not in other)


@given(constraints(), constraints(), words())
def test_a_set_is_what_all_its_constraints_let_through(
    one: Constraint, other: Constraint, word: int
) -> None:
    """In whatever order."""
    both = EVERY_WORD.meet(one).meet(other)
    alone = word in EVERY_WORD.meet(one), word in EVERY_WORD.meet(other)
    assert (word in both) is all(alone)
    assert (word in both.up_to(100)) is (word in both and word <= 100)
    if both:
        assert both.least in both
        assert both.greatest in both
        assert not both.up_to(both.least - 1) or both.values is None


@given(permissions())
def test_what_a_rule_reaches_is_allowed(permission: Permission) -> None:
    """The least call, the most value, the ends of every set; and nothing if it cannot be used."""
    for reach in reaches(permission):
        assert permission.rules[reach.index] == reach.rule
        if not reach.is_usable:
            continue
        tried = [reach.call(), reach.call(value_wei=reach.value_wei)]
        for argument, allowed in reach.words.items():
            tried.append(reach.call(words={argument: allowed.greatest}))
        for call in tried:
            answer = ask(permission, call, now=permission.starts_at)
            assert isinstance(answer, Allow), answer
            assert answer.rules == (reach.index,)


@pytest.mark.parametrize(
    ("rule", "asset", "counts"),
    [
        (Rule(TOKEN, TRANSFER), TOKEN, Words(100)),
        (Rule(ANN, TRANSFER), ANN, EVERY_WORD),
        (Rule(TOKEN, TRANSFER, payable=True), None, Words(9)),
        (Rule(ANN, None), None, Words(9)),
        (Rule(TOKEN, TRANSFER, where=(Constraint(1, Operator.ONE_OF, (7, 70, 700)),)), TOKEN,
         Words(values=(7, 70))),
    ],
    ids=["token", "token without cap", "payable", "payment", "listed"],
)  # fmt: skip
def test_a_rule_counts_for_what_it_moves(rule: Rule, asset: bytes | None, counts: Words) -> None:
    """And can be told to move so much."""
    caps = (Cap(TOKEN, 0, lifetime=100), Cap(None, 18, lifetime=9))
    permission = permission_with(rules=(rule,), caps=caps)
    (reach,) = reaches(permission)
    assert reach.moves(asset)
    assert not reach.moves(b"\x99" * 20)
    assert reach.counts(asset) == counts
    call = reach.moving(asset, counts.greatest)
    assert call.value_wei == (counts.greatest if asset is None else 0)
    assert isinstance(ask(permission, call), Allow)


def test_an_argument_behind_the_last_one_may_be_given() -> None:
    """The call grows to it."""
    (reach,) = reaches(permission_with())
    assert len(reach.call().data) == 4 + 2 * 32
    assert reach.call(words={3: UINT256_MAX}).data[-32:] == b"\xff" * 32
