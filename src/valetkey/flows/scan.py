"""Lists that are looked through: an index has not all that is asked for; a look is bounded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from valetkey.core.ids import ID_ENTROPY_BYTES, Prefix, make_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from valetkey.ports import E, Value, View

PAGE: Final = 100
SCANNED: Final = 1000
_SLACK_S: Final = 60  # an id and the time beside it are read from the clock one after the other
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """
    Which part of a list.

    Args:
        after: The id behind which it begins, in the order asked for; empty is from the start.
        limit: The most that it has.
    """

    after: str = ""
    limit: int = PAGE
    newest_first: bool = True


@dataclass(frozen=True, slots=True)
class Span:
    """
    A span of time.

    Args:
        since: The first second in it; None is from the start.
        until: The first second behind it; None has no end.
    """

    since: int | None = None
    until: int | None = None

    def __contains__(self, at: int) -> bool:
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)

    def ids(self, prefix: Prefix) -> tuple[str, str | None]:
        """Return ids of that kind before and behind all that were made in it; None is no end."""
        first = "" if self.since is None else _id_at(prefix, self.since - _SLACK_S)
        return first, None if self.until is None else _id_at(prefix, self.until + _SLACK_S)


EVER: Final = Span()


def scan(
    view: View,
    kind: type[E],
    where: Mapping[str, Value],
    keep: Callable[[E], T | None],
    part: Part,
    *,
    ids: tuple[str, str | None] = ("", None),
) -> tuple[list[T], str | None]:
    """
    Return what *keep* makes of entities, where that is not None, and where the next part begins.

    So many as `SCANNED` are looked at: a part may be short, or empty, with others behind it. None
    is behind the last one.

    Args:
        where: What is looked up; one attribute, for stores have an index of each alone.
        ids: Between which all that may be kept have theirs.
    """
    first, last = ids
    start, end = (last or "", first) if part.newest_first else (first, last or "")
    cursor = part.after or start
    if part.after and start:
        cursor = (min if part.newest_first else max)(part.after, start)
    kept: list[T] = []
    for _ in range(SCANNED // PAGE):
        page = view.find(kind, after=cursor, limit=PAGE, newest_first=part.newest_first, **where)
        for found in page:
            if end and (found.id < end if part.newest_first else found.id > end):
                return kept, None
            cursor = found.id
            one = keep(found)
            if one is not None:
                kept.append(one)
                if len(kept) == part.limit:
                    return kept, cursor
        if len(page) < PAGE:
            return kept, None
    return kept, cursor


def _id_at(prefix: Prefix, at: int) -> str:
    at_ms = min(max(at, 0) * 1000, 2**48 - 1)
    return make_id(prefix, bytes(ID_ENTROPY_BYTES), at_ms=at_ms)
