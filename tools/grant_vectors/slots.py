"""Vectors of what the account keeps: words of its slots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tools.grant_vectors.json_form import Json, hexed
from tools.grant_vectors.samples import ACCOUNT
from valetkey.spec.permission_bytes import (
    EPOCH_SLOT,
    NAMESPACE,
    OWNER_SLOT,
    CapState,
    FreezeState,
    OwnerState,
    SlotState,
    Status,
    encode_cap_state,
    encode_freeze_state,
    encode_owner_state,
    encode_slot_state,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

_STATES: Final = (
    SlotState(),
    SlotState(Status.OPEN, calls_used=1, nonce_base=1, spent=5),
    SlotState(Status.OPEN, 7, 3, 4, 0b101, 2 * 10**7),
    SlotState(Status.FROZEN, calls_used=2**32 - 1),
    SlotState(Status.REVOKED, window=2**32 - 1),
    SlotState(Status.OPEN, nonce_base=2**32 - 1),
    SlotState(Status.OPEN, nonce_bitmap=2**30 - 1),
    SlotState(Status.OPEN, nonce_bitmap=1),
    SlotState(Status.OPEN, spent=2**128 - 1),
    SlotState(Status.REVOKED, 2**32 - 1, 2**32 - 1, 2**32 - 1, 2**30 - 1, 2**128 - 1),
)
_CAPS: Final = (CapState(), CapState(5, 10**18), CapState(2**32 - 1, 2**128 - 1))
_FREEZES: Final = (FreezeState(), FreezeState(1, was_open=True), FreezeState(2**32 - 1))
_OWNERS: Final = (
    OwnerState(ACCOUNT),
    OwnerState(ACCOUNT, 3, takes_personal=True),
    OwnerState(b"\xff" * 20, 2**64 - 1, takes_personal=True),
)


def build() -> dict[str, object]:
    """Return the vectors."""
    return {
        "namespace": hexed(NAMESPACE.to_bytes(32, "big")),
        "epoch_slot": hexed(EPOCH_SLOT),
        "owner_slot": hexed(OWNER_SLOT),
        "state": [_state_vector(state) for state in _STATES],
        "cap": [
            {
                "window": state.window,
                "spent": str(state.spent),
                "word": hexed(encode_cap_state(state)),
            }
            for state in _CAPS
        ],
        "freeze": [
            {
                "sequence": state.sequence,
                "was_open": state.was_open,
                "word": hexed(encode_freeze_state(state)),
            }
            for state in _FREEZES
        ],
        "owner": [_owner_vector(state) for state in _OWNERS],
        "malformed": {
            "cap": _words([1 << 160, 1 << 255]),
            "freeze": _words([1 << 33, 1 << 255]),
            "owner": _words([1 << 225, 1 << 255]),
        },
    }


def _state_vector(state: SlotState) -> Json:
    return {
        "status": state.status.name.lower(),
        "calls_used": state.calls_used,
        "window": state.window,
        "nonce_base": state.nonce_base,
        "nonce_bitmap": state.nonce_bitmap,
        "spent": str(state.spent),
        "usable_nonces": [
            nonce
            for nonce in range(state.nonce_base, min(state.nonce_base + 31, 2**32))
            if state.is_nonce_usable(nonce)
        ],
        "word": hexed(encode_slot_state(state)),
    }


def _owner_vector(state: OwnerState) -> Json:
    return {
        "owner": hexed(state.owner),
        "epoch": str(state.epoch),
        "takes_personal": state.takes_personal,
        "word": hexed(encode_owner_state(state)),
    }


def _words(numbers: Sequence[int]) -> list[str]:
    return [hexed(number.to_bytes(32, "big")) for number in numbers]
