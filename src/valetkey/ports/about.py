"""For which request, and for which activity, something is done: what a log line is found by."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(slots=True)
class About:
    """What is being done. Ids only; empty is unknown, or none."""

    request_id: str = ""
    activity_id: str = ""


_CURRENT: ContextVar[About | None] = ContextVar("about", default=None)


def what_for() -> About | None:
    """Return what the running task is about, if anybody has said so."""
    return _CURRENT.get()


def begin_request(request_id: str) -> About:
    """Have everything that this task does from now on be about one request."""
    begun = About(request_id)
    _CURRENT.set(begun)
    return begun


@contextmanager
def doing(activity_id: str) -> Iterator[None]:
    """Have what is done in the block be about one activity, and about the same request."""
    outer = _CURRENT.get()
    token = _CURRENT.set(About(outer.request_id if outer else "", activity_id))
    try:
        yield
    finally:
        _CURRENT.reset(token)
