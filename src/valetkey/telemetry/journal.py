"""The log: one JSON object a line, and no secret in any of them."""

from __future__ import annotations

import logging
import sys
import traceback
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_ENCODER: Final = msgspec.json.Encoder()


def to_stderr(line: bytes) -> None:
    """Write *line* to standard error at once."""
    sys.stderr.buffer.write(line)
    sys.stderr.buffer.flush()


class Journal:
    """
    Where requests and what went wrong are written down.

    Args:
        write: Takes a line with its end.
    """

    def __init__(self, write: Callable[[bytes], object] = to_stderr) -> None:
        self._write = write

    def note(self, level: str, event: str, **facts: object) -> None:
        """
        Write one line.

        Args:
            event: ``resource:action`` in the past tense.
            facts: JSON values; never a header, a body or a token.
        """
        line = _ENCODER.encode({"level": level, "event": event, **facts})
        self._write(line + b"\n")

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
        self._journal.note(record.levelname.lower(), "library:said", **facts)
