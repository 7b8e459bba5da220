"""What each rule lets through on its own: the words of its arguments, and native value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.lower import NATIVE_VALUE, lower
from valetkey.core.permission.model import Call, Constraint, Operator
from valetkey.core.units import UINT256_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.permission.lower import Limit, LoweredRule
    from valetkey.core.permission.model import Permission, Rule

_WORD_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Words:
    """
    A set of words: each one from 0 to *most*, or only the *values*.

    Args:
        values: Ascending; None is every word up to *most*.
    """

    most: int = UINT256_MAX
    values: tuple[int, ...] | None = None

    def meet(self, constraint: Constraint) -> Words:
        """Return those that *constraint* lets through too."""
        if constraint.operator is Operator.AT_MOST:
            return self.up_to(constraint.values[0])
        return Words(values=tuple(value for value in constraint.values if value in self))

    def up_to(self, most: int) -> Words:
        """Return those that are not above *most*."""
        if self.values is None:
            return Words(min(self.most, most))
        return Words(values=tuple(value for value in self.values if value <= most))

    def __contains__(self, word: int) -> bool:
        return word <= self.most if self.values is None else word in self.values

    def __bool__(self) -> bool:
        return self.values is None or bool(self.values)

    @property
    def least(self) -> int:
        """The smallest one; there is one."""
        return 0 if self.values is None else self.values[0]

    @property
    def greatest(self) -> int:
        """The largest one; there is one."""
        return self.most if self.values is None else self.values[-1]

    def outside(self, other: Words) -> int | None:
        """Return one of these that is not in *other*, or None if all of them are."""
        if self.values is None and other.values is None:
            return self.most if self.most > other.most else None
        if self.values is None:  # of so many, one in a row of its own length is not listed
            listed = len(other.values or ())
            candidates: tuple[int, ...] | range = range(min(self.most, listed) + 1)
        else:
            candidates = self.values
        return next((word for word in candidates if word not in other), None)


EVERY_WORD: Final = Words()


@dataclass(frozen=True, slots=True)
class Reach:
    """
    The calls that one rule lets through when nothing is spent: any mixture of what is listed.

    Args:
        index: Of the rule in its permission.
        words: For each argument that is looked at, what it may be; others may be anything, or be
            missing if they lie behind all of these.
        value_wei: The most native value.
    """

    index: int
    rule: Rule
    words: Mapping[int, Words]
    value_wei: int

    @property
    def is_usable(self) -> bool:
        """Whether there is any such call."""
        return all(self.words.values())

    @property
    def amounts(self) -> Words | None:
        """What may be moved or approved in one call; None if the rule's effect is not known."""
        effect = EFFECTS.get(self.rule.selector) if self.rule.selector else None
        return None if effect is None else self.words.get(effect.amount, EVERY_WORD)

    def moves(self, asset: bytes | None) -> bool:
        """Say whether the rule's calls count for *asset*; None is native value."""
        if asset is None:
            return self.rule.carries_value()
        return self.rule.target == asset and self.amounts is not None

    @property
    def count(self) -> int:
        """How many arguments must be there."""
        return max(self.words, default=-1) + 1

    def call(self, *, value_wei: int = 0, words: Mapping[int, int] | None = None) -> Call:
        """Return the shortest and least of the calls, but with *words* where they are given."""
        rule, given = self.rule, words or {}
        if rule.selector is None:
            return Call(rule.target, value_wei, b"")
        count = max(self.count, max(given, default=-1) + 1)
        data = b"".join(
            given.get(at, self.words.get(at, EVERY_WORD).least).to_bytes(_WORD_BYTES)
            for at in range(count)
        )
        return Call(rule.target, value_wei, rule.selector + data)

    def counts(self, asset: bytes | None) -> Words:
        """Return what one call can count for *asset*, which the rule moves."""
        return Words(self.value_wei) if asset is None else self.amounts or EVERY_WORD

    def moving(self, asset: bytes | None, amount: int) -> Call:
        """Return the call that counts *amount* for *asset*, which the rule moves."""
        if asset is None:
            return self.call(value_wei=amount)
        return self.call(words={EFFECTS[self.rule.selector or b""].amount: amount})


def reaches(permission: Permission) -> tuple[Reach, ...]:
    """
    Return what each rule of *permission* lets through, in rule order.

    Args:
        permission: Well formed (`check_permission`).
    """
    lowered = lower(permission)
    return tuple(_reach(index, rule, lowered.limits) for index, rule in enumerate(lowered.rules))


def _reach(index: int, lowered: LoweredRule, limits: tuple[Limit, ...]) -> Reach:
    value = Words() if lowered.rule.carries_value() else Words(0)
    words = {NATIVE_VALUE: value}
    for check in lowered.checks:
        at = check.constraint.argument
        words[at] = words.get(at, EVERY_WORD).meet(check.constraint)
    for meter in lowered.meters:
        at = meter.argument
        words[at] = words.get(at, EVERY_WORD).up_to(limits[meter.limit].limit)
    value_wei = words.pop(NATIVE_VALUE).most
    return Reach(index=index, rule=lowered.rule, words=words, value_wei=value_wei)
