"""How much of anything an organization may have, and how much it has."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_END_DIGITS: Final = 12


class Quota(StrEnum):
    """What is counted."""

    SESSIONS = "sessions"
    USERS = "users"
    WALLETS = "wallets"
    CREDENTIALS = "credentials"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of one thing an organization has; see `tally_id`."""

    id: str
    organization_id: str
    count: int


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
class Ceiling:
    """
    What those above an organization let it have, below what the operator allows.

    Args:
        id: The organization's, and which quota.
        set_by: The organization above that set it; it, and those above it, may raise it again.
    """

    id: str
    organization_id: str
    set_by: str
    limit: int


@dataclass(frozen=True, slots=True)
class Used:
    """How much of a quota there is, and how much of it is in use."""

    quota: Quota
    limit: int
    current: int


def tally_id(organization_id: str, quota: Quota) -> str:
    """Return the id of the count, and of the ceiling, of *quota* in an organization."""
    return f"{organization_id}/{quota}"


def mark_of(organization_id: str, session_id: str, ends_at: int) -> OpenMark:
    """Return what says that a session counts until *ends_at*."""
    id_ = f"{organization_id}/{ends_at:0{_END_DIGITS}}/{session_id}"
    return OpenMark(id_, organization_id, ends_at)
