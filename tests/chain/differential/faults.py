"""One thing wrong with a case that fits: a fault for every refusal that a run can get."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.chain.differential.case import (
    RELAYERS,
    SESSION_KEY,
    Case,
    Damage,
    KeySignature,
    OwnerSignature,
)
from tests.chain.differential.faults_of_calls import CALL_FAULTS, arguments_for_a_send
from tests.chain.differential.pack import SHORTEST_RUN, pack
from valetkey.core.chain import Counter
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.model import Rule
from valetkey.core.units import UINT32_MAX
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chain.differential.dice import Dice

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
    sender = dice.one((*RELAYERS[1:], SESSION_KEY))  # which is bound as all are
    return replace(case, permission=permission, sender=sender)


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
    for selector in dice.some(tuple(EFFECTS), 1, 2):
        rules.insert(dice.between(0, len(rules)), Rule(case.account, selector))
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


def _malformed(dice: Dice, case: Case) -> Case | None:
    kind = dice.one(("flip", "flip", "cut", "tail", "send"))
    if kind == "tail":
        tail = dice.one((b"\0", b"\0\0\0", dice.bits(64).to_bytes(8)))
        return replace(case, damage=Damage(tail=tail))
    if kind == "send":
        return arguments_for_a_send(dice, case)
    if kind == "cut":
        return replace(case, damage=Damage(keep=dice.between(4, SHORTEST_RUN - 1)))
    return _flipped(dice, case)


def _flipped(dice: Dice, case: Case) -> Case | None:
    case = unused(case)
    packed = pack(case)
    grant = packed.grant
    place = dice.one((0, 1, dice.between(26, 41), dice.between(41, len(grant) - 1)))
    bits = dice.one((1 << dice.between(0, 7), 1 << dice.between(0, 7), grant[place] or 1))
    flipped = grant[:place] + bytes((grant[place] ^ bits,)) + grant[place + 1 :]
    try:
        pb.decode_open_grant(flipped) if packed.is_tree else pb.decode_grant(flipped)
    except pb.GrantFormatError:
        return replace(case, damage=Damage(flip=(place, bits)))
    return None  # it is another grant, about which this case says nothing


def with_p256(case: Case) -> Case:
    """Return *case* with a P-256 session key."""
    sender = RELAYERS[0] if case.sender == SESSION_KEY else case.sender
    return replace(case, is_p256=True, sender=sender, key_signature=KeySignature.PLAIN)


def _key_type_refused(dice: Dice, case: Case) -> Case:
    kind = dice.one((KeySignature.PLAIN, KeySignature.PLAIN, KeySignature.HIGH_S))
    owner = dice.one((OwnerSignature.GOOD, *_BAD_OWNERS))  # nobody gets to look at it
    return replace(with_p256(unused(case)), key_signature=kind, owner_signature=owner)


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
    "KeyTypeRefused": _key_type_refused,
    **CALL_FAULTS,
}
"""By the refusal that it is made for; None where the case has no place for the fault."""
