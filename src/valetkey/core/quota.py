"""How much of anything an organization may have, and how much it has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from valetkey.core.units import DAY_S

_END_DIGITS: Final = 12


class Quota(StrEnum):
    """What is counted."""

    SESSIONS = "sessions"
    USERS = "users"
    WALLETS = "wallets"
    CREDENTIALS = "credentials"
    WEBHOOKS = "webhooks"
    SPONSORSHIPS = "sponsorships"
    ACTIVITIES_PER_DAY = "activities_per_day"


# What stops, what lessens power, and what only ends what was begun: never refused for a quota.
UNCOUNTED: Final = frozenset(
    {
        "account:undelegate",
        "credential:revoke",
        "credential:set_role",
        "organization:set_quota",
        "session:close",
        "session:freeze",
        "session:grant",
        "session:revoke",
        "session:revoke_all",
    }
)


@dataclass(frozen=True, slots=True)
class Tally:
    """
    How many of one thing an organization has, and may have; see `tally_id`.

    Args:
        day_at: First second of the day that it counts; None for what is counted without an end.
        limit: What those above the organization let it have, below what the operator allows.
        set_by: Which of them set it; it, and those above it, may raise it again.
    """

    id: str
    organization_id: str
    count: int
    day_at: int | None = None
    limit: int | None = None
    set_by: str | None = None

    def counted(self, count: int, day_at: int | None) -> Tally:
        """Return it with another count."""
        return Tally(self.id, self.organization_id, count, day_at, self.limit, self.set_by)


@dataclass(frozen=True, slots=True)
class OpenMark:
    """
    A session that counts: from when it is opened to its end, whichever that is.

    Ids are in the order in which sessions end by themselves.
    """

    id: str
    organization_id: str
    ends_at: int


@dataclass(frozen=True, slots=True)
class ExecutionMark:
    """
    An execution that waits for a signature. Ids are in the order in which their time is over.

    Args:
        ends_at: First second at which it waits no longer.
    """

    id: str
    organization_id: str
    account_id: str
    activity_id: str
    ends_at: int


@dataclass(frozen=True, slots=True)
class Used:
    """
    How much of a quota there is, and how much of it is in use.

    Args:
        resets_at: When the next day begins, for what is counted by days.
    """

    quota: Quota
    limit: int
    current: int
    resets_at: int | None = None


def tally_id(organization_id: str, quota: Quota) -> str:
    """Return the id of the count of *quota* in an organization."""
    return f"{organization_id}/{quota}"


def day_of(now: int) -> int:
    """Return the first second of the UTC day of *now*, which has no leap seconds."""
    return now - now % DAY_S


def mark_of(organization_id: str, session_id: str, ends_at: int) -> OpenMark:
    """Return what says that a session counts until *ends_at*."""
    id_ = f"{organization_id}/{ends_at:0{_END_DIGITS}}/{session_id}"
    return OpenMark(id_, organization_id, ends_at)


def execution_mark(
    activity_id: str, *, organization_id: str, account_id: str, ends_at: int
) -> ExecutionMark:
    """Return what says that an execution of an account waits for a signature until *ends_at*."""
    id_ = f"{ends_at:0{_END_DIGITS}}/{activity_id}"
    return ExecutionMark(id_, organization_id, account_id, activity_id, ends_at)
