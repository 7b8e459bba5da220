"""A vendor's SDK in a process of its own, told what to do line by line."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from tests.leaks import note_output

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

ANSWER_S: Final = 60.0
MAX_LINE: Final = 2**20


class Refused(Exception):
    """
    What the SDK threw.

    Args:
        status: Of the answer behind it, if it says one.
        told: All that the script told of it.
    """

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(f"{told['kind']}: {told['message']}")
        self.kind: str = told["kind"]
        self.message: str = told["message"]
        self.status: int | None = told["status"]
        self.told = told


class Driver:
    """The process; its script says what it can be told."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, act: str, **args: object) -> Any:  # noqa: ANN401 - as the SDK says it
        """
        Have it do *act*, and return what comes of it.

        Raises:
            Refused: The SDK threw.
        """
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(json.dumps({"act": act, **args}).encode() + b"\n")
        await stdin.drain()
        async with asyncio.timeout(ANSWER_S):
            line = await stdout.readline()
        assert line, "expected an answer, got the end of the SDK"
        answer = json.loads(line)
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["ok"]


@asynccontextmanager
async def driven(script: Path, *args: str, name: str) -> AsyncIterator[Driver]:
    """
    Run *script* with *args* in Node, and end it afterwards.

    Args:
        name: Of its output, for whoever looks for secrets in it.
    """
    process = await asyncio.create_subprocess_exec(
        *("node", str(script), *args),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=script.parent,
        limit=MAX_LINE,
    )
    assert process.stderr is not None
    said = asyncio.create_task(process.stderr.read())
    try:
        yield Driver(process)
    finally:
        process.kill()
        await process.wait()
        note_output(name, (await said).decode(errors="replace"))
