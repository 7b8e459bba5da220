# Written by tools/unasync.py from ../_async/audit.py: change that one.
"""The audit log of an organization: read, and checked by whoever reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.client.asks import read
from valetkey.client.log_check import LogCheck, follower_of
from valetkey.core.audit import Break
from valetkey.wire.base import Page
from valetkey.wire.server import AuditHead, AuditLine, read_audit_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Unpack

    from valetkey.client._sync.line import Line
    from valetkey.client.filters import LineFilters


class Audit:
    """What happened, in a chain of hashes."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def lines(self, **filters: Unpack[LineFilters]) -> Iterator[AuditLine]:
        """
        Yield the lines of the log, oldest first unless told.

        Args:
            filters: As `LineFilters` says; only those that are all of it.
        """
        return self._line.pages(Page[AuditLine], "/v1/audit", **filters)

    def head(self, *, organization_id: str | None = None) -> AuditHead:
        """Return the signed head of the log: kept elsewhere, it shows a cut."""
        path = "/v1/audit/head"
        return self._line.send(read(AuditHead, path, organization_id=organization_id))

    def verify(
        self,
        *,
        kept: AuditHead | Iterable[AuditHead] | None = None,
        organization_id: str | None = None,
    ) -> LogCheck:
        """
        Return whether the log is what was written, every line of it read and hashed here.

        >>> check = vk.audit.verify(kept=head)  # a `head` of an earlier day, kept elsewhere
        >>> check.broken is None

        A line that was changed, taken out, put in or moved breaks the chain. An end that was cut
        off, or a log that was written anew, is found by a *kept* head alone: a server that lies
        signs whatever it shows.

        Args:
            kept: What `head` answered, once or each time; None trusts the key and the length that
                the server says now.
        """
        now = self.head(organization_id=organization_id)
        heads = () if kept is None else (kept,) if isinstance(kept, AuditHead) else kept
        follower, broken = follower_of(now, heads)
        if organization_id not in {None, now.organization_id}:
            broken = Break(0, f"expected the log of {organization_id}, got another")
        if broken is not None:
            return LogCheck(0, now, broken)
        count = 0
        for line in self.lines(organization_id=now.organization_id, order="oldest"):
            count += 1
            if follower.follow(read_audit_line(line)) is not None:
                break
        return LogCheck(count, now, follower.end())
