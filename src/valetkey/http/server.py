"""Serve: the API with our bounds, the loops beside it, and an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from valetkey.http import metrics_page
from valetkey.http.app import App, Front
from valetkey.http.bounded import answering, listen
from valetkey.http.courier import delivering
from valetkey.http.loops import Pulse, keep_looking, keep_settling
from valetkey.http.metrics_page import MetricsPage
from valetkey.http.readiness import Readiness, checks_of
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal, JournalHandler
from valetkey.telemetry.observed import observed
from valetkey.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping, Sequence

    from valetkey.flows.world import World
    from valetkey.http.readiness import Check
    from valetkey.telemetry.metrics import Metrics


_LOGGERS: Final = ("uvicorn.error", "asyncio", "opentelemetry")


@dataclass(frozen=True, slots=True)
class Serving:
    """
    A server that runs.

    Args:
        url: Where it answers.
        metrics_url: Where its metrics are, if they are anywhere.
        dialect_urls: Where the dialects that are spoken stand at the root of a socket.
        readiness: To be ended some time before the server is, so that nobody is sent here any more.
    """

    url: str
    host: str
    port: int
    metrics_url: str | None
    readiness: Readiness
    dialect_urls: Mapping[str, tuple[str, ...]]


@contextlib.asynccontextmanager
async def running(
    world: World,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    settings: Settings | None = None,
    journal: Journal | None = None,
    telemetry: Telemetry | None = None,
    checks: Mapping[str, Check] | None = None,
) -> AsyncIterator[Serving]:
    """
    Serve *world* while the block runs, and end in order: writes that were begun are finished.

    Args:
        port: 0 takes a free one.
        journal: Where the log goes, if it is all that is wanted of *telemetry*.
        checks: What has to answer beside the world, for the server to be ready.

    Raises:
        Unavailable: An address is taken.
    """
    settings, telemetry = settings or Settings(), telemetry or Telemetry(journal)
    listener, url = _listening(host, port)
    world = observed(world, telemetry)
    pulse = Pulse() if settings.reconcile_s else None
    readiness = Readiness(checks_of(world, pulse) | dict(checks or {}), world.clock, telemetry)
    app = App(world, replace(settings, base_url=url), telemetry, readiness)
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(_library_logs(telemetry.journal))
        await stack.enter_async_context(
            _beside(
                keep_settling(world, settings.reconcile_s, telemetry, pulse),
                keep_looking(world, telemetry.metrics, telemetry.journal),
            )
        )
        await stack.enter_async_context(delivering(world, settings.deliver_s, telemetry.journal))
        stack.push_async_callback(app.finish, within_s=settings.grace_s)
        answer = partial(
            answering, head_wait_s=settings.limits.head_wait_s, grace_s=settings.grace_s
        )
        await stack.enter_async_context(answer(app, listener))
        dialect_urls: dict[str, tuple[str, ...]] = {
            name: await _speak(stack, answer, Front(app, face), host, settings.dialects[name].ports)
            for name, face in app.faces.dialects.items()
        }
        stack.callback(app.streams.end)  # before the server waits for its answers to end
        metrics_url = await _show_metrics(stack, telemetry.metrics, settings.metrics_port)
        bound = listener.getsockname()[1]
        yield Serving(url, host, bound, metrics_url, readiness, dialect_urls)
        readiness.end()


def _listening(host: str, port: int) -> tuple[socket.socket, str]:
    listener = listen(host, port)
    bound = listener.getsockname()[1]
    return listener, f"http://[{host}]:{bound}" if ":" in host else f"http://{host}:{bound}"


async def _speak(
    stack: contextlib.AsyncExitStack,
    answer: Callable[[Front, socket.socket], contextlib.AbstractAsyncContextManager[None]],
    front: Front,
    host: str,
    ports: Sequence[int],
) -> tuple[str, ...]:
    """Have *front* answer on *ports*; return where that is."""
    urls = []
    for port in ports:
        listener, url = _listening(host, port)
        await stack.enter_async_context(answer(front, listener))
        urls.append(url)
    return tuple(urls)


async def _show_metrics(
    stack: contextlib.AsyncExitStack, metrics: Metrics | None, port: int | None
) -> str | None:
    if metrics is None or port is None:
        return None
    listener = listen(metrics_page.HOST, port)
    bound = listener.getsockname()[1]
    await stack.enter_async_context(
        answering(
            MetricsPage(metrics),
            listener,
            head_wait_s=metrics_page.HEAD_WAIT_S,
            grace_s=metrics_page.HEAD_WAIT_S,
            max_connections=metrics_page.MAX_CONNECTIONS,
        )
    )
    return f"http://{metrics_page.HOST}:{bound}{metrics_page.PATH}"


@contextlib.asynccontextmanager
async def _beside(*loops: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run *loops* while the block runs."""
    tasks = [asyncio.create_task(loop) for loop in loops]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@contextlib.contextmanager
def _library_logs(journal: Journal) -> Iterator[None]:
    """Bring what libraries log to *journal*."""
    handler = JournalHandler(journal)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addHandler(handler)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeHandler(handler)
