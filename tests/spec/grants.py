"""Any grant at all, for properties."""

from __future__ import annotations

from typing import Final

from hypothesis import strategies as st

from valetkey.spec.permission_bytes import (
    NATIVE_VALUE,
    Cap,
    Constraint,
    Grant,
    Meter,
    Operator,
    Rule,
    RuleKind,
    RunCall,
)

addresses: Final = st.binary(min_size=20, max_size=20).filter(any)
arguments: Final = st.one_of(st.integers(0, 3), st.integers(0, NATIVE_VALUE))
values: Final = st.one_of(st.integers(0, 300), st.integers(0, 2**256 - 1))
caps: Final = st.builds(Cap, st.integers(0, 2**128 - 1), st.integers(0, 2**32 - 1))
constraints: Final = st.one_of(
    st.builds(
        Constraint,
        arguments,
        st.sampled_from([Operator.EQUALS, Operator.AT_MOST]),
        st.tuples(values),
    ),
    st.builds(
        Constraint,
        arguments,
        st.just(Operator.ONE_OF),
        st.lists(values, min_size=1, max_size=4).map(tuple),
    ),
)


@st.composite
def rules(draw: st.DrawFn, n_caps: int) -> Rule:
    """Return a rule of a grant with so many caps."""
    kind = draw(st.sampled_from(RuleKind))
    meters = st.builds(Meter, arguments, st.integers(0, n_caps - 1)) if n_caps else st.nothing()
    return Rule(
        kind=kind,
        target=draw(addresses),
        selector=draw(st.binary(min_size=4, max_size=4)) if kind is RuleKind.CALL else None,
        meters=tuple(draw(st.lists(meters, max_size=3 if n_caps else 0))),
        constraints=tuple(draw(st.lists(constraints, max_size=3))),
    )


@st.composite
def grants(draw: st.DrawFn) -> Grant:
    """Return a grant."""
    given_caps = tuple(draw(st.lists(caps, max_size=8)))
    starts_at = draw(st.integers(0, 2**40 - 2))
    return Grant(
        key=draw(st.one_of(addresses, st.binary(min_size=64, max_size=64).filter(any))),
        salt=draw(st.integers(0, 2**32 - 1)),
        starts_at=starts_at,
        expires_at=draw(st.integers(starts_at + 1, 2**40 - 1)),
        max_calls=draw(st.integers(1, 2**32 - 1)),
        rules=tuple(draw(st.lists(rules(len(given_caps)), min_size=1, max_size=3))),
        caps=given_caps,
        relayer=draw(st.one_of(st.none(), addresses)),
    )


@st.composite
def calls(draw: st.DrawFn, grant: Grant) -> RunCall:
    """Return a call under one of the rules of *grant*."""
    index = draw(st.integers(0, len(grant.rules) - 1))
    rule = grant.rules[index]
    is_send = rule.kind is RuleKind.SEND
    return RunCall(
        rule=index,
        arguments=b"" if is_send else draw(st.binary(max_size=70)),
        value_wei=draw(st.integers(0, 2**128 - 1)) if rule.carries_value else 0,
    )
