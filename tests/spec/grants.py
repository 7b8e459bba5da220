"""The grants of the vectors as values, and any grant at all for properties."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tools.grant_vectors.malformed import malformed
from valetkey.spec.permission_bytes import (
    NATIVE_VALUE,
    NEVER_EXPIRES,
    NO_CALL_LIMIT,
    Cap,
    Constraint,
    Grant,
    Meter,
    Operator,
    Rule,
    RuleKind,
    RuleTree,
    RunCall,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

KEY: Final = b"\x11" * 20
TARGET: Final = b"\x22" * 20
TRANSFER: Final = bytes.fromhex("a9059cbb")
PLAIN: Final = Grant(
    key=KEY,
    salt=7,
    starts_at=0x65F00000,
    expires_at=0x65F15180,
    max_calls=NO_CALL_LIMIT,
    caps=(Cap(20 * 10**6),),
    rules=(Rule(RuleKind.CALL, TARGET, TRANSFER, (Meter(1, 0),)),),
)
FULL: Final = Grant(
    key=KEY,
    salt=0xFFFFFFFF,
    starts_at=0,
    expires_at=NEVER_EXPIRES,
    max_calls=1,
    relayer=b"\x33" * 20,
    caps=(Cap(2**128 - 1, 86_400), Cap(0, 0xFFFFFFFF)),
    rules=(
        Rule(
            kind=RuleKind.CALL,
            target=TARGET,
            selector=bytes(4),
            meters=(Meter(NATIVE_VALUE, 1), Meter(1, 0)),
            constraints=(
                Constraint(0, Operator.EQUALS, (0,)),
                Constraint(62, Operator.ONE_OF, (5, int("44" * 20, 16))),
                Constraint(NATIVE_VALUE, Operator.AT_MOST, (256,)),
            ),
        ),
        Rule(RuleKind.SEND, b"\x55" * 20, None, (Meter(NATIVE_VALUE, 1),)),
    ),
)
WIDE: Final = Grant(
    key=b"\x66" * 32 + b"\x77" * 32,
    salt=0,
    starts_at=1,
    expires_at=2,
    max_calls=1,
    caps=(Cap(10**18),),
    rules=(
        Rule(RuleKind.ANY_SELECTOR, TARGET),
        Rule(
            RuleKind.ANY_CALL,
            meters=(Meter(NATIVE_VALUE, 0),),
            constraints=(Constraint(NATIVE_VALUE, Operator.AT_MOST, (256,)),),
        ),
    ),
)
TREE: Final = RuleTree((*PLAIN.rules, *FULL.rules))
IN_TREE: Final = Grant(
    key=KEY,
    salt=7,
    starts_at=0,
    expires_at=NEVER_EXPIRES,
    max_calls=NO_CALL_LIMIT,
    caps=(Cap(5), Cap(6, 60)),
    rules=(),
    root=TREE.root,
)
NARROW: Final = (RuleKind.CALL, RuleKind.SEND)
addresses: Final = st.integers(1, 2**160 - 1).map(lambda number: number.to_bytes(20, "big"))
points: Final = st.integers(1, 2**512 - 1).map(lambda number: number.to_bytes(64, "big"))
arguments: Final = st.one_of(st.integers(0, 3), st.integers(0, NATIVE_VALUE))
values: Final = st.one_of(st.integers(0, 300), st.integers(0, 2**256 - 1))
caps: Final = st.builds(Cap, st.integers(0, 2**128 - 1), st.integers(0, 2**32 - 1))


def constraints(words: st.SearchStrategy[int]) -> st.SearchStrategy[Constraint]:
    """Return a constraint on one of *words*."""
    single = st.sampled_from([Operator.EQUALS, Operator.AT_MOST])
    several = st.lists(values, min_size=1, max_size=4).map(tuple)
    return st.one_of(
        st.builds(Constraint, words, single, st.tuples(values)),
        st.builds(Constraint, words, st.just(Operator.ONE_OF), several),
    )


@st.composite
def rules(draw: st.DrawFn, n_caps: int, kinds: Sequence[RuleKind] = tuple(RuleKind)) -> Rule:
    """Return a rule of a grant with so many caps."""
    kind = draw(st.sampled_from(kinds))
    words = st.just(NATIVE_VALUE) if kind.is_wide else arguments
    checked = constraints(words)
    meters = st.builds(Meter, words, st.integers(0, n_caps - 1)) if n_caps else st.nothing()
    return Rule(
        kind=kind,
        target=bytes(20) if kind is RuleKind.ANY_CALL else draw(addresses),
        selector=draw(st.binary(min_size=4, max_size=4)) if kind is RuleKind.CALL else None,
        meters=tuple(draw(st.lists(meters, max_size=3 if n_caps else 0))),
        constraints=tuple(draw(st.lists(checked, max_size=3))),
    )


@st.composite
def listed_grants(draw: st.DrawFn, kinds: Sequence[RuleKind] = tuple(RuleKind)) -> Grant:
    """Return a grant that lists its rules."""
    given_caps = tuple(draw(st.lists(caps, max_size=8)))
    starts_at = draw(st.integers(0, 2**40 - 2))
    return Grant(
        key=draw(st.one_of(addresses, points)),
        salt=draw(st.integers(0, 2**32 - 1)),
        starts_at=starts_at,
        expires_at=draw(st.integers(starts_at + 1, 2**40 - 1)),
        max_calls=draw(st.integers(1, 2**32 - 1)),
        rules=tuple(draw(st.lists(rules(len(given_caps), kinds), min_size=1, max_size=3))),
        caps=given_caps,
        relayer=draw(st.one_of(st.none(), addresses)),
    )


@st.composite
def grants_in_trees(draw: st.DrawFn) -> tuple[Grant, RuleTree]:
    """Return a grant that keeps a root, and the tree."""
    grant = draw(listed_grants())
    tree = RuleTree(tuple(draw(st.lists(rules(len(grant.caps), NARROW), min_size=1, max_size=9))))
    return replace(grant, rules=(), root=tree.root), tree


grants: Final = st.one_of(listed_grants(), grants_in_trees().map(lambda made: made[0]))


@st.composite
def calls(draw: st.DrawFn, rules: Sequence[Rule]) -> RunCall:
    """Return a call under one of *rules*."""
    index = draw(st.integers(0, len(rules) - 1))
    rule = rules[index]
    return RunCall(
        rule=index,
        arguments=b"" if rule.kind is RuleKind.SEND else draw(st.binary(max_size=70)),
        value_wei=draw(st.integers(0, 2**128 - 1)) if rule.carries_value else 0,
        target=draw(addresses) if rule.kind is RuleKind.ANY_CALL else None,
    )


MALFORMED: Final = malformed()
"""What is published as no grant, by what is wrong with it."""
