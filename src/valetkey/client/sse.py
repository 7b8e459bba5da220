"""Event streams taken apart: whole events from pieces of any size, none of them without bound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from valetkey.client.errors import unreachable

MAX_EVENT_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class Heard:
    """One event: its name, its id (empty without one) and its data."""

    name: str
    id: str
    data: bytes


class Events:
    """
    What has come of a stream that is not an event yet.

    Spec:
        HTML, 9.2.6, as far as our server writes it: lines end with LF.
    """

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, chunk: bytes) -> list[Heard]:
        """
        Return the events that are whole with *chunk*; comments and the like are passed over.

        Raises:
            Unavailable: An event is longer than any of ours.
        """
        *blocks, self._rest = (self._rest + chunk).split(b"\n\n")
        if max(map(len, (*blocks, self._rest))) > MAX_EVENT_BYTES:
            raise unreachable(f"expected events of at most {MAX_EVENT_BYTES} bytes, got more")
        return [heard for heard in map(_heard, blocks) if heard is not None]


def _heard(block: bytes) -> Heard | None:
    fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
    if b"event" not in fields:
        return None
    name, key = (fields.get(one, b"").decode(errors="replace") for one in (b"event", b"id"))
    return Heard(name, key, fields.get(b"data", b""))
