"""The most that a session can move, per asset, if its holder turns on the owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.model import Anything
from valetkey.core.permission.typed_effects import moves_own_token, primary_type

if TYPE_CHECKING:
    from valetkey.core.permission.model import Cap, Permission


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
    the validity touches. A call whose effect is not known, as each one under a wide rule, may use
    every approval that the account has given to its target: no token has a bound then, whatever its
    cap, for caps count only what the token itself is asked for. The same is said of typed data that
    is signed for a contract; a permit for a token moves that token. Assumed is that a target with a
    cap keeps ERC-20 (of an ERC-721 token the amount is the number of the piece), that being paid is
    all that a payee does, and that no contract takes a text that was signed for an order.

    Args:
        permission: Well formed (`check_permission`).
    """
    others = unbounded_by(permission)
    bounds = tuple(_bound(asset, permission, others) for asset in _movable(permission))
    return WorstCase(bounds=bounds, others=others)


def unbounded_by(permission: Permission) -> tuple[str, ...]:
    """Return why every token is unbounded; nothing if that is not so."""
    reasons = [
        f"0x{target.hex()} may use the account's approvals" for target in opaque_targets(permission)
    ]
    if any(isinstance(wide.target, Anything) for wide in permission.wide_rules):
        reasons.append("any contract may be called, and may use the account's approvals")
    reasons += [
        f"0x{one.verifying_contract.hex()} may act on a signed {primary_type(one)}"
        for one in permission.typed_data
        if not moves_own_token(one)
    ]
    return tuple(dict.fromkeys(reasons))


def opaque_targets(permission: Permission) -> tuple[bytes, ...]:
    """Return the targets of functions whose effect on tokens is not known, in rule order."""
    exact = [
        rule.target
        for rule in permission.rules
        if rule.selector is not None and rule.selector not in EFFECTS
    ]
    wide = [rule.target for rule in permission.wide_rules if isinstance(rule.target, bytes)]
    return tuple(dict.fromkeys([*exact, *wide]))


def windows_touched(permission: Permission, window_s: int) -> int:
    """Return how many windows the validity of *permission* touches."""
    return -(-(permission.expires_at - permission.starts_at) // window_s)


def most_calls(permission: Permission) -> int | None:
    """Return how many calls can be made, by the count and by the rate; None if neither is there."""
    most = [] if permission.max_calls is None else [permission.max_calls]
    if permission.rate is not None:
        rate = permission.rate
        most.append(rate.calls * windows_touched(permission, rate.window_s))
    return min(most, default=None)


def _movable(permission: Permission) -> tuple[bytes | None, ...]:
    assets: dict[bytes | None, None] = {}
    pays = any(rule.carries_value() for rule in permission.rules)
    if pays or any(wide.payable for wide in permission.wide_rules):
        assets[None] = None
    tokens = dict.fromkeys(rule.target for rule in permission.rules if rule.selector in EFFECTS)
    tokens |= dict.fromkeys(signed_tokens(permission))
    assets |= {cap.asset: None for cap in permission.caps if cap.asset in tokens}
    return tuple(assets | tokens)


def signed_tokens(permission: Permission) -> tuple[bytes, ...]:
    """Return the tokens that a signature may move, in the order of the templates."""
    return tuple(one.verifying_contract for one in permission.typed_data if moves_own_token(one))


def _bound(asset: bytes | None, permission: Permission, others: tuple[str, ...]) -> Bound:
    cap = permission.cap_on(asset)
    decimals = None if cap is None else cap.decimals
    if asset is not None and asset in signed_tokens(permission):
        return Bound(asset, None, decimals, "a signature may move it, and no cap counts those")
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
    calls = most_calls(permission)
    if cap.per_call is not None and calls is not None:
        found.append((cap.per_call * calls, f"the cap per call, {calls} times"))
    return found
