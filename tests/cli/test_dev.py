"""The development server as a person starts it, pastes what it prints, and ends it."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from pathlib import Path

from tests.cli.program import TIMEOUT_S, command_of, process
from tests.leaks import secret
from valetkey import Valetkey

_EXPORT = re.compile(r"^export (\w+)=(\S+)$")
_START = re.compile(r"^There, for a start: (\S+) wallet add --sealed$")


def test_what_dev_prints_can_be_pasted_and_an_interrupt_ends_it() -> None:
    """The six variables of the tutorial lead to a server; the program that is named is there."""
    exported: dict[str, str] = {}
    program = ""
    command = command_of("dev", "--port", "0")
    # A job in the background of a shell is born deaf to interrupts, and so are its children.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603 - ourselves
        assert running.stdout is not None
        for line in running.stdout:
            if found := _EXPORT.match(line):
                exported[found[1]] = found[2]
            elif found := _START.match(line):
                program = found[1]
            elif line.startswith("Ctrl-C"):
                break
        names = {"VALETKEY_URL", "VALETKEY_API_KEY", "USDC", "IMPLEMENTATION", "RPC"}
        assert exported.keys() == names | {"VALETKEY_KEY"}
        key = exported["VALETKEY_API_KEY"]
        secret(key.encode())
        with Valetkey(exported["VALETKEY_URL"], api_key=key) as server:
            (chain,) = server.server().chains
        assert chain.implementation == exported["IMPLEMENTATION"]
        assert Path(program).is_file()
        running.send_signal(signal.SIGINT)
        assert running.wait(TIMEOUT_S) == 0


def test_a_port_that_is_taken_is_said() -> None:
    """Nothing is kept of a server that did not start: not its log either, so its reason is told."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = process("dev", "--port", port)
    assert ended.code == 1
    reason = f"expected to listen on 127.0.0.1:{port}, got: Address already in use"
    assert ended.err == f"error: the server did not start: {reason} [store_unavailable]\n"
