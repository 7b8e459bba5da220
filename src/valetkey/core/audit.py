"""The audit log: one hash chain per organization."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.spec import keys
from valetkey.spec.jcs import canonical_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from valetkey.core.wallet import PublicKey

GENESIS: Final = bytes(32)


@dataclass(frozen=True, slots=True)
class AuditLine:
    """
    What happened, and the hash that ties it to everything before it.

    Args:
        id: `audit_id`.
        seq: 1 for the first line of an organization, then without gaps.
        event: ``resource:action`` in the past tense.
        facts: Text only, never a secret.
        previous: Hash of the line before, 32 zero bytes for the first.
    """

    id: str
    organization_id: str
    seq: int
    at: int
    event: str
    subject_id: str
    principal_id: str
    facts: dict[str, str]
    previous: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The newest line of an organization; ``id`` is the organization's."""

    id: str
    seq: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class SignedHead:
    """
    What a log had reached, signed by the server's audit key, to be kept outside the store.

    Args:
        signature: 64 bytes, Ed25519 over `head_message`.
    """

    organization_id: str
    seq: int
    hash: bytes
    signed_at: int
    public_key: PublicKey
    signature: bytes

    @property
    def head(self) -> AuditHead:
        """The head itself."""
        return AuditHead(self.organization_id, self.seq, self.hash)

    def is_genuine(self) -> bool:
        """Say whether the signature is by the key that it names."""
        message = head_message(self.head, signed_at=self.signed_at)
        try:
            return keys.verify(self.public_key, message, self.signature)
        except keys.PublicKeyError:
            return False


@dataclass(frozen=True, slots=True)
class Break:
    """Where a log is not what was written, and what is wrong there."""

    seq: int
    problem: str


def audit_id(organization_id: str, seq: int) -> str:
    """Return an id that sorts by organization and then by sequence."""
    return f"{organization_id}/{seq:012}"


def next_line(
    head: AuditHead, *, at: int, event: str, subject_id: str, principal_id: str, **facts: str
) -> AuditLine:
    """Return the line that follows *head*, hashed."""
    seq = head.seq + 1
    digest = _hash(head.id, seq, at, event, subject_id, principal_id, facts, head.hash)
    return AuditLine(
        id=audit_id(head.id, seq),
        organization_id=head.id,
        seq=seq,
        at=at,
        event=event,
        subject_id=subject_id,
        principal_id=principal_id,
        facts=dict(facts),
        previous=head.hash,
        hash=digest,
    )


def first_head(organization_id: str) -> AuditHead:
    """Return the head of a log that has no line yet."""
    return AuditHead(id=organization_id, seq=0, hash=GENESIS)


def head_message(head: AuditHead, *, signed_at: int) -> bytes:
    """Return the bytes that the audit key signs."""
    document = {
        "purpose": "valetkey audit head",
        "organization_id": head.id,
        "seq": head.seq,
        "hash": head.hash.hex(),
        "signed_at": signed_at,
    }
    return canonical_json(document)


class Follower:
    """
    Follows one organization's log line by line, and says where it is not what was written.

    Lines behind a head are checked too: a head may be older than the log.

    Args:
        heads: Kept outside the store, or signed just now; cutting the end off is found by them.
    """

    def __init__(self, organization_id: str, heads: Iterable[AuditHead] = ()) -> None:
        self._heads: dict[int, set[bytes]] = {}
        for head in heads:
            self._heads.setdefault(head.seq, set()).add(head.hash)
        self.reached = first_head(organization_id)
        self.broken = self._contradicted()

    def follow(self, line: AuditLine) -> Break | None:
        """Return where the log is broken, with *line* as the next one; None if nowhere so far."""
        if self.broken is None:
            self.broken = _problem(line, self.reached)
        if self.broken is None:
            self.reached = AuditHead(self.reached.id, line.seq, line.hash)
            self.broken = self._contradicted()
        return self.broken

    def end(self) -> Break | None:
        """Return where the log is broken, with nothing behind the last line; None if nowhere."""
        last = max(self._heads, default=0)
        if self.broken is None and self.reached.seq < last:
            cut = f"the log was cut; the signed head is at line {last}"
            self.broken = Break(self.reached.seq + 1, cut)
        return self.broken

    def _contradicted(self) -> Break | None:
        if self._heads.get(self.reached.seq, set()) <= {self.reached.hash}:
            return None
        return Break(self.reached.seq, _OTHER_HASH)


def verify(lines: Iterable[AuditLine], *, head: AuditHead) -> Break | None:
    """
    Say where *lines* depart from an unbroken chain that reaches *head*, or None if nowhere.

    Args:
        lines: All of one organization, in order of ``seq``.
        head: Kept outside the store; see `Follower`.
    """
    follower = Follower(head.id, (head,))
    for line in lines:
        if follower.follow(line) is not None:
            break
    return follower.end()


_OTHER_HASH: Final = "the signed head says another hash"


def _problem(line: AuditLine, previous: AuditHead) -> Break | None:
    if line.seq != previous.seq + 1:
        return Break(previous.seq + 1, f"a line is missing or moved; {line.seq} came next")
    if line.organization_id != previous.id or line.id != audit_id(previous.id, line.seq):
        return Break(line.seq, f"it is not a line of {previous.id}")
    if line.previous != previous.hash:
        return Break(line.seq, "it does not follow the line before it")
    if not _is_intact(line):
        return Break(line.seq, "it was changed after it was written")
    return None


def _is_intact(line: AuditLine) -> bool:
    try:
        expected = _hash(
            line.organization_id,
            line.seq,
            line.at,
            line.event,
            line.subject_id,
            line.principal_id,
            line.facts,
            line.previous,
        )
    except ValueError:  # it has no canonical form, so it was never written like this
        return False
    return line.hash == expected


def _hash(  # noqa: PLR0917 - every field of the line is hashed, in its order
    organization_id: str,
    seq: int,
    at: int,
    event: str,
    subject_id: str,
    principal_id: str,
    facts: dict[str, str],
    previous: bytes,
) -> bytes:
    document = {
        "organization_id": organization_id,
        "seq": seq,
        "at": at,
        "event": event,
        "subject_id": subject_id,
        "principal_id": principal_id,
        "facts": facts,
        "previous": previous.hex(),
    }
    return hashlib.sha256(canonical_json(document)).digest()
