"""Which pages of other origins may ask, and what of an answer they may read (Fetch, CORS)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.http.answer import NO_CONTENT, Answer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from valetkey.core.origins import Origins

    Lines = Iterable[tuple[bytes, bytes]]
    Fields = tuple[tuple[bytes, bytes], ...]

_MAX_AGE_S: Final = 600
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Cors:
    """
    What pages of *origins* may send, and read.

    Args:
        methods: By which they may ask.
        asks: Names of header fields that they may send beside the usual ones.
        reads: Names of header fields of the answer that they may read.
        has_credentials: Whether they are told that credentials are fine, because their client
            insists on it. A cookie proves nothing here all the same.
    """

    origins: Origins
    methods: tuple[str, ...] = METHODS
    asks: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    has_credentials: bool = False

    def fields(self, lines: Lines) -> Fields:
        """Return what the answer to a request with the header *lines* says to its browser."""
        if not self.origins.texts:
            return ()
        origin = self._origin(lines)
        if origin is None:
            return ((b"vary", b"origin"),)
        fields = [(b"vary", b"origin"), (b"access-control-allow-origin", origin)]
        if self.has_credentials:
            fields.append((b"access-control-allow-credentials", b"true"))
        if self.reads:
            fields.append((b"access-control-expose-headers", ", ".join(self.reads).encode()))
        return tuple(fields)

    def preflight(self, lines: Lines) -> Answer:
        """Return the answer to a browser that asks what a page may ask; `fields` say whose."""
        if self._origin(lines) is None:
            return Answer(NO_CONTENT, b"")
        return Answer(
            NO_CONTENT,
            b"",
            headers=(
                (b"access-control-allow-methods", ", ".join(self.methods).encode()),
                (b"access-control-allow-headers", ", ".join(self.asks).encode()),
                (b"access-control-max-age", b"%d" % _MAX_AGE_S),
            ),
        )

    def _origin(self, lines: Lines) -> bytes | None:
        """Return the origin whose page asks, if it may."""
        found = [value for name, value in lines if name == b"origin"]
        if len(found) != 1 or found[0].decode("latin-1") not in self.origins:
            return None
        return found[0]


def asked_by_preflight(method: str, lines: Lines) -> str | None:
    """Return the method that a browser asks about before a page may ask; None if it does not."""
    if method != "OPTIONS":
        return None
    found = [value for name, value in lines if name == b"access-control-request-method"]
    return found[0].decode("latin-1") if len(found) == 1 else None
