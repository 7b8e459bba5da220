"""
Well-formed permissions, and calls that nearly fit them.

Made for two rooms: the properties of the core, and the comparison of `decide` with the contract on
a chain. There the cast is made of deployed contracts, and ``compilable`` asks for permissions that
the contract can enforce.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from valetkey.core.permission.effects import EFFECTS, selector_of
from valetkey.core.permission.model import (
    ANYTHING,
    ZERO_ADDRESS,
    Anything,
    Call,
    Cap,
    Constraint,
    Operator,
    Permission,
    Rule,
    Window,
)
from valetkey.core.units import UINT128_MAX, UINT256_MAX

if TYPE_CHECKING:
    from collections.abc import Collection

CHAIN: Final = "eip155:31337"
START: Final = 1_700_000_000
MAX_LIMITS: Final = 8  # counters that the contract keeps
WORDS: Final = 4  # arguments of a whole call
SWAP: Final = "swap(uint256,address,uint256,uint256)"
WITHDRAW: Final = "withdraw(uint256)"
UNKNOWN: Final = {selector_of(function): function for function in (SWAP, WITHDRAW)}

Trace = list[tuple[int, list[Call]]]
"""Runs in order, each with the seconds that pass before it."""


@dataclass(frozen=True, slots=True)
class Cast:
    """
    Who appears: 20 bytes each, no address twice.

    Args:
        tokens: Understand the functions of `EFFECTS`, and those of `UNKNOWN`.
        contracts: Understand the functions of `UNKNOWN`.
        people: Receive, are approved, are paid; the last one is the relayer, if one is bound.
    """

    account: bytes
    tokens: tuple[bytes, ...]
    contracts: tuple[bytes, ...]
    people: tuple[bytes, ...]


CAST: Final = Cast(
    account=b"\xac" * 20,
    tokens=(b"\x11" * 20, b"\x12" * 20),
    contracts=(b"\x21" * 20, b"\x22" * 20),
    people=(b"\x31" * 20, b"\x32" * 20, b"\x33" * 20, b"\x34" * 20),
)


def word_of(value: int | bytes) -> bytes:
    """Return *value* as one argument."""
    number = value if isinstance(value, int) else int.from_bytes(value)
    return number.to_bytes(32)


def calldata(selector: bytes, *arguments: int | bytes) -> bytes:
    """Return the data of a call of *selector* with *arguments*."""
    return selector + b"".join(word_of(argument) for argument in arguments)


def amounts(*near: int) -> st.SearchStrategy[int]:
    """Draw amounts: mostly small, so that sums come near limits, or just around those in *near*."""
    around = {value + step for value in near for step in (-1, 0, 1)}
    marked = sorted({0, 1, 2**127, UINT128_MAX, *(v for v in around if 0 <= v <= UINT128_MAX)})
    return st.one_of(st.integers(0, 120), st.integers(0, 120), st.sampled_from(marked))


@st.composite
def permissions(
    draw: st.DrawFn,
    cast: Cast = CAST,
    *,
    starts_at: int = START,
    compilable: bool = False,
    opaque: bool = True,
) -> Permission:
    """
    Draw a permission that `check_permission` accepts.

    Args:
        compilable: Only what the contract can enforce.
        opaque: Whether functions of unknown effect may be among the rules.
    """
    least = int(compilable)
    recipients = draw(_recipients(cast, least))
    caps = draw(_caps(cast, MAX_LIMITS if compilable else 2 * MAX_LIMITS))
    pays = any(cap.asset is None and (cap.lifetime, cap.window) != (None, None) for cap in caps)
    paid = (*cast.people, *cast.contracts, *cast.tokens)
    payees = set(paid if isinstance(recipients, Anything) else recipients) if pays else set()
    keys: list[tuple[bytes, bytes | None]]
    keys = [(token, selector) for token in cast.tokens for selector in EFFECTS]
    keys += [(payee, None) for payee in paid if payee in payees]
    if opaque and isinstance(recipients, Anything):
        capped = {cap.asset for cap in caps}
        places = [place for place in (*cast.contracts, *cast.tokens) if place not in capped]
        keys += [(place, selector) for place in places for selector in UNKNOWN]
    chosen = draw(st.lists(st.sampled_from(keys), min_size=least, max_size=6, unique=True))
    relayer = draw(st.sampled_from([None, cast.people[-1]]))
    counts_fees = relayer is not None or not compilable
    counted = {cap.asset for cap in caps if (cap.lifetime, cap.window) != (None, None)}
    rules = [draw(_rules(cast, *key, payable=key[0] in payees, least=least)) for key in chosen]
    return Permission(
        chain=CHAIN,
        rules=tuple(replace(rule, where=comparable(rule, counted)) for rule in rules),
        caps=caps,
        starts_at=starts_at,
        expires_at=starts_at + draw(st.sampled_from([7300, 7200, 400, 121, 60, 1])),
        recipients=recipients,
        max_calls=draw(st.one_of(st.none(), st.integers(1, 12), st.just(2**32 - 2))),
        relayer=relayer,
        fee_budget_wei=draw(st.one_of(st.none(), amounts())) if counts_fees else None,
    )


def _recipients(cast: Cast, least: int) -> st.SearchStrategy[tuple[bytes, ...] | Anything]:
    anybody = (*cast.people, cast.tokens[0], cast.contracts[0])
    some = st.lists(st.sampled_from(anybody), min_size=least, max_size=4, unique=True)
    return st.one_of(st.just(ANYTHING), some.map(lambda listed: tuple(sorted(listed))))


@st.composite
def _caps(draw: st.DrawFn, cast: Cast, most: int) -> tuple[Cap, ...]:
    assets = draw(st.permutations([None, *cast.tokens]))
    made: list[Cap] = []
    for asset in assets[: draw(st.integers(0, len(assets)))]:
        cap = draw(caps_on(asset))
        limits = sum((held.lifetime is not None) + (held.window is not None) for held in made)
        if limits + (cap.lifetime is not None) + (cap.window is not None) <= most:
            made.append(cap)
    return tuple(made)


@st.composite
def caps_on(draw: st.DrawFn, asset: bytes | None) -> Cap:
    """Draw a cap on *asset* with at least one of its three limits."""
    limits = st.one_of(st.integers(50, 500), st.integers(50, 500), amounts())
    kinds = draw(st.sets(st.sampled_from(["per_call", "lifetime", "window"]), min_size=1))
    window = st.builds(Window, limits, st.sampled_from([60, 61, 100, 3600, 2**32 - 1]))
    return Cap(
        asset=asset,
        decimals=18 if asset is None else draw(st.sampled_from([0, 6, 18, 77])),
        per_call=draw(limits) if "per_call" in kinds else None,
        lifetime=draw(limits) if "lifetime" in kinds else None,
        window=draw(window) if "window" in kinds else None,
    )


@st.composite
def _rules(
    draw: st.DrawFn, cast: Cast, target: bytes, selector: bytes | None, *, payable: bool, least: int
) -> Rule:
    if selector is None:
        return Rule(target, None)
    known = EFFECTS.get(selector)
    function = known.function if known else UNKNOWN[selector]
    return Rule(
        target,
        selector,
        function=draw(st.sampled_from([None, function])),
        payable=payable and draw(st.booleans()),
        where=tuple(draw(st.lists(constraints(cast, least=least), max_size=2))),
    )


def comparable(rule: Rule, counted: Collection[bytes | None]) -> tuple[Constraint, ...]:
    """Return what limits *rule*, but from above only what is *counted* (`check_comparable`)."""
    effect = EFFECTS.get(rule.selector or b"")
    if effect is None or rule.target not in counted:
        return rule.where
    return tuple(
        Constraint(one.argument, Operator.AT_MOST, (max(one.values, default=0),))
        if one.argument == effect.amount
        else one
        for one in rule.where
    )


@st.composite
def constraints(draw: st.DrawFn, cast: Cast = CAST, *, least: int = 0) -> Constraint:
    """Draw a constraint; one without values (which lets nothing through) only if *least* is 0."""
    operator = draw(st.sampled_from(Operator))
    one_of = operator is Operator.ONE_OF
    listed = draw(
        st.lists(
            words(cast), min_size=least if one_of else 1, max_size=5 if one_of else 1, unique=True
        )
    )
    return Constraint(draw(st.integers(0, WORDS - 1)), operator, tuple(sorted(listed)))


def words(cast: Cast = CAST) -> st.SearchStrategy[int]:
    """Draw one argument: an amount, somebody's address, or bits that no address has."""
    people = st.sampled_from([*cast.people, cast.account]).map(int.from_bytes)
    dirty = 1 << 160 | int.from_bytes(cast.people[0])
    odd = st.sampled_from([UINT128_MAX + 1, UINT256_MAX, dirty])
    return st.one_of(amounts(), people, people, odd)


