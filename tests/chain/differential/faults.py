"""One thing wrong with a case that fits: a fault for every refusal that a run can get."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.chain.differential.case import (
    EVERYBODY,
    RELAYERS,
    SESSION_KEY,
    Case,
    Damage,
    KeySignature,
    OwnerSignature,
)
from tests.chain.differential.pack import SHORTEST_RUN
from tests.chain.differential.permissions import WORDS, word
from tests.core.strategies import UNKNOWN
from valetkey.core.chain import Counter
from valetkey.core.permission.compile import compile_grant
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.lower import NATIVE_VALUE, lower
from valetkey.core.permission.model import Call, Operator, Rule
from valetkey.core.units import UINT32_MAX, UINT256_MAX
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chain.differential.dice import Dice
    from valetkey.core.permission.lower import LoweredRule

_SIGNED: Final = (KeySignature.PLAIN, KeySignature.PERSONAL)
_BAD_KEYS: Final = tuple(kind for kind in KeySignature if kind not in _SIGNED)
_BAD_OWNERS: Final = tuple(kind for kind in OwnerSignature if kind is not OwnerSignature.GOOD)


def _not_started(dice: Dice, case: Case) -> Case:
    starts_at = case.at + dice.one((1, 1, 2, 60, 10_000))
    expires_at = max(case.permission.expires_at, starts_at + 1)
    permission = replace(case.permission, starts_at=starts_at, expires_at=expires_at)
    rolled_back = replace(
        case.kept, counters=tuple(Counter(each.spent, 0) for each in case.kept.counters)
    )
    return replace(case, permission=permission, kept=rolled_back)


def _expired(dice: Dice, case: Case) -> Case | None:
    expires_at = case.at - dice.one((0, 0, 1, 59, 10_000))
    if expires_at <= case.permission.starts_at:
        return None
    return replace(case, permission=replace(case.permission, expires_at=expires_at))


def _deadline_passed(dice: Dice, case: Case) -> Case:
    return replace(case, deadline=dice.one((case.at, case.at, case.at - 1, 0)))


def _relayer_not_allowed(dice: Dice, case: Case) -> Case:
    permission = replace(case.permission, relayer=RELAYERS[0])
    return replace(case, permission=permission, sender=dice.one(RELAYERS[1:]))


def _revoked(dice: Dice, case: Case) -> Case:
    owner = dice.one((OwnerSignature.GOOD, case.owner_signature))
    kept = replace(case.kept, status=pb.Status.REVOKED)
    return replace(case, kept=kept, owner_signature=owner)


def _frozen(dice: Dice, case: Case) -> Case:
    owner = dice.one((OwnerSignature.GOOD, case.owner_signature))
    kept = replace(case.kept, status=pb.Status.FROZEN)
    return replace(case, kept=kept, owner_signature=owner)


def unused(case: Case) -> Case:
    """Return *case* with a grant that the chain has not heard of, and the owner's signature."""
    nothing = tuple(Counter(0, 0) for _ in case.kept.counters)
    kept = replace(case.kept, status=pb.Status.NONE, calls=0, nonce_base=0, nonce_bitmap=0)
    kept = replace(kept, counters=nothing)
    good = OwnerSignature.GOOD
    return replace(case, kept=kept, nonce=min(case.nonce, 30), owner_signature=good)


def _not_granted(dice: Dice, case: Case) -> Case:
    return replace(unused(case), owner_signature=dice.one(_BAD_OWNERS))


def _target_forbidden(dice: Dice, case: Case) -> Case | None:
    rules = list(case.permission.rules)
    if any(rule.target == case.account for rule in rules):
        return None
    rules.insert(dice.between(0, len(rules)), Rule(case.account, dice.one(tuple(EFFECTS))))
    return replace(unused(case), permission=replace(case.permission, rules=tuple(rules)))


def _signature_refused(dice: Dice, case: Case) -> Case:
    sender = RELAYERS[0] if case.sender == SESSION_KEY and dice.chance(0.9) else case.sender
    if dice.chance(0.1) and case.calls and case.kept.status is pb.Status.OPEN:
        return replace(case, damage=Damage(cut=1), sender=RELAYERS[0])
    return replace(case, key_signature=dice.one(_BAD_KEYS), sender=sender)


