"""Approvals: who was named to take tokens of an account, so that it can be asked what is left."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NamedSpender:
    """A spender that a run of a session named, once for each token. ``id`` is `named_id`."""

    id: str
    account_id: str
    session_id: str
    token: bytes
    spender: bytes


def named_id(session_id: str, token: bytes, spender: bytes) -> str:
    """Return an id that sorts by the session."""
    return f"{session_id}/{token.hex()}/{spender.hex()}"
