"""Which rule a call is made under: the most specific one, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.errors import Code
from valetkey.core.permission.model import SELECTOR_BYTES
from valetkey.core.permission.targets import NEVER_TARGETS
from valetkey.core.permission.verdict import Deny
from valetkey.spec.permission_bytes.value_moving import VALUE_MOVING

if TYPE_CHECKING:
    from valetkey.core.permission.model import Call, Permission


def rule_for(call: Call, permission: Permission, *, account: bytes) -> int | Deny:
    """
    Return the index of the one rule that *call* is made under, or why there is none.

    1. never the account, the zero address or an EntryPoint; 2. the rule that names target and
    function; 3. else the wide rule on the target; 4. else the one for any call, if no rule names
    the target. Value moves under a wide rule by no function that is known for it.

    Args:
        account: 20 bytes.

    Returns:
        The index as the chain counts rules: wide rules stand behind the others.
    """
    if call.to == account or call.to in NEVER_TARGETS:  # 1
        detail = f"0x{call.to.hex()} is never a target of a session"
        return Deny(Code.TARGET_FORBIDDEN, "rules", detail)
    for index, rule in enumerate(permission.rules):  # 2
        if (rule.target, rule.selector) == (call.to, call.selector):
            return _with_value(call, index, f"rules[{index}]", carries=rule.carries_value())
    found = _wide_rule_for(call, permission)  # 3, 4
    if isinstance(found, Deny):
        return found
    wide = permission.wide_rules[found]
    place = f"wide_rules[{found}]"
    return _with_value(call, len(permission.rules) + found, place, carries=wide.carries_value())


def _wide_rule_for(call: Call, permission: Permission) -> int | Deny:
    # In the order in which the account's contract refuses: SelectorRefused, then RuleTooWide.
    targets = [wide.target for wide in permission.wide_rules]
    is_named = call.to in targets or any(rule.target == call.to for rule in permission.rules)
    covering = [index for index, target in enumerate(targets) if target == call.to]
    covering += [index for index, target in enumerate(targets) if not isinstance(target, bytes)]
    if covering and moves_value(call):
        asked = VALUE_MOVING.get(call.selector or b"") or f"0x{call.data[:SELECTOR_BYTES].hex()}"
        detail = f"{asked} may move value; only a rule that names it can allow it"
        return Deny(Code.SELECTOR_REFUSED, f"wide_rules[{covering[0]}]", detail)
    if covering and (call.to in targets or not is_named):
        return covering[0]
    if is_named:
        asked = f"0x{call.selector.hex()}" if call.selector else "a payment without data"
        detail = f"{asked} is not among the allowed functions of 0x{call.to.hex()}"
        return Deny(Code.SELECTOR_NOT_ALLOWED, "rules", detail)
    return Deny(Code.TARGET_NOT_ALLOWED, "rules", f"no rule names 0x{call.to.hex()}")


def moves_value(call: Call) -> bool:
    """Say whether no wide rule covers *call*, for its function is on the list or too short."""
    # Data too short for a selector is none that a list can know.
    return 0 < len(call.data) < SELECTOR_BYTES or call.selector in VALUE_MOVING


def _with_value(call: Call, index: int, place: str, *, carries: bool) -> int | Deny:
    if call.value_wei and not carries:
        detail = f"no native value is allowed here, {call.value_wei} wei asked for"
        return Deny(Code.VALUE_NOT_ALLOWED, place, detail)
    return index
