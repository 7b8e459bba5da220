"""What a session that no server stands before can move of an asset, and what it has moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.permission.lower import lower
from valetkey.core.permission.worst_case import worst_case

if TYPE_CHECKING:
    from valetkey.core.chain import GrantState
    from valetkey.core.permission.model import Permission


def exposure(permission: Permission, asset: bytes | None, *, window_s: int = 0) -> int | None:
    """
    Return the most of *asset* that can be moved in any span of *window_s* seconds, or None.

    None is no bound: there is no cap on it, or a call may use approvals that nobody counts. 0 is
    never: no rule moves it.

    Args:
        window_s: 0 for the whole life.
    """
    worst = worst_case(permission)
    if permission.wide_rules or (worst.others and asset is not None):
        return None
    bound = next((one for one in worst.bounds if one.asset == asset), None)
    if bound is None:
        return 0
    cap = permission.cap_on(asset)
    if bound.amount is None or cap is None or cap.window is None or not window_s:
        return bound.amount
    # The spans of the cap lie anywhere: one more of them than fit may be touched.
    touched = -(-window_s // cap.window.window_s) + 1
    return min(bound.amount, cap.window.limit * touched)


def moved_at_most(permission: Permission, asset: bytes | None, state: GrantState) -> int | None:
    """
    Return the most of *asset* that a session has moved that can move nothing more, or None.

    Args:
        state: Of its grant, with all its counters.
    """
    if state.calls == 0:
        return 0
    counted = [
        counter.spent
        for limit, counter in zip(lower(permission).limits, state.counters, strict=True)
        if limit.asset == asset and not limit.window_s
    ]
    cap = permission.cap_on(asset)
    if cap is not None and cap.per_call is not None and permission.max_calls is not None:
        counted.append(cap.per_call * state.calls)
    found = exposure(permission, asset)
    return None if found is None else min(found, *counted, found)
