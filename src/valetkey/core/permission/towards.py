"""What a permission lets its holder do towards one address, token or relayer, and at what worst."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.model import Rule, WideRule
from valetkey.core.permission.reach import EVERY_WORD, Reach
from valetkey.core.permission.reach_wide import reached_by
from valetkey.core.permission.targets import NEVER_TARGETS
from valetkey.core.permission.typed_effects import primary_type
from valetkey.core.permission.worst_case import Bound, WorstCase, worst_case

if TYPE_CHECKING:
    from valetkey.core.permission.model import Permission, TypedDataTemplate
    from valetkey.core.permission.reach_wide import Reached


class Toward(StrEnum):
    """
    What is asked about.

    ``CONTRACT``: may be called, signed for, paid or approved. ``RECIPIENT``: the same, or tokens
    may end there by a call or a signature whose effect is not known. ``TOKEN``: may be moved or
    approved; without an address the native coin. ``RELAYER``: carries the runs, alone. ``KEY``:
    holds the session, or signs its runs.
    """

    CONTRACT = "contract"
    RECIPIENT = "recipient"
    TOKEN = "token"  # noqa: S105 - a word
    RELAYER = "relayer"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Way:
    """One caveat by which it is reached: its place in the permission, and what it allows."""

    place: str
    detail: str


@dataclass(frozen=True, slots=True)
class Towards:
    """Every way there, and the worst case by these ways together."""

    ways: tuple[Way, ...]
    worst: WorstCase


def towards(permission: Permission, toward: Toward, address: bytes | None) -> Towards | None:
    """
    Return what *permission* lets happen towards *address*, or None if nothing.

    What is spent already is not looked at.

    Args:
        permission: Well formed (`check_permission`).
        toward: Not ``KEY``: a permission knows of no keys.
        address: 20 bytes; None is the native coin, for ``TOKEN`` alone.
    """
    if toward is Toward.RELAYER:
        if permission.relayer is None or permission.relayer != address:
            return None
        return Towards((Way("relayer", "alone carries its runs"),), worst_case(permission))
    if toward is Toward.TOKEN:
        return _of_token(permission, address)
    found = _to_contract(permission, address or b"")
    if toward is Toward.RECIPIENT:
        found = found.beside(_opaque(permission))
    return found.as_towards(permission)


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a permission, with the way that each piece is."""

    rules: dict[Rule, Way]
    wide: dict[WideRule, Way]
    typed: dict[TypedDataTemplate, Way]

    def beside(self, other: _Part) -> _Part:
        """Return both together; what is in both is there as this one says."""
        return _Part(other.rules | self.rules, other.wide | self.wide, other.typed | self.typed)

    def narrowed(self, permission: Permission) -> Permission:
        """Return *permission* with nothing to do but this."""
        return replace(
            permission,
            rules=tuple(self.rules),
            wide_rules=tuple(self.wide),
            typed_data=tuple(self.typed),
        )

    @property
    def ways(self) -> tuple[Way, ...]:
        """All of them, in the order of the permission."""
        return (*self.rules.values(), *self.wide.values(), *self.typed.values())

    def as_towards(self, permission: Permission) -> Towards | None:
        """Return what the part lets happen, if it is anything."""
        if not self.ways:
            return None
        return Towards(self.ways, worst_case(self.narrowed(permission)))


def _to_contract(permission: Permission, address: bytes) -> _Part:
    reached = reached_by(permission)
    rules = {
        reach.rule: Way(f"rules[{reach.index}]", detail)
        for reach in reached.exact.values()
        if reach.is_usable and (detail := _said(reach, address)) is not None
    }
    typed = {
        one: Way(f"typed_data[{at}]", f"signs a {primary_type(one)} for it")
        for at, one in enumerate(permission.typed_data)
        if one.verifying_contract == address
    }
    return _Part(rules, _wide_to(reached, address), typed)


def _said(reach: Reach, address: bytes) -> str | None:
    """Return what the rule of *reach* allows towards *address*, or None if nothing."""
    rule = reach.rule
    effect = EFFECTS.get(rule.selector) if rule.selector else None
    if rule.target == address:
        if rule.selector is None:
            return "pays it"
        return f"calls {rule.function or '0x' + rule.selector.hex()}"
    if effect is None or int.from_bytes(address) not in reach.words.get(
        effect.recipient, EVERY_WORD
    ):
        return None
    verb = "approves it for" if effect.approves else "sends it"
    return f"{verb} 0x{rule.target.hex()}"


def _wide_to(reached: Reached, address: bytes) -> dict[WideRule, Way]:
    """Return the wide rule that covers calls of *address*, as one on it alone."""
    found = None if address in NEVER_TARGETS else reached.wide_on(address)
    if found is None:
        return {}
    detail = "calls any function" if found.target else "makes any call"
    way = Way(f"wide_rules[{found.index}]", f"{detail} but those that move value")
    return {WideRule(address, payable=found.carries_value): way}


def _opaque(permission: Permission) -> _Part:
    """Return what has an effect on tokens that is not known: they may end anywhere."""
    rules = {
        reach.rule: Way(f"rules[{reach.index}]", _ANYWHERE)
        for reach in reached_by(permission).exact.values()
        if reach.is_usable and reach.rule.selector and reach.rule.selector not in EFFECTS
    }
    wide = {
        one: Way(f"wide_rules[{at}]", _ANYWHERE) for at, one in enumerate(permission.wide_rules)
    }
    typed = {
        one: Way(f"typed_data[{at}]", _ANYWHERE) for at, one in enumerate(permission.typed_data)
    }
    return _Part(rules, wide, typed)


_ANYWHERE = "may move what the account has approved, to anybody"


def _of_token(permission: Permission, asset: bytes | None) -> Towards | None:
    found = _moving(permission, asset)
    part = found if asset is None else found.beside(_opaque(permission))
    if not part.ways:
        return None
    worst = worst_case(part.narrowed(permission))
    bound = next((one for one in worst.bounds if one.asset == asset), None)
    if bound is None:
        bound = Bound(asset, None, None, worst.others[0]) if worst.others else None
    if bound is None or bound.amount == 0:
        return None
    return Towards(part.ways, WorstCase(bounds=(bound,), others=()))


def _moving(permission: Permission, asset: bytes | None) -> _Part:
    reached = reached_by(permission)
    rules = {
        reach.rule: Way(f"rules[{reach.index}]", "moves or approves it")
        for reach in reached.exact.values()
        if reach.is_usable and reach.moves(asset)
    }
    wide = {
        permission.wide_rules[one.index]: Way(f"wide_rules[{one.index}]", "moves it")
        for one in reached.wide.values()
        if one.moves(asset)
    }
    typed = {
        one: Way(f"typed_data[{at}]", f"signs a {primary_type(one)} for it")
        for at, one in enumerate(permission.typed_data)
        if asset is not None and one.verifying_contract == asset
    }
    return _Part(rules, wide, typed)
