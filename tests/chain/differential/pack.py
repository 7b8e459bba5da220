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
    STRANGER_SECRET,
    OwnerSignature,
)
from tests.chain.differential.routes import brought, packed_calls, routes_of
from tests.chain.differential.signing import P256_KEY, high_s, key_signature
from valetkey.core.permission.compile import NotOnChain, compile_grant, compile_run
from valetkey.core.permission.lower import lower
from valetkey.core.permission.model import Call
from valetkey.spec import permission_bytes as pb
from valetkey.spec.eip712 import digest
from valetkey.spec.secp256k1 import sign_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chain.differential.case import Case

MAX_CAPS: Final = pb.MAX_CAPS
SHORTEST_RUN: Final = 6 + 66 + 9 + 1 + 65  # head, grant with one send rule, nonce to n, signature


@dataclass(frozen=True, slots=True)
class Packed:
    """
    What an EVM is given.

    Args:
        grant: As the run carries it.
        rules: Those that the run brings, as the permission counts them.
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
    rules: tuple[int, ...]
    is_tree: bool
    slots: tuple[int, ...]
    words: tuple[int, ...]


def pack(case: Case) -> Packed:
    """Return *case* as bytes, by the way that a server and a client take."""
    grant, lowered, routes = compiled(case), lower(case.permission), routes_of(case)
    is_tree = pb.decode_grant(grant).root is not None
    rules = brought(case, routes, is_tree=is_tree)
    carried = _open_form(case, grant, rules) if is_tree else grant
    if case.damage.flip is not None:
        place, bits = case.damage.flip
        carried = carried[:place] + bytes((carried[place] ^ bits,)) + carried[place + 1 :]
    calls = packed_calls(case, routes, rules, lowered)
    data = pb.run_calldata(
        carried,
        calls,
        key_signature(case, pb.grant_id(carried), calls),
        nonce=case.nonce,
        deadline=case.deadline,
        owner_signature=_owner_signature(case),
    )
    grant_id = pb.grant_id(grant)
    state = int.from_bytes(pb.state_slot(grant_id))
    return Packed(
        account=case.account,
        sender=case.sender,
        at=case.at,
        value_wei=case.value_wei,
        data=data[: len(data) - case.damage.cut][: case.damage.keep],
        grant=carried,
        grant_id=grant_id,
        rules=tuple(rules),
        is_tree=is_tree,
        slots=(*range(state, state + MAX_CAPS), state + 255),
        words=_words(case),
    )


def compiled(case: Case, salt: int | None = None) -> bytes:
    """Return the packed grant of *case*."""
    key = P256_KEY if case.is_p256 else SESSION_KEY
    grant = compile_grant(case.permission, key=key, salt=case.salt if salt is None else salt)
    if isinstance(grant, NotOnChain):
        raise TypeError(f"expected a permission that compiles, got {grant}")
    return grant


def _open_form(case: Case, grant: bytes, rules: Sequence[int]) -> bytes:
    named = [case.permission.rules[index] for index in rules]
    calls = [Call(rule.target, 0, rule.selector or b"") for rule in named]
    return compile_run(case.permission, grant, calls, rules).grant


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


def _owner_signature(case: Case) -> bytes | None:
    kind = case.owner_signature
    if kind is OwnerSignature.NONE:
        return None
    if kind is OwnerSignature.ZEROS:
        return bytes(65)
    grant = compiled(case, case.salt ^ (kind is OwnerSignature.OTHER_SALT))
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
