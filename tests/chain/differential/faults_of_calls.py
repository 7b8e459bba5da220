"""One call of a case made wrong: a fault for every refusal of a call."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.chain.differential.case import (
    EVERYBODY,
    Case,
    Damage,
)
from tests.chain.differential.permissions import WORDS, word
from tests.core.strategies import UNKNOWN
from valetkey.core.permission.cover import rule_for
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.lower import NATIVE_VALUE, lower
from valetkey.core.permission.model import Call, Operator
from valetkey.core.permission.targets import NEVER_TARGETS
from valetkey.core.units import UINT256_MAX
from valetkey.spec.permission_bytes.value_moving import VALUE_MOVING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chain.differential.dice import Dice
    from valetkey.core.permission.lower import LoweredRule, LoweredWideRule

_MOVING: Final = tuple(VALUE_MOVING)
_NEVER: Final = tuple(sorted(NEVER_TARGETS))


def with_call(case: Case, index: int, call: Call) -> Case:
    """Return *case* with another call number *index*."""
    return replace(case, calls=(*case.calls[:index], call, *case.calls[index + 1 :]))


def _no_such_rule(dice: Dice, case: Case) -> Case | None:
    if not case.calls:
        return None
    index = dice.between(0, len(case.calls) - 1)
    call = case.calls[index]
    selector = dice.one((b"", *EFFECTS, *UNKNOWN))
    other = dice.one(
        (
            replace(call, to=dice.one((*EVERYBODY, case.account, bytes(20)))),
            replace(call, data=selector + call.arguments if selector else b""),
            replace(call, value_wei=call.value_wei + 1),
            replace(call, data=call.data[: dice.between(1, 3)]),
            Call(dice.one(EVERYBODY), 0, dice.one(tuple(UNKNOWN)) + bytes(32 * WORDS)),
        )
    )
    return replace(with_call(case, index, other), stray=dice.one((0, 0, 1, 254)))


def ruled(case: Case) -> list[tuple[int, Call, LoweredRule | LoweredWideRule]]:
    """Return the calls that a rule covers, each with its index and the rule."""
    lowered = lower(case.permission)
    found = [
        (index, call, rule_for(call, case.permission, account=case.account))
        for index, call in enumerate(case.calls)
    ]
    return [(at, call, lowered.rule(rule)) for at, call, rule in found if isinstance(rule, int)]


def _argument_missing(dice: Dice, case: Case) -> Case | None:
    places = [
        (index, call, argument)
        for index, call, rule in ruled(case)
        for argument in (
            *(check.constraint.argument for check in rule.checks),
            *(meter.argument for meter in rule.meters),
        )
        if argument != NATIVE_VALUE
    ]
    if not places:
        return None
    index, call, argument = dice.one(places)
    length = 4 + 32 * argument + dice.one((31, 31, 0, 16))
    return with_call(case, index, replace(call, data=call.data[:length]))


def _argument_refused(dice: Dice, case: Case) -> Case | None:
    places = [
        (index, call, check.constraint)
        for index, call, rule in ruled(case)
        for check in rule.checks
    ]
    if not places:
        return None
    index, call, constraint = dice.one(places)
    high = constraint.values[-1]
    if constraint.operator is Operator.AT_MOST:
        value = dice.one((high + 1, high + 1, UINT256_MAX))
    else:
        value = dice.one((high + 1, high ^ 1, high | 1 << 160, 0, word(dice)))
    return with_call(case, index, with_argument(call, constraint.argument, value & UINT256_MAX))


def with_argument(call: Call, argument: int, value: int) -> Call:
    """Return *call* with *value* as that argument."""
    if argument == NATIVE_VALUE:
        return replace(call, value_wei=min(value, 2**128 - 1))
    start = 4 + 32 * argument
    data = call.data.ljust(start, b"\0")
    return replace(call, data=data[:start] + value.to_bytes(32) + data[start + 32 :])


def left_of(case: Case) -> list[int]:
    """Return how much is left under each limit at the time of *case*."""
    starts_at = case.permission.starts_at
    return [
        limit.limit
        if limit.window_at(case.at, starts_at=starts_at) != counter.window
        else limit.limit - counter.spent
        for limit, counter in zip(lower(case.permission).limits, case.kept.counters, strict=True)
    ]


def _cap_exceeded(dice: Dice, case: Case) -> Case | None:
    places = [(index, call, meter) for index, call, rule in ruled(case) for meter in rule.meters]
    if not places:
        return None
    index, call, meter = dice.one(places)
    left = left_of(case)[meter.limit]
    most = 2**128 - 1 if meter.argument == NATIVE_VALUE else UINT256_MAX
    amount = dice.one((left + 1, left + 1, most, most - left, 2**128, dice.bits(256)))
    return with_call(case, index, with_argument(call, meter.argument, min(amount, most)))


def arguments_for_a_send(dice: Dice, case: Case) -> Case | None:
    """Return *case* with a payment that brings data, packed as if that were nothing."""
    sends = [rule.target for rule in case.permission.rules if rule.selector is None]
    known = {(rule.target, rule.selector) for rule in case.permission.rules}
    if not sends or not case.calls:
        return None
    call = Call(dice.one(sends), 0, dice.one((b"\1\2\3\4", bytes(4), bytes(36))))
    if (call.to, call.selector) in known:
        return None
    index = dice.between(0, len(case.calls) - 1)
    return replace(with_call(case, index, call), damage=Damage(arguments_for_sends=True))


def _any_call(dice: Dice, case: Case) -> tuple[int, Call] | None:
    if not case.calls:
        return None
    index = dice.between(0, len(case.calls) - 1)
    return index, case.calls[index]


def _target_refused(dice: Dice, case: Case) -> Case | None:
    found = _any_call(dice, case)
    if found is None:
        return None
    index, call = found
    never = dice.one((case.account, *_NEVER))
    return with_call(case, index, replace(call, to=never))


def _selector_refused(dice: Dice, case: Case) -> Case | None:
    found = _any_call(dice, case)
    if found is None or not case.permission.wide_rules:
        return None
    index, call = found
    target = dice.one(case.permission.wide_rules).target
    data = dice.one((dice.one(_MOVING) + call.arguments, call.data[: dice.between(1, 3)]))
    to = target if isinstance(target, bytes) else dice.one((call.to, *EVERYBODY))
    return with_call(case, index, Call(to, 0, data))


def _rule_too_wide(dice: Dice, case: Case) -> Case | None:
    if not case.permission.wide_rules or not case.calls:
        return None
    if dice.chance(0.5):
        return replace(case, damage=Damage(too_wide=True))
    index = dice.between(0, len(case.calls) - 1)
    named = dice.one([rule.target for rule in case.permission.rules])
    data = dice.one((b"", dice.bits(32).to_bytes(4), dice.one(tuple(UNKNOWN))))
    return with_call(case, index, Call(named, 0, data))


CALL_FAULTS: Final[dict[str, Callable[[Dice, Case], Case | None]]] = {
    "NoSuchRule": _no_such_rule,
    "ArgumentMissing": _argument_missing,
    "ArgumentRefused": _argument_refused,
    "CapExceeded": _cap_exceeded,
    "TargetRefused": _target_refused,
    "SelectorRefused": _selector_refused,
    "RuleTooWide": _rule_too_wide,
}
"""By the refusal that it is made for; None where the case has no place for the fault."""
