"""Ways to make a permission of any caveat narrower, each by one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import assume
from hypothesis import strategies as st

from tests.core.narrowing import STEPS as ORDINARY
from tests.core.narrowing import later_start, one_rule_less
from tests.core.whole import ORDER, rates
from valetkey.core.errors import Malformed
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.model import Anything, FieldConstraint, Operator, Rate, WideRule
from valetkey.core.scope import held

if TYPE_CHECKING:
    from tests.core.narrowing import Step
    from valetkey.core.permission.model import Permission, TypedDataTemplate


@st.composite
def narrower_whole(draw: st.DrawFn, permission: Permission) -> Permission:
    """Draw what *permission* becomes with one caveat more, or one that is tighter."""
    step = draw(st.sampled_from(STEPS))
    narrowed = step(draw, permission)
    assume(narrowed != permission)
    try:
        return check_permission(narrowed)
    except Malformed:
        assume(condition=False)
        raise


def fewer_in_a_window(draw: st.DrawFn, permission: Permission) -> Permission:
    """Add a rate, or lower it."""
    rate = permission.rate
    if rate is None:
        return replace(permission, rate=draw(rates(permission)))
    return replace(permission, rate=Rate(draw(st.integers(1, rate.calls)), rate.window_s))


def less_wide(draw: st.DrawFn, permission: Permission) -> Permission:
    """
    Leave out the widest rule.

    Only the last one: without the rule that names a target, any call would reach it.
    """
    assume(permission.wide_rules)
    last = permission.wide_rules[-1]
    assume(isinstance(last.target, Anything) or not draw(st.booleans()))
    return replace(permission, wide_rules=permission.wide_rules[:-1])


def any_call_to_one(draw: st.DrawFn, permission: Permission) -> Permission:
    """Allow on one target what was allowed on any that no rule names."""
    assume(permission.wide_rules)
    last = permission.wide_rules[-1]
    assume(isinstance(last.target, Anything))
    named = {rule.target for rule in permission.rules}
    assume(b"\x77" * 20 not in named)
    one = WideRule(b"\x77" * 20, payable=last.payable and draw(st.booleans()))
    rest = (*permission.wide_rules[:-1], one)
    return replace(permission, wide_rules=tuple(sorted(rest, key=lambda wide: wide.key)))


def no_value_there(draw: st.DrawFn, permission: Permission) -> Permission:
    """Take the right to carry native value from a wide rule."""
    payable = [at for at, wide in enumerate(permission.wide_rules) if wide.payable]
    assume(payable)
    at = draw(st.sampled_from(payable))
    wide = WideRule(permission.wide_rules[at].target)
    rest = permission.wide_rules
    return replace(permission, wide_rules=(*rest[:at], wide, *rest[at + 1 :]))


def fewer_texts(draw: st.DrawFn, permission: Permission) -> Permission:
    """Leave a text out."""
    assume(permission.messages)
    at = draw(st.integers(0, len(permission.messages) - 1))
    kept = (*permission.messages[:at], *permission.messages[at + 1 :])
    return replace(permission, messages=kept)


def one_field_more(draw: st.DrawFn, permission: Permission) -> Permission:
    """Limit one more field of typed data."""
    at = [index for index, typed in enumerate(permission.typed_data) if typed.type == ORDER]
    assume(at)
    chosen = draw(st.sampled_from(at))
    typed = permission.typed_data[chosen]
    field = FieldConstraint(("maker", "paid"), Operator.EQUALS, (draw(st.integers(0, 1)),))
    where = tuple(sorted({*typed.where, field}, key=lambda constraint: constraint.key))
    templates: list[TypedDataTemplate] = list(permission.typed_data)
    templates[chosen] = replace(typed, where=where)
    return replace(permission, typed_data=tuple(templates))


def fewer_scopes(draw: st.DrawFn, permission: Permission) -> Permission:
    """Leave a scope out."""
    assume(permission.scopes)
    gone = draw(st.sampled_from(permission.scopes))
    left = tuple(one for one in permission.scopes if one != gone)
    assume(held(left) <= held(permission.scopes))  # without any of ours it has all of them
    return replace(permission, scopes=left)


def _ordinary(draw: st.DrawFn, permission: Permission) -> Permission:
    step = draw(st.sampled_from(ORDINARY))
    # Without the rule that names it, a function or a target would fall under a wide rule.
    assume(step is not one_rule_less or not permission.wide_rules)
    assume(step is not later_start or permission.rate is None)
    return step(draw, permission)


STEPS: list[Step] = [
    _ordinary,
    _ordinary,
    fewer_in_a_window,
    less_wide,
    any_call_to_one,
    no_value_there,
    fewer_texts,
    one_field_more,
    fewer_scopes,
]
