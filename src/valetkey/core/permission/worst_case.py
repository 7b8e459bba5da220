"""The most that a session can move, per asset, if its holder turns on the owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.core.permission.effects import EFFECTS

if TYPE_CHECKING:
    from valetkey.core.permission.model import Cap, Permission, Rule


@dataclass(frozen=True, slots=True)
class Bound:
    """
    The worst case in one asset.

    Args:
        asset: 20 bytes of the token, or None for the native coin.
        amount: In the smallest unit; None is unbounded, for *reason*.
        decimals: Digits of the whole unit, if the permission fixes them.
    """

    asset: bytes | None
    amount: int | None
    decimals: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class WorstCase:
    """
    The bounds, asset by asset.

    Args:
        bounds: Native coin first, then tokens in the order of their caps and rules.
        others: Why tokens that are not listed are unbounded; empty when they cannot move.
    """

    bounds: tuple[Bound, ...]
    others: tuple[str, ...]

    def is_bounded(self) -> bool:
        """Say whether there is a number for everything."""
        return not self.others and all(bound.amount is not None for bound in self.bounds)


def worst_case(permission: Permission) -> WorstCase:
    """
    Return an upper bound on what any accepted sequence of calls moves or approves.

    An approval counts in full when it is given. A cap per window counts once for each window that
    the validity touches. A call whose effect is not known may use every approval that the account
    has given to its target: no token has a bound then, whatever its cap, for caps count only what
    the token itself is asked for. Assumed is that a target with a cap keeps ERC-20 (of an ERC-721
    token the amount is the number of the piece), and that being paid is all that a payee does.

    Args:
        permission: Well formed (`check_permission`).
    """
    others = tuple(
        f"0x{target.hex()} may use the account's approvals" for target in opaque_targets(permission)
    )
    bounds = tuple(_bound(asset, permission, others) for asset in _movable(permission))
    return WorstCase(bounds=bounds, others=others)


def opaque_targets(permission: Permission) -> tuple[bytes, ...]:
    """Return the targets of functions whose effect on tokens is not known, in rule order."""
    return tuple(
        dict.fromkeys(
            rule.target
            for rule in permission.rules
            if rule.selector is not None and rule.selector not in EFFECTS
        )
    )


def windows_touched(permission: Permission, window_s: int) -> int:
    """Return how many windows the validity of *permission* touches."""
    return -(-(permission.expires_at - permission.starts_at) // window_s)


def _movable(permission: Permission) -> tuple[bytes | None, ...]:
    assets: dict[bytes | None, None] = {}
    if any(rule.carries_value() for rule in permission.rules):
        assets[None] = None
    for cap in permission.caps:
        if cap.asset is not None and any(_moves(rule, cap.asset) for rule in permission.rules):
            assets[cap.asset] = None
    for rule in permission.rules:
        if rule.selector in EFFECTS:
            assets[rule.target] = None
    return tuple(assets)


def _moves(rule: Rule, asset: bytes) -> bool:
    return rule.target == asset and rule.selector in EFFECTS


def _bound(asset: bytes | None, permission: Permission, others: tuple[str, ...]) -> Bound:
    cap = permission.cap_on(asset)
    if cap is None:
        return Bound(asset, None, None, "there is no cap on it")
    if asset is not None and others:
        return Bound(asset, None, cap.decimals, others[0])
    candidates = _candidates(cap, permission)
    if not candidates:
        return Bound(asset, None, cap.decimals, "the cap is per call and calls are not counted")
    amount, reason = min(candidates)
    return Bound(asset, amount, cap.decimals, reason)


def _candidates(cap: Cap, permission: Permission) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    if cap.lifetime is not None:
        found.append((cap.lifetime, "the lifetime cap"))
    if cap.window is not None:
        count = windows_touched(permission, cap.window.window_s)
        found.append((cap.window.limit * count, f"the window cap in {count} windows"))
    if cap.per_call is not None and permission.max_calls is not None:
        amount = cap.per_call * permission.max_calls
        found.append((amount, f"the cap per call, {permission.max_calls} times"))
    return found
