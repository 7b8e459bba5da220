"""A case as bytes: the slots before it and the calldata of the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.chain.differential.case import (
    ACCOUNTS,
    CHAIN_ID,
    EPOCHS,
    OWNER_SECRETS,
    SESSION_KEY,
    SESSION_SECRET,
    STRANGER_SECRET,
    KeySignature,
    OwnerSignature,
)
from valetkey.core.permission.compile import NotOnChain, compile_grant
from valetkey.core.permission.lower import Lowered, lower
from valetkey.spec import permission_bytes as pb
from valetkey.spec.eip712 import digest
from valetkey.spec.secp256k1 import sign_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chain.differential.case import Case
    from valetkey.core.permission.model import Call

MAX_CAPS: Final = pb.MAX_CAPS
SHORTEST_RUN: Final = 6 + 66 + 9 + 1 + 65  # head, grant with one send rule, nonce to n, signature
_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass(frozen=True, slots=True)
class Packed:
    """
    What an EVM is given.

    Args:
        slots: State, caps 1 to 7, freeze.
        words: What is in them beforehand.
    """

    account: bytes
    sender: bytes
    at: int
    value_wei: int
    data: bytes
    grant: bytes
    grant_id: bytes
    slots: tuple[int, ...]
    words: tuple[int, ...]


def pack(case: Case) -> Packed:
    """Return *case* as bytes, by the way that a server and a client take."""
    grant = compile_grant(case.permission, key=SESSION_KEY, salt=case.salt)
    if isinstance(grant, NotOnChain):
        raise TypeError(f"expected a permission that compiles, got {grant}")
    if case.damage.flip is not None:
        place, bits = case.damage.flip
        grant = grant[:place] + bytes((grant[place] ^ bits,)) + grant[place + 1 :]
    grant_id = pb.grant_id(grant)
    calls = _calls(case, lower(case.permission))
    data = pb.run_calldata(
        grant,
        calls,
        _key_signature(case, grant_id, calls),
        nonce=case.nonce,
        deadline=case.deadline,
        owner_signature=_owner_signature(case),
    )
    state = int.from_bytes(pb.state_slot(grant_id))
    return Packed(
        account=case.account,
        sender=case.sender,
        at=case.at,
        value_wei=case.value_wei,
        data=data[: len(data) - case.damage.cut][: case.damage.keep],
        grant=grant,
        grant_id=grant_id,
        slots=(*range(state, state + MAX_CAPS), state + 255),
        words=_words(case),
    )


def _words(case: Case) -> tuple[int, ...]:
    kept = case.kept
    first = kept.counters[0] if kept.counters else None
    state = pb.SlotState(
        status=kept.status,
        calls_used=kept.calls,
        window=first.window if first else 0,
        nonce_base=kept.nonce_base,
        nonce_bitmap=kept.nonce_bitmap,
        spent=first.spent if first else 0,
    )
    further = [
        pb.encode_cap_state(pb.CapState(counter.window, counter.spent))
        for counter in kept.counters[1:]
    ]
    further += [bytes(32)] * (MAX_CAPS - 1 - len(further))
    frozen = pb.FreezeState(1, was_open=True) if kept.status is pb.Status.FROZEN else None
    freeze = pb.encode_freeze_state(frozen or pb.FreezeState())
    return tuple(int.from_bytes(word) for word in (pb.encode_slot_state(state), *further, freeze))


def _calls(case: Case, lowered: Lowered) -> bytes:
    # Written out, as the codec refuses what an attacker would write: a rule that is not there, and
    # arguments for a send. `test_the_codec_packs_the_same_calls` holds the two together.
    packed = b"".join(_call(case, call, lowered) for call in case.calls)
    return bytes((len(case.calls),)) + packed + case.damage.tail


def _call(case: Case, call: Call, lowered: Lowered) -> bytes:
    index, carries = route(case, call, lowered)
    value = call.value_wei.to_bytes(16) if carries else b""
    is_send = index < len(lowered.rules) and lowered.rules[index].rule.selector is None
    arguments = call.data if is_send else call.arguments
    return bytes((index,)) + value + len(arguments).to_bytes(2) + arguments


def route(case: Case, call: Call, lowered: Lowered) -> tuple[int, bool]:
    """Return the rule index that *call* is packed under, and whether it states its value."""
    for index, lowered_rule in enumerate(lowered.rules):
        rule = lowered_rule.rule
        if rule.target != call.to:
            continue
        fits = rule.selector == call.selector and (rule.carries_value() or not call.value_wei)
        forced = case.damage.arguments_for_sends and rule.selector is None
        if fits or forced:
            return index, rule.carries_value()
    return min(len(lowered.rules) + case.stray, 255), False


def _key_signature(case: Case, grant_id: bytes, calls: bytes) -> bytes:
    kind = case.key_signature
    if kind is KeySignature.ZEROS:
        return bytes(65)
    signed = pb.run_digest(
        bytes(32) if kind is KeySignature.OTHER_GRANT else grant_id,
        calls + b"\0" if kind is KeySignature.OTHER_CALLS else calls,
        nonce=case.nonce ^ (kind is KeySignature.OTHER_NONCE),
        deadline=case.deadline ^ (kind is KeySignature.OTHER_DEADLINE),
        chain_id=CHAIN_ID + (kind is KeySignature.OTHER_CHAIN),
        account=case.sender if kind is KeySignature.OTHER_ACCOUNT else case.account,
    )
    if kind in (KeySignature.PERSONAL, KeySignature.UNTOLD_PERSONAL):
        signed = pb.personal_digest(signed)
    secret = STRANGER_SECRET if kind is KeySignature.OTHER_KEY else SESSION_SECRET
    return _bent(sign_digest(signed, secret), kind)


def _bent(signature: bytes, kind: KeySignature) -> bytes:
    v = signature[64]
    if kind is KeySignature.HIGH_S:
        return high_s(signature)
    if kind in (KeySignature.PERSONAL, KeySignature.TOLD_PLAIN):
        v += 4
    elif kind is KeySignature.OTHER_V:
        v = 27 + 28 - v
    elif kind is KeySignature.ODD_V:
        v = (0, 1, 26, 29, 30, 33, 34, 255)[signature[63] % 8]
    return signature[:64] + bytes((v,))


def high_s(signature: bytes) -> bytes:
    """Return the other signature that the curve knows for the same digest and key."""
    s = _ORDER - int.from_bytes(signature[32:64])
    return signature[:32] + s.to_bytes(32) + bytes((27 + 28 - signature[64],))


def _owner_signature(case: Case) -> bytes | None:
    kind = case.owner_signature
    if kind is OwnerSignature.NONE:
        return None
    if kind is OwnerSignature.ZEROS:
        return bytes(65)
    salt = case.salt ^ (kind is OwnerSignature.OTHER_SALT)
    grant = compile_grant(case.permission, key=SESSION_KEY, salt=salt)
    if isinstance(grant, NotOnChain):
        raise TypeError(f"expected a permission that compiles, got {grant}")
    typed = pb.grant_typed_data(
        pb.decode_grant(grant),
        epoch=case.epoch + (kind is OwnerSignature.OTHER_EPOCH),
        chain_id=CHAIN_ID + (kind is OwnerSignature.OTHER_CHAIN),
        account=_other_account(case) if kind is OwnerSignature.OTHER_ACCOUNT else case.account,
    )
    signed = digest(typed)
    if kind is OwnerSignature.PERSONAL:
        signed = pb.personal_digest(signed)
    secret = STRANGER_SECRET if kind is OwnerSignature.OTHER_KEY else OWNER_SECRETS[case.epoch]
    signature = sign_digest(signed, secret)
    if kind is OwnerSignature.HIGH_S:
        return high_s(signature)
    if kind is OwnerSignature.PERSONAL:
        return signature[:64] + bytes((signature[64] + 4,))
    return signature


def _other_account(case: Case) -> bytes:
    return ACCOUNTS[next(epoch for epoch in EPOCHS if epoch != case.epoch)]


def unpacked(words: Sequence[int]) -> tuple[pb.SlotState, list[pb.CapState]]:
    """Return what the words of a grant's slots say: its state, and caps 1 to 7."""
    raw = [word.to_bytes(32) for word in words]
    return pb.decode_slot_state(raw[0]), [pb.decode_cap_state(word) for word in raw[1:MAX_CAPS]]
