"""What lists can be narrowed by: keyword arguments of the methods that yield them."""

from __future__ import annotations

from typing import Literal, TypedDict

Order = Literal["newest", "oldest"]


class SessionFilters(TypedDict, total=False):
    """
    Which sessions.

    Args:
        parent_id: Those directly under this one.
        permission_id: Those with exactly this permission.
        key, contract, token: Those that are exposed to it (`AsyncExposure`).
        expires_before: Unix seconds: those whose end is earlier.
        organization_id: An organization below one's own.
    """

    state: str | None
    user_id: str | None
    wallet_id: str | None
    account_id: str | None
    parent_id: str | None
    permission_id: str | None
    key: str | None
    contract: str | None
    token: str | None
    expires_before: int | None
    order: Order
    organization_id: str | None


class ActivityFilters(TypedDict, total=False):
    """
    Which activities.

    Args:
        kind: Such as ``run`` or ``session:revoke``.
        since, until: Unix seconds: the first one, and the first one that is not in it any more.
        organization_id: An organization below one's own.
    """

    kind: str | None
    state: str | None
    session_id: str | None
    account_id: str | None
    since: int | None
    until: int | None
    order: Order
    organization_id: str | None


class LineFilters(TypedDict, total=False):
    """
    Which lines of the audit log.

    Args:
        resource, action: The halves of the event's name: ``session`` and ``revoked``.
        since, until: Unix seconds: the first one, and the first one that is not in it any more.
        organization_id: An organization below one's own.
    """

    resource: str | None
    action: str | None
    subject_id: str | None
    principal_id: str | None
    since: int | None
    until: int | None
    order: Order
    organization_id: str | None


class Asked(TypedDict, total=False):
    """
    Whom sessions are exposed to: one of the first five (docs/reference/lists.md).

    Args:
        key: A public key in hex, compressed or not, or the address of one on secp256k1.
        contract: That may be called, signed for, paid or approved.
        recipient: That tokens may end at.
        token: That may be moved; ``native`` is the coin.
        relayer: That alone carries the runs.
        organization_id: It and all below it; None is one's own.
    """

    key: str | None
    contract: str | None
    recipient: str | None
    token: str | None
    relayer: str | None
    organization_id: str | None
