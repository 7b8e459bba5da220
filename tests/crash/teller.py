"""
A process that makes events and tells webhooks of them: ``python -m tests.crash.teller``.

Arguments: the server's folder, a name for its requests, how far its clock is ahead in seconds. It
dies where ``VALETKEY_CRASH_AT`` says so.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Final

from tests.worlds import RunningClock
from valetkey.core.activity import Request, request_hash
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.flows.deliver import deliver_next
from valetkey.flows.organize import add_user
from valetkey.wiring import wire

EVENTS: Final = 3


async def tell(folder: Path, name: str, ahead_s: int) -> None:
    """Add users, and send what is due in between."""
    setup = json.loads((folder / "setup.json").read_text())
    who = Principal(
        PrincipalKind.SECRET, setup["organization_id"], setup["credential_id"], Access.WRITE
    )
    environment = {name: os.environ[name] for name in os.environ if name == "VALETKEY_CRASH_AT"}
    async with wire(folder, environment) as wired:
        world = replace(wired.world, clock=RunningClock(ahead_s))
        for number in range(EVENTS):
            key = f"{name}-{number}"
            await add_user(world, who, Request(key, request_hash("user", key)), reference=key)
            await asyncio.gather(*(deliver_next(world) for _ in range(2)))
        while await deliver_next(world):
            pass


if __name__ == "__main__":
    asyncio.run(tell(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
