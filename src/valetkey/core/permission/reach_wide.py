"""What wide rules let through, and which rule of a permission covers a call."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

from valetkey.core.permission.lower import lower
from valetkey.core.permission.model import ADDRESS_BYTES, SELECTOR_BYTES, Call
from valetkey.core.permission.reach import EVERY_WORD, Reach, Words, reaches
from valetkey.spec.permission_bytes.value_moving import VALUE_MOVING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from valetkey.core.permission.model import Permission

_SOMEWHERE: Final = b"\x01" * 16  # nobody's address begins like this, nor that of a precompile


@dataclass(frozen=True, slots=True)
class WideReach:
    """
    The calls that one wide rule lets through when nothing is spent.

    Args:
        index: Of the rule among the wide ones.
        target: 20 bytes; None for any call.
        carries_value: Whether the rule is payable.
        value_wei: The most native value.
        sample: A call that the rule covers, without value.
    """

    index: int
    target: bytes | None
    carries_value: bool
    value_wei: int
    sample: Call

    def moves(self, asset: bytes | None) -> bool:
        """Say whether the rule's calls count for *asset*: native value, or nothing."""
        return asset is None and self.carries_value

    def counts(self, asset: bytes | None) -> Words:
        """Return what one call can count for *asset*, which the rule moves."""
        return Words(self.value_wei) if asset is None else Words(0)

    def moving(self, asset: bytes | None, amount: int) -> Call:
        """Return a call that counts *amount* for *asset*, which the rule moves."""
        return Call(self.sample.to, amount if asset is None else 0, self.sample.data)


@dataclass(frozen=True, slots=True)
class Reached:
    """
    All that a permission lets through, rule by rule.

    Args:
        exact: By target and selector; those that nothing gets through are among them.
        wide: By target; None is any call.
    """

    exact: Mapping[tuple[bytes, bytes | None], Reach]
    wide: Mapping[bytes | None, WideReach]

    @property
    def targets(self) -> frozenset[bytes]:
        """The targets that any rule names."""
        named = {target for target, _ in self.exact}
        return frozenset(named.union(target for target in self.wide if target is not None))

    def selectors_on(self, target: bytes) -> frozenset[bytes | None]:
        """Return the selectors that rules name on *target*; None is a payment."""
        return frozenset(selector for named, selector in self.exact if named == target)

    def wide_on(self, target: bytes) -> WideReach | None:
        """Return the wide rule that covers calls of *target* that no other rule names."""
        return self.wide.get(target if target in self.targets else None)

    def covering(self, target: bytes, selector: bytes | None) -> Reach | WideReach | None:
        """Return what covers a call of *selector* on *target*, if anything does."""
        exact = self.exact.get((target, selector))
        if exact is not None:
            return exact
        return None if selector in VALUE_MOVING else self.wide_on(target)

    def usable(self) -> tuple[Reach | WideReach, ...]:
        """Return the rules that let anything through."""
        return (*(reach for reach in self.exact.values() if reach.is_usable), *self.wide.values())


def reached_by(permission: Permission) -> Reached:
    """
    Return what *permission* lets through.

    Args:
        permission: Well formed (`check_permission`).
    """
    exact = {(reach.rule.target, reach.rule.selector): reach for reach in reaches(permission)}
    lowered = lower(permission)
    named = {target for target, _ in exact}
    named |= {one.rule.target for one in lowered.wide_rules if isinstance(one.rule.target, bytes)}
    wide: dict[bytes | None, WideReach] = {}
    for index, one in enumerate(lowered.wide_rules):
        value = EVERY_WORD if one.rule.carries_value() else Words(0)
        for check in one.checks:
            value = value.meet(check.constraint)
        for meter in one.meters:
            value = value.up_to(lowered.limits[meter.limit].limit)
        target = one.rule.target if isinstance(one.rule.target, bytes) else None
        to = target or fresh_target(named)
        taken = {selector for at, selector in exact if at == to}
        sample = Call(to, 0, fresh_selector(taken))
        wide[target] = WideReach(index, target, one.rule.carries_value(), value.most, sample)
    return Reached(exact, wide)


def fresh_target(taken: Collection[bytes]) -> bytes:
    """Return an address that is not *taken*, and nobody's."""
    tail = ADDRESS_BYTES - len(_SOMEWHERE)
    found = (_SOMEWHERE + number.to_bytes(tail) for number in count())
    return next(address for address in found if address not in taken)


def fresh_selector(taken: Collection[bytes | None]) -> bytes:
    """Return a selector that is not *taken*, and moves no value under a wide rule."""
    found = (number.to_bytes(SELECTOR_BYTES) for number in count())
    return next(one for one in found if one not in taken and one not in VALUE_MOVING)
