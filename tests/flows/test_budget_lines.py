"""How many budgets stand above one session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.looks import set_budget
from tests.flows.scene import USDC
from valetkey.core.errors import Conflict, Limited
from valetkey.flows.budgets import MAX_LINES

if TYPE_CHECKING:
    from tests.flows.scene import Scene


async def test_there_are_no_more_budgets_than_a_run_looks_at(scene: Scene) -> None:
    """One more is refused, for a run might not find it; those that are there can be changed."""
    holding = await scene.wallet()
    for number in range(MAX_LINES):
        await set_budget(scene, holding.wallet.id, 2 * USDC, window_s=60 + number)
    with pytest.raises(Conflict, match=f"at most {MAX_LINES}"):
        await set_budget(scene, holding.wallet.id, 1, window_s=0)
    await set_budget(scene, holding.wallet.id, USDC, window_s=59 + MAX_LINES)
    held = await scene.open(holding)
    with pytest.raises(Limited):
        await scene.run(held, scene.transfer(USDC + 1))
    await scene.run(held, scene.transfer(USDC))
    assert await scene.moved() == USDC