def _nonce_used(dice: Dice, case: Case) -> Case | None:
    base = case.kept.nonce_base
    used = [base + 1 + bit for bit in range(30) if case.kept.nonce_bitmap >> bit & 1]
    used += [base - 1, 0, dice.between(0, base - 1)] if base else []
    return replace(case, nonce=dice.one(used)) if used else None


def _nonce_too_far(dice: Dice, case: Case) -> Case | None:
    nonce = case.kept.nonce_base + 31 + dice.one((0, 0, 1, 2, 31, 1000))
    return (
        replace(case, nonce=dice.one((nonce, nonce, UINT32_MAX))) if nonce <= UINT32_MAX else None
    )


def _too_many_calls(dice: Dice, case: Case) -> Case:
    most = dice.one((None, case.permission.max_calls, dice.between(1, 4)))
    room = UINT32_MAX if most is None else most
    over = dice.one((1, 1, max(len(case.calls), 1)))
    calls = room - max(len(case.calls), 1) + over
    if calls < 0:  # no room even for the first run
        return replace(unused(case), permission=replace(case.permission, max_calls=most))
    kept = replace(case.kept, calls=calls, nonce_base=min(case.kept.nonce_base, calls))
    while kept.nonce_base + kept.nonce_bitmap.bit_count() > calls:
        kept = replace(kept, nonce_base=0, nonce_bitmap=kept.nonce_bitmap & kept.nonce_bitmap - 1)
    kept = replace(kept, status=pb.Status.OPEN)
    permission = replace(case.permission, max_calls=most)
    return replace(case, permission=permission, kept=kept, nonce=kept.nonce_base)


def with_call(case: Case, index: int, call: Call) -> Case:
    """Return *case* with another call number *index*."""
    return replace(case, calls=(*case.calls[:index], call, *case.calls[index + 1 :]))


def _no_such_rule(dice: Dice, case: Case) -> Case | None:
    if not case.calls:
        return None
    index = dice.between(0, len(case.calls) - 1)
    call = case.calls[index]
    selector = dice.one((b"", *EFFECTS, *UNKNOWN))
    other = dice.one(
        (
            replace(call, to=dice.one((*EVERYBODY, case.account, bytes(20)))),
            replace(call, data=selector + call.arguments if selector else b""),
            replace(call, value_wei=call.value_wei + 1),
            replace(call, data=call.data[: dice.between(1, 3)]),
            Call(dice.one(EVERYBODY), 0, dice.one(tuple(UNKNOWN)) + bytes(32 * WORDS)),
        )
    )
    return replace(with_call(case, index, other), stray=dice.one((0, 0, 1, 254)))


def _ruled(case: Case) -> list[tuple[int, Call, LoweredRule]]:
    """Return the calls that a rule covers, each with its index and the rule."""
    rules = {
        (lowered.rule.target, lowered.rule.selector): lowered
        for lowered in lower(case.permission).rules
    }
    found = [
        (index, call, rules.get((call.to, call.selector))) for index, call in enumerate(case.calls)
    ]
    return [(index, call, rule) for index, call, rule in found if rule is not None]


def _argument_missing(dice: Dice, case: Case) -> Case | None:
    places = [
        (index, call, argument)
        for index, call, rule in _ruled(case)
        for argument in (
            *(check.constraint.argument for check in rule.checks),
            *(meter.argument for meter in rule.meters),
        )
        if argument != NATIVE_VALUE
    ]
    if not places:
        return None
    index, call, argument = dice.one(places)
    length = 4 + 32 * argument + dice.one((31, 31, 0, 16))
    return with_call(case, index, replace(call, data=call.data[:length]))


def _argument_refused(dice: Dice, case: Case) -> Case | None:
    places = [
        (index, call, check.constraint)
        for index, call, rule in _ruled(case)
        for check in rule.checks
    ]
    if not places:
        return None
    index, call, constraint = dice.one(places)
    high = constraint.values[-1]
    if constraint.operator is Operator.AT_MOST:
        value = dice.one((high + 1, high + 1, UINT256_MAX))
    else:
        value = dice.one((high + 1, high ^ 1, high | 1 << 160, 0, word(dice)))
    return with_call(case, index, with_argument(call, constraint.argument, value & UINT256_MAX))


