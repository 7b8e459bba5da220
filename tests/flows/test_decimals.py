"""Caps are held against what their tokens say of themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.worlds import dump
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.finding import LintRule
from valetkey.core.permission.model import Cap
from valetkey.flows import open_session

if TYPE_CHECKING:
    from tests.flows.scene import Scene


async def test_a_cap_in_other_units_than_its_token_opens_nothing(stored: Scene) -> None:
    """The demo token has six decimals: a cap that says eighteen was written for another one."""
    wrong = stored.permission(caps=(Cap(stored.token, 18, lifetime=20 * 10**18),))
    holding = await stored.wallet()
    before = await dump(stored.world)
    with pytest.raises(Malformed, match="expected 6, as") as refused:
        await stored.open(holding, permission=wrong)
    assert refused.value.code is Code.MALFORMED_PERMISSION
    assert await dump(stored.world) == before


async def test_a_token_that_does_not_say_its_decimals_is_a_finding(scene: Scene) -> None:
    """The session opens, and whoever asked for it is told; one that says them is no finding."""
    silent = b"\x0e" * 20
    caps = tuple(sorted((Cap(scene.token, 6, lifetime=1), Cap(silent, 2, lifetime=1)), key=_asset))
    command = scene.command(await scene.wallet(), permission=scene.permission(caps=caps))
    opened = await open_session.open_session(scene.world, scene.principal, scene.request(), command)
    assert [one.rule for one in opened.findings] == [LintRule.DECIMALS_UNKNOWN]
    assert silent.hex() in opened.findings[0].detail


def _asset(cap: Cap) -> bytes:
    return cap.asset or b""
