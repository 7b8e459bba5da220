"""Quotas, and how much of them is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from valetkey.core.quota import Quota
from valetkey.wire.base import Asked, Told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from valetkey.core import quota as core


class SetQuota(Asked, frozen=True, kw_only=True):
    """How many of one thing an organization below may have from now on."""

    quota: Quota
    limit: Annotated[int, Meta(ge=0, le=2**53)]


class QuotaUse(Told, frozen=True, kw_only=True):
    """How many there may be, and how many there are; of what is counted by days, until when."""

    quota: str
    limit: int
    current: int
    resets_at: int | None = None


class OrganizationUsage(Told, frozen=True, kw_only=True):
    """Every quota of an organization."""

    organization_id: str
    quotas: list[QuotaUse]


def write_used(used: core.Used) -> QuotaUse:
    """Return *used* as it is answered."""
    return QuotaUse(
        quota=used.quota.value, limit=used.limit, current=used.current, resets_at=used.resets_at
    )


def write_usage(organization_id: str, used: Iterable[core.Used]) -> OrganizationUsage:
    """Return every quota as it is answered."""
    return OrganizationUsage(
        organization_id=organization_id, quotas=[write_used(one) for one in used]
    )
