"""What the words of a grant's slots say, in the values of `core` (grant-format.md, "State")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.chain import Counter, GrantStage, GrantState
from valetkey.core.errors import Code, Unavailable
from valetkey.spec.permission_bytes import (
    GrantFormatError,
    Status,
    cap_slot,
    decode_cap_state,
    decode_freeze_state,
    decode_slot_state,
    freeze_slot,
    state_slot,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.spec.permission_bytes import CapState, SlotState

_STAGES: Final = {
    Status.NONE: GrantStage.UNKNOWN,
    Status.OPEN: GrantStage.OPEN,
    Status.FROZEN: GrantStage.FROZEN,
    Status.REVOKED: GrantStage.REVOKED,
}


def slots_of(grant_id: bytes, *, counters: int) -> list[bytes]:
    """Return the 32-byte slots of a grant with so many caps, in the order of `read_state`."""
    caps = [cap_slot(grant_id, cap) for cap in range(1, counters)]
    return [state_slot(grant_id), freeze_slot(grant_id), *caps]


def read_state(words: Sequence[bytes], *, counters: int) -> GrantState:
    """
    Return what the *words* in the slots of a grant say.

    Args:
        words: As many as `slots_of` named, 32 bytes each.
        counters: How many caps the grant has; 0 leaves cap 0 out.

    Raises:
        Unavailable: The words do not follow the format.
    """
    main, freeze, *more = words
    try:
        state = decode_slot_state(main)
        sequence = decode_freeze_state(freeze).sequence
        caps: list[SlotState | CapState] = [state]
        caps += [decode_cap_state(word) for word in more]
    except GrantFormatError as error:
        raise Unavailable(
            Code.CHAIN_UNREACHABLE, f"the account's slots hold no grant state: {error}"
        ) from None
    return GrantState(
        stage=_STAGES[state.status],
        calls=state.calls_used,
        nonce_base=state.nonce_base,
        nonce_bitmap=state.nonce_bitmap,
        counters=tuple(Counter(spent=cap.spent, window=cap.window) for cap in caps[:counters]),
        freeze_sequence=sequence,
    )
