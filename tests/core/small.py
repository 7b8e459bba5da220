"""Permissions so small that everything they accept can be tried, and the trying."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tests.core.examples import ACCOUNT, ANN, BOB, EVE, OTHER_TOKEN, ROUTER, TOKEN
from tests.core.strategies import CHAIN, SWAP, calldata, comparable
from valetkey.core.permission.decide import Allow, Spent, decide, nothing_spent
from valetkey.core.permission.effects import moved, selector_of
from valetkey.core.permission.model import (
    ANYTHING,
    Anything,
    Call,
    Cap,
    Constraint,
    Operator,
    Permission,
    Rate,
    Rule,
    WideRule,
    Window,
)
from valetkey.core.units import UINT256_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

FIRST: Final = 10
"""Permissions begin here or a few seconds later; their windows have no least length."""

MOST: Final = 3
TRANSFER, APPROVE = (
    selector_of("transfer(address,uint256)"),
    selector_of("approve(address,uint256)"),
)
KEYS: Final = [
    (TOKEN, TRANSFER),
    (TOKEN, APPROVE),
    (OTHER_TOKEN, TRANSFER),
    (ANN, None),
    (ROUTER, selector_of(SWAP)),
]
PEOPLE: Final = tuple(int.from_bytes(one) for one in (ANN, BOB, EVE))

_RECIPIENTS: Final[st.SearchStrategy[tuple[bytes, ...] | Anything]] = st.sampled_from(
    [ANYTHING, ANYTHING, (ANN,), (ANN, BOB), ()]
)
_limits = st.one_of(st.none(), st.integers(0, 5))
_windows = st.one_of(st.none(), st.builds(Window, st.integers(0, 4), st.integers(1, 3)))
_rates = st.one_of(st.none(), st.builds(Rate, st.integers(1, 3), st.sampled_from([1, 2, 3, 4, 6])))
_WIDE: Final = (ANN, ROUTER, b"\x7f" * 20)
STRANGER: Final = b"\x01" * 19 + b"\x07"
"""Whom no permission here names."""

_FREE: Final = b"\x7f\x01\x02\x03"


@st.composite
def small_permissions(draw: st.DrawFn) -> Permission:
    """Draw a small permission, of one to three rules."""
    chosen = draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True))
    starts_at = FIRST + draw(st.integers(0, 3))
    return well_formed(
        Permission(
            chain=CHAIN,
            rules=tuple(draw(_rules(*key)) for key in chosen),
            caps=tuple(draw(_caps(asset)) for asset in (None, TOKEN, OTHER_TOKEN)),
            starts_at=starts_at,
            expires_at=starts_at + draw(st.integers(1, 5)),
            recipients=draw(_RECIPIENTS),
            max_calls=draw(st.one_of(st.none(), st.integers(1, 3))),
            wide_rules=draw(_wide_rules()),
            rate=draw(_rates),
        )
    )


def well_formed(permission: Permission) -> Permission:
    """Return *permission* without what keeps it from being well formed and comparable."""
    if not isinstance(permission.recipients, Anything):
        permission = replace(permission, wide_rules=())
    named = {rule.target for rule in permission.rules}
    caps = permission.caps
    if any(isinstance(wide.target, Anything) for wide in permission.wide_rules):
        caps = tuple(cap for cap in caps if cap.asset is None or cap.asset in named)
    counted = {cap.asset for cap in caps if (cap.lifetime, cap.window) != (None, None)}
    windows = [cap.window.window_s for cap in caps if cap.window]
    rate = permission.rate
    if rate is not None and any(
        max(rate.window_s, one) % min(rate.window_s, one) for one in windows
    ):
        rate = Rate(rate.calls, 1)
    return replace(
        permission,
        rules=tuple(replace(rule, where=comparable(rule, counted)) for rule in permission.rules),
        caps=caps,
        rate=rate,
        expires_at=max(permission.expires_at, permission.starts_at + 1),
    )


@st.composite
def _wide_rules(draw: st.DrawFn) -> tuple[WideRule, ...]:
    if draw(st.booleans()):
        return ()
    targets: list[bytes | Anything] = [*draw(st.sets(st.sampled_from(_WIDE), max_size=2))]
    if draw(st.booleans()):
        targets.append(ANYTHING)
    made = [WideRule(target, payable=draw(st.booleans())) for target in targets]
    return tuple(sorted(made, key=lambda wide: wide.key))


@st.composite
def _rules(draw: st.DrawFn, target: bytes, selector: bytes | None) -> Rule:
    where: list[Constraint] = []
    if selector is not None and draw(st.booleans()):
        where.append(draw(_amounts()))
    if selector is not None and draw(st.integers(0, 5)) == 0:
        people = draw(st.lists(st.sampled_from(PEOPLE[:2]), max_size=2, unique=True))
        where.append(Constraint(0, Operator.ONE_OF, tuple(sorted(people))))
    if selector is not None and draw(st.integers(0, 9)) == 0:
        where.append(Constraint(2, Operator.AT_MOST, (2**256 - 1,)))
    return Rule(target, selector, payable=draw(st.booleans()), where=tuple(where))


@st.composite
def _amounts(draw: st.DrawFn) -> Constraint:
    operator = draw(st.sampled_from(Operator))
    if operator is Operator.ONE_OF:
        values = draw(st.lists(st.integers(0, MOST), min_size=1, max_size=3, unique=True))
        return Constraint(1, Operator.ONE_OF, tuple(sorted(values)))
    return Constraint(1, operator, (draw(st.integers(0, MOST)),))


@st.composite
def _caps(draw: st.DrawFn, asset: bytes | None) -> Cap:
    per_call, lifetime, window = draw(_limits), draw(_limits), draw(_windows)
    if (lifetime, window) == (None, None) and asset is None:
        lifetime = MOST
    return Cap(asset, 18, per_call=per_call, lifetime=lifetime, window=window)


@st.composite
def like(draw: st.DrawFn, permission: Permission) -> Permission:
    """Draw a permission that is like *permission*, mostly a little wider, or another one."""
    other = draw(small_permissions())
    if draw(st.integers(0, 29)) == 29:
        return other
    caps = tuple(
        draw(st.sampled_from([one, *(_wider(one, draw) for _ in range(4)), *same]))
        for one in permission.caps
        for same in [[cap for cap in other.caps if cap.asset == one.asset]]
    )
    seldom = draw(st.integers(-24, 8))
    early, late = st.integers(0, 5), st.integers(0, 3)
    fewer = permission.max_calls if seldom == 1 else None
    rate = permission.rate and replace(
        permission.rate, calls=permission.rate.calls + draw(st.integers(0, 2))
    )
    return well_formed(
        replace(
            permission,
            rules=other.rules if seldom == 0 else permission.rules,
            caps=caps,
            starts_at=other.starts_at if seldom == 2 else permission.starts_at - draw(early),
            expires_at=other.expires_at if seldom == 3 else permission.expires_at + draw(late),
            recipients=other.recipients if seldom == 4 else permission.recipients,
            max_calls=other.max_calls if seldom == 5 else fewer,
            wide_rules=other.wide_rules if seldom in (6, 7) else permission.wide_rules,
            rate=other.rate if seldom == 8 else draw(st.sampled_from([None, rate])),
        )
    )


def _wider(cap: Cap, draw: st.DrawFn) -> Cap:
    more = draw(st.integers(0, 3))
    name = draw(st.sampled_from(["per_call", "lifetime", "window"]))
    limit = getattr(cap, name)
    if limit is None:
        return cap
    if isinstance(limit, Window):
        length = draw(st.sampled_from([limit.window_s, 1, 2, 3, 4]))
        return replace(cap, window=Window(limit.limit + more, length))
    return replace(cap, **{name: limit + more})


def small_calls(*permissions: Permission) -> Iterator[Call]:
    """Yield every call that matters to any of *permissions*, and some that none lets through."""
    rules = [rule for one in permissions for rule in one.rules]
    wide = [rule for one in permissions for rule in one.wide_rules]
    for target, selector in sorted({(rule.target, rule.selector or b"") for rule in rules}):
        same = [rule for rule in rules if (rule.target, rule.selector or b"") == (target, selector)]
        values = [0, 1]
        if any(rule.carries_value() for rule in same) or any(one.payable for one in wide):
            values = _amounts_of(None, permissions)
        data = [b""]
        if selector:
            data = [calldata(selector, *start) for start in ((), (PEOPLE[0],))]
            more: list[tuple[int, ...]] = [()]
            if any(where.argument > 1 for rule in same for where in rule.where):
                more += [(0,), (UINT256_MAX,)]
            words = [(one, word) for one in PEOPLE for word in _amounts_of(target, permissions)]
            data += [calldata(selector, *word, *third) for word in words for third in more]
        yield from (Call(target, value_wei, one) for value_wei in values for one in data)
    if wide:
        for target in sorted({STRANGER, *_WIDE, *(rule.target for rule in rules)}):
            yield from (
                Call(target, value_wei, data)
                for value_wei in _amounts_of(None, permissions)
                for data in (b"", _FREE, _FREE[:3], TRANSFER)
            )


def _amounts_of(asset: bytes | None, permissions: Iterable[Permission]) -> list[int]:
    limits = [MOST]
    for permission in permissions:
        cap = permission.cap_on(asset)
        window = None if cap is None or cap.window is None else cap.window.limit
        found = () if cap is None else (cap.per_call, cap.lifetime, window)
        limits += [limit for limit in found if limit is not None]
    return [*range(max(limits) + 2), UINT256_MAX]


def accepts_more(child: Permission, parent: Permission) -> bool:
    """
    Say whether *child* accepts a trace that *parent* refuses, by trying all there are.

    Calls that count the same for every asset are one, once each of them was asked for alone.
    """
    kinds: dict[tuple[object, ...], Call] = {}
    for call in small_calls(child, parent):
        if _allows(child, call):
            if not _allows(parent, call, now=child.starts_at):
                return True
            counted = {asset: amount for asset, amount in moved([call]).items() if amount}
            kinds.setdefault(tuple(sorted(counted.items(), key=str)), call)
    runs: list[tuple[Call, ...]] = [(), *((call,) for call in kinds.values())]
    counts = (child.max_calls, parent.max_calls) != (None, None)
    states = {(nothing_spent(child), nothing_spent(parent))}
    for now in range(child.starts_at, child.expires_at):
        found = _second(states, runs, (child, parent), now=now, counts=counts)
        if found is None:
            return True
        states = found
    return False


def _second(
    states: Iterable[tuple[Spent, Spent]],
    runs: Sequence[tuple[Call, ...]],
    both: tuple[Permission, Permission],
    *,
    now: int,
    counts: bool,
) -> set[tuple[Spent, Spent]] | None:
    """Return all that can be booked in the second *now*; None if the parent refuses something."""
    seen = set(states)
    waiting = list(seen)
    while waiting:
        own, others = waiting.pop()
        for run in runs:
            mine = decide(run, both[0], own, now=now, account=ACCOUNT)
            if not isinstance(mine, Allow):
                continue
            theirs = decide(run, both[1], others, now=now, account=ACCOUNT)
            if not isinstance(theirs, Allow):
                return None
            after = (mine.after, theirs.after)
            if not counts:  # nobody counts calls: their number changes nothing
                after = (replace(after[0], calls=0), replace(after[1], calls=0))
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return seen


def _allows(permission: Permission, call: Call, *, now: int | None = None) -> bool:
    at = permission.starts_at if now is None else now
    answer = decide([call], permission, nothing_spent(permission), now=at, account=ACCOUNT)
    return isinstance(answer, Allow)
