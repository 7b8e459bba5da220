"""Ways to make a permission narrower, each by one caveat."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import assume
from hypothesis import strategies as st

from tests.core.strategies import CAST, amounts, caps_on, comparable, constraints
from valetkey.core.errors import Malformed
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.model import Anything, Window

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.core.permission.model import Cap, Permission

    Step = Callable[[st.DrawFn, Permission], Permission]


@st.composite
def narrower(draw: st.DrawFn, permission: Permission) -> Permission:
    """Draw what *permission* becomes with one caveat more, or one that is tighter."""
    step = draw(st.sampled_from(STEPS))
    narrowed = step(draw, permission)
    counted = {cap.asset for cap in narrowed.caps if (cap.lifetime, cap.window) != (None, None)}
    assume(all(comparable(rule, counted) == rule.where for rule in narrowed.rules))
    assume(narrowed != permission)
    try:
        return check_permission(narrowed)
    except Malformed:
        assume(condition=False)
        raise


def cap_more(draw: st.DrawFn, permission: Permission) -> Permission:
    """Add a cap on an asset that has none."""
    free = [asset for asset in (None, *CAST.tokens) if permission.cap_on(asset) is None]
    assume(free)
    cap = draw(caps_on(draw(st.sampled_from(free))))
    at = draw(st.integers(0, len(permission.caps)))
    return replace(permission, caps=(*permission.caps[:at], cap, *permission.caps[at:]))


def cap_tighter(draw: st.DrawFn, permission: Permission) -> Permission:
    """Lower one limit of a cap, or add one."""
    assume(permission.caps)
    at = draw(st.integers(0, len(permission.caps) - 1))
    cap = draw(_tighter(permission.caps[at]))
    return replace(permission, caps=(*permission.caps[:at], cap, *permission.caps[at + 1 :]))


@st.composite
def _tighter(draw: st.DrawFn, cap: Cap) -> Cap:
    name = draw(st.sampled_from(["per_call", "lifetime", "window"]))
    if name == "window":
        window_s = cap.window.window_s if cap.window else draw(st.sampled_from([60, 100]))
        limit = _lower(cap.window.limit if cap.window else None, draw(amounts()))
        return replace(cap, window=Window(limit, window_s))
    if name == "lifetime":
        return replace(cap, lifetime=_lower(cap.lifetime, draw(amounts())))
    return replace(cap, per_call=_lower(cap.per_call, draw(amounts())))


def _lower(old: int | None, new: int) -> int:
    return new if old is None else min(old, new)


def fewer_recipients(draw: st.DrawFn, permission: Permission) -> Permission:
    """Name the recipients, or take some off the list."""
    listed = permission.recipients
    known = CAST.people if isinstance(listed, Anything) else listed
    kept = draw(st.sets(st.sampled_from(known))) if known else set()
    return replace(permission, recipients=tuple(sorted(kept)))


def fewer_calls(draw: st.DrawFn, permission: Permission) -> Permission:
    """Count the calls, or count to less."""
    return replace(permission, max_calls=_lower(permission.max_calls, draw(st.integers(1, 12))))


def one_constraint(draw: st.DrawFn, permission: Permission) -> Permission:
    """Constrain an argument of a rule."""
    functions = [at for at, rule in enumerate(permission.rules) if rule.selector is not None]
    assume(functions)
    at = draw(st.sampled_from(functions))
    rule = permission.rules[at]
    where = (*rule.where, draw(constraints()))
    rules = (*permission.rules[:at], replace(rule, where=where), *permission.rules[at + 1 :])
    return replace(permission, rules=rules)


def no_value(draw: st.DrawFn, permission: Permission) -> Permission:
    """Take the right to carry native value from a rule."""
    payable = [at for at, rule in enumerate(permission.rules) if rule.payable]
    assume(payable)
    at = draw(st.sampled_from(payable))
    rule = replace(permission.rules[at], payable=False)
    return replace(permission, rules=(*permission.rules[:at], rule, *permission.rules[at + 1 :]))


def one_rule_less(draw: st.DrawFn, permission: Permission) -> Permission:
    """Leave one rule out."""
    assume(permission.rules)
    at = draw(st.integers(0, len(permission.rules) - 1))
    return replace(permission, rules=(*permission.rules[:at], *permission.rules[at + 1 :]))


def later_start(draw: st.DrawFn, permission: Permission) -> Permission:
    """
    Start later, by whole windows.

    By another time it is not narrower: the windows would lie elsewhere, and what fell into one of
    the old ones may fall into two of the new.
    """
    lengths = {cap.window.window_s for cap in permission.caps if cap.window}
    assume(len(lengths) <= 1)
    step = lengths.pop() if lengths else draw(st.integers(1, 400))
    starts_at = permission.starts_at + step * draw(st.integers(1, 3))
    return replace(permission, starts_at=starts_at)


def earlier_end(draw: st.DrawFn, permission: Permission) -> Permission:
    """End earlier."""
    ends = st.integers(permission.starts_at + 1, permission.expires_at)
    return replace(permission, expires_at=draw(ends))


STEPS: list[Step] = [
    cap_more,
    cap_tighter,
    fewer_recipients,
    fewer_calls,
    one_constraint,
    no_value,
    one_rule_less,
    later_start,
    earlier_end,
]
