"""The web app of an integrator, as Para's page has it, in a process of its own."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.leaks import note_output
from tests.vendor.driver import ANSWER_S
from tests.vendor.para.sdk import HERE, SERVER_SDK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.vendor.para.stage import Stage


@asynccontextmanager
async def web_app(there: Stage, folder: Path, name: str = SERVER_SDK) -> AsyncIterator[str]:
    """Serve the page in *folder* and a backend with the package *name*; give their origin."""
    process = await asyncio.create_subprocess_exec(
        *("node", str(HERE / "app.mjs"), name, there.url, there.public, there.secret, str(folder)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=HERE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    said = asyncio.create_task(process.stderr.read())
    try:
        async with asyncio.timeout(ANSWER_S):
            port = int(await process.stdout.readline())
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()
        note_output("para app", (await said).decode(errors="replace"))
