"""The signer as the server has it: behind a socket, in a process that it starts, or in another."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Final

from valetkey.adapters.signer.frames import (
    read_answer,
    read_frame,
    write_frame,
    write_order,
)
from valetkey.core.errors import Code, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from valetkey.core.custody import Carried, Order

__all__ = ["READY", "ProcessSigner", "SocketSigner"]

ANSWER_S: Final = 10.0
START_S: Final = 60.0
END_S: Final = 5.0
READY: Final = b"ready\n"


class Silent(Unavailable):
    """The signer's process has not answered: it is gone, or will not come back."""


class SocketSigner:
    """
    The `Signer` port over a Unix socket: one connection for each order.

    Args:
        path: Of the socket.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def carry_out(self, order: Order) -> Carried:
        """See `Signer.carry_out`."""
        try:
            async with asyncio.timeout(ANSWER_S):
                reader, writer = await asyncio.open_unix_connection(self._path)
                try:
                    await write_frame(writer, write_order(order))
                    frame = await read_frame(reader)
                finally:
                    writer.close()
        except TimeoutError:
            detail = f"expected an answer of the signer within {ANSWER_S:g} s, got none; ask again"
            raise Silent(Code.SIGNER_UNAVAILABLE, detail) from None
        except (EOFError, OSError) as error:
            detail = f"expected an answer of the signer, got {type(error).__name__}; ask again"
            raise Silent(Code.SIGNER_UNAVAILABLE, detail) from None
        return read_answer(frame)

    async def check(self) -> None:
        """See `Signer.check`."""
        try:
            async with asyncio.timeout(ANSWER_S):
                _, writer = await asyncio.open_unix_connection(self._path)
        except (OSError, TimeoutError) as error:
            detail = f"expected a signer at {self._path}, got {type(error).__name__}"
            raise Unavailable(Code.SIGNER_UNAVAILABLE, detail) from None
        writer.close()

    async def close(self) -> None:
        """Leave the signer to whoever started it."""


class ProcessSigner:
    """
    The `Signer` port in a process of its own, which `check` starts.

    It ends by itself when this process does, however that ends: its standard input ends then. One
    that has ended, or has not answered, is started again by the next one.

    Args:
        command: What starts it; ``--socket`` and a path are added. It writes `READY` to its
            standard output when it listens, and goes on until its input ends.
        environment: Of that process, whole.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._command = command
        self._environment = dict(environment)
        self._turn = asyncio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None

    @property
    def pid(self) -> int | None:
        """Of the process, while there is one."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    async def carry_out(self, order: Order) -> Carried:
        """See `Signer.carry_out`."""
        process = self._process
        if self.pid is None:
            detail = "expected the signer that was there, got none; it is started again, ask again"
            raise Silent(Code.SIGNER_UNAVAILABLE, detail)
        try:
            return await SocketSigner(self.socket).carry_out(order)
        except Silent:
            async with self._turn:
                if process is self._process:
                    await asyncio.to_thread(self._end)
            raise

    async def check(self) -> None:
        """See `Signer.check`."""
        async with self._turn:
            if self.pid is None:
                await asyncio.to_thread(self._start)

    async def close(self) -> None:
        """End the process."""
        async with self._turn:
            await asyncio.to_thread(self._end)

    @property
    def socket(self) -> Path:
        """Where it listens, once it was started."""
        return (self._folder or Path()) / "socket"

    def _start(self) -> None:
        self._end()
        self._folder = Path(tempfile.mkdtemp(prefix="valetkey-signer-"))  # mode 0700
        self._process = subprocess.Popen(  # noqa: S603 - our own command
            [*self._command, "--socket", str(self.socket)],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # what a terminal tells the server is not for it
        )
        if self._said() != READY:
            self._end()
            detail = "expected the signer's process to start, got none; its error is in the log"
            raise Unavailable(Code.SIGNER_UNAVAILABLE, detail)

    def _said(self) -> bytes:
        """Return the first line of the process; nothing if it ends or takes too long."""
        if self._process is None or self._process.stdout is None:
            return b""
        timer = Timer(START_S, self._process.kill)
        timer.start()
        try:
            return self._process.stdout.readline(len(READY))
        finally:
            timer.cancel()

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
