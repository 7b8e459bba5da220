"""The storage of an account: where each slot lies, and what its word says."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from valetkey.spec.keccak import keccak256
from valetkey.spec.permission_bytes.values import (
    ADDRESS_LENGTH,
    MAX_CAPS,
    NONCE_WINDOW,
    GrantFormatError,
    check_length,
    check_uint,
)

__all__ = [
    "EPOCH_SLOT",
    "NAMESPACE",
    "OWNER_SLOT",
    "CapState",
    "FreezeState",
    "OwnerState",
    "SlotState",
    "Status",
    "cap_slot",
    "decode_cap_state",
    "decode_freeze_state",
    "decode_owner_state",
    "decode_slot_state",
    "encode_cap_state",
    "encode_freeze_state",
    "encode_owner_state",
    "encode_slot_state",
    "freeze_slot",
    "state_slot",
]

_NAMESPACE_NAME: Final = b"valetkey.account.v1"
_FREEZE_OFFSET: Final = 255
_EPOCH_OFFSET: Final = 256
_OWNER_OFFSET: Final = 257
_WORD: Final = 32


def _erc7201(name: bytes) -> int:
    inner = int.from_bytes(keccak256(name), "big") - 1
    return int.from_bytes(keccak256(inner.to_bytes(_WORD, "big")), "big") & ~0xFF


NAMESPACE: Final = _erc7201(_NAMESPACE_NAME)
"""The ERC-7201 base of ``valetkey.account.v1``."""
EPOCH_SLOT: Final = (NAMESPACE + _EPOCH_OFFSET).to_bytes(_WORD, "big")
"""Where the epoch of an account with code by delegation is kept."""
OWNER_SLOT: Final = (NAMESPACE + _OWNER_OFFSET).to_bytes(_WORD, "big")
"""Where a clone keeps its owner and its epoch."""


class Status(Enum):
    """What the chain says of a grant."""

    NONE = 0
    OPEN = 1
    FROZEN = 2
    REVOKED = 3


@dataclass(frozen=True, slots=True)
class SlotState:
    """
    The state slot of one grant.

    Attributes:
        status: Whether it may be used.
        calls_used: Calls made so far; an empty run counts as one.
        window: Window in which *spent* was booked; 0 for a lifetime cap.
        nonce_base: The lowest nonce not used yet.
        nonce_bitmap: Bit ``i`` says that nonce ``base + 1 + i`` is used; 30 bits.
        spent: Booked to cap 0 in *window*.
    """

    status: Status = Status.NONE
    calls_used: int = 0
    window: int = 0
    nonce_base: int = 0
    nonce_bitmap: int = 0
    spent: int = 0

    def is_nonce_usable(self, nonce: int) -> bool:
        """Say whether a run with *nonce* would pass the nonce check."""
        ahead = nonce - self.nonce_base
        return ahead == 0 or (
            0 < ahead <= NONCE_WINDOW and not self.nonce_bitmap >> (ahead - 1) & 1
        )


@dataclass(frozen=True, slots=True)
class CapState:
    """The slot of a cap other than the first: *spent* was booked in *window*."""

    window: int = 0
    spent: int = 0


@dataclass(frozen=True, slots=True)
class FreezeState:
    """How often the grant was frozen or unfrozen; whether it was open before the last freeze."""

    sequence: int = 0
    was_open: bool = False


@dataclass(frozen=True, slots=True)
class OwnerState:
    """
    The owner slot of a clone.

    Attributes:
        owner: 20 bytes.
        epoch: Part of where the state of every grant stands.
        takes_personal: Whether grants, revocations and freezes may be signed over their EIP-191
            form.
    """

    owner: bytes
    epoch: int = 0
    takes_personal: bool = False


def state_slot(grant_id: bytes, *, epoch: int = 0) -> bytes:
    """
    Return the 32-byte key of the grant's state slot.

    Args:
        grant_id: 32 bytes.
        epoch: Of a clone; 0 on an account with code by delegation, whatever its epoch.
    """
    return _slot(grant_id, epoch, 0)


def cap_slot(grant_id: bytes, cap: int, *, epoch: int = 0) -> bytes:
    """
    Return the 32-byte key of the slot of cap *cap*; *epoch* as for `state_slot`.

    Raises:
        GrantFormatError: *cap* is 0, which lives in the state slot, or above 7.
    """
    if not 1 <= cap < MAX_CAPS:
        raise GrantFormatError(f"cap slot: expected 1 to {MAX_CAPS - 1}, got {cap}")
    return _slot(grant_id, epoch, cap)


def freeze_slot(grant_id: bytes) -> bytes:
    """Return the 32-byte key of the grant's freeze slot, the same in every epoch."""
    return _slot(grant_id, 0, _FREEZE_OFFSET)


