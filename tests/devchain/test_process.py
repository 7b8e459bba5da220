"""A local chain begins and ends with whoever started it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from valetkey.core.errors import Unavailable
from valetkey.devchain import Choice, Engine, choose, launch

if TYPE_CHECKING:
    from pathlib import Path

    from valetkey.devchain import Node

pytest_plugins = ("tests.chains",)

_MINER = """
from valetkey.devchain import Engine, choose, launch
with launch(choose(Engine.ANVIL)) as node:
    for _ in range(2):
        node.rpc.ask("anvil_mine", hex(600))
    print(node.rpc.ask("eth_blockNumber"))
"""
_STARTER = """
import sys
from valetkey.devchain import Engine, choose, launch
node = launch(choose(Engine(sys.argv[1])))
print(node.pid, node.rpc_url, flush=True)
sys.stdin.read()
"""

_TALKER = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as server:
    print("Listening on 127.0.0.1:%d" % server.getsockname()[1], flush=True)
    sys.stdout.write("talk\\n" * 300_000)
    server.accept()[0].send(b"x")
    sys.stdin.read()
"""


def is_group_alive(pid: int) -> bool:
    """Say whether any process is left of the group that *pid* leads."""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return False
    return True


def connected(url: str) -> socket.socket:
    """Return a connection to the chain at *url*, which ends when its process does."""
    parts = urlsplit(url)
    assert parts.hostname == "127.0.0.1"
    assert parts.port
    return socket.create_connection((parts.hostname, parts.port), timeout=10)


def wait_until_gone(pid: int) -> None:
    """Return once nothing is left of the group of *pid*, within ten seconds."""
    give_up_at = time.monotonic() + 10
    while is_group_alive(pid):
        assert time.monotonic() < give_up_at


def test_stopping_leaves_no_process(fresh_node: Node) -> None:
    """And nobody listens any more; stopping twice is no error."""
    assert is_group_alive(fresh_node.pid)
    fresh_node.stop()
    assert not is_group_alive(fresh_node.pid)
    with pytest.raises(ConnectionRefusedError):
        connected(fresh_node.rpc_url)
    fresh_node.stop()


@pytest.mark.parametrize("engine", list(Engine), ids=str)
def test_a_chain_does_not_outlive_a_killed_parent(engine: Engine) -> None:
    """SIGKILL leaves the parent no time to clean up."""
    if choose(engine) is None:
        pytest.skip(f"{engine} is not installed")
    with subprocess.Popen(  # noqa: S603 - ourselves
        (sys.executable, "-c", _STARTER, engine),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout
        pid, url = parent.stdout.readline().split()
        with connected(url) as connection:
            parent.send_signal(signal.SIGKILL)
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(1) == b""
        wait_until_gone(int(pid))


def test_an_error_within_leaves_no_process() -> None:
    """The block of a ``with`` is left in any way."""
    choice = choose(Engine.PYEVM)
    assert choice
    node = launch(choice)
    with pytest.raises(KeyError), node:
        raise KeyError
    assert not is_group_alive(node.pid)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("/bin/sh", "-c", "echo out of luck; exit 1"), "out of luck"),
        (("/nowhere/anvil",), "not found"),
    ],
)
def test_a_chain_that_does_not_start_says_why(command: tuple[str, ...], said: str) -> None:
    """`Unavailable`, with its own words, at once."""
    with pytest.raises(Unavailable, match=said):
        launch(Choice(Engine.PYEVM, command, "a test"))


def test_a_chain_that_talks_much_is_not_blocked() -> None:
    """Its output is read to the end, though nobody looks at it."""
    talker = Choice(Engine.PYEVM, (sys.executable, "-c", _TALKER), "a test")
    with launch(talker) as node, connected(node.rpc_url) as connection:
        assert connection.recv(1) == b"x"


@pytest.mark.usefixtures("anvil_node")
def test_a_long_chain_writes_nothing_to_the_users_home(tmp_path: Path) -> None:
    """Anvil keeps older states on disk unless told otherwise, and whoever ends it leaves them."""
    done = subprocess.run(  # noqa: S603 - ourselves
        [sys.executable, "-c", _MINER],
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{hex(2 * 600)}\n"
    assert [str(one) for one in tmp_path.rglob("*")] == []
