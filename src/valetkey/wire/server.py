"""The server itself, its health, its audit log, and how it says no."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from valetkey.core import audit as core
from valetkey.core.wallet import Curve, PublicKey
from valetkey.wire.base import (
    Address,
    Hex,
    Integer,
    Seconds,
    Told,
    Word,
    hexed,
    read_bytes,
)


class Health(Told, frozen=True, kw_only=True):
    """``ok``; anything else is answered as a problem."""

    status: str = "ok"


class ServedChain(Told, frozen=True, kw_only=True):
    """
    A chain that this server speaks to, the account code there, and who pays for gas.

    Args:
        relayer: Pays for runs and delegations; what sessions are bound to.
        stopper: Pays for stops, and for nothing else.
    """

    chain: str
    implementation: Address
    relayer: Address
    stopper: Address


class Server(Told, frozen=True, kw_only=True):
    """This server; ``time`` is its clock, for signed requests."""

    version: str
    chains: list[ServedChain]
    time: Seconds


class AuditLine(Told, frozen=True, kw_only=True):
    """What happened, and the hash that ties it to everything before it."""

    id: str
    organization_id: str
    seq: Integer
    at: Seconds
    event: str
    subject_id: str
    principal_id: str
    facts: dict[str, str]
    previous: Word
    hash: Word


class AuditHead(Told, frozen=True, kw_only=True):
    """
    The newest line of an organization's log, signed: kept elsewhere, it shows a cut.

    Args:
        signature: By the server's audit key (Ed25519), 64 bytes, over `head_message`.
        public_key: Of that key, 32 bytes.
    """

    organization_id: str
    seq: Integer
    hash: Word
    signed_at: Seconds
    signature: Hex
    public_key: Word


class Problem(Told, frozen=True, kw_only=True):
    """
    Why something was refused (RFC 9457). Facts of the reason stand beside these fields.

    Args:
        code: Stable; what a program looks at.
        detail: What was expected and what came.
    """

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    code: str
    request_id: str


class ProblemKind(Told, frozen=True, kw_only=True):
    """What a code means."""

    type: str
    code: str
    title: str


def write_audit_line(line: core.AuditLine) -> AuditLine:
    """Return *line* as it is answered."""
    return AuditLine(
        id=line.id,
        organization_id=line.organization_id,
        seq=line.seq,
        at=line.at,
        event=line.event,
        subject_id=line.subject_id,
        principal_id=line.principal_id,
        facts=line.facts,
        previous=hexed(line.previous),
        hash=hexed(line.hash),
    )


def write_audit_head(head: core.SignedHead) -> AuditHead:
    """Return *head* as it is answered."""
    return AuditHead(
        organization_id=head.organization_id,
        seq=head.seq,
        hash=hexed(head.hash),
        signed_at=head.signed_at,
        signature=hexed(head.signature),
        public_key=hexed(head.public_key.data),
    )


def read_audit_line(line: AuditLine) -> core.AuditLine:
    """
    Return *line* as it was written down.

    Raises:
        Malformed: A hash is none.
    """
    return core.AuditLine(
        id=line.id,
        organization_id=line.organization_id,
        seq=line.seq,
        at=line.at,
        event=line.event,
        subject_id=line.subject_id,
        principal_id=line.principal_id,
        facts=line.facts,
        previous=read_bytes(line.previous, "previous", count=32),
        hash=read_bytes(line.hash, "hash", count=32),
    )


def read_audit_head(head: AuditHead) -> core.SignedHead:
    """
    Return *head* as it was signed; whether it is genuine is not looked at.

    Raises:
        Malformed: A hash, a key or a signature has another length.
    """
    return core.SignedHead(
        organization_id=head.organization_id,
        seq=head.seq,
        hash=read_bytes(head.hash, "hash", count=32),
        signed_at=head.signed_at,
        public_key=PublicKey(Curve.ED25519, read_bytes(head.public_key, "public_key", count=32)),
        signature=read_bytes(head.signature, "signature", count=64),
    )