def decode_slot_state(word: bytes) -> SlotState:
    """Return what the 32 bytes of a state slot say."""
    bits = _word(word)
    return SlotState(
        status=Status(bits >> 254),
        calls_used=bits >> 222 & 0xFFFFFFFF,
        window=bits >> 190 & 0xFFFFFFFF,
        nonce_base=bits >> 158 & 0xFFFFFFFF,
        nonce_bitmap=bits >> 128 & 0x3FFFFFFF,
        spent=bits & (1 << 128) - 1,
    )


def encode_slot_state(state: SlotState) -> bytes:
    """Return the 32 bytes of a state slot that say *state*."""
    for name, value, bits in (
        ("calls_used", state.calls_used, 32),
        ("window", state.window, 32),
        ("nonce_base", state.nonce_base, 32),
        ("nonce_bitmap", state.nonce_bitmap, NONCE_WINDOW),
        ("spent", state.spent, 128),
    ):
        check_uint(name, value, bits)
    bits = state.status.value << 254 | state.calls_used << 222 | state.window << 190
    return (bits | state.nonce_base << 158 | state.nonce_bitmap << 128 | state.spent).to_bytes(
        _WORD, "big"
    )


def decode_cap_state(word: bytes) -> CapState:
    """
    Return what the 32 bytes of a cap slot say.

    Raises:
        GrantFormatError: Bits are set that the format does not use.
    """
    bits = _word(word)
    check_uint("cap slot", bits, 160)
    return CapState(bits >> 128, bits & (1 << 128) - 1)


def encode_cap_state(state: CapState) -> bytes:
    """Return the 32 bytes of a cap slot that say *state*."""
    check_uint("window", state.window, 32)
    check_uint("spent", state.spent, 128)
    return (state.window << 128 | state.spent).to_bytes(_WORD, "big")


def decode_freeze_state(word: bytes) -> FreezeState:
    """
    Return what the 32 bytes of a freeze slot say.

    Raises:
        GrantFormatError: Bits are set that the format does not use.
    """
    bits = _word(word)
    check_uint("freeze slot", bits, 33)
    return FreezeState(bits & 0xFFFFFFFF, bool(bits >> 32))


def encode_freeze_state(state: FreezeState) -> bytes:
    """Return the 32 bytes of a freeze slot that say *state*."""
    check_uint("sequence", state.sequence, 32)
    return (state.was_open << 32 | state.sequence).to_bytes(_WORD, "big")


def decode_owner_state(word: bytes) -> OwnerState:
    """
    Return what the 32 bytes of the owner slot of a clone say.

    Raises:
        GrantFormatError: Bits are set that the format does not use.
    """
    bits = _word(word)
    check_uint("owner slot", bits, 225)
    return OwnerState(word[-ADDRESS_LENGTH:], bits >> 160 & 0xFFFFFFFFFFFFFFFF, bool(bits >> 224))


def encode_owner_state(state: OwnerState) -> bytes:
    """Return the 32 bytes of an owner slot that say *state*."""
    check_length("owner", state.owner, ADDRESS_LENGTH)
    check_uint("epoch", state.epoch, 64)
    bits = state.takes_personal << 224 | state.epoch << 160 | int.from_bytes(state.owner, "big")
    return bits.to_bytes(_WORD, "big")


def _slot(grant_id: bytes, epoch: int, offset: int) -> bytes:
    check_length("grant id", grant_id, _WORD)
    check_uint("epoch", epoch, 64)
    place = (NAMESPACE + epoch).to_bytes(_WORD, "big")
    first = int.from_bytes(keccak256(grant_id + place), "big")
    return ((first + offset) % (1 << 256)).to_bytes(_WORD, "big")


def _word(word: bytes) -> int:
    check_length("slot", word, _WORD)
    return int.from_bytes(word, "big")
