"""The one decision: may these calls be made now. The contract gives the same verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from valetkey.core.chain import Counter
from valetkey.core.errors import Code
from valetkey.core.permission.cover import rule_for
from valetkey.core.permission.lower import NATIVE_VALUE, Limit, lower, window_at
from valetkey.core.permission.model import Operator
from valetkey.core.permission.verdict import Allow, Deny, Spent
from valetkey.core.units import UINT32_MAX, format_amount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.permission.lower import Check, LoweredRule, LoweredWideRule
    from valetkey.core.permission.model import Call, Permission, Rate

__all__ = ["Allow", "Deny", "Spent", "decide", "nothing_spent"]

_WORD_BYTES: Final = 32


def nothing_spent(permission: Permission) -> Spent:
    """Return the booking of a session that was never used."""
    return Spent(calls=0, counters=tuple(Counter(0, 0) for _ in lower(permission).limits))


def decide(
    calls: Sequence[Call], permission: Permission, spent: Spent, *, now: int, account: bytes
) -> Allow | Deny:
    """
    Say whether *permission* covers all of *calls*. Touches nothing.

    1. time; 2. count and rate; 3. each call in order: a rule for it, its constraints in stored
    order, then its meters. The first refusal wins, and is the one that the account's contract
    gives; the rate is the server's alone.

    Args:
        calls: None at all is a run that uses one nonce and one call.
        permission: Well formed, as the owner signed it.
        spent: Booked already, read in the same transaction.
        now: Unix seconds, from the caller's clock.
        account: 20 bytes; never a target.
    """
    late = refuse_by_time(permission, now=now)  # 1
    if late is not None:
        return late
    uses = max(len(calls), 1)  # 2
    allowed = UINT32_MAX if permission.max_calls is None else permission.max_calls
    if spent.calls + uses > allowed:
        detail = f"{allowed} calls allowed, {spent.calls} used, {uses} asked for"
        return Deny(Code.TOO_MANY_CALLS, "max_calls", detail)
    rate = _rated(permission, spent.rate, uses, now=now)
    if isinstance(rate, Deny):
        return rate
    booked = Spent(spent.calls + uses, spent.counters, rate)
    return _book(calls, permission, booked, now=now, account=account)


def refuse_by_time(permission: Permission, *, now: int) -> Deny | None:
    """Return why *permission* holds nothing at *now*, or None if it does."""
    if now < permission.starts_at:
        return Deny(Code.SESSION_NOT_STARTED, "starts_at", f"starts at {permission.starts_at}")
    if now >= permission.expires_at:
        return Deny(Code.SESSION_EXPIRED, "expires_at", f"expired at {permission.expires_at}")
    return None


def _rated(permission: Permission, counter: Counter, uses: int, *, now: int) -> Counter | Deny:
    """Return the counter of the rate with *uses* booked."""
    rate = permission.rate
    if rate is None:
        return counter
    rolled = _roll(counter, window_at(now, rate.window_s, starts_at=permission.starts_at))
    if rolled.spent + uses > rate.calls:
        detail = f"{rate.calls} calls allowed in this window of {rate.window_s} s"
        detail += f", {rolled.spent} used, {uses} asked for"
        return Deny(Code.RATE_EXCEEDED, "rate", detail)
    return Counter(rolled.spent + uses, rolled.window)


def _book(
    calls: Sequence[Call], permission: Permission, spent: Spent, *, now: int, account: bytes
) -> Allow | Deny:
    """Book what *calls* move; their number is in *spent* already."""
    lowered = lower(permission)
    counters = [
        _roll(counter, limit.window_at(now, starts_at=permission.starts_at))
        for limit, counter in zip(lowered.limits, spent.counters, strict=True)
    ]
    before = [counter.spent for counter in counters]
    rules: list[int] = []
    for index, call in enumerate(calls):  # 3
        rule = rule_for(call, permission, account=account)
        if isinstance(rule, Deny):
            return _at(rule, index)
        covering = lowered.rule(rule)
        refusal = _refusal(call, covering) or _meter(call, covering, lowered.limits, counters)
        if refusal is not None:
            return _at(refusal, index)
        rules.append(rule)
    after = replace(spent, counters=tuple(counters))
    return Allow(
        rules=tuple(rules),
        calls=max(len(calls), 1),  # what an empty run uses
        amounts=tuple(counter.spent - was for counter, was in zip(counters, before, strict=True)),
        after=after,
        valid_until=_valid_until(permission, lowered.limits, after),
    )


def _roll(counter: Counter, window: int) -> Counter:
    # Forwards only: a clock that is behind books to the window that was reached already.
    return Counter(0, window) if window > counter.window else counter


def _valid_until(permission: Permission, limits: Sequence[Limit], after: Spent) -> int:
    windows: list[tuple[Counter, Limit | Rate]] = list(zip(after.counters, limits, strict=True))
    if permission.rate is not None:
        windows.append((after.rate, permission.rate))
    ends = [
        permission.starts_at + (counter.window + 1) * span.window_s
        for counter, span in windows
        if span.window_s
    ]
    return min([permission.expires_at, *ends])


def _word(call: Call, argument: int) -> int | None:
    if argument == NATIVE_VALUE:
        return call.value_wei
    word = call.arguments[argument * _WORD_BYTES : (argument + 1) * _WORD_BYTES]
    return int.from_bytes(word) if len(word) == _WORD_BYTES else None


def _missing(argument: int, caveat: str) -> Deny:
    return Deny(Code.ARGUMENT_MISSING, caveat, f"argument {argument} is not in the calldata")


def _refusal(call: Call, rule: LoweredRule | LoweredWideRule) -> Deny | None:
    for check in rule.checks:
        argument = check.constraint.argument
        word = _word(call, argument)
        if word is None:
            return _missing(argument, check.caveat)
        if not holds(check.constraint.operator, check.constraint.values, word):
            return Deny(check.code, check.caveat, _say(check, word))
    return None


def holds(operator: Operator, values: Sequence[int], word: int) -> bool:
    """Say whether *word* compares with *values* as *operator* wants it."""
    return word <= values[0] if operator is Operator.AT_MOST else word in values


def _say(check: Check, word: int) -> str:
    what = "the value" if check.constraint.argument == NATIVE_VALUE else "the argument"
    if check.code is Code.RECIPIENT_NOT_ALLOWED:
        known = len(check.constraint.values)
        return f"0x{word:040x} is not among the {known} allowed recipients"
    if check.constraint.operator is Operator.AT_MOST:
        return f"{what} may be at most {check.constraint.values[0]}, {word} asked for"
    return f"{what} 0x{word:x} is not what the rule allows"


def _meter(
    call: Call,
    rule: LoweredRule | LoweredWideRule,
    limits: Sequence[Limit],
    counters: list[Counter],
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
