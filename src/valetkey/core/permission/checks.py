"""What makes a permission well formed, whoever wrote it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from valetkey.core.permission.check_signing import check_signing
from valetkey.core.permission.check_wide import check_wide_rules
from valetkey.core.permission.comparable import check_comparable
from valetkey.core.permission.effects import EFFECTS, selector_of
from valetkey.core.permission.form import (
    check_count,
    check_sorted,
    check_target,
    check_values,
    check_window,
    refuse,
    shown,
)
from valetkey.core.permission.model import (
    ADDRESS_BYTES,
    SELECTOR_BYTES,
    ZERO_ADDRESS,
    Anything,
    Cap,
    Permission,
    Rule,
)
from valetkey.core.permission.targets import NEVER_TARGETS
from valetkey.core.units import UINT32_MAX, UINT40_MAX, UINT128_MAX

if TYPE_CHECKING:
    from collections.abc import Collection

MAX_RULES: Final = 64
MAX_CAPS: Final = 8
MAX_RECIPIENTS: Final = 64
MAX_CONSTRAINTS: Final = 5
MAX_ARGUMENT: Final = 62
MAX_DECIMALS: Final = 77
MAX_FUNCTION_CHARS: Final = 256
NATIVE_DECIMALS: Final = 18

CAIP2: Final = re.compile(r"eip155:[1-9][0-9]{0,17}")
FUNCTION: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\([a-z0-9,()\[\]]*\)")


def check_permission(permission: Permission, *, forbidden: Collection[bytes] = ()) -> Permission:
    """
    Return *permission* if it is well formed.

    1. chain, times and counts are in range; 2. every rule names a target that may be one and no
    (target, selector) twice; 3. every cap bounds what its rules do; 4. wide rules get round none of
    them; 5. native value and recipients are bounded by what the rules say; 6. templates and scopes;
    7. it can be compared with others (`check_comparable`).

    Args:
        forbidden: Addresses that are never a target here: the account and its implementation.

    Raises:
        Malformed: The first thing that is wrong, naming the place, what was expected and what came.
    """
    _check_frame(permission)
    never = NEVER_TARGETS | set(forbidden)
    for index, rule in enumerate(permission.rules):
        _check_rule(f"rules[{index}]", rule, never)
    _check_unique(permission)
    for index, cap in enumerate(permission.caps):
        _check_cap(f"caps[{index}]", cap, permission)
    check_wide_rules(permission, never)  # 4
    _check_value(permission)
    _check_recipients(permission)
    check_signing(permission, never)  # 6
    check_comparable(permission)  # 7
    return permission


def _check_frame(permission: Permission) -> None:  # 1
    if not CAIP2.fullmatch(permission.chain):
        raise refuse("chain", "eip155: and a chain id", shown(permission.chain))
    if not 0 <= permission.starts_at < permission.expires_at <= UINT40_MAX:
        got = f"{permission.starts_at} and {permission.expires_at}"
        raise refuse("starts_at, expires_at", "0 <= starts_at < expires_at < 2^40", got)
    if permission.max_calls is not None and not 1 <= permission.max_calls < UINT32_MAX:
        raise refuse("max_calls", f"1 to {UINT32_MAX - 1}, or none", permission.max_calls)
    if permission.relayer is not None:
        if len(permission.relayer) != ADDRESS_BYTES:
            raise refuse("relayer", "20 bytes", len(permission.relayer))
        if permission.relayer == ZERO_ADDRESS:  # on chain the zero address stands for any relayer
            raise refuse("relayer", "an address that can send, or none", "zero")
    if permission.fee_budget_wei is not None:
        _check_amount("fee_budget_wei", permission.fee_budget_wei)
    if permission.rate is not None:
        if not 1 <= permission.rate.calls <= UINT32_MAX:
            raise refuse("rate.calls", f"1 to {UINT32_MAX}", permission.rate.calls)
        check_window("rate.window_s", permission.rate.window_s)
    check_count("rules", permission.rules, MAX_RULES)
    check_count("caps", permission.caps, MAX_CAPS)


def _check_rule(where: str, rule: Rule, never: Collection[bytes]) -> None:  # 2
    check_target(f"{where}.target", rule.target, never)
    if rule.selector is None:
        if rule.where:
            raise refuse(f"{where}.where", "nothing, for a payment has no arguments", "some")
    elif len(rule.selector) != SELECTOR_BYTES:
        raise refuse(f"{where}.selector", "4 bytes", len(rule.selector))
    _check_function(where, rule)
    check_count(f"{where}.where", rule.where, MAX_CONSTRAINTS)
    for index, constraint in enumerate(rule.where):
        place = f"{where}.where[{index}]"
        if not 0 <= constraint.argument <= MAX_ARGUMENT:
            raise refuse(f"{place}.argument", f"0 to {MAX_ARGUMENT}", constraint.argument)
        check_values(f"{place}.values", constraint.operator, constraint.values)


def _check_function(where: str, rule: Rule) -> None:
    # A person decides by this name. Four bytes are easily hit by another name, so a function whose
    # effect is known goes by its own; and no name carries text of any other kind.
    if rule.function is None:
        return
    if len(rule.function) > MAX_FUNCTION_CHARS or not FUNCTION.fullmatch(rule.function):
        expected = "a signature such as transfer(address,uint256)"
        raise refuse(f"{where}.function", expected, shown(rule.function))
    selector = selector_of(rule.function)
    if selector != rule.selector:
        raise refuse(f"{where}.selector", f"the selector of {rule.function}", "another")
    known = EFFECTS.get(selector)
    if known is not None and rule.function != known.function:
        raise refuse(f"{where}.function", known.function, rule.function)


def _check_unique(permission: Permission) -> None:
    pairs = [(rule.target, rule.selector) for rule in permission.rules]
    if len(set(pairs)) != len(pairs):
        raise refuse("rules", "at most one rule for a target and selector", "two")
    assets = [cap.asset for cap in permission.caps]
    if len(set(assets)) != len(assets):
        raise refuse("caps", "at most one cap for an asset", "two")


def _check_cap(where: str, cap: Cap, permission: Permission) -> None:  # 3
    if not 0 <= cap.decimals <= MAX_DECIMALS:
        raise refuse(f"{where}.decimals", f"0 to {MAX_DECIMALS}", cap.decimals)
    if cap.per_call is None and cap.lifetime is None and cap.window is None:
        raise refuse(where, "per_call, lifetime or window", "none of them")
    for name, amount in (("per_call", cap.per_call), ("lifetime", cap.lifetime)):
        if amount is not None:
            _check_amount(f"{where}.{name}", amount)
    if cap.window is not None:
        _check_amount(f"{where}.window.limit", cap.window.limit)
        check_window(f"{where}.window.window_s", cap.window.window_s)
    _check_asset(where, cap, permission)


def _check_asset(where: str, cap: Cap, permission: Permission) -> None:
    if cap.asset is None:
        if cap.decimals != NATIVE_DECIMALS:
            raise refuse(f"{where}.decimals", f"{NATIVE_DECIMALS} for native", cap.decimals)
        return
    if len(cap.asset) != ADDRESS_BYTES or cap.asset == ZERO_ADDRESS:
        raise refuse(f"{where}.asset", "20 bytes of a token, or native", f"0x{cap.asset.hex()}")
    for rule in permission.rules:
        if rule.target == cap.asset and rule.selector and rule.selector not in EFFECTS:
            expected = "only functions of the token whose amount is known"
            raise refuse(where, expected, rule.function or f"0x{rule.selector.hex()}")


def _check_amount(where: str, amount: int) -> None:
    if not 0 <= amount <= UINT128_MAX:
        raise refuse(where, "0 to 2^128 - 1", amount)


def _check_value(permission: Permission) -> None:  # 5
    native = permission.cap_on(None)
    if native is not None and (native.lifetime is not None or native.window is not None):
        return
    carrying = [
        *(f"rules[{i}]" for i, rule in enumerate(permission.rules) if rule.carries_value()),
        *(f"wide_rules[{i}]" for i, wide in enumerate(permission.wide_rules) if wide.payable),
    ]
    if carrying:
        expected = "a native cap with a lifetime or window, for this rule carries value"
        raise refuse(carrying[0], expected, "none")


def _check_recipients(permission: Permission) -> None:
    if isinstance(permission.recipients, Anything):
        return
    check_count("recipients", permission.recipients, MAX_RECIPIENTS)
    if any(len(recipient) != ADDRESS_BYTES for recipient in permission.recipients):
        raise refuse("recipients", "20 bytes each", "another length")
    check_sorted("recipients", permission.recipients)
    for index, rule in enumerate(permission.rules):
        if rule.selector is not None and rule.selector not in EFFECTS:
            expected = "functions whose recipient is known, for recipients are listed"
            raise refuse(f"rules[{index}]", expected, rule.function or f"0x{rule.selector.hex()}")
        if rule.carries_value() and rule.target not in permission.recipients:
            expected = "a target among the recipients, for this rule carries value"
            raise refuse(f"rules[{index}]", expected, f"0x{rule.target.hex()}")
