"""`decide` once more, said another way: from all that was ever done, with no counters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.model import Anything, Operator, Rule
from valetkey.core.permission.targets import ENTRY_POINTS
from valetkey.spec.permission_bytes import VALUE_MOVING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from valetkey.core.permission.model import Call, Constraint, Permission, WideRule

Moved = dict[bytes | None, int]


@dataclass
class History:
    """Everything that *permission* has let *account* do."""

    permission: Permission
    account: bytes
    done: list[tuple[int, int, Moved]] = field(default_factory=list)

    def allows(self, run: Sequence[Call], now: int) -> bool:
        """Say whether *run* may be made at *now*, and remember it if so."""
        moved: Moved = {}
        allowed = self.permission.starts_at <= now < self.permission.expires_at
        allowed &= all(self._covers(call, moved) for call in run)
        whole = [*self.done, (now, max(len(run), 1), moved)]
        if not allowed or not self._within_limits(whole):
            return False
        self.done = whole
        return True

    def _within_limits(self, whole: list[tuple[int, int, Moved]]) -> bool:
        permission = self.permission
        now = whole[-1][0]

        def total(window_s: int | None, count: Callable[[int, Moved], int]) -> int:
            def number(at: int) -> int:
                return (at - permission.starts_at) // window_s if window_s else 0

            return sum(count(uses, moved) for at, uses, moved in whole if number(at) == number(now))

        held = [total(None, lambda uses, _: uses) <= (permission.max_calls or 2**32 - 1)]
        if permission.rate:
            used = total(permission.rate.window_s, lambda uses, _: uses)
            held.append(used <= permission.rate.calls)
        for cap in permission.caps:

            def amount(_: int, moved: Moved, asset: bytes | None = cap.asset) -> int:
                return moved.get(asset, 0)

            if cap.lifetime is not None:
                held.append(total(None, amount) <= cap.lifetime)
            if cap.window is not None:
                held.append(total(cap.window.window_s, amount) <= cap.window.limit)
        return all(held)

    def _covers(self, call: Call, moved: Moved) -> bool:
        if call.to in {self.account, bytes(20), *ENTRY_POINTS}:
            return False
        rule = most_specific(self.permission, call)
        if rule is None or (call.value_wei and not rule.carries_value()):
            return False
        if not self._book(None, call.value_wei, moved):
            return False
        if not isinstance(rule, Rule):
            return True
        if not all(holds(constraint, word(call, constraint.argument)) for constraint in rule.where):
            return False
        return rule.selector not in EFFECTS or self._moves(call, moved)

    def _moves(self, call: Call, moved: Moved) -> bool:
        effect = EFFECTS[call.selector or b""]
        recipient, amount = word(call, effect.recipient), word(call, effect.amount)
        listed = self.permission.recipients
        if not isinstance(listed, Anything) and recipient not in {*map(int.from_bytes, listed)}:
            return False
        if self.permission.cap_on(call.to) is None:
            return True
        return amount is not None and self._book(call.to, amount, moved)

    def _book(self, asset: bytes | None, amount: int, moved: Moved) -> bool:
        cap = self.permission.cap_on(asset)
        moved[asset] = moved.get(asset, 0) + amount
        return cap is None or cap.per_call is None or amount <= cap.per_call


def most_specific(permission: Permission, call: Call) -> Rule | WideRule | None:
    """Return the one rule that speaks of *call*."""
    for rule in permission.rules:
        if (rule.target, rule.selector or b"") == (call.to, call.data[:4]):
            return rule
    if call.data and (len(call.data) < 4 or call.data[:4] in VALUE_MOVING):
        return None
    for wide in permission.wide_rules:
        if wide.target == call.to:
            return wide
    if any(rule.target == call.to for rule in permission.rules):
        return None
    anything = [wide for wide in permission.wide_rules if isinstance(wide.target, Anything)]
    return anything[0] if anything else None


def word(call: Call, argument: int) -> int | None:
    """Return one argument of *call*, None where the data ends before its end."""
    found = call.data[4 + 32 * argument : 36 + 32 * argument]
    return int.from_bytes(found) if len(found) == 32 else None


def holds(constraint: Constraint, found: int | None) -> bool:
    """Say whether *found* is what *constraint* lets through."""
    if found is None:
        return False
    if constraint.operator is Operator.AT_MOST:
        return found <= constraint.values[0]
    return found in constraint.values
