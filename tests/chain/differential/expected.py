"""What has to come out of a case: `decide`, inside the order of checks that the format states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.chain.differential.case import SESSION_KEY, KeySignature, OwnerSignature
from tests.chain.differential.outcome import ERROR_OF, NO_RULE, Accepted, Outcome, Refused
from tests.chain.differential.pack import MAX_CAPS, route
from valetkey.adapters.chain.evm.slots import read_state
from valetkey.core.chain import NONCE_REACH, Counter
from valetkey.core.permission.decide import Allow, Deny, Spent, decide
from valetkey.core.permission.lower import lower
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chain.differential.case import Case
    from tests.chain.differential.pack import Packed
    from valetkey.core.chain import GrantState
    from valetkey.core.permission.lower import Lowered

_BESIDE_THE_GRANT: Final = 6 + 9 + 1 + 65
_STATE_ERRORS: Final = {pb.Status.REVOKED: "GrantRevoked", pb.Status.FROZEN: "GrantFrozen"}
_TIME_ERRORS: Final = ("GrantNotStarted", "GrantExpired")


def expected(case: Case, packed: Packed) -> Outcome:
    """
    Return the outcome of *case*: `decide` on the state that the slots say, and the frame around it.

    The numbers are those of grant-format.md, "Order of checks".
    """
    if _is_malformed(case, packed):  # 1
        return Refused("Malformed")
    lowered = lower(case.permission)
    kept = _read(packed, lowered)
    spent = Spent(kept.calls, kept.counters)
    answer = decide(case.calls, case.permission, spent, now=case.at, account=case.account)
    said = _said(answer, case, lowered)
    if said is not None and said.error in _TIME_ERRORS:  # 2
        return said
    refused = (
        _refused_by_frame(case, lowered)  # 2 to 4
        or _refused_by_nonce(case.nonce, kept)  # 5
        or said  # 6 and 7
    )
    if refused is not None:
        return refused
    if case.damage.tail or case.damage.cut:
        return Refused("Malformed")
    if not isinstance(answer, Allow):
        raise TypeError(f"expected an Allow, got {answer}")
    return Accepted(
        words=_words_after(case, packed, kept, answer, lowered),
        calls=case.calls,
        granted=case.kept.status is pb.Status.NONE,
    )


def _is_malformed(case: Case, packed: Packed) -> bool:
    owner = 65 * (case.owner_signature is not OwnerSignature.NONE)
    if len(packed.data) < _BESIDE_THE_GRANT + len(packed.grant) + owner:
        return True
    if case.kept.status is pb.Status.OPEN:
        return False  # its hash was found, so it is the grant that was read when it was enabled
    try:
        pb.decode_grant(packed.grant)
    except pb.GrantFormatError:
        return True
    return False


def _read(packed: Packed, lowered: Lowered) -> GrantState:
    count = len(lowered.limits)
    words = [word.to_bytes(32) for word in packed.words]
    return read_state([words[0], words[-1], *words[1 : max(count, 1)]], counters=count)


def _said(answer: Allow | Deny, case: Case, lowered: Lowered) -> Refused | None:
    if isinstance(answer, Allow):
        return None
    if answer.code not in NO_RULE:
        return Refused(ERROR_OF[answer.code], answer.call)
    if answer.call is None:
        raise ValueError(f"expected the call that no rule covers, got {answer}")
    index, _ = route(case, case.calls[answer.call], lowered)
    if index < len(lowered.rules):  # it was packed under a send, which takes no arguments
        return Refused("Malformed")
    return Refused("NoSuchRule", answer.call)


def _refused_by_frame(case: Case, lowered: Lowered) -> Refused | None:
    if case.at >= case.deadline:
        return Refused("DeadlinePassed")
    if case.permission.relayer not in (None, case.sender):
        return Refused("RelayerNotAllowed")
    refused = _refused_by_state(case, lowered)  # 3
    is_signed = case.key_signature in (KeySignature.PLAIN, KeySignature.PERSONAL)
    is_signed &= not case.damage.cut  # with bytes too few, others are the signature
    if refused is None and not is_signed and case.sender != SESSION_KEY:  # 4
        return Refused("SignatureRefused")
    return refused


def _refused_by_state(case: Case, lowered: Lowered) -> Refused | None:
    if case.kept.status in _STATE_ERRORS:
        return Refused(_STATE_ERRORS[case.kept.status])
    if case.kept.status is pb.Status.OPEN:
        return None
    for index, lowered_rule in enumerate(lowered.rules):
        if lowered_rule.rule.target == case.account:
            return Refused("TargetForbidden", index)
    if case.owner_signature is not OwnerSignature.GOOD or case.damage.cut:
        return Refused("NotGranted")
    return None


def _refused_by_nonce(nonce: int, kept: GrantState) -> Refused | None:
    if kept.is_nonce_free(nonce):
        return None
    return Refused("NonceTooFar" if nonce - kept.nonce_base > NONCE_REACH else "NonceUsed")


def _words_after(
    case: Case, packed: Packed, kept: GrantState, answer: Allow, lowered: Lowered
) -> tuple[int, ...]:
    used = {kept.nonce_base + 1 + bit for bit in range(NONCE_REACH) if kept.nonce_bitmap >> bit & 1}
    used.add(case.nonce)
    base = kept.nonce_base
    while base in used:
        base += 1
    counters = _counters_after(kept.counters, answer, lowered)
    first = counters[0] if counters else Counter(0, 0)
    state = pb.SlotState(
        status=pb.Status.OPEN,
        calls_used=answer.after.calls,
        window=first.window,
        nonce_base=base,
        nonce_bitmap=sum(1 << (nonce - base - 1) for nonce in used if nonce > base),
        spent=first.spent,
    )
    further = [
        pb.encode_cap_state(pb.CapState(counter.window, counter.spent)) for counter in counters[1:]
    ]
    further += [bytes(32)] * (MAX_CAPS - 1 - len(further))
    words = [int.from_bytes(word) for word in (pb.encode_slot_state(state), *further)]
    return (*words, packed.words[-1])


def _counters_after(before: Sequence[Counter], answer: Allow, lowered: Lowered) -> list[Counter]:
    # `decide` says what is booked in the window of now; the chain writes a window when something
    # is booked to the cap, a zero too, and until then leaves the one before.
    booked = {meter.limit for rule in answer.rules for meter in lowered.rules[rule].meters}
    return [
        after if index in booked else was
        for index, (was, after) in enumerate(zip(before, answer.after.counters, strict=True))
    ]
