"""What is unwise in the caps of a permission, or does nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.permission.finding import Finding, LintRule, Severity
from valetkey.core.permission.reach_wide import WideReach
from valetkey.core.permission.worst_case import most_calls, windows_touched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.core.permission.model import Cap, Permission
    from valetkey.core.permission.reach import Reach

MANY_WINDOWS: Final = 31


def lint_caps(permission: Permission, reached: Sequence[Reach | WideReach]) -> Iterator[Finding]:
    """Yield what is unwise in the caps of *permission*, whose rules let *reached* through."""
    yield from _no_cap(permission, reached)
    for index, cap in enumerate(permission.caps):
        place = f"caps[{index}]"
        yield from _many_windows(place, cap, permission)
        yield from _zero_limit(place, cap)
        if not any(reach.moves(cap.asset) for reach in reached):
            detail, fix = "no rule moves this asset", "leave the cap out"
            yield Finding(LintRule.UNUSED_CAP, Severity.INFO, place, detail, fix)
        yield from _above_cap(place, cap, permission)
        yield from _above_count(place, cap, permission)


def _no_cap(permission: Permission, reached: Sequence[Reach | WideReach]) -> Iterator[Finding]:
    seen: set[bytes] = set()
    for reach in reached:
        if isinstance(reach, WideReach):
            continue
        token = reach.rule.target
        if token in seen or not reach.moves(token):
            continue
        seen.add(token)
        cap = permission.cap_on(token)
        if cap is None:
            said = "there is no cap on it"
        elif cap.lifetime is None and cap.window is None and most_calls(permission) is None:
            said = "its cap is per call and calls are not counted"
        else:
            continue
        yield Finding(
            LintRule.NO_CAP,
            Severity.ERROR,
            f"rules[{reach.index}]",
            f"all of 0x{token.hex()} can be lost: {said}",
            f"add a cap on 0x{token.hex()} with a lifetime or a window",
        )


def _many_windows(place: str, cap: Cap, permission: Permission) -> Iterator[Finding]:
    if cap.window is None or cap.lifetime is not None:
        return
    count = windows_touched(permission, cap.window.window_s)
    if count > MANY_WINDOWS:
        detail = f"the limit counts anew in each of {count} windows, and so does the worst case"
        fix = "add a lifetime limit"
        yield Finding(LintRule.MANY_WINDOWS, Severity.WARNING, f"{place}.window", detail, fix)


def _zero_limit(place: str, cap: Cap) -> Iterator[Finding]:
    window = None if cap.window is None else cap.window.limit
    limits = {"per_call": cap.per_call, "lifetime": cap.lifetime, "window": window}
    for name, limit in limits.items():
        if limit == 0:
            detail = "the limit is 0: calls pass only if they move nothing"
            fix = "leave out the rules that it is for, or raise it"
            yield Finding(LintRule.ZERO_LIMIT, Severity.WARNING, f"{place}.{name}", detail, fix)


def _above_cap(place: str, cap: Cap, permission: Permission) -> Iterator[Finding]:
    window = cap.window
    above: dict[str, str] = {}
    if cap.per_call is not None:
        if cap.lifetime is not None and cap.per_call >= cap.lifetime:
            above["per_call"] = "the lifetime limit"
        elif window is not None and cap.per_call >= window.limit:
            above["per_call"] = "the window limit"
    if window is not None and cap.lifetime is not None:
        count = windows_touched(permission, window.window_s)
        if window.limit >= cap.lifetime:
            above["window"] = "the lifetime limit"
        elif window.limit * count <= cap.lifetime:
            above["lifetime"] = f"the window limit in all {count} windows"
    for name, tighter in above.items():
        yield _never_binds(LintRule.CAP_ABOVE_CAP, f"{place}.{name}", tighter)


def _above_count(place: str, cap: Cap, permission: Permission) -> Iterator[Finding]:
    if cap.per_call is None or permission.max_calls is None:
        return
    most = cap.per_call * permission.max_calls
    tighter = f"the cap per call, {permission.max_calls} times"
    if cap.lifetime is not None and cap.lifetime >= most:
        yield _never_binds(LintRule.CAP_ABOVE_COUNT, f"{place}.lifetime", tighter)
    if cap.window is not None and cap.window.limit >= most:
        yield _never_binds(LintRule.CAP_ABOVE_COUNT, f"{place}.window", tighter)


def _never_binds(rule: LintRule, place: str, tighter: str) -> Finding:
    detail = f"it never binds: {tighter} is reached first"
    return Finding(rule, Severity.INFO, place, detail, "lower it, or leave it out")
