"""A whole local setting: a chain with our contracts on it, a server, an organization."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, get_args

import click

from valetkey.config import DialectName
from valetkey.core.errors import Code, Unavailable
from valetkey.devchain import Deployment, Engine, Node, choose, deploy, fund, launch, pick
from valetkey.flows.organize import found
from valetkey.wiring import init, wire

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from valetkey.devchain import Choice

RELAYER_WEI: Final = 100 * 10**18
START_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 10.0
LOCAL_ORIGINS: Final = ("http://localhost:*", "http://127.0.0.1:*")
TOKEN_NAME: Final = "USDC"  # noqa: S105 - what a coin is called, not a password
_ANNOUNCED: Final = "listening on "


engine_option = click.option(
    "--engine",
    type=click.Choice([one.value for one in Engine]),
    help="Which local chain; the best that is installed if left out.",
)


def choice_of(engine: str | None) -> Choice:
    """
    Return how the local chain *engine* is run here, the best one if None.

    Raises:
        Unavailable: It is not installed.
    """
    if engine is None:
        return pick()
    choice = choose(Engine(engine))
    if choice is None:
        raise Unavailable(
            Code.CHAIN_UNREACHABLE, f"expected {engine}, but it is not installed here"
        )
    return choice


@dataclass(frozen=True, slots=True)
class Local:
    """
    What is running, and how to reach it.

    Args:
        home: The server's folder.
        secret: The first API key of the organization.
    """

    home: Path
    node: Node
    deployment: Deployment
    organization_id: str
    secret: str
    server: Server

    @property
    def chain(self) -> str:
        """The CAIP-2 name of the chain."""
        return f"eip155:{self.deployment.chain_id}"

    @property
    def url(self) -> str:
        """Where the server answers."""
        return self.server.url


class Server:
    """
    A server as a process of its own, which ends when we do.

    Args:
        home: Its folder.
        port: 0 takes a free one.
    """

    def __init__(self, home: Path, *, port: int = 0) -> None:
        command = (
            *(sys.executable, "-m", "valetkey", "serve"),
            *("--home", str(home), "--port", str(port), "--until-input-ends"),
        )
        log = (home / "server.log").open("ab")
        with log:
            self._child = subprocess.Popen(  # noqa: S603 - ourselves
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                process_group=0,  # Ctrl-C is for us: two signals would end it at once
            )
        self.url = self._address(home)

    def _address(self, home: Path) -> str:
        """Wait until the server says where it listens, and keep emptying its output."""
        said: queue.SimpleQueue[str] = queue.SimpleQueue()
        output = self._child.stdout
        if output is not None:
            threading.Thread(target=_drain, args=(output, said), daemon=True).start()
        try:
            address = said.get(timeout=START_TIMEOUT_S)
        except queue.Empty:
            address = ""
        if not address:
            self.stop()
            raise Unavailable(Code.STORE_UNAVAILABLE, f"the server did not start: {_last(home)}")
        return address

    def stop(self) -> None:
        """End it in good order, or without if it does not listen. May be called twice."""
        with contextlib.suppress(OSError):
            self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                pipe.close()


def _last(home: Path) -> str:
    """Return what a server said last: its log may be gone before anybody can look into it."""
    lines = (home / "server.log").read_text(errors="replace").strip().splitlines()
    last = lines[-1] if lines else "it said nothing"
    return last.removeprefix("error: ").removesuffix("]").rpartition(" [")[0] or last


def _drain(output: IO[bytes], said: queue.SimpleQueue[str]) -> None:
    with contextlib.suppress(ValueError, OSError):
        for line in output:
            text = line.decode(errors="replace").strip()
            if _ANNOUNCED in text:
                said.put(text.partition(_ANNOUNCED)[2].split()[0])
    said.put("")


@contextlib.contextmanager
def local_server(home: Path, *, port: int = 0, choice: Choice | None = None) -> Iterator[Local]:
    """
    Give a local setting in the empty folder *home*, and end all of it afterwards.

    Raises:
        Unavailable: No local chain can be run here, or the server does not start.
    """
    with launch(choice or pick()) as node:
        deployment = deploy(node.rpc)
        organization_id, secret = asyncio.run(_prepare(home, node, deployment))
        server = Server(home, port=port)
        try:
            yield Local(home, node, deployment, organization_id, secret, server)
        finally:
            server.stop()


async def _prepare(home: Path, node: Node, deployment: Deployment) -> tuple[str, str]:
    await init(home, config_text(deployment), os.environ)
    async with wire(home, os.environ) as wired:
        for payer in (wired.world.relayer_address, wired.world.stopper_address):
            fund(node.rpc, deployment, payer, RELAYER_WEI)
        organization, secret = await found(wired.world, name="Demo")
        return organization.id, secret


def config_text(deployment: Deployment) -> str:
    """Return the configuration of a server on a local chain."""
    chain = f"eip155:{deployment.chain_id}"
    lines = (
        "# A local chain: its keys are known to everybody. Never for anything of value.",
        "webhooks_allow_private = true",
        'codes_to = "stderr"',
        f'clone_factory = "0x{deployment.clone_factory.hex()}"',
        f'clone_implementation = "0x{deployment.clone_implementation.hex()}"',
        f"[chains.{json.dumps(chain)}]",
        f"rpc_url = {json.dumps(deployment.rpc_url)}",
        f'implementation = "0x{deployment.implementation.hex()}"',
        "allow_private = true",
        "",
        "[names]",
        f'"0x{deployment.token.hex()}" = "{TOKEN_NAME}"',
        "",
        *(
            f"[dialects.{name}]\norigins = {json.dumps(LOCAL_ORIGINS)}"
            for name in get_args(DialectName)
        ),
    )
    return "\n".join(lines) + "\n"
