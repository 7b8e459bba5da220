"""Vectors of grants: bytes, id, what the owner signs, and where the state stands."""

from __future__ import annotations

from tools.grant_vectors.json_form import Json, grant_json, hexed
from tools.grant_vectors.samples import ACCOUNT, ANNOTATED, CHAIN_ID, Sample, samples
from valetkey.spec import eip712
from valetkey.spec.permission_bytes import (
    cap_slot,
    encode_grant,
    freeze_slot,
    grant_id,
    grant_typed_data,
    state_slot,
)

_EPOCHS = (0, 1, 2**64 - 1)


def build() -> list[Json]:
    """Return the vectors."""
    return [
        _vector(name, sample, _EPOCHS[index % len(_EPOCHS)])
        for index, (name, sample) in enumerate(samples().items())
    ]


def _vector(name: str, sample: Sample, epoch: int) -> Json:
    packed = encode_grant(sample.grant)
    found = grant_id(packed)
    typed = grant_typed_data(sample.grant, epoch=epoch, chain_id=CHAIN_ID, account=ACCOUNT)
    fields = ANNOTATED.get(name, {}).get("fields")
    return {
        "name": name,
        "what": sample.what,
        "value": grant_json(sample.grant),
        **({} if fields is None else {"fields": fields}),
        "grant": hexed(packed),
        "id": hexed(found),
        "epoch": str(epoch),
        "typed_data": eip712.to_json(typed),
        "digest": hexed(eip712.digest(typed)),
        "slots": {
            "state": hexed(state_slot(found)),
            "cap_1": hexed(cap_slot(found, 1)),
            "cap_7": hexed(cap_slot(found, 7)),
            "freeze": hexed(freeze_slot(found)),
            "state_on_a_clone_in_epoch_3": hexed(state_slot(found, epoch=3)),
        },
    }
