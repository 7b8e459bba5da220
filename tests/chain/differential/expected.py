"""What has to come out of a case: `decide`, inside the order of checks that the format states."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.chain.differential.case import EVERYBODY, SESSION_KEY, KeySignature, OwnerSignature
from tests.chain.differential.outcome import ERROR_OF, Accepted, Outcome, Refused
from tests.chain.differential.pack import MAX_CAPS
from tests.chain.differential.routes import routes_of
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


def expected(case: Case, packed: Packed, *, checks_p256: bool = False) -> Outcome:
    """
    Return the outcome of *case*: `decide` on the state that the slots say, and the frame around it.

    The numbers are those of grant-format.md, "Order of checks".

    Args:
        checks_p256: Whether the chain has the precompile.
    """
    if _is_malformed(case, packed):  # 1
        return Refused("Malformed")
    lowered = lower(case.permission)
    kept = _read(packed, lowered)
    spent = Spent(kept.calls, kept.counters)
    answer = decide(case.calls, case.permission, spent, now=case.at, account=case.account)
    said = said_of(answer, case)
    if said is not None and said.error in _TIME_ERRORS:  # 2
        return said
    refused = (
        _refused_by_frame(case)  # 2
        or _refused_by_state(case, packed, checks_p256=checks_p256)  # 3
        or _refused_by_signature(case)  # 4
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
        calls=tuple(call for call in case.calls if call.to in EVERYBODY),
        granted=case.kept.status is pb.Status.NONE,
    )


def _is_malformed(case: Case, packed: Packed) -> bool:
    owner = 65 * (case.owner_signature is not OwnerSignature.NONE)
    if len(packed.data) < _BESIDE_THE_GRANT + len(packed.grant) + owner:
        return True
    if case.damage.flip is None:
        return False
    try:
        pb.decode_open_grant(packed.grant) if packed.is_tree else pb.decode_grant(packed.grant)
    except pb.GrantFormatError:
        return True
    raise ValueError("expected damage that makes no other grant, got another grant")


def _read(packed: Packed, lowered: Lowered) -> GrantState:
    count = len(lowered.limits)
    words = [word.to_bytes(32) for word in packed.words]
    return read_state([words[0], words[-1], *words[1 : max(count, 1)]], counters=count)


def said_of(answer: Allow | Deny, case: Case) -> Refused | None:
    """Return what *answer* is in the contract's words, for the calls as they are packed."""
    routes = routes_of(case)
    refusals = [(index, route.refusal) for index, route in enumerate(routes) if route.refusal]
    index, refusal = refusals[0] if refusals else (len(routes), None)
    if isinstance(answer, Deny) and answer.code in ERROR_OF:
        if answer.call is None or answer.call < index:
            return Refused(ERROR_OF[answer.code], answer.call)
    elif isinstance(answer, Deny) and answer.call != index and not case.damage.too_wide:
        raise ValueError(f"expected the first call that no rule covers, {index}, got {answer}")
    if refusal is None:
        return None
    return Refused(refusal, None if refusal == "Malformed" else index)


def _refused_by_frame(case: Case) -> Refused | None:
    if case.at >= case.deadline:
        return Refused("DeadlinePassed")
    if case.permission.relayer not in (None, case.sender):
        return Refused("RelayerNotAllowed")
    return None


def _refused_by_state(case: Case, packed: Packed, *, checks_p256: bool) -> Refused | None:
    status = case.kept.status
    if status in _STATE_ERRORS:
        return Refused(_STATE_ERRORS[status])
    if status is pb.Status.NONE or packed.is_tree:
        lowered = lower(case.permission)
        for index, rule in enumerate(packed.rules):
            if lowered.rule(rule).rule.target == case.account:
                return Refused("TargetForbidden", index)
    if status is pb.Status.OPEN:
        return None
    if case.is_p256 and not checks_p256:
        return Refused("KeyTypeRefused")
    if case.owner_signature is not OwnerSignature.GOOD or case.damage.cut:
        return Refused("NotGranted")
    return None


def _refused_by_signature(case: Case) -> Refused | None:
    # With bytes too few, others are the signature. The higher s is as good on P-256.
    other = KeySignature.HIGH_S if case.is_p256 else KeySignature.PERSONAL
    is_signed = case.key_signature in (KeySignature.PLAIN, other) and not case.damage.cut
    is_sent_by_key = case.sender == SESSION_KEY and not case.is_p256
    return None if is_signed or is_sent_by_key else Refused("SignatureRefused")


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
    booked = {meter.limit for rule in answer.rules for meter in lowered.rule(rule).meters}
    return [
        after if index in booked else was
        for index, (was, after) in enumerate(zip(before, answer.after.counters, strict=True))
    ]
