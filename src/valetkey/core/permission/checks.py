"""What makes a permission well formed, whoever wrote it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.comparable import check_comparable
from valetkey.core.permission.effects import EFFECTS, selector_of
from valetkey.core.permission.model import (
    ADDRESS_BYTES,
    SELECTOR_BYTES,
    ZERO_ADDRESS,
    Anything,
    Cap,
    Constraint,
    Operator,
    Permission,
    Rule,
)
from valetkey.core.units import UINT32_MAX, UINT40_MAX, UINT128_MAX, UINT256_MAX

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
MIN_WINDOW_S: Final = 60

_CAIP2: Final = re.compile(r"eip155:[1-9][0-9]{0,17}")
_FUNCTION: Final = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*\([a-z0-9,()\[\]]*\)")

ENTRY_POINTS: Final = frozenset(
    bytes.fromhex(address)
    for address in (
        "5ff137d4b0fdcd49dca30c7cf57e578a026d2789",  # ERC-4337 v0.6
        "0000000071727de22e5e9d8baf0edac6f37da032",  # v0.7
        "4337084d9e255ff0702461cf8895ce9e3b5ff108",  # v0.8
        "433709009b8330fda32311df1c2afa402ed8d009",  # v0.9
    )
)


def _refuse(where: str, expected: str, got: object) -> Malformed:
    return Malformed(Code.MALFORMED_PERMISSION, f"{where}: expected {expected}, got {got}")


def check_permission(permission: Permission, *, forbidden: Collection[bytes] = ()) -> Permission:
    """
    Return *permission* if it is well formed.

    1. chain, times and counts are in range; 2. every rule names a target that may be one and no
    (target, selector) twice; 3. every cap bounds what its rules do; 4. native value and recipients
    are bounded by what the rules say; 5. it can be compared with others (`check_comparable`).

    Args:
        forbidden: Addresses that are never a target here: the account and its implementation.

    Raises:
        Malformed: The first thing that is wrong, naming the place, what was expected and what came.
    """
    _check_frame(permission)
    never = ENTRY_POINTS | {ZERO_ADDRESS} | set(forbidden)
    for index, rule in enumerate(permission.rules):
        _check_rule(f"rules[{index}]", rule, never)
    _check_unique(permission)
    for index, cap in enumerate(permission.caps):
        _check_cap(f"caps[{index}]", cap, permission)
    _check_value_and_recipients(permission)
    check_comparable(permission)
    return permission


def _check_frame(permission: Permission) -> None:  # 1
    if not _CAIP2.fullmatch(permission.chain):
        raise _refuse("chain", "eip155: and a chain id", repr(permission.chain[:40]))
    if not 0 <= permission.starts_at < permission.expires_at <= UINT40_MAX:
        got = f"{permission.starts_at} and {permission.expires_at}"
        raise _refuse("starts_at, expires_at", "0 <= starts_at < expires_at < 2^40", got)
    if permission.max_calls is not None and not 1 <= permission.max_calls < UINT32_MAX:
        raise _refuse("max_calls", f"1 to {UINT32_MAX - 1}, or none", permission.max_calls)
    if permission.relayer is not None:
        if len(permission.relayer) != ADDRESS_BYTES:
            raise _refuse("relayer", "20 bytes", len(permission.relayer))
        if permission.relayer == ZERO_ADDRESS:  # on chain the zero address stands for any relayer
            raise _refuse("relayer", "an address that can send, or none", "zero")
    if permission.fee_budget_wei is not None:
        _check_amount("fee_budget_wei", permission.fee_budget_wei)
    if len(permission.rules) > MAX_RULES:
        raise _refuse("rules", f"at most {MAX_RULES}", len(permission.rules))
    if len(permission.caps) > MAX_CAPS:
        raise _refuse("caps", f"at most {MAX_CAPS}", len(permission.caps))


def _check_rule(where: str, rule: Rule, never: Collection[bytes]) -> None:  # 2
    if len(rule.target) != ADDRESS_BYTES:
        raise _refuse(f"{where}.target", "20 bytes", len(rule.target))
    if rule.target in never:
        expected = "not the account, its implementation, an EntryPoint or zero"
        raise _refuse(f"{where}.target", expected, f"0x{rule.target.hex()}")
    if rule.selector is None:
        if rule.where:
            raise _refuse(f"{where}.where", "nothing, for a payment has no arguments", "some")
    elif len(rule.selector) != SELECTOR_BYTES:
        raise _refuse(f"{where}.selector", "4 bytes", len(rule.selector))
    _check_function(where, rule)
    if len(rule.where) > MAX_CONSTRAINTS:
        raise _refuse(f"{where}.where", f"at most {MAX_CONSTRAINTS}", len(rule.where))
    for index, constraint in enumerate(rule.where):
        _check_constraint(f"{where}.where[{index}]", constraint)


def _check_constraint(where: str, constraint: Constraint) -> None:
    values = constraint.values
    if not 0 <= constraint.argument <= MAX_ARGUMENT:
        raise _refuse(f"{where}.argument", f"0 to {MAX_ARGUMENT}", constraint.argument)
    if constraint.operator is not Operator.ONE_OF and len(values) != 1:
        raise _refuse(f"{where}.values", "exactly one", len(values))
    if len(values) > MAX_RECIPIENTS:
        raise _refuse(f"{where}.values", f"at most {MAX_RECIPIENTS}", len(values))
    if any(not 0 <= value <= UINT256_MAX for value in values):
        raise _refuse(f"{where}.values", "32-byte words", "larger or negative")
    _check_sorted(f"{where}.values", values)


def _check_function(where: str, rule: Rule) -> None:
    # A person decides by this name. Four bytes are easily hit by another name, so a function whose
    # effect is known goes by its own; and no name carries text of any other kind.
    if rule.function is None:
        return
    if len(rule.function) > MAX_FUNCTION_CHARS or not _FUNCTION.fullmatch(rule.function):
        got = repr(rule.function[:40])
        raise _refuse(f"{where}.function", "a signature such as transfer(address,uint256)", got)
    selector = selector_of(rule.function)
    if selector != rule.selector:
        raise _refuse(f"{where}.selector", f"the selector of {rule.function}", "another")
    known = EFFECTS.get(selector)
    if known is not None and rule.function != known.function:
        raise _refuse(f"{where}.function", known.function, rule.function)


def _check_sorted(where: str, values: tuple[int, ...] | tuple[bytes, ...]) -> None:
    if any(not left < right for left, right in pairwise(values)):  # type: ignore[operator]
        raise _refuse(where, "ascending order without repeats", "another order")


def _check_unique(permission: Permission) -> None:
    pairs = [(rule.target, rule.selector) for rule in permission.rules]
    if len(set(pairs)) != len(pairs):
        raise _refuse("rules", "at most one rule for a target and selector", "two")
    assets = [cap.asset for cap in permission.caps]
    if len(set(assets)) != len(assets):
        raise _refuse("caps", "at most one cap for an asset", "two")


def _check_cap(where: str, cap: Cap, permission: Permission) -> None:  # 3
    if not 0 <= cap.decimals <= MAX_DECIMALS:
        raise _refuse(f"{where}.decimals", f"0 to {MAX_DECIMALS}", cap.decimals)
    if cap.per_call is None and cap.lifetime is None and cap.window is None:
        raise _refuse(where, "per_call, lifetime or window", "none of them")
    for name, amount in (("per_call", cap.per_call), ("lifetime", cap.lifetime)):
        if amount is not None:
            _check_amount(f"{where}.{name}", amount)
    if cap.window is not None:
        _check_amount(f"{where}.window.limit", cap.window.limit)
        if not MIN_WINDOW_S <= cap.window.window_s <= UINT32_MAX:
            expected = f"{MIN_WINDOW_S} to {UINT32_MAX}"
            raise _refuse(f"{where}.window.window_s", expected, cap.window.window_s)
    _check_asset(where, cap, permission)


def _check_asset(where: str, cap: Cap, permission: Permission) -> None:
    if cap.asset is None:
        if cap.decimals != NATIVE_DECIMALS:
            raise _refuse(f"{where}.decimals", f"{NATIVE_DECIMALS} for native", cap.decimals)
        return
    if len(cap.asset) != ADDRESS_BYTES or cap.asset == ZERO_ADDRESS:
        raise _refuse(f"{where}.asset", "20 bytes of a token, or native", f"0x{cap.asset.hex()}")
    for rule in permission.rules:
        if rule.target == cap.asset and rule.selector and rule.selector not in EFFECTS:
            expected = "only functions of the token whose amount is known"
            raise _refuse(where, expected, rule.function or f"0x{rule.selector.hex()}")


def _check_amount(where: str, amount: int) -> None:
    if not 0 <= amount <= UINT128_MAX:
        raise _refuse(where, "0 to 2^128 - 1", amount)


def _check_value_and_recipients(permission: Permission) -> None:  # 4
    native = permission.cap_on(None)
    for index, rule in enumerate(permission.rules):
        if not rule.carries_value():
            continue
        if native is None or (native.lifetime is None and native.window is None):
            expected = "a native cap with a lifetime or window, for this rule carries value"
            raise _refuse(f"rules[{index}]", expected, "none")
    if isinstance(permission.recipients, Anything):
        return
    if len(permission.recipients) > MAX_RECIPIENTS:
        raise _refuse("recipients", f"at most {MAX_RECIPIENTS}", len(permission.recipients))
    if any(len(recipient) != ADDRESS_BYTES for recipient in permission.recipients):
        raise _refuse("recipients", "20 bytes each", "another length")
    _check_sorted("recipients", permission.recipients)
    for index, rule in enumerate(permission.rules):
        if rule.selector is not None and rule.selector not in EFFECTS:
            expected = "functions whose recipient is known, for recipients are listed"
            raise _refuse(f"rules[{index}]", expected, rule.function or f"0x{rule.selector.hex()}")
        if rule.carries_value() and rule.target not in permission.recipients:
            expected = "a target among the recipients, for this rule carries value"
            raise _refuse(f"rules[{index}]", expected, f"0x{rule.target.hex()}")
