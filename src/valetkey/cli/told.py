"""When a process that serves is told to end: by a signal, or by the end of its input."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from typing import Final

_READ_BYTES: Final = 4096
_STDIN: Final = 0
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def told_to_stop(*, stops_with_input: bool) -> asyncio.Event:
    """
    Return what is set when the process is asked to end. To be called in its event loop.

    A second signal ends it at once: whatever it was about is written down, and is settled by the
    next server.
    """
    told = asyncio.Event()
    loop = asyncio.get_running_loop()

    def tell() -> None:
        told.set()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_DFL)

    for number in _SIGNALS:
        loop.add_signal_handler(number, tell)
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
