"""Whether the audit log that a server shows is what was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.core.audit import Break, Follower
from valetkey.wire.server import read_audit_head

if TYPE_CHECKING:
    from collections.abc import Iterable

    from valetkey.core.audit import SignedHead
    from valetkey.wire.server import AuditHead


@dataclass(frozen=True, slots=True)
class LogCheck:
    """
    What became of a check.

    Args:
        lines: How many were read.
        head: What the server signed before; keep it elsewhere for the next time.
        broken: The first line that is not what was written, and what is wrong; None if all are.
    """

    lines: int
    head: AuditHead
    broken: Break | None


def follower_of(now: AuditHead, kept: Iterable[AuditHead]) -> tuple[Follower, Break | None]:
    """
    Return what follows the log up to *now* and past *kept*, and what is wrong with these heads.

    Raises:
        Malformed: One of them is no head at all.
    """
    signed = read_audit_head(now)
    heads = [signed, *map(read_audit_head, kept)]
    follower = Follower(signed.organization_id, [one.head for one in heads])
    return follower, _wrong(heads)


def _wrong(heads: list[SignedHead]) -> Break | None:
    if not all(one.is_genuine() for one in heads):
        return Break(0, "a head is not signed by the key that it names")
    if len({one.public_key for one in heads}) > 1:
        return Break(0, "the head is signed by another key than the kept one")
    if len({one.organization_id for one in heads}) > 1:
        return Break(0, "a head is of another organization")
    return None
