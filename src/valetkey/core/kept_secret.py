"""Small secrets that the server keeps sealed: some of its own, some that users gave it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class KeptSecret:
    """
    One secret.

    Args:
        wallet_id: The wallet whose it is, if it is a user's.
        sealed: As the vault seals it, for `context_of`.
    """

    id: str
    organization_id: str
    wallet_id: str | None
    sealed: bytes


def share_id(wallet_id: str) -> str:
    """Return what the client's share of a wallet is kept under."""
    return f"{wallet_id}/kept-share"


def context_of(secret_id: str, organization_id: str) -> str:
    """Return what the vault binds a secret to."""
    return f"{organization_id}/kept/{secret_id}"
