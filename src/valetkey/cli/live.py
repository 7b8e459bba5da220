"""Tables that are written over while something is watched."""

from __future__ import annotations

import os
import signal
import sys
import termios
import threading
import tty
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TypeVar

from rich.live import Live

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import RenderableType

    from valetkey.cli.terminal import Terminal

T = TypeVar("T")
_REDRAWN_EACH_S: Final = 0.5  # for what time alone changes, such as the time that is left
_QUITS: Final = b"qQ"


def shown_live(
    terminal: Terminal, values: Iterator[T], view: Callable[[T], RenderableType]
) -> Iterator[T]:
    """
    Give *values* one after another to be told; on a terminal show them instead, in one place.

    The last one is left standing there.
    """
    if not terminal.is_live:
        yield from values
        return
    seen: list[T] = []
    for value in values:
        seen.append(value)
        break
    if not seen:
        return
    with Live(
        console=terminal.out,
        get_renderable=lambda: view(seen[-1]),
        refresh_per_second=1 / _REDRAWN_EACH_S,
    ) as live:
        for value in values:
            seen[:] = [value]
            live.refresh()


@contextmanager
def quitting(terminal: Terminal) -> Iterator[None]:
    """Let the key q do what Ctrl-C does, on a terminal, while the block runs."""
    if not terminal.is_live or not sys.stdin.isatty():
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    threading.Thread(target=_wait_for_q, args=(descriptor,), daemon=True).start()
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _wait_for_q(descriptor: int) -> None:
    while key := os.read(descriptor, 1):
        if key in _QUITS:  # a real signal: it also wakes a main thread that waits for the server
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            return