@st.composite
def calls(draw: st.DrawFn, permission: Permission, cast: Cast = CAST) -> Call:
    """Draw a call that a rule of *permission* covers, or nearly; now and then a stray one."""
    if not permission.rules or draw(_seldom()):
        return draw(stray_calls(cast))
    rule = draw(st.sampled_from(permission.rules))
    value = 0
    if rule.carries_value() or draw(_seldom()):
        value = draw(amounts(*_near(permission, None)))
    if rule.selector is None:
        return Call(rule.target, value, b"")
    data = rule.selector + draw(_arguments(permission, rule, cast))
    if draw(_seldom()):
        data = data[: draw(st.integers(4, len(data)))]
    return Call(rule.target, value, data)


@st.composite
def _arguments(draw: st.DrawFn, permission: Permission, rule: Rule, cast: Cast) -> bytes:
    drawn = [draw(words(cast)) for _ in range(WORDS)]
    effect = EFFECTS.get(rule.selector or b"")
    if effect is not None:
        listed = (
            cast.people if isinstance(permission.recipients, Anything) else permission.recipients
        )
        if listed and not draw(_seldom()):
            drawn[effect.recipient] = int.from_bytes(draw(st.sampled_from(listed)))
        drawn[effect.amount] = draw(amounts(*_near(permission, rule.target)))
    for constraint in rule.where:
        if constraint.values and not draw(_seldom()):
            drawn[constraint.argument] = draw(st.sampled_from(constraint.values))
    return b"".join(word_of(value) for value in drawn)


