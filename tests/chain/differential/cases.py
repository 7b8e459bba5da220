"""Whole cases: mostly ones that fit, so that one fault in them decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.chain.differential.case import (
    EPOCHS,
    EVERYBODY,
    RELAYERS,
    SESSION_KEY,
    Case,
    Kept,
    KeySignature,
    OwnerSignature,
)
from tests.chain.differential.permissions import WORDS, draw_permission, word
from valetkey.core.chain import Counter
from valetkey.core.permission.cover import rule_for
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.lower import (
    NATIVE_VALUE,
    Lowered,
    LoweredRule,
    LoweredWideRule,
    lower,
)
from valetkey.core.permission.model import Anything, Call, Operator, Permission
from valetkey.core.permission.verdict import Deny
from valetkey.core.units import UINT32_MAX, UINT40_MAX, UINT128_MAX
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chain.differential.dice import Dice

_UNNAMED: Final = bytes.fromhex("5ca1ab1e")  # of no function that any rule or list names
_CALLS: Final = (0, 1, 1, 1, 1, 2, 2, 3, 4, 8)


def draw_fitting(dice: Dice, now: int, index: int, *, wide: bool = False) -> Case:
    """
    Return a case at second *now* that is accepted, unless constraints contradict each other.

    Args:
        index: Makes the grant, and so its slots, one that no other case has.
        wide: Mostly with wide rules.
    """
    permission = draw_permission(dice, now, wide=wide)
    lowered = lower(permission)
    count = dice.one(_CALLS)
    if permission.max_calls is not None:
        count = min(count, permission.max_calls)
    kept = _kept(dice, permission, lowered, now, max(count, 1))
    is_new = kept.status is pb.Status.NONE
    rolled = _rolled(permission, lowered, kept, now)
    return Case(
        permission=permission,
        calls=_calls(dice, permission, lowered, rolled, count),
        kept=kept,
        at=now,
        nonce=_nonce(dice, kept),
        deadline=min(now + dice.one((1, 1, 60, 3600, UINT40_MAX)), UINT40_MAX),
        sender=permission.relayer or dice.one((*RELAYERS, SESSION_KEY)),
        epoch=dice.one(EPOCHS),
        salt=index,
        value_wei=dice.one((0, 0, 0, 7)),
        key_signature=dice.one((KeySignature.PLAIN, KeySignature.PLAIN, KeySignature.PERSONAL)),
        owner_signature=OwnerSignature.GOOD if is_new else _unread(dice),
    )


def _unread(dice: Dice) -> OwnerSignature:
    # Nobody looks at it when the grant is open.
    return OwnerSignature.NONE if dice.chance(0.8) else dice.one(tuple(OwnerSignature))


def _kept(dice: Dice, permission: Permission, lowered: Lowered, now: int, uses: int) -> Kept:
    if dice.chance(0.2):
        return Kept(pb.Status.NONE, 0, 0, 0, tuple(Counter(0, 0) for _ in lowered.limits))
    room = (UINT32_MAX if permission.max_calls is None else permission.max_calls) - uses
    calls = dice.one((0, min(room, 40), dice.between(0, room), room))
    bitmap = _bitmap(dice)
    while bitmap.bit_count() > calls:  # each nonce took a call
        bitmap &= bitmap - 1
    most = calls - bitmap.bit_count()
    base = dice.one((0, most, dice.between(0, most)))
    bitmap &= (1 << min(30, UINT32_MAX - base)) - 1  # a nonce has 32 bits
    counters = tuple(
        _counter(dice, limit.limit, limit.window_at(now, starts_at=permission.starts_at))
        for limit in lowered.limits
    )
    return Kept(pb.Status.OPEN, calls, base, bitmap, counters)


def _bitmap(dice: Dice) -> int:
    return dice.one((0, 0, 0, 1 << dice.between(0, 29), dice.bits(30), 2**30 - 1, 2**12 - 1)) & ~(
        1 << dice.between(0, 29) if dice.chance(0.5) else 0
    )


def _counter(dice: Dice, limit: int, window: int) -> Counter:
    window = dice.one((window, window, window, dice.between(0, window), max(window - 1, 0)))
    spent = dice.one((0, dice.between(0, limit), dice.between(0, limit), limit, max(limit - 1, 0)))
    return Counter(spent, window)


def _rolled(permission: Permission, lowered: Lowered, kept: Kept, now: int) -> list[int]:
    """Return what is left under each limit."""
    return [
        limit.limit
        if limit.window_at(now, starts_at=permission.starts_at) != counter.window
        else limit.limit - counter.spent
        for limit, counter in zip(lowered.limits, kept.counters, strict=True)
    ]


def _nonce(dice: Dice, kept: Kept) -> int:
    base, bitmap = kept.nonce_base, kept.nonce_bitmap
    if dice.chance(0.5):
        return base
    ahead = [bit + 1 for bit in range(30) if not bitmap >> bit & 1 and base + bit < UINT32_MAX]
    return base + dice.one([0, *ahead])


def _calls(
    dice: Dice, permission: Permission, lowered: Lowered, left: list[int], count: int
) -> tuple[Call, ...]:
    return tuple(
        fitting_call(dice, permission, dice.one(lowered.rules), left)
        if not lowered.wide_rules or dice.chance(0.5)
        else _wide_call(dice, permission, dice.one(lowered.wide_rules), left)
        for _ in range(count)
    )


def _wide_call(dice: Dice, permission: Permission, wide: LoweredWideRule, left: list[int]) -> Call:
    """Return a call that *wide* covers, unless a narrower rule names the one that is drawn."""
    target = dice.one(EVERYBODY) if isinstance(wide.rule.target, Anything) else wide.rule.target
    index = rule_for(Call(target, 0, _UNNAMED), permission, account=b"")
    selector = dice.one((_UNNAMED, dice.bits(32).to_bytes(4), b""))
    data = selector and selector + dice.bits(64 * 8).to_bytes(64)[: dice.one((0, 1, 32, 64))]
    if isinstance(index, Deny) or not wide.rule.payable:
        return Call(target, 0, data)
    most = min([left[meter.limit] for meter in wide.meters] + [*_ceilings(wide, NATIVE_VALUE)])
    value = dice.amount(most)
    for meter in wide.meters:
        left[meter.limit] -= value
    return Call(target, value, data)


def fitting_call(dice: Dice, permission: Permission, rule: LoweredRule, left: list[int]) -> Call:
    """Return a call under *rule* that fits into what is *left* of each limit, and take it away."""
    words = _words(dice, permission, rule)
    value = 0
    for argument in {meter.argument for meter in rule.meters}:
        most = min(left[meter.limit] for meter in rule.meters if meter.argument == argument)
        most = min([most, *_ceilings(rule, argument)])
        amount = dice.amount(most)
        if argument == NATIVE_VALUE:
            value = amount
        elif words[argument] > most or not _is_pinned(rule, argument):
            words[argument] = amount
        for meter in rule.meters:
            if meter.argument == argument:
                booked = value if argument == NATIVE_VALUE else words[argument]
                left[meter.limit] = max(left[meter.limit] - booked, 0)
    if rule.rule.selector is None:
        return Call(rule.rule.target, value, b"")
    data = rule.rule.selector + b"".join(each.to_bytes(32) for each in words)
    return Call(rule.rule.target, value, data + dice.one((b"", b"", b"\1", bytes(31))))


def _words(dice: Dice, permission: Permission, rule: LoweredRule) -> list[int]:
    words = [word(dice) for _ in range(WORDS)]
    effect = EFFECTS.get(rule.rule.selector or b"")
    if effect is not None and not isinstance(permission.recipients, Anything):
        words[effect.recipient] = int.from_bytes(dice.one(permission.recipients))
    if effect is not None:
        words[effect.amount] = dice.amount(UINT128_MAX)
    for check in rule.checks:
        constraint = check.constraint
        if constraint.argument == NATIVE_VALUE:
            continue
        if constraint.operator is Operator.AT_MOST:
            most = constraint.values[0]
            words[constraint.argument] = min(words[constraint.argument], dice.one((most, most, 0)))
        else:
            words[constraint.argument] = dice.one(constraint.values)
    return words


def _ceilings(rule: LoweredRule | LoweredWideRule, argument: int) -> Sequence[int]:
    return [
        check.constraint.values[0]
        for check in rule.checks
        if check.constraint.argument == argument and check.constraint.operator is Operator.AT_MOST
    ]


def _is_pinned(rule: LoweredRule, argument: int) -> bool:
    return any(
        check.constraint.argument == argument and check.constraint.operator is not Operator.AT_MOST
        for check in rule.checks
    )
