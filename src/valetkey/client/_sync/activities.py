# Written by tools/unasync.py from ../_async/activities.py: change that one.
"""Activities: every write that was asked for, and how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.client.asks import path_of, read
from valetkey.wire.activity import Activity
from valetkey.wire.base import Page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from valetkey.client._sync.line import Line
    from valetkey.client.filters import ActivityFilters


class Activities:
    """Every write that was asked for, and how it went."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def get(self, activity_id: str) -> Activity:
        """Return one activity."""
        path = path_of("/v1/activities/{key}", key=activity_id)
        return self._line.send(read(Activity, path))

    def list(self, **filters: Unpack[ActivityFilters]) -> Iterator[Activity]:
        """
        Yield the activities, newest first unless told; those of a session if the client is one.

        >>> failed = list(vk.activities.list(kind="run", state="failed", since=yesterday))

        Args:
            filters: As `ActivityFilters` says; only those that are all of it.
        """
        return self._line.pages(Page[Activity], "/v1/activities", **filters)
