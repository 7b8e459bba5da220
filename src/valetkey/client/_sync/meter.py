# Written by tools/unasync.py from ../_async/meter.py: change that one.
"""The live meter: one session as it is used, or those of an organization that are used most."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.client.asks import path_of, read
from valetkey.client.watching import is_over, merged
from valetkey.core.errors import Unauthenticated
from valetkey.wire.meter import Meter, OrganizationMeter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.client._sync.line import Line
    from valetkey.wire.session import Session


def watch(line: Line, now: Session) -> Iterator[Session]:
    """
    Yield a session as it is, and as it becomes, until it is over.

    Args:
        now: What is known of it; all that changes comes with the stream.

    Raises:
        ValetkeyError: Whoever speaks on *line* may not look any more.
    """
    path = path_of("/v1/sessions/{key}/meter", key=now.id)
    try:
        for meter in line.watch(read(Meter, path)):
            now = merged(now, meter)
            yield now
    except Unauthenticated:
        if not is_over(now):
            raise


def watch_all(line: Line, organization_id: str | None) -> Iterator[OrganizationMeter]:
    """Yield the sessions of an organization that are used most, again after each change."""
    ask = read(OrganizationMeter, "/v1/meter", organization_id=organization_id)
    return line.watch(ask)
