"""Organizations and the users at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from valetkey.core.surface import Surface
    from valetkey.core.wallet import Clones

MAX_LEVELS: Final = 8  # of organizations below a first one: all above are looked at in each reach


@dataclass(frozen=True, slots=True)
class Organization:
    """
    Owner of users, credentials and wallets.

    Args:
        parent_id: The organization that may read this one and reduce power in it, never widen it;
            so may those above it.
        moved_at: When it left for another server: here it writes nothing any more. None if it is
            here.
        moved_for: The import key of the server that it left for (32 bytes): it is sealed for no
            other one until it stays.
        raw_signing: Surfaces whose sessions may have raw digests signed.
        vendor_meaning: Surfaces where a session is as wide as its vendor has it.
    """

    id: str
    parent_id: str | None
    name: str
    created_at: int
    moved_at: int | None = None
    moved_for: bytes | None = None
    raw_signing: tuple[Surface, ...] = ()
    vendor_meaning: tuple[Surface, ...] = ()


@dataclass(frozen=True, slots=True)
class User:
    """
    The human or agent at the end.

    Args:
        reference: What the organization calls them.
        clones: What makes their accounts, where these are clones: as it was when they came, for it
            is part of their addresses. None if each is its key's own.
    """

    id: str
    organization_id: str
    reference: str
    created_at: int
    clones: Clones | None = None
