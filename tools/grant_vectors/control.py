"""Vectors of what stops and reads a grant, and of why the account refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.grant_vectors.json_form import Json, hexed
from tools.grant_vectors.samples import ACCOUNT, CHAIN_ID, OWNER_SECRET, samples
from valetkey.spec import eip712
from valetkey.spec import permission_bytes as pb
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import sign_digest

if TYPE_CHECKING:
    from valetkey.spec.eip712 import TypedData


def build() -> dict[str, object]:
    """Return the vectors."""
    grant = pb.encode_grant(samples()["transfer"].grant)
    return {
        "grant": hexed(grant),
        "id": hexed(pb.grant_id(grant)),
        "signed": _signed(pb.grant_id(grant)),
        "calldata": _calldata(grant, pb.grant_id(grant)),
        "refusals": [_refusal(text) for text in pb.REFUSALS],
    }


def _signed(found: bytes) -> list[Json]:
    revoke = pb.revoke_typed_data(found, chain_id=CHAIN_ID, account=ACCOUNT)
    freezes = [
        build(found, sequence, chain_id=CHAIN_ID, account=ACCOUNT)
        for build in (pb.freeze_typed_data, pb.unfreeze_typed_data)
        for sequence in (0, 2**32 - 1)
    ]
    return [_typed(typed) for typed in (revoke, *freezes)]


def _typed(typed: TypedData) -> Json:
    digest = eip712.digest(typed)
    return {
        "typed_data": eip712.to_json(typed),
        "digest": hexed(digest),
        "owner_signature": hexed(sign_digest(digest, OWNER_SECRET)),
    }


def _calldata(grant: bytes, found: bytes) -> dict[str, str]:
    """Return the calldata of each function; every signature is 65 times the byte 0x99."""
    signature = b"\x99" * 65
    return {
        name: hexed(data)
        for name, data in {
            "register": pb.register_calldata(grant, signature),
            "revoke": pb.revoke_calldata(found),
            "revokeSigned": pb.revoke_signed_calldata(found, signature),
            "revokeByKey": pb.revoke_by_key_calldata(grant, signature),
            "freeze": pb.freeze_calldata(found),
            "freezeSigned": pb.freeze_signed_calldata(found, signature),
            "unfreeze": pb.unfreeze_calldata(found),
            "unfreezeSigned": pb.unfreeze_signed_calldata(found, signature),
            "raiseEpoch": pb.raise_epoch_calldata(),
            "stateOf": pb.state_of_calldata(found),
            "capOf": pb.cap_of_calldata(found, 1),
            "freezeOf": pb.freeze_of_calldata(found),
            "epoch": pb.epoch_calldata(),
        }.items()
    }


def _refusal(text: str) -> Json:
    name, _, inside = text.removesuffix(")").partition("(")
    facts = list(range(3, 3 + len(inside.split(",")))) if inside else []
    words = b"".join(fact.to_bytes(32, "big") for fact in facts)
    return {
        "error": text,
        "name": name,
        "facts": facts,
        "data": hexed(keccak256(text.encode())[:4] + words),
    }
