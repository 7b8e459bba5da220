"""From the flow through the signer's own process and back."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.adapters.signer.orders import bench
from tests.flows.splits import Splits
from tests.worlds import RunningClock, make_organization, make_world
from valetkey.adapters.signer.asked import ProcessSigner
from valetkey.core.errors import Code, Unavailable

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_signer_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    """The whole way through its own process: a clear error, and the same request works again."""
    async with bench("process", tmp_path, dict(os.environ)) as at:
        world = await make_world(clock=RunningClock())
        world = replace(world, vault=at.vault, signer=at.signer, approver=at.approver)
        splits = Splits(world, await make_organization(world))
        made, share = await splits.make()
        before = await splits.sign(made.wallet.id, share)
        assert isinstance(at.signer, ProcessSigner)
        pid, request = at.signer.pid or 0, splits.request()
        os.kill(pid, signal.SIGSTOP)
        asked = asyncio.ensure_future(splits.sign(made.wallet.id, share, request=request))
        for _ in range(200):  # so that it is on its way
            await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(Unavailable) as told:
            await asked
        assert told.value.code is Code.SIGNER_UNAVAILABLE
        again = await splits.sign(made.wallet.id, share, request=request)
        assert again.signature == before.signature
