"""Asks the worker: one question at a time, few in the queue, none for long."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from typing import TYPE_CHECKING, Final

import msgspec

from valetkey.core.errors import Code, Malformed
from valetkey.http.calculus.envelope import Answered, Asked
from valetkey.http.calculus.turns import Turns

if TYPE_CHECKING:
    from collections.abc import Mapping

_COMMAND: Final = (sys.executable, "-P", "-m", "valetkey.http.calculus.worker")
_TOLD: Final = frozenset({"PATH", "PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH"})
_ANSWER_BYTES: Final = 16 * 1024 * 1024


class Calculator:
    """
    Works out answers in a process of its own, which is started when it is first needed.

    Anybody may ask, and some questions are long: the server's own process answers others
    meanwhile, a question that takes too long is refused and its process ended, callers take turns,
    and when many wait no more are taken. Nothing but questions of the calculus waits for them.

    Args:
        names: What addresses are called.
        answer_s: How long one answer may take.
        waiting: How many may wait.
    """

    def __init__(self, names: Mapping[bytes, str], *, answer_s: float, waiting: int) -> None:
        self._names = names
        self._answer_s = answer_s
        self._turns = Turns(waiting)
        self._worker: Process | None = None

    @property
    def pid(self) -> int | None:
        """The process that works, if there is one."""
        return None if self._worker is None else self._worker.pid

    async def ask(self, name: str, body: msgspec.Struct, *, caller: str) -> msgspec.Raw:
        """
        Return the answer, as JSON.

        Args:
            name: Of the question, in `QUESTIONS`.
            caller: Who asks, as far as that is known: callers take turns.

        Raises:
            Malformed: The question is not well formed, or takes too long to work out.
            Limited: Too many are asking.
            RuntimeError: The process ended before it answered, or met what nobody foresaw.
        """
        async with self._turns.of(caller):
            line = await self._once(Asked(name=name, body=msgspec.Raw(_encode(body))))
        answered = msgspec.json.decode(line, type=Answered)
        if not answered.code:
            return answered.answer
        code = Code(answered.code)
        if code is Code.INTERNAL:
            raise RuntimeError(f"{name}: {answered.detail}")
        raise Malformed(code, answered.detail)

    async def _once(self, asked: Asked) -> bytes:
        worker = await self._started()
        try:
            async with asyncio.timeout(self._answer_s):
                line = await _exchange(worker, _encode(asked))
        except TimeoutError:
            await self.close()
            detail = f"expected a question that is answered in {self._answer_s:g} s, got a longer"
            raise Malformed(Code.TOO_COMPLEX, f"{detail} one; ask about less") from None
        except BaseException:  # whoever asks next would read the answer to this one
            await self.close()
            raise
        if not line.endswith(b"\n"):
            await self.close()
            raise RuntimeError(f"{asked.name}: the process that works out answers has ended")
        return line

    async def _started(self) -> Process:
        if self._worker is not None and self._worker.returncode is not None:
            await self.close()
        if self._worker is None:
            worker = await asyncio.create_subprocess_exec(
                *_COMMAND, stdin=PIPE, stdout=PIPE, limit=_ANSWER_BYTES, env=_environment()
            )
            self._worker = worker
            names = {address.hex(): name for address, name in self._names.items()}
            _stdin(worker).write(_encode(names) + b"\n")
        return self._worker

    async def close(self) -> None:
        """End the process; a later question starts another."""
        worker, self._worker = self._worker, None
        if worker is not None:
            if worker.returncode is None:
                worker.kill()
            _stdin(worker).close()
            await worker.wait()


def _environment() -> dict[str, str]:
    """Return what the process is told: where Python is, and no more, for a key may be there."""
    return {name: value for name, value in os.environ.items() if name in _TOLD}


def _encode(value: object) -> bytes:
    return msgspec.json.encode(value)


def _stdin(worker: Process) -> asyncio.StreamWriter:
    if worker.stdin is None:
        raise RuntimeError("the process was started without its pipes")
    return worker.stdin


async def _exchange(worker: Process, line: bytes) -> bytes:
    try:
        _stdin(worker).write(line + b"\n")
        await _stdin(worker).drain()
    except (BrokenPipeError, ConnectionResetError):
        return b""
    if worker.stdout is None:
        return b""
    return await worker.stdout.readline()
