"""``valetkey serve``: the server, and the heads of its audit logs written down beside it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final

import click

from valetkey import __version__
from valetkey.cli.heads import append_heads, only_new
from valetkey.cli.options import home_option
from valetkey.cli.room import expect_room
from valetkey.cli.terminal import Terminal, Verb
from valetkey.cli.told import told_to_stop
from valetkey.config import read_config
from valetkey.core.custody import SplitKey
from valetkey.core.errors import ValetkeyError
from valetkey.flows.audits import signed_heads
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.telemetry.exported import spans_to
from valetkey.telemetry.journal import Journal, Level
from valetkey.telemetry.metrics import Metrics
from valetkey.telemetry.telemetry import Telemetry
from valetkey.wiring import wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from valetkey.config import Config
    from valetkey.flows.world import World
    from valetkey.http.server import Serving
    from valetkey.wiring import Wired

HEADS_EVERY_S: Final = 60.0
_MAX_PORT: Final = 65_535
_YOUNG: Final = 10_000  # objects


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
    Run the server until SIGINT or SIGTERM; a second one ends it at once.

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
    told = told_to_stop(stops_with_input=stops_with_input)
    with _telling(read_config(home, os.environ)) as telemetry:
        journal = telemetry.journal
        async with wire(home, os.environ, on_commit=telemetry.committed) as wired:
            config = wired.config
            heads = Heads(wired.world, home / config.heads_file)
            await heads.write()
            async with running(
                wired.world,
                host=host or config.host,
                port=config.port if port is None else port,
                settings=_settings(wired),
                telemetry=telemetry,
                checks={"disk": partial(_expect_room, wired)},
            ) as serving:
                _settle_memory()
                _announce(terminal, serving, home, journal)
                while not told.is_set():
                    await _keep_signer(wired.world, journal)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(HEADS_EVERY_S):
                            await told.wait()
                    await _write_heads(heads, journal)
                journal.note("info", "server:stopping", drain_s=config.drain_s)
                serving.readiness.end()
                await asyncio.sleep(config.drain_s)
            await _write_heads(heads, journal)
        journal.note("info", "server:stopped")


def _settle_memory() -> None:
    """
    Leave what is there by now out of later collections: each would stop the server for long.

    Requests leave hardly a cycle behind, so the young are looked at less often, too.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 10)


@contextlib.contextmanager
def _telling(config: Config) -> Iterator[Telemetry]:
    """Give what *config* wants told of the server; traces are sent to their end afterwards."""
    spans, end = spans_to(config.traces_url)
    metrics = None if config.metrics_port is None else Metrics()
    try:
        yield Telemetry(Journal(level=Level(config.log_level)), metrics=metrics, spans=spans)
    finally:
        end()


def _announce(terminal: Terminal, serving: Serving, home: Path, journal: Journal) -> None:
    where: dict[str, object] = {"url": serving.url, "metrics_url": serving.metrics_url}
    where |= {f"{name}_urls": list(urls) for name, urls in serving.dialect_urls.items()}
    terminal.emit({**where, "home": str(home)})
    terminal.say(f"valetkey {__version__} is listening on {serving.url} (home {home})")
    for name, urls in serving.dialect_urls.items():
        terminal.say(f"it speaks {name} under /{name}{''.join(f', and on {url}' for url in urls)}")
    journal.note("info", "server:started", **where)


async def _expect_room(wired: Wired) -> None:
    folder = (wired.folder / wired.config.store).parent
    expect_room(folder, least_mib=wired.config.min_free_mib)


def _settings(wired: Wired) -> Settings:
    names = {bytes.fromhex(one[2:]): name for one, name in wired.config.names.items()}
    return Settings(
        version=__version__,
        public_url=wired.config.public_url,
        names=names,
        grace_s=wired.config.grace_s,
        metrics_port=wired.config.metrics_port,
        rates=wired.config.rates,
        trusted_proxies=tuple(wired.config.trusted_proxies),
        proxy_header=wired.config.proxy_header,
        origins=tuple(wired.config.origins),
        dialects=wired.config.dialects,
    )


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


async def _keep_signer(world: World, journal: Journal) -> None:
    """Have the signer there before it is needed, if there is a split wallet."""
    try:
        if await world.store.read(lambda view: view.find(SplitKey, limit=1)):
            await world.signer.check()
    except ValetkeyError as error:
        journal.note("error", "signer:unavailable", code=error.code, detail=error.detail)


async def _write_heads(heads: Heads, journal: Journal) -> None:
    try:
        await heads.write()
    except Exception as error:  # noqa: BLE001 - the server goes on without; the log says so
        journal.unforeseen(error, during="audit heads")
