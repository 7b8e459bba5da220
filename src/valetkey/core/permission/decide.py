"""The one decision: may these calls be made now. The contract gives the same verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.chain import Counter
from valetkey.core.errors import Code
from valetkey.core.permission.lower import NATIVE_VALUE, Limit, lower
from valetkey.core.permission.model import ZERO_ADDRESS, Operator
from valetkey.core.units import UINT32_MAX, format_amount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.permission.lower import Check, Lowered, LoweredRule
    from valetkey.core.permission.model import Call, Constraint, Permission

WORD_BYTES = 32


@dataclass(frozen=True, slots=True)
class Spent:
    """What is already booked: calls, and one counter for each limit of the lowered permission."""

    calls: int
    counters: tuple[Counter, ...]


@dataclass(frozen=True, slots=True)
class Allow:
    """
    The calls may be made.

    Args:
        rules: Index of the rule that covers each call, in call order.
        calls: How many uses to book; an empty run is one use.
        amounts: How much to book to each limit.
        after: What is booked afterwards.
        valid_until: First second at which this booking would fall into another window.
    """

    rules: tuple[int, ...]
    calls: int
    amounts: tuple[int, ...]
    after: Spent
    valid_until: int


@dataclass(frozen=True, slots=True)
class Deny:
    """
    The calls may not be made.

    Args:
        caveat: The place in the permission that refused, such as ``caps[0].lifetime``.
        detail: What was allowed and what was asked for.
        call: Index of the call that was refused, or None if the run as a whole was.
    """

    code: Code
    caveat: str
    detail: str
    call: int | None = None


def nothing_spent(permission: Permission) -> Spent:
    """Return the booking of a session that was never used."""
    return Spent(calls=0, counters=tuple(Counter(0, 0) for _ in lower(permission).limits))


def decide(
    calls: Sequence[Call], permission: Permission, spent: Spent, *, now: int, account: bytes
) -> Allow | Deny:
    """
    Say whether *permission* covers all of *calls*. Touches nothing.

    1. time; 2. count; 3. each call in order: a rule for it, its constraints in stored order, then
    its meters. The first refusal wins, and is the one that the account's contract gives.

    Args:
        calls: None at all is a run that uses one nonce and one call.
        permission: Well formed, as the owner signed it.
        spent: Booked already, read in the same transaction.
        now: Unix seconds, from the caller's clock.
        account: 20 bytes; never a target.
    """
    if now < permission.starts_at:  # 1
        return Deny(Code.SESSION_NOT_STARTED, "starts_at", f"starts at {permission.starts_at}")
    if now >= permission.expires_at:
        return Deny(Code.SESSION_EXPIRED, "expires_at", f"expired at {permission.expires_at}")
    uses = max(len(calls), 1)  # 2
    allowed = UINT32_MAX if permission.max_calls is None else permission.max_calls
    if spent.calls + uses > allowed:
        detail = f"{allowed} calls allowed, {spent.calls} used, {uses} asked for"
        return Deny(Code.TOO_MANY_CALLS, "max_calls", detail)
    return _book(calls, permission, Spent(spent.calls + uses, spent.counters), now, account)


def _book(
    calls: Sequence[Call], permission: Permission, spent: Spent, now: int, account: bytes
) -> Allow | Deny:
    """Book *calls*; their number is in *spent* already."""
    lowered = lower(permission)
    counters = [
        _roll(counter, limit.window_at(now, starts_at=permission.starts_at))
        for limit, counter in zip(lowered.limits, spent.counters, strict=True)
    ]
    before = [counter.spent for counter in counters]
    rules: list[int] = []
    for index, call in enumerate(calls):  # 3
        rule = _rule_for(call, lowered, account)
        if isinstance(rule, Deny):
            return _at(rule, index)
        refusal = _refusal(call, lowered.rules[rule]) or _meter(
            call, lowered.rules[rule], lowered.limits, counters
        )
        if refusal is not None:
            return _at(refusal, index)
        rules.append(rule)
    return Allow(
        rules=tuple(rules),
        calls=max(len(calls), 1),  # what an empty run uses
        amounts=tuple(counter.spent - was for counter, was in zip(counters, before, strict=True)),
        after=Spent(spent.calls, tuple(counters)),
        valid_until=_valid_until(permission, lowered.limits, counters),
    )


def _roll(counter: Counter, window: int) -> Counter:
    # Forwards only: a clock that is behind books to the window that was reached already.
    return Counter(0, window) if window > counter.window else counter


def _valid_until(
    permission: Permission, limits: Sequence[Limit], counters: Sequence[Counter]
) -> int:
    ends = [
        permission.starts_at + (counter.window + 1) * limit.window_s
        for limit, counter in zip(limits, counters, strict=True)
        if limit.window_s
    ]
    return min([permission.expires_at, *ends])


def _rule_for(call: Call, lowered: Lowered, account: bytes) -> int | Deny:
    if call.to in (account, ZERO_ADDRESS):
        detail = f"0x{call.to.hex()} is never a target of a session"
        return Deny(Code.TARGET_FORBIDDEN, "rules", detail)
    same_target = False
    for index, lowered_rule in enumerate(lowered.rules):
        rule = lowered_rule.rule
        if rule.target != call.to:
            continue
        if rule.selector == call.selector:
            if call.value_wei and not rule.carries_value():
                detail = f"no native value is allowed here, {call.value_wei} wei asked for"
                return Deny(Code.VALUE_NOT_ALLOWED, f"rules[{index}]", detail)
            return index
        same_target = True
    if same_target:
        asked = f"0x{call.selector.hex()}" if call.selector else "a payment without data"
        detail = f"{asked} is not among the allowed functions of 0x{call.to.hex()}"
        return Deny(Code.SELECTOR_NOT_ALLOWED, "rules", detail)
    return Deny(Code.TARGET_NOT_ALLOWED, "rules", f"no rule names 0x{call.to.hex()}")


def _word(call: Call, argument: int) -> int | None:
    if argument == NATIVE_VALUE:
        return call.value_wei
    word = call.arguments[argument * WORD_BYTES : (argument + 1) * WORD_BYTES]
    return int.from_bytes(word) if len(word) == WORD_BYTES else None


def _missing(argument: int, caveat: str) -> Deny:
    return Deny(Code.ARGUMENT_MISSING, caveat, f"argument {argument} is not in the calldata")


def _refusal(call: Call, rule: LoweredRule) -> Deny | None:
    for check in rule.checks:
        argument = check.constraint.argument
        word = _word(call, argument)
        if word is None:
            return _missing(argument, check.caveat)
        if not _holds(check.constraint, word):
            return Deny(check.code, check.caveat, _say(check, word))
    return None


def _holds(constraint: Constraint, word: int) -> bool:
    if constraint.operator is Operator.AT_MOST:
        return word <= constraint.values[0]
    return word in constraint.values


def _say(check: Check, word: int) -> str:
    what = "the value" if check.constraint.argument == NATIVE_VALUE else "the argument"
    if check.code is Code.RECIPIENT_NOT_ALLOWED:
        known = len(check.constraint.values)
        return f"0x{word:040x} is not among the {known} allowed recipients"
    if check.constraint.operator is Operator.AT_MOST:
        return f"{what} may be at most {check.constraint.values[0]}, {word} asked for"
    return f"{what} 0x{word:x} is not what the rule allows"


def _meter(
    call: Call, rule: LoweredRule, limits: Sequence[Limit], counters: list[Counter]
) -> Deny | None:
    for meter in rule.meters:
        limit, counter = limits[meter.limit], counters[meter.limit]
        amount = _word(call, meter.argument)
        if amount is None:
            return _missing(meter.argument, limit.caveat)
        if counter.spent + amount > limit.limit:
            span = f" in this window of {limit.window_s} s" if limit.window_s else ""
            most, used, asked = (
                format_amount(one, decimals=limit.decimals)
                for one in (limit.limit, counter.spent, amount)
            )
            detail = f"{most} allowed{span}, {used} used, {asked} asked for"
            return Deny(Code.CAP_EXCEEDED, limit.caveat, detail)
        counters[meter.limit] = Counter(counter.spent + amount, counter.window)
    return None


def _at(refusal: Deny, call: int) -> Deny:
    return replace(refusal, call=call)
