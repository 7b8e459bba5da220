"""The grants of the vectors as values, and any grant at all for properties."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

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


VECTORS: Final = json.loads((Path(__file__).parent / "vectors" / "grants.json").read_text())


def written(name: str) -> bytes:
    """Return the bytes that the vector *name* writes out."""
    return bytes.fromhex("".join(part for part, _ in VECTORS[name]["fields"]))


def _with_field(name: str, comment: str, replacement: str) -> bytes:
    fields = VECTORS[name]["fields"]
    assert comment in {label for _, label in fields}
    return bytes.fromhex(
        "".join(replacement if label == comment else part for part, label in fields)
    )


def _with_rule(rule_hex: str) -> bytes:
    """Return the plain grant with another rule."""
    rule = bytes.fromhex(rule_hex)
    return written("plain")[: -2 - 27] + len(rule).to_bytes(2, "big") + rule


_CALL: Final = "22" * 20 + "a9059cbb"
_FIELDS: Final = [
    ("plain", "version", "02"),
    ("plain", "key type: secp256k1", "02"),
    ("plain", "key type: secp256k1", "01"),
    ("plain", "key", "00" * 20),
    ("plain", "no count", "00000000"),
    ("plain", "starts at 1710227456", "0065f15180"),
    ("plain", "flags: no relayer", "04"),
    ("plain", "flags: no relayer", "80"),
    ("plain", "one cap", "00"),
    ("plain", "one cap", "09"),
    ("plain", "one rule", "00"),
    ("plain", "27 bytes", "001a"),
    ("plain", "27 bytes", "001c"),
    ("plain", "exact, carries no value, one check", "81"),
    ("plain", "exact, carries no value, one check", "c1"),
    ("plain", "exact, carries no value, one check", "21"),
    ("plain", "exact, carries no value, one check", "00"),
    ("plain", "exact, carries no value, one check", "02"),
    ("plain", "target", "00" * 20),
    ("plain", "cap 0", "01"),
    ("full", "relayer", "00" * 20),
    ("full", "exact, carries value, five checks", "05"),
    ("full", "1 byte", "00"),
    ("full", "1 byte", "02"),
    ("full", "20 bytes", "21"),
    ("full", "two values", "00"),
    ("full", "256", "0001"),
    ("full", "send, carries value, one check", "41"),
]
MALFORMED: Final = {
    **{
        f"{name}: {comment} as {replacement}": _with_field(name, comment, replacement)
        for name, comment, replacement in _FIELDS
    },
    "the constraint 5 in two bytes": _with_rule("01" + _CALL + "80020005"),
    "the constraint 5 in 32 bytes": _with_rule("01" + _CALL + "8020" + "05".zfill(64)),
    "a constraint of 33 bytes": _with_rule("01" + _CALL + "8021" + "01" + "00" * 32),
    "a constraint of no bytes": _with_rule("01" + _CALL + "8000"),
    "one of nothing": _with_rule("01" + _CALL + "400100"),
    "a meter before a constraint": _with_rule("02" + _CALL + "c100" + "000105"),
    "a value flag without a meter on it": _with_rule("21" + _CALL + "c100"),
    "a meter on native value without the flag": _with_rule("01" + _CALL + "ff00"),
    "any selector, with a selector": _with_rule("80" + _CALL),
    "any selector, without a target": _with_rule("80" + "00" * 20),
    "any selector, a meter on an argument": _with_rule("81" + "22" * 20 + "c100"),
    "any selector, a constraint on an argument": _with_rule("81" + "22" * 20 + "000105"),
    "any call, with a target": _with_rule("c0" + "22" * 20),
    "any call, without room for one": _with_rule("c0"),
    "any call, a meter on an argument": _with_rule("c1" + "00" * 20 + "c000"),
    "any call, a value flag without a meter on it": _with_rule("e0" + "00" * 20),
    "a send without a target": _with_rule("40" + "00" * 20),
    "the flag of a tree above a list": _with_field("plain", "flags: no relayer", "02"),
    "a root without the flag": _with_field("tree", "flags: rules in a tree", "00"),
    "a root of 31 bytes": written("tree")[:-1],
    "a root of 33 bytes": written("tree") + b"\0",
    "the open form in place of the root": written("tree")[:-32]
    + b"\x01"
    + written("plain")[-29:]
    + b"\x00",
    "nine caps": _with_field("plain", "one cap", "09" + "00" * 160),
    "a trailing byte": written("plain") + b"\0",
    "a trailing rule": written("plain") + written("plain")[-29:],
    "nothing": b"",
}
