"""The log: one JSON object a line, and no secret in any of them."""

from __future__ import annotations

import logging
import sys
import time
import traceback
from enum import StrEnum
from typing import TYPE_CHECKING, Final

import msgspec

from valetkey.ports import what_for

if TYPE_CHECKING:
    from collections.abc import Callable

_ENCODER: Final = msgspec.json.Encoder()


class Level(StrEnum):
    """How much a line matters; in this order."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_ORDER: Final = {level.value: place for place, level in enumerate(Level)}


def to_stderr(line: bytes) -> None:
    """Write *line* to standard error at once."""
    sys.stderr.buffer.write(line)
    sys.stderr.buffer.flush()


class Journal:
    """
    Where requests and what went wrong are written down.

    Each line says of itself when it was written (``at``, Unix seconds) and, where that is known,
    for which request and activity (``request_id``, ``activity_id``).

    Args:
        write: Takes a line with its end.
        level: Lines below it are not written.
    """

    def __init__(
        self, write: Callable[[bytes], object] = to_stderr, *, level: Level = Level.INFO
    ) -> None:
        self._write = write
        self._least = _ORDER[level]
        self.is_debug = level is Level.DEBUG
        self.is_info = _ORDER[Level.INFO] >= self._least

    def note(self, level: str, event: str, **facts: object) -> None:
        """
        Write one line.

        Args:
            event: ``resource:action`` in the past tense.
            facts: JSON values; never a header, a body or a token.
        """
        if _ORDER[level] < self._least:
            return
        line: dict[str, object] = {"at": round(time.time(), 3), "level": level, "event": event}
        now = what_for()
        if now is not None:
            if now.request_id:
                line["request_id"] = now.request_id
            if now.activity_id:
                line["activity_id"] = now.activity_id
        line |= facts
        self._write(_ENCODER.encode(line) + b"\n")

    def unforeseen(self, error: BaseException, **facts: object) -> None:
        """Write down an error that nobody foresaw, with where it came from."""
        frames = traceback.extract_tb(error.__traceback__)
        places = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        kind = type(error).__name__
        self.note("error", "error:unforeseen", **facts, kind=kind, text=str(error), places=places)


class JournalHandler(logging.Handler):
    """Brings what libraries log to a journal, as warnings and worse."""

    def __init__(self, journal: Journal) -> None:
        super().__init__(logging.WARNING)
        self._journal = journal

    def emit(self, record: logging.LogRecord) -> None:
        """Write *record* down, with the places of its error if it has one."""
        facts = {"logger": record.name, "text": record.getMessage()}
        if record.exc_info and record.exc_info[1]:
            self._journal.unforeseen(record.exc_info[1], logger=record.name)
        level = Level.ERROR if record.levelno >= logging.ERROR else Level.WARNING
        self._journal.note(level, "library:said", **facts)
