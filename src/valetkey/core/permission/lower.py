"""A permission in the form that both planes check: counters, and rules with meters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code
from valetkey.core.permission.effects import EFFECTS, Effect
from valetkey.core.permission.model import Anything, Constraint, Operator

if TYPE_CHECKING:
    from valetkey.core.permission.model import Permission, Rule, WideRule

NATIVE_VALUE: Final = 0x3F  # the argument index that means the call's native value


@dataclass(frozen=True, slots=True)
class Limit:
    """
    One counter and its ceiling.

    Args:
        decimals: Of the asset's whole unit, for people.
        window_s: 0 for the whole life of the session.
        caveat: Where in the permission it comes from, such as ``caps[0].window``.
    """

    asset: bytes | None
    decimals: int
    limit: int
    window_s: int
    caveat: str

    def window_at(self, now: int, *, starts_at: int) -> int:
        """Return the number of the window that *now* is in; 0 for a lifetime limit."""
        return window_at(now, self.window_s, starts_at=starts_at)


def window_at(now: int, window_s: int, *, starts_at: int) -> int:
    """Return the number of the window of *window_s* seconds that *now* is in; 0 without windows."""
    return (now - starts_at) // window_s if window_s else 0


@dataclass(frozen=True, slots=True)
class Meter:
    """The value of *argument* is booked to the limit with index *limit*."""

    argument: int
    limit: int


@dataclass(frozen=True, slots=True)
class Check:
    """A constraint, the refusal it gives, and where in the permission it comes from."""

    constraint: Constraint
    code: Code
    caveat: str


@dataclass(frozen=True, slots=True)
class LoweredRule:
    """A rule with everything that bounds it folded in."""

    rule: Rule
    meters: tuple[Meter, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class LoweredWideRule:
    """A wide rule, and what bounds the native value under it: the one amount that is known."""

    rule: WideRule
    meters: tuple[Meter, ...]
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Lowered:
    """The same permission, ready to be evaluated or packed; what a server alone counts left out."""

    limits: tuple[Limit, ...]
    rules: tuple[LoweredRule, ...]
    wide_rules: tuple[LoweredWideRule, ...]

    def rule(self, index: int) -> LoweredRule | LoweredWideRule:
        """Return a rule by its index on chain: wide rules stand behind the others."""
        behind = index - len(self.rules)
        return self.rules[index] if behind < 0 else self.wide_rules[behind]


def lower(permission: Permission) -> Lowered:
    """
    Fold caps and recipients of *permission* into its rules.

    Order is kept: a rule's own constraints, then recipients, then the cap per call; limits in the
    order of the caps.

    Args:
        permission: Well formed (`check_permission`).
    """
    limits: list[Limit] = []
    for index, cap in enumerate(permission.caps):
        if cap.lifetime is not None:
            limits.append(
                Limit(cap.asset, cap.decimals, cap.lifetime, 0, f"caps[{index}].lifetime")
            )
        if cap.window is not None:
            window = cap.window
            caveat = f"caps[{index}].window"
            limits.append(Limit(cap.asset, cap.decimals, window.limit, window.window_s, caveat))
    rules = tuple(
        _lower_rule(index, rule, permission, limits) for index, rule in enumerate(permission.rules)
    )
    wide_rules = tuple(_lower_wide(wide, permission, limits) for wide in permission.wide_rules)
    return Lowered(limits=tuple(limits), rules=rules, wide_rules=wide_rules)


def _lower_rule(index: int, rule: Rule, permission: Permission, limits: list[Limit]) -> LoweredRule:
    meters: list[Meter] = []
    checks = [
        Check(constraint, Code.ARGUMENT_REFUSED, f"rules[{index}].where[{position}]")
        for position, constraint in enumerate(rule.where)
    ]
    effect = EFFECTS.get(rule.selector) if rule.selector else None
    if effect is not None:
        checks += _recipient_check(effect, permission)
        checks += _per_call_check(rule.target, effect.amount, permission)
        meters += _meters(rule.target, effect.amount, limits)
    if rule.carries_value():
        checks += _per_call_check(None, NATIVE_VALUE, permission)
        meters += _meters(None, NATIVE_VALUE, limits)
    return LoweredRule(rule=rule, meters=tuple(meters), checks=tuple(checks))


def _lower_wide(wide: WideRule, permission: Permission, limits: list[Limit]) -> LoweredWideRule:
    if not wide.carries_value():
        return LoweredWideRule(rule=wide, meters=(), checks=())
    return LoweredWideRule(
        rule=wide,
        meters=tuple(_meters(None, NATIVE_VALUE, limits)),
        checks=tuple(_per_call_check(None, NATIVE_VALUE, permission)),
    )


def _recipient_check(effect: Effect, permission: Permission) -> list[Check]:
    if isinstance(permission.recipients, Anything):
        return []
    values = tuple(int.from_bytes(recipient) for recipient in permission.recipients)
    operator = Operator.EQUALS if len(values) == 1 else Operator.ONE_OF
    constraint = Constraint(effect.recipient, operator, values)
    return [Check(constraint, Code.RECIPIENT_NOT_ALLOWED, "recipients")]


def _per_call_check(asset: bytes | None, argument: int, permission: Permission) -> list[Check]:
    for index, cap in enumerate(permission.caps):
        if cap.asset == asset and cap.per_call is not None:
            constraint = Constraint(argument, Operator.AT_MOST, (cap.per_call,))
            return [Check(constraint, Code.PER_CALL_CAP_EXCEEDED, f"caps[{index}].per_call")]
    return []


def _meters(asset: bytes | None, argument: int, limits: list[Limit]) -> list[Meter]:
    return [Meter(argument, index) for index, limit in enumerate(limits) if limit.asset == asset]
