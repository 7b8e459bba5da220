"""An accepted case once more with one field one off: where a check with the wrong edge shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.chain.differential.faults_of_calls import left_of, ruled, with_argument, with_call
from valetkey.core.chain import Counter
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.lower import NATIVE_VALUE, lower
from valetkey.core.units import UINT32_MAX, UINT40_MAX
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chain.differential.case import Case
    from tests.chain.differential.dice import Dice
    from valetkey.core.permission.model import Call

_LATEST: Final = 2**37  # the year 6325: windows of a minute are counted in 32 bits until 10136


def _amount(dice: Dice, case: Case) -> Case | None:
    """Return the case with the first amount beyond what is left, or one step from what it was."""
    places = [(index, call, meter) for index, call, rule in ruled(case) for meter in rule.meters]
    if not places:
        return None
    index, call, meter = dice.one(places)
    amount = _argument(call, meter.argument)
    left = left_of(case)[meter.limit]
    other = dice.one((left, left + 1, left + 1, amount + 1, max(amount - 1, 0)))
    return with_call(case, index, with_argument(call, meter.argument, other))


def _argument(call: Call, argument: int) -> int:
    if argument == NATIVE_VALUE:
        return call.value_wei
    return int.from_bytes(call.arguments[32 * argument : 32 * argument + 32])


def _recipient(dice: Dice, case: Case) -> Case | None:
    index = _any_call(dice, case)
    if index is None:
        return None
    call = case.calls[index]
    effect = EFFECTS.get(call.selector or b"")
    argument = dice.between(0, 3) if effect is None else effect.recipient
    if call.selector is None:
        return with_call(case, index, replace(call, to=_one_bit_off(dice, call.to)))
    value = _argument(call, argument) ^ 1 << dice.one((0, 7, 159, 160, 255))
    return with_call(case, index, with_argument(call, argument, value))


def _target(dice: Dice, case: Case) -> Case | None:
    index = _any_call(dice, case)
    if index is None:
        return None
    call = case.calls[index]
    return with_call(case, index, replace(call, to=_one_bit_off(dice, call.to)))


def _selector(dice: Dice, case: Case) -> Case | None:
    index = _any_call(dice, case)
    if index is None or case.calls[index].selector is None:
        return None
    call = case.calls[index]
    data = _one_bit_off(dice, call.data[:4]) + call.arguments
    return with_call(case, index, replace(call, data=data))


def _any_call(dice: Dice, case: Case) -> int | None:
    return dice.between(0, len(case.calls) - 1) if case.calls else None


def _one_bit_off(dice: Dice, value: bytes) -> bytes:
    bit = dice.between(0, 8 * len(value) - 1)
    return (int.from_bytes(value) ^ 1 << bit).to_bytes(len(value))


def _time(dice: Dice, case: Case) -> Case:
    """Return the case at a second where something begins or ends."""
    permission = case.permission
    edges = [permission.starts_at, permission.expires_at, case.deadline]
    for limit, counter in zip(lower(permission).limits, case.kept.counters, strict=True):
        if limit.window_s:
            edges.append(permission.starts_at + (counter.window + 1) * limit.window_s)
    latest = max(
        (
            permission.starts_at + counter.window * limit.window_s
            for limit, counter in zip(lower(permission).limits, case.kept.counters, strict=True)
        ),
        default=0,
    )
    at = dice.one(edges) - dice.one((0, 1))
    if at < latest and at >= permission.starts_at:  # time went on since something was booked
        return replace(case, at=latest)
    return replace(case, at=min(max(at, 0), _LATEST))


def _nonce(dice: Dice, case: Case) -> Case:
    base = case.kept.nonce_base
    near = (case.nonce - 1, case.nonce + 1, base - 1, base + 30, base + 31)
    return replace(case, nonce=min(max(dice.one(near), 0), UINT32_MAX))


def _deadline(dice: Dice, case: Case) -> Case:
    return replace(case, deadline=min(case.at + dice.one((-1, 0, 1)), UINT40_MAX))


def _count(dice: Dice, case: Case) -> Case:
    """Return the case with the last use that there is, or one beyond."""
    most = case.permission.max_calls
    room = UINT32_MAX if most is None else most
    calls = room - max(len(case.calls), 1) + dice.one((0, 1))
    if calls < case.kept.nonce_base + case.kept.nonce_bitmap.bit_count():
        return replace(case, permission=replace(case.permission, max_calls=None))
    kept = replace(case.kept, calls=calls, status=pb.Status.OPEN)
    return replace(case, kept=kept)


def _spent(dice: Dice, case: Case) -> Case | None:
    """Return the case with what is booked before it one more than it could bear, or just that."""
    limits = lower(case.permission).limits
    if not limits:
        return None
    index = dice.between(0, len(limits) - 1)
    limit = limits[index]
    window = limit.window_at(case.at, starts_at=case.permission.starts_at)
    booked = sum(
        _argument(call, meter.argument)
        for _, call, rule in ruled(case)
        for meter in rule.meters
        if meter.limit == index
    )
    spent = min(max(limit.limit - booked + dice.one((0, 1)), 0), limit.limit)
    counters = list(case.kept.counters)
    counters[index] = Counter(spent, dice.one((window, window, max(window - 1, 0))))
    kept = replace(case.kept, counters=tuple(counters), status=pb.Status.OPEN)
    least = kept.nonce_base + kept.nonce_bitmap.bit_count()
    return replace(case, kept=replace(kept, calls=max(kept.calls, least)))


NEIGHBOURS: Final[dict[str, Callable[[Dice, Case], Case | None]]] = {
    "amount": _amount,
    "recipient": _recipient,
    "target": _target,
    "selector": _selector,
    "time": _time,
    "nonce": _nonce,
    "deadline": _deadline,
    "count": _count,
    "spent": _spent,
}
"""By the field that is one off; None where the case has no such field."""
