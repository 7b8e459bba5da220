"""Lists as Openfort's clients read them: a window of what there is, and how much there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Generic, Literal, TypeVar

from msgspec import Meta, Struct

from valetkey.core.errors import Code, Malformed
from valetkey.ports import MAX_FOUND

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from valetkey.ports import E, Value, View

    Where = Mapping[str, Value]

SCANNED: Final = 10_000
T = TypeVar("T")


class Window(Struct, frozen=True, kw_only=True):
    """
    Which part of a list: the query parameters that every list takes.

    Args:
        skip: How many are left out first.
    """

    limit: Annotated[int, Meta(ge=1, le=100)] = 10
    skip: Annotated[int, Meta(ge=0, le=SCANNED)] = 0
    order: Literal["asc", "desc"] = "desc"


class Part(Struct, Generic[T], frozen=True, kw_only=True):
    """
    A part of a list, as it is answered.

    Args:
        start, end: Where it begins, and the place behind its last one.
        total: How many there are in all.
    """

    url: str
    data: list[T]
    start: int
    end: int
    total: int
    object: Literal["list"] = "list"


def part(url: str, data: list[T], window: Window, total: int) -> Part[T]:
    """Return *data* as the part of the list at *url* that *window* asks for."""
    start = min(window.skip, total)
    return Part(url=url, data=data, start=start, end=start + len(data), total=total)


def found(
    view: View,
    kind: type[E],
    where: Where,
    window: Window,
    keep: Callable[[E], bool] = lambda _: True,
) -> list[E]:
    """Return the entities in *window* of those that *keep* says yes to; the store counts them."""
    return _cut((one for one in _walked(view, kind, where, window) if keep(one)), window)


def sifted(
    view: View, kind: type[E], where: Where, window: Window, keep: Callable[[E], bool]
) -> tuple[list[E], int]:
    """
    Return the entities in *window* of those that *keep* says yes to, and how many these are.

    Each is looked at, for the total is to be true: so *where* must narrow them.

    Raises:
        Malformed: There are more than 10,000 to look at.
    """
    count = view.count(kind, **where)
    if count > SCANNED:
        detail = f"expected a narrower question, such as of one player, got {count} to look at"
        raise Malformed(Code.MALFORMED_REQUEST, f"query: {detail}")
    kept = [one for one in _walked(view, kind, where, window) if keep(one)]
    return _cut(iter(kept), window), len(kept)


def _walked(view: View, kind: type[E], where: Where, window: Window) -> Iterator[E]:
    after = ""
    while True:
        page: list[E] = view.find(
            kind, after=after, limit=MAX_FOUND, newest_first=window.order == "desc", **where
        )
        yield from page
        if len(page) < MAX_FOUND:
            return
        after = page[-1].id


def _cut(walked: Iterator[E], window: Window) -> list[E]:
    first: list[Any] = []
    for at, one in enumerate(walked):
        if at >= window.skip:
            first.append(one)
        if len(first) == window.limit:
            break
    return first
