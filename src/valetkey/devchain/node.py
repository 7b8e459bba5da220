"""A local chain as a child process that cannot outlive us."""

from __future__ import annotations

import contextlib
import os
import queue
import re
import subprocess
import threading
from typing import IO, TYPE_CHECKING, Self

from valetkey.core.errors import Code, Unavailable
from valetkey.devchain.keys import DEV_BALANCE_WEI, dev_keys
from valetkey.devchain.pick import Choice, Engine
from valetkey.devchain.rpc import CHAIN_ID, Rpc

if TYPE_CHECKING:
    from types import TracebackType

_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 10.0
_LISTENING = re.compile(rb"Listening on 127\.0\.0\.1:(\d+)")
_OUTPUT_KEPT = 4096

# The shell holds the reading end of a pipe whose writing end only we have. When we end, by whatever
# means, the pipe closes and the shell ends the chain. (PR_SET_PDEATHSIG would do that as well, but
# for the thread that started the child, and on Linux alone.)
_WATCH = """
exec 3<&0 </dev/null
"$@" 3<&- &
exec >/dev/null 2>&1
cat <&3
kill -KILL $!
wait $!
"""

_ANVIL_ARGUMENTS = (
    "--host",
    "127.0.0.1",
    "--port",
    "0",
    "--hardfork",
    "osaka",
    "--accounts",
    "1",
    # It would write older states to a folder below the user's home, which nobody takes away.
    "--prune-history",
    "500",
)


class Node:
    """
    A running local chain.

    Args:
        choice: What runs.
        rpc_url: Where it answers, on loopback.
        pid: Of the process that watches over the chain and ends with it.
    """

    def __init__(
        self,
        choice: Choice,
        child: subprocess.Popen[bytes],
        rpc_url: str,
        *,
        chain_id: int = CHAIN_ID,
    ) -> None:
        self.choice = choice
        self.chain_id = chain_id
        self.rpc_url = rpc_url
        self.pid = child.pid
        self.rpc = Rpc(rpc_url)
        self._child = child

    @property
    def engine(self) -> Engine:
        """What executes the blocks."""
        return self.choice.engine

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop it."""
        self.stop()

    def stop(self) -> None:
        """End the chain and wait until its process is gone. May be called twice."""
        self.rpc.close()
        _end(self._child)


def launch(choice: Choice, *, chain_id: int = CHAIN_ID) -> Node:
    """
    Start the chain of *choice* on a free port of loopback, with the dev keys funded.

    Args:
        chain_id: What it says it is: another where clients write that of a chain they know.

    Raises:
        Unavailable: It does not start.
    """
    arguments = _ANVIL_ARGUMENTS if choice.engine is Engine.ANVIL else ()
    arguments = ("--chain-id", str(chain_id), *arguments)
    child = subprocess.Popen(  # noqa: S603 - our own script and a program that pick() found
        ("/bin/sh", "-c", _WATCH, "sh", *choice.command, *arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,  # an interrupt at the terminal is ours to handle
        env={**os.environ, "RUST_LOG": "error"},
    )
    try:
        url = f"http://127.0.0.1:{_port(child)}"
        node = Node(choice, child, url, chain_id=chain_id)
        if choice.engine is Engine.ANVIL:
            for key in dev_keys():
                node.rpc.ask("anvil_setBalance", "0x" + key.address.hex(), hex(DEV_BALANCE_WEI))
    except BaseException:
        _end(child)
        raise
    return node


def _port(child: subprocess.Popen[bytes]) -> int:
    """Return the port that *child* announces, and keep emptying its output afterwards."""
    announced: queue.SimpleQueue[int | bytes] = queue.SimpleQueue()
    threading.Thread(target=_drain, args=(child.stdout, announced), daemon=True).start()
    try:
        port = announced.get(timeout=_START_TIMEOUT_S)
    except queue.Empty:
        port = b"it says nothing"
    if isinstance(port, int):
        return port
    said = port.decode("utf-8", "replace").strip()
    raise Unavailable(Code.CHAIN_UNREACHABLE, f"the local chain does not start: {said}")


def _drain(output: IO[bytes], announced: queue.SimpleQueue[int | bytes]) -> None:
    """Read *output* to its end; tell the port, or what was said instead."""
    said = b""
    with contextlib.closing(output):
        for line in output:
            match = _LISTENING.search(line)
            if match is not None:
                announced.put(int(match[1]))
            said = (said + line)[-_OUTPUT_KEPT:]
    announced.put(said)


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.stdin is not None and not child.stdin.closed:
        child.stdin.close()
    try:
        child.wait(timeout=_STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, 9)
        child.wait()