def _near(permission: Permission, asset: bytes | None) -> list[int]:
    cap = permission.cap_on(asset)
    if cap is None:
        return []
    window = cap.window.limit if cap.window else None
    return [value for value in (cap.per_call, cap.lifetime, window) if value is not None]


@st.composite
def stray_calls(draw: st.DrawFn, cast: Cast = CAST) -> Call:
    """Draw a call that no permission was asked about, forbidden targets among them."""
    anybody = [*cast.tokens, *cast.contracts, *cast.people, cast.account, ZERO_ADDRESS]
    selector = draw(st.sampled_from([b"", b"\xa9", *EFFECTS, *UNKNOWN]))
    arguments = [draw(words(cast)) for _ in range(draw(st.integers(0, WORDS)))]
    data = calldata(selector, *arguments) if len(selector) == len(next(iter(EFFECTS))) else selector
    return Call(draw(st.sampled_from(anybody)), draw(amounts()), data)


def runs(permission: Permission, cast: Cast = CAST) -> st.SearchStrategy[list[Call]]:
    """Draw the calls of one run; sometimes none."""
    return st.lists(calls(permission, cast), max_size=4)


def traces(permission: Permission, cast: Cast = CAST) -> st.SearchStrategy[Trace]:
    """Draw runs over time; the first may come in the first second of *permission*."""
    waits = st.sampled_from([0, 0, 0, 0, 1, 29, 30, 59, 60, 61, 100, 3600])
    return st.lists(st.tuples(waits, runs(permission, cast)), max_size=10)


def _seldom() -> st.SearchStrategy[bool]:
    return st.integers(0, 11).map(lambda number: number == 11)
