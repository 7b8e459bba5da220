"""Consent links: what lets an owner without any key of ours read and sign one pending session."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConsentLink:
    """
    A link to the consent of one session.

    Args:
        fingerprint: SHA-256 of the token that the link carries, in hex.
        expires_at: First second at which it does not work.
    """

    id: str
    organization_id: str
    session_id: str
    fingerprint: str
    expires_at: int
