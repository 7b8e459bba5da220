"""Revocations that wait for the owner's signature, in formats where only the owner revokes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AskedRevocation:
    """
    The end of a session was asked for, and waits for its owner. ``id`` is the session's.

    Args:
        by_key: Whether the session was named by its key: then all of that key end with it.
    """

    id: str
    organization_id: str
    asked_at: int
    by_key: bool