def with_argument(call: Call, argument: int, value: int) -> Call:
    """Return *call* with *value* as that argument."""
    if argument == NATIVE_VALUE:
        return replace(call, value_wei=min(value, 2**128 - 1))
    start = 4 + 32 * argument
    data = call.data.ljust(start, b"\0")
    return replace(call, data=data[:start] + value.to_bytes(32) + data[start + 32 :])


def left_of(case: Case) -> list[int]:
    """Return how much is left under each limit at the time of *case*."""
    starts_at = case.permission.starts_at
    return [
        limit.limit
        if limit.window_at(case.at, starts_at=starts_at) != counter.window
        else limit.limit - counter.spent
        for limit, counter in zip(lower(case.permission).limits, case.kept.counters, strict=True)
    ]


def _cap_exceeded(dice: Dice, case: Case) -> Case | None:
    places = [(index, call, meter) for index, call, rule in _ruled(case) for meter in rule.meters]
    if not places:
        return None
    index, call, meter = dice.one(places)
    left = left_of(case)[meter.limit]
    most = 2**128 - 1 if meter.argument == NATIVE_VALUE else UINT256_MAX
    amount = dice.one((left + 1, left + 1, most, most - left, 2**128, dice.bits(256)))
    return with_call(case, index, with_argument(call, meter.argument, min(amount, most)))


def _malformed(dice: Dice, case: Case) -> Case | None:
    kind = dice.one(("flip", "flip", "cut", "tail", "send"))
    if kind == "tail":
        tail = dice.one((b"\0", b"\0\0\0", dice.bits(64).to_bytes(8)))
        return replace(case, damage=Damage(tail=tail))
    if kind == "send":
        return _arguments_for_a_send(dice, case)
    if kind == "cut":
        return replace(case, damage=Damage(keep=dice.between(4, SHORTEST_RUN - 1)))
    return _flipped(dice, case)


def _flipped(dice: Dice, case: Case) -> Case | None:
    case = unused(case)
    grant = compile_grant(case.permission, key=SESSION_KEY, salt=case.salt)
    if not isinstance(grant, bytes):
        return None
    place = dice.one((0, 1, 40, dice.between(41, len(grant) - 1)))
    bits = 1 << dice.between(0, 7)
    flipped = grant[:place] + bytes((grant[place] ^ bits,)) + grant[place + 1 :]
    try:
        pb.decode_grant(flipped)
    except pb.GrantFormatError:
        return replace(case, damage=Damage(flip=(place, bits)))
    return None  # it is another grant, about which this case says nothing


def _arguments_for_a_send(dice: Dice, case: Case) -> Case | None:
    sends = [rule.target for rule in case.permission.rules if rule.selector is None]
    known = {(rule.target, rule.selector) for rule in case.permission.rules}
    if not sends or not case.calls:
        return None
    call = Call(dice.one(sends), 0, dice.one((b"\1\2\3\4", bytes(4), bytes(36))))
    if (call.to, call.selector) in known:
        return None
    index = dice.between(0, len(case.calls) - 1)
    return replace(with_call(case, index, call), damage=Damage(arguments_for_sends=True))


FAULTS: Final[dict[str, Callable[[Dice, Case], Case | None]]] = {
    "Malformed": _malformed,
    "GrantNotStarted": _not_started,
    "GrantExpired": _expired,
    "DeadlinePassed": _deadline_passed,
    "RelayerNotAllowed": _relayer_not_allowed,
    "GrantRevoked": _revoked,
    "GrantFrozen": _frozen,
    "TargetForbidden": _target_forbidden,
    "NotGranted": _not_granted,
    "SignatureRefused": _signature_refused,
    "NonceUsed": _nonce_used,
    "NonceTooFar": _nonce_too_far,
    "TooManyCalls": _too_many_calls,
    "NoSuchRule": _no_such_rule,
    "ArgumentMissing": _argument_missing,
    "ArgumentRefused": _argument_refused,
    "CapExceeded": _cap_exceeded,
}
"""By the refusal that it is made for; None where the case has no place for the fault."""
