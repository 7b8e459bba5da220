"""Permissions that say everything the language can say, wide rules and templates included."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tests.core.examples import ANN, BOB, ROUTER, TOKEN, TRANSFER
from tests.core.strategies import CAST, CHAIN, START, calls, permissions, stray_calls, words
from valetkey.core.permission.comparable import MAX_NESTED
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.model import (
    ANYTHING,
    Anything,
    Call,
    Cap,
    FieldConstraint,
    MessageTemplate,
    Operator,
    Permission,
    Rate,
    Rule,
    TypedDataTemplate,
    WideRule,
    Window,
)

if TYPE_CHECKING:
    from tests.core.strategies import Cast, Trace

ORDER: Final = (
    "Order(Party maker,address[] takers,uint256 amount,string note)Party(address who,bool paid)"
)
FIELDS: Final = (("amount",), ("maker", "who"), ("note",))
TYPES: Final = (ORDER, "Login(string name,uint256 nonce)")
PIECES: Final = ("", "Sign in to example.org as ", "\nNonce: ", "7", "é — ")
SCOPES: Final = (
    *("orders:read", "orders:write", "a", "files/x.y-z_1"),
    *("session:read", "session:run", "session:self"),
)


@st.composite
def whole_permissions(
    draw: st.DrawFn, cast: Cast = CAST, *, starts_at: int = START, compilable: bool = False
) -> Permission:
    """
    Draw a permission that `check_permission` accepts, of every caveat.

    Args:
        compilable: Only what the contract can enforce.
    """
    permission = draw(permissions(cast, starts_at=starts_at, compilable=compilable))
    if draw(st.integers(0, 2)):
        permission = replace(permission, recipients=ANYTHING)
    permission = replace(permission, wide_rules=draw(wide_rules(permission, cast)))
    if compilable and permission.relayer is None:
        return permission
    return replace(
        permission,
        rate=draw(st.none() | rates(permission)),
        messages=tuple(sorted(draw(st.sets(_messages(), max_size=3)), key=lambda one: one.text)),
        typed_data=draw(_typed_data(cast)),
        scopes=tuple(sorted(draw(st.sets(st.sampled_from(SCOPES), max_size=3)))),
    )


@st.composite
def wide_rules(draw: st.DrawFn, permission: Permission, cast: Cast = CAST) -> tuple[WideRule, ...]:
    """Draw wide rules that may stand beside the rest of *permission*."""
    if not isinstance(permission.recipients, Anything):
        return ()
    capped = {cap.asset for cap in permission.caps if cap.asset is not None}
    native = permission.cap_on(None)
    pays = native is not None and (native.lifetime, native.window) != (None, None)
    free = [place for place in (*cast.contracts, *cast.tokens, *cast.people) if place not in capped]
    chosen: list[bytes | Anything] = [*draw(st.sets(st.sampled_from(free), max_size=3))]
    named = {rule.target for rule in permission.rules}
    if capped <= named and draw(st.integers(0, 3)):
        chosen.append(ANYTHING)
    made = [WideRule(target, payable=pays and draw(st.booleans())) for target in chosen]
    return tuple(sorted(made, key=lambda wide: wide.key))


def rates(permission: Permission) -> st.SearchStrategy[Rate | None]:
    """Draw rates, mostly low, whose windows and those of the caps lie in each other."""
    windows = [cap.window.window_s for cap in permission.caps if cap.window]
    nesting = [
        length
        for length in (60, 61, 100, 3600)
        if all(max(length, one) % min(length, one) == 0 for one in windows)
        and all(max(length, one) <= MAX_NESTED * min(length, one) for one in windows)
    ]
    if not nesting:
        return st.none()
    counts = st.one_of(st.integers(1, 5), st.just(2**32 - 1))
    return st.builds(Rate, counts, st.sampled_from(nesting))


def _messages() -> st.SearchStrategy[MessageTemplate]:
    middle = st.lists(st.sampled_from(PIECES[1:]), max_size=2)
    ends = st.sampled_from(PIECES)
    whole = st.builds(lambda first, between, last: (first, *between, last), ends, middle, ends)
    return st.builds(MessageTemplate, st.one_of(whole, ends.map(lambda only: (only,))))


@st.composite
def _typed_data(draw: st.DrawFn, cast: Cast) -> tuple[TypedDataTemplate, ...]:
    made = draw(
        st.lists(
            st.builds(
                TypedDataTemplate,
                name=st.sampled_from([None, "Exchange"]),
                version=st.sampled_from([None, "1"]),
                verifying_contract=st.sampled_from(cast.contracts),
                type=st.sampled_from(TYPES),
            ),
            max_size=3,
            unique_by=lambda typed: typed.subject,
        )
    )
    full = [
        replace(typed, where=draw(_fields(cast))) if typed.type == ORDER else typed
        for typed in made
    ]
    return tuple(sorted(full, key=lambda typed: typed.subject))


@st.composite
def _fields(draw: st.DrawFn, cast: Cast) -> tuple[FieldConstraint, ...]:
    made: list[FieldConstraint] = []
    for name in draw(st.sets(st.sampled_from(FIELDS), max_size=3)):
        operators = [Operator.EQUALS, Operator.ONE_OF]
        operators += [Operator.AT_MOST] if name == ("amount",) else []
        operator = draw(st.sampled_from(operators))
        one_of = operator is Operator.ONE_OF
        values = draw(
            st.sets(words(cast), min_size=0 if one_of else 1, max_size=4 if one_of else 1)
        )
        made.append(FieldConstraint(name, operator, tuple(sorted(values))))
    return tuple(sorted(made, key=lambda constraint: constraint.key))


@st.composite
def whole_calls(draw: st.DrawFn, permission: Permission, cast: Cast = CAST) -> Call:
    """Draw a call that a rule of *permission* covers, a wide one included, or nearly."""
    if not permission.wide_rules or not draw(st.integers(0, 2)):
        return draw(calls(permission, cast))
    wide = draw(st.sampled_from(permission.wide_rules))
    stray = draw(stray_calls(cast))
    if not draw(st.integers(0, 7)):
        return replace(stray, data=draw(st.sampled_from([b"\xa9\x05", *EFFECTS])))
    selector = draw(st.sampled_from([b"", b"\x01\x02\x03\x04", b"\x0a" * 4]))
    value_wei = draw(st.integers(0, 60)) if wide.payable and draw(st.booleans()) else 0
    target = draw(st.sampled_from([b"\x71" * 20, b"\x72" * 20, stray.to]))
    target = target if isinstance(wide.target, Anything) else wide.target
    return Call(target, value_wei, selector and selector + stray.arguments)


def whole_runs(permission: Permission, cast: Cast = CAST) -> st.SearchStrategy[list[Call]]:
    """Draw the calls of one run; sometimes none."""
    return st.lists(whole_calls(permission, cast), max_size=4)


def whole_traces(permission: Permission, cast: Cast = CAST) -> st.SearchStrategy[Trace]:
    """Draw runs over time; the first may come in the first second of *permission*."""
    waits = st.sampled_from([0, 0, 0, 0, 0, 0, 0, 0, 1, 29, 30, 59, 60, 61, 100, 3600])
    runs = whole_runs(permission, cast)
    return st.lists(st.tuples(waits, runs), min_size=1, max_size=10)


EVERYTHING: Final = Permission(
    chain=CHAIN,
    rules=(Rule(TOKEN, TRANSFER, "transfer(address,uint256)"),),
    caps=(
        Cap(TOKEN, 6, lifetime=20 * 10**6),
        Cap(None, 18, per_call=10**15, window=Window(10**16, 3600)),
    ),
    starts_at=START,
    expires_at=START + 7200,
    recipients=ANYTHING,
    relayer=BOB,
    wide_rules=(WideRule(ROUTER, payable=True), WideRule(ANN), WideRule(ANYTHING)),
    rate=Rate(calls=5, window_s=60),
    messages=(MessageTemplate(("Sign in to example.org as ", "\nNonce: ", "")),),
    typed_data=(
        TypedDataTemplate(
            name="Exchange",
            version="1",
            verifying_contract=ROUTER,
            type=ORDER,
            where=(
                FieldConstraint(("amount",), Operator.AT_MOST, (1000,)),
                FieldConstraint(("maker", "who"), Operator.EQUALS, (int.from_bytes(ANN),)),
            ),
        ),
    ),
    scopes=("orders:read", "orders:write"),
)
