"""What an owner without any key of ours sees and signs, by a link."""

from __future__ import annotations

from typing import Literal

from valetkey.wire.base import Address, GrantKey, Integer, Seconds, Told
from valetkey.wire.calculus import Finding
from valetkey.wire.clone import Clone
from valetkey.wire.explain import WorstCase
from valetkey.wire.permission import PermissionDocument
from valetkey.wire.session import TypedData


class ConsentLink(Told, frozen=True, kw_only=True):
    """
    A link to the consent of one pending session: for its owner, and nobody else.

    Args:
        url: Shown this once; None when the request is repeated.
        expires_at: First second at which it does not work.
    """

    session_id: str
    url: str | None
    expires_at: Seconds


class LinkedConsent(Told, frozen=True, kw_only=True):
    """
    All that the owner of an account reads before they sign.

    Args:
        organization: What the organization that asks calls itself.
        names: What the operator calls addresses that stand in the permission.
        proof: ``chain``: the holder alone has the session key; ``stamp``: this server has it.
        clone: What the account's address follows from, if it is one; its owner signs.
        link_expires_at: First second at which the link that asked does not work.
    """

    session_id: str
    organization: str
    label: str
    device: str
    proof: Literal["chain", "stamp"]
    account: Address
    clone: Clone | None
    chain: str
    chain_id: Integer
    starts_at: Seconds
    expires_at: Seconds
    idle_s: Integer | None
    session_key: GrantKey
    permission: PermissionDocument
    names: dict[Address, str]
    headline: str
    explanation: list[str]
    worst_case: WorstCase
    findings: list[Finding]
    grant: TypedData
    kill_note: TypedData
    link_expires_at: Seconds


class SignedConsent(Told, frozen=True, kw_only=True):
    """What has become of the session: ``open``, or ended while its owner signed."""

    session_id: str
    state: str
