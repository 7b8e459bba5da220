"""Functions whose effect is known: the table, and what calls move by it."""

from __future__ import annotations

import pytest

from tests.core.examples import (
    ANN,
    APPROVE,
    BOB,
    INCREASE,
    ROUTER,
    SWAP_SELECTOR,
    TOKEN,
    TRANSFER,
    TRANSFER_FROM,
    pay,
    transfer,
)
from tests.core.strategies import calldata
from valetkey.core.permission.effects import EFFECTS, moved
from valetkey.core.permission.model import Call

# ERC-20 and the two functions that OpenZeppelin added to it.
SELECTORS = {
    "a9059cbb": ("transfer(address,uint256)", 0, 1, False),
    "23b872dd": ("transferFrom(address,address,uint256)", 1, 2, False),
    "095ea7b3": ("approve(address,uint256)", 0, 1, True),
    "39509351": ("increaseAllowance(address,uint256)", 0, 1, True),
}


def test_the_table_is_what_the_standard_says() -> None:
    """Selector, recipient, amount, and whether power is left behind."""
    found = {
        selector.hex(): (effect.function, effect.recipient, effect.amount, effect.approves)
        for selector, effect in EFFECTS.items()
    }
    assert found == SELECTORS


MOVED: list[tuple[str, list[Call], dict[bytes | None, int]]] = [
    ("nothing", [], {}),
    ("a payment", [pay(3), pay(4, BOB)], {None: 7}),
    ("a payment of nothing", [pay(0)], {}),
    ("transfers", [transfer(5), transfer(6, BOB)], {TOKEN: 11}),
    ("an approval", [Call(TOKEN, 0, calldata(APPROVE, ANN, 5))], {TOKEN: 5}),
    ("a further one", [Call(TOKEN, 0, calldata(INCREASE, ANN, 5))], {TOKEN: 5}),
    ("on behalf", [Call(TOKEN, 0, calldata(TRANSFER_FROM, ANN, BOB, 5))], {TOKEN: 5}),
    ("value along", [transfer(5, value_wei=2)], {TOKEN: 5, None: 2}),
    ("unknown", [Call(ROUTER, 9, calldata(SWAP_SELECTOR, 1, 2))], {None: 9}),
    ("two tokens", [transfer(5), transfer(6, token=ROUTER)], {TOKEN: 5, ROUTER: 6}),
    ("no amount", [Call(TOKEN, 0, TRANSFER)], {TOKEN: 0}),
    ("an amount cut short", [Call(TOKEN, 0, transfer(1 << 8).data[:-1])], {TOKEN: 1 << 8}),
    (
        "an amount of one byte",
        [Call(TOKEN, 0, calldata(TRANSFER, ANN) + b"\x01")],
        {TOKEN: 1 << 248},
    ),
]


@pytest.mark.parametrize(("what", "calls", "amounts"), MOVED, ids=[row[0] for row in MOVED])
def test_what_calls_move(what: str, calls: list[Call], amounts: dict[bytes | None, int]) -> None:
    """Read as the EVM reads: what is missing at the end of the calldata is zero."""
    assert moved(calls) == amounts, what
