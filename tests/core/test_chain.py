"""What the chain keeps of a grant: which nonces are free."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from valetkey.core.chain import NONCE_REACH, Fees, GrantStage, GrantState, Transaction

FRESH = GrantState(
    stage=GrantStage.OPEN,
    calls=0,
    nonce_base=0,
    nonce_bitmap=0,
    counters=(),
    freeze_sequence=0,
)


@pytest.mark.parametrize(
    ("base", "bitmap", "nonce", "is_free"),
    [
        (0, 0, 0, True),
        (0, 0, 30, True),
        (0, 0, 31, False),
        (5, 0, 4, False),
        (5, 0, 5, True),
        (5, 0b1, 6, False),
        (5, 0b10, 6, True),
        (5, 0b10, 7, False),
        (5, 1 << 29, 35, False),
        (5, 1 << 28, 35, True),
        (5, 0, 36, False),
    ],
)
def test_a_nonce_is_free_from_the_base_to_thirty_beyond(
    base: int, bitmap: int, nonce: int, *, is_free: bool
) -> None:
    """Bit ``i`` of the bitmap is nonce ``base + 1 + i``."""
    assert replace(FRESH, nonce_base=base, nonce_bitmap=bitmap).is_nonce_free(nonce) is is_free


@given(st.lists(st.integers(0, NONCE_REACH + 3), max_size=80))
def test_no_order_of_use_frees_a_nonce_again(nonces: list[int]) -> None:
    """Used as the contract uses them: runs signed in any order, each nonce once."""
    state = FRESH
    used: set[int] = set()
    for ahead in nonces:
        nonce = state.nonce_base + ahead
        assert state.is_nonce_free(nonce) is (ahead <= NONCE_REACH and nonce not in used)
        if state.is_nonce_free(nonce):
            used.add(nonce)
            state = _after(state, used)
    assert not any(state.is_nonce_free(nonce) for nonce in used)


def _after(state: GrantState, used: set[int]) -> GrantState:
    base = next(nonce for nonce in range(len(used) + 1) if nonce not in used)
    bitmap = sum(1 << (nonce - base - 1) for nonce in used if nonce > base)
    return replace(state, nonce_base=base, nonce_bitmap=bitmap)


def test_the_ceiling_of_a_transaction_is_all_that_it_can_cost() -> None:
    """Gas at the highest fee that it offers, and what it sends along."""
    transaction = Transaction(
        sender=b"\x01" * 20,
        nonce=0,
        to=b"\x02" * 20,
        value_wei=7,
        data=b"",
        gas_limit=100,
        fees=Fees(max_fee_wei=3, priority_fee_wei=1),
    )
    assert transaction.ceiling_wei() == 307
