"""The grant format: the storage of an account."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.spec import permission_bytes as pb
from valetkey.spec.keccak import keccak256

words_32: Final = st.integers(0, 2**32 - 1)
states: Final = st.builds(
    pb.SlotState,
    st.sampled_from(pb.Status),
    words_32,
    words_32,
    words_32,
    st.integers(0, 2**30 - 1),
    st.integers(0, 2**128 - 1),
)


@given(states, words_32, st.integers(0, 2**128 - 1))
def test_slots_survive_the_round_trip(state: pb.SlotState, number: int, spent: int) -> None:
    """Each word says one state, and each state is one word."""
    assert pb.decode_slot_state(pb.encode_slot_state(state)) == state
    cap = pb.CapState(number, spent)
    assert pb.decode_cap_state(pb.encode_cap_state(cap)) == cap
    for was_open in (False, True):
        frozen = pb.FreezeState(number, was_open)
        assert pb.decode_freeze_state(pb.encode_freeze_state(frozen)) == frozen
        owned = pb.OwnerState(spent.to_bytes(20, "big"), number, was_open)
        assert pb.decode_owner_state(pb.encode_owner_state(owned)) == owned


def test_bits_that_the_format_does_not_use_are_refused() -> None:
    """A word with more in it was not written by this contract."""
    with pytest.raises(pb.GrantFormatError):
        pb.decode_cap_state((1 << 160).to_bytes(32, "big"))
    with pytest.raises(pb.GrantFormatError):
        pb.decode_freeze_state((1 << 33).to_bytes(32, "big"))
    with pytest.raises(pb.GrantFormatError):
        pb.decode_owner_state((1 << 225).to_bytes(32, "big"))
    with pytest.raises(pb.GrantFormatError):
        pb.encode_owner_state(pb.OwnerState(bytes(21)))
    with pytest.raises(pb.GrantFormatError):
        pb.encode_owner_state(pb.OwnerState(bytes(20), 2**64))
    with pytest.raises(pb.GrantFormatError):
        pb.decode_slot_state(bytes(31))
    with pytest.raises(pb.GrantFormatError):
        pb.encode_slot_state(pb.SlotState(nonce_bitmap=2**30))
    with pytest.raises(pb.GrantFormatError):
        pb.cap_slot(bytes(32), 0)
    with pytest.raises(pb.GrantFormatError):
        pb.cap_slot(bytes(32), 8)


def test_the_namespace_is_that_of_erc_7201() -> None:
    """``keccak256(keccak256(name) - 1)`` with the last byte cleared."""
    inner = int.from_bytes(keccak256(b"valetkey.account.v1"), "big") - 1
    outer = int.from_bytes(keccak256(inner.to_bytes(32, "big")), "big")
    assert outer - outer % 256 == pb.NAMESPACE
    assert (pb.NAMESPACE + 256).to_bytes(32, "big") == pb.EPOCH_SLOT
    assert (pb.NAMESPACE + 257).to_bytes(32, "big") == pb.OWNER_SLOT


def test_the_words_of_a_grant_stand_behind_its_state() -> None:
    """Caps 1 to 7 directly behind, freezing at 255."""
    gid = bytes(range(32))
    first = int.from_bytes(keccak256(gid + pb.NAMESPACE.to_bytes(32, "big")), "big")
    assert int.from_bytes(pb.state_slot(gid), "big") == first
    assert int.from_bytes(pb.cap_slot(gid, 3), "big") == first + 3
    assert int.from_bytes(pb.freeze_slot(gid), "big") == first + 255


def test_the_words_of_a_grant_move_with_the_epoch_of_a_clone() -> None:
    """What was spent and left in one epoch is nowhere in the next; a freeze stays counted."""
    gid = bytes(range(32))
    first = int.from_bytes(keccak256(gid + (pb.NAMESPACE + 5).to_bytes(32, "big")), "big")
    assert int.from_bytes(pb.state_slot(gid, epoch=5), "big") == first
    assert int.from_bytes(pb.cap_slot(gid, 3, epoch=5), "big") == first + 3
    with pytest.raises(pb.GrantFormatError):
        pb.state_slot(gid, epoch=2**64)


def test_a_nonce_is_usable_at_the_base_and_thirty_beyond() -> None:
    """Below the base and in the bitmap it is used, beyond thirty it is too far."""
    state = pb.SlotState(nonce_base=5, nonce_bitmap=0b10)
    usable = [nonce for nonce in range(50) if state.is_nonce_usable(nonce)]
    assert usable == [5, 6, *range(8, 36)]
