"""``valetkey serve``: the server, and the heads of its audit logs written down beside it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import click

from valetkey import __version__
from valetkey.cli.heads import append_heads, only_new
from valetkey.cli.options import home_option
from valetkey.cli.terminal import Terminal, Verb
from valetkey.flows.audits import signed_heads
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal
from valetkey.wiring import wire

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from valetkey.flows.world import World
    from valetkey.wiring import Wired

HEADS_EVERY_S: Final = 60.0
_READ_BYTES: Final = 4096
_STDIN: Final = 0
_MAX_PORT: Final = 65_535


@click.command(cls=Verb)
@home_option
@click.option("--host", help="Where to listen, instead of the configuration's.")
@click.option("--port", type=click.IntRange(0, _MAX_PORT), help="The same; 0 takes a free one.")
@click.option("--until-input-ends", is_flag=True, help="Also stop when standard input ends.")
@click.pass_obj
def serve(
    terminal: Terminal, *, home: Path, host: str | None, port: int | None, until_input_ends: bool
) -> None:
    """
    Run the server until SIGINT or SIGTERM.

    Its log goes to standard error, one JSON object a line. Signed heads of the audit logs are
    added to the configuration's heads_file at start, each minute and at the end, wherever a log has
    grown.
    """
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(terminal, home, host, port, stops_with_input=until_input_ends))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if find_spec("uvloop") is None:
        return None
    factory: Callable[[], asyncio.AbstractEventLoop] = import_module("uvloop").new_event_loop
    return factory


async def _serve(
    terminal: Terminal, home: Path, host: str | None, port: int | None, *, stops_with_input: bool
) -> None:
    journal = Journal()
    told = _told_to_stop(stops_with_input=stops_with_input)
    async with wire(home, os.environ) as wired:
        config = wired.config
        heads = Heads(wired.world, home / config.heads_file)
        await heads.write()
        async with running(
            wired.world,
            host=host or config.host,
            port=config.port if port is None else port,
            settings=_settings(wired),
            journal=journal,
        ) as serving:
            terminal.emit({"url": serving.url, "home": str(home)})
            terminal.say(f"valetkey {__version__} is listening on {serving.url} (home {home})")
            journal.note("info", "server:started", url=serving.url)
            while not told.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(told.wait(), HEADS_EVERY_S)
                await _write_heads(heads, journal)
            journal.note("info", "server:stopping")
        await _write_heads(heads, journal)
    journal.note("info", "server:stopped")


def _settings(wired: Wired) -> Settings:
    names = {bytes.fromhex(one[2:]): name for one, name in wired.config.names.items()}
    return Settings(version=__version__, public_url=wired.config.public_url, names=names)


class Heads:
    """
    What is known outside the store of how far each audit log has come.

    Args:
        path: The file that signed heads are added to.
    """

    def __init__(self, world: World, path: Path) -> None:
        self._world = world
        self._path = path
        self._written: dict[str, int] = {}

    async def write(self) -> None:
        """Add the heads of those logs that have grown since the last time."""
        grown = only_new(await signed_heads(self._world), self._written)
        await asyncio.to_thread(append_heads, self._path, grown)
        self._written |= {head.organization_id: head.seq for head in grown}


async def _write_heads(heads: Heads, journal: Journal) -> None:
    try:
        await heads.write()
    except Exception as error:  # noqa: BLE001 - the server goes on without; the log says so
        journal.unforeseen(error, during="audit heads")


def _told_to_stop(*, stops_with_input: bool) -> asyncio.Event:
    """Return what is set when the process is asked to end. To be called in its event loop."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    if stops_with_input:
        watcher = threading.Thread(target=_watch_input, args=(loop, told), daemon=True)
        watcher.start()
    return told


def _watch_input(loop: asyncio.AbstractEventLoop, told: asyncio.Event) -> None:
    with contextlib.suppress(OSError):
        while os.read(_STDIN, _READ_BYTES):
            pass
    with contextlib.suppress(RuntimeError):  # the loop has ended by itself
        loop.call_soon_threadsafe(told.set)
