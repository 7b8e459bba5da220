"""Activities: every write that was asked for, and how it went."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.client.asks import path_of, read
from valetkey.wire.activity import Activity
from valetkey.wire.base import Page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Unpack

    from valetkey.client._async.line import AsyncLine
    from valetkey.client.filters import ActivityFilters


class AsyncActivities:
    """Every write that was asked for, and how it went."""

    def __init__(self, line: AsyncLine) -> None:
        self._line = line

    async def get(self, activity_id: str) -> Activity:
        """Return one activity."""
        path = path_of("/v1/activities/{key}", key=activity_id)
        return await self._line.send(read(Activity, path))

    def list(self, **filters: Unpack[ActivityFilters]) -> AsyncIterator[Activity]:
        """
        Yield the activities, newest first unless told; those of a session if the client is one.

        >>> failed = list(vk.activities.list(kind="run", state="failed", since=yesterday))

        Args:
            filters: As `ActivityFilters` says; only those that are all of it.
        """
        return self._line.pages(Page[Activity], "/v1/activities", **filters)
