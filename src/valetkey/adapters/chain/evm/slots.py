"""What the words of a grant's slots say, in the values of `core` (grant-format.md, "State")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.chain import CloneState, Counter, GrantStage, GrantState
from valetkey.core.errors import Code, Unavailable
from valetkey.spec.permission_bytes import (
    OWNER_SLOT,
    GrantFormatError,
    Status,
    cap_slot,
    decode_cap_state,
    decode_freeze_state,
    decode_owner_state,
    decode_slot_state,
    freeze_slot,
    state_slot,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.spec.permission_bytes import CapState, OwnerState, SlotState

_STAGES: Final = {
    Status.NONE: GrantStage.UNKNOWN,
    Status.OPEN: GrantStage.OPEN,
    Status.FROZEN: GrantStage.FROZEN,
    Status.REVOKED: GrantStage.REVOKED,
}


def slots_of(grant_id: bytes, *, counters: int, epoch: int | None = None) -> list[bytes]:
    """
    Return the 32-byte slots of a grant with so many caps, in the order of `read_state`.

    Args:
        epoch: Of a clone: the one that the grant is signed over.
    """
    base = epoch or 0
    caps = [cap_slot(grant_id, cap, epoch=base) for cap in range(1, counters)]
    owner = [] if epoch is None else [OWNER_SLOT]
    return [state_slot(grant_id, epoch=base), freeze_slot(grant_id), *caps, *owner]


def read_owner(word: bytes) -> CloneState | None:
    """
    Return what the *word* in the owner slot of a clone says; None while nothing is there.

    Raises:
        Unavailable: The word does not follow the format.
    """
    state = _owner(word)
    return CloneState(state.owner, state.epoch) if any(word) else None


def read_state(words: Sequence[bytes], *, counters: int, epoch: int | None = None) -> GrantState:
    """
    Return what the *words* in the slots of a grant say.

    Args:
        words: As many as `slots_of` named, 32 bytes each.
        counters: How many caps the grant has; 0 leaves cap 0 out.
        epoch: As for `slots_of`. In a later one the grant is revoked, whatever its slots say.

    Raises:
        Unavailable: The words do not follow the format.
    """
    main, freeze, *more = words
    is_over = epoch is not None and _owner(more.pop()).epoch > epoch
    try:
        state = decode_slot_state(main)
        sequence = decode_freeze_state(freeze).sequence
        caps: list[SlotState | CapState] = [state]
        caps += [decode_cap_state(word) for word in more]
    except GrantFormatError as error:
        raise _garbled(error) from None
    return GrantState(
        stage=GrantStage.REVOKED if is_over else _STAGES[state.status],
        calls=state.calls_used,
        nonce_base=state.nonce_base,
        nonce_bitmap=state.nonce_bitmap,
        counters=tuple(Counter(spent=cap.spent, window=cap.window) for cap in caps[:counters]),
        freeze_sequence=sequence,
    )


def _owner(word: bytes) -> OwnerState:
    try:
        return decode_owner_state(word)
    except GrantFormatError as error:
        raise _garbled(error) from None


def _garbled(error: GrantFormatError) -> Unavailable:
    detail = f"the account's slots hold no grant state: {error}"
    return Unavailable(Code.CHAIN_UNREACHABLE, detail)
