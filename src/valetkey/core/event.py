"""Events: what an organization can be told of, and which of it somebody wants to hear."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.ids import ID_ENTROPY_BYTES, Prefix, make_id
from valetkey.spec.jcs import canonical_json

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from valetkey.core.audit import AuditLine

SENT: Final = "activity:sent"
BUDGET_80: Final = "alert:budget_80"
TESTED: Final = "webhook:tested"
REFUSAL_BURST: Final = "alert:refusal_burst"
RELAYER_BALANCE_LOW: Final = "alert:relayer_balance_low"
EVERY: Final = "*"
MAX_WANTED: Final = 64
_SEQ_SHIFTS: Final = (25, 20, 15, 10, 5, 0)  # a letter of an id holds five bits
_MARK_LETTERS: Final = ID_ENTROPY_BYTES - len(_SEQ_SHIFTS)

# Every event that the audit log has; docs/reference/webhooks.md says what each means.
EVENTS: Final = frozenset(
    {
        "account:undelegating",
        "activity:done",
        "activity:failed",
        "activity:lapsed",
        SENT,
        BUDGET_80,
        REFUSAL_BURST,
        RELAYER_BALANCE_LOW,
        "budget:set",
        "contract:deleted",
        "contract:noted",
        "credential:added",
        "credential:key_rotated",
        "credential:origins_set",
        "credential:revoked",
        "credential:role_set",
        "credential:terms_set",
        "execution:prepared",
        "execution:signed",
        "organization:arrived",
        "organization:identity_provider_removed",
        "organization:identity_provider_set",
        "organization:moved",
        "organization:opened",
        "organization:quota_set",
        "organization:raw_signing_set",
        "organization:vendor_meaning_set",
        "rulebook:added",
        "rulebook:changed",
        "rulebook:removed",
        "run:booked",
        "session:closed",
        "session:found_open",
        "session:frozen",
        "session:granted",
        "session:handed_off",
        "session:key_rotated",
        "session:link_renewed",
        "session:opened",
        "session:revocation_asked",
        "session:revoked",
        "session:revoked_all",
        "session:signed",
        "session:unfrozen",
        "sponsorship:added",
        "sponsorship:changed",
        "sponsorship:removed",
        "sponsorship:rule_added",
        "sponsorship:rule_changed",
        "sponsorship:rule_removed",
        "user:added",
        "user:noted",
        "user:taken_out",
        "user:key_locked",
        "user:key_tried",
        "user:key_unlocked",
        "wallet:added",
        "wallet:backed_up",
        "wallet:eject_enabled",
        "wallet:ejected",
        "wallet:joining",
        "wallet:pin_begun",
        "wallet:pin_opened",
        "wallet:pin_set",
        "wallet:pin_tried",
        "wallet:recovered",
        "wallet:refreshed",
        "wallet:review_approved",
        "wallet:review_asked",
        "wallet:review_denied",
        "wallet:share_confirmed",
        "wallet:cipher_text_kept",
        "wallet:share_stored",
        "wallet:share_kept",
        "wallet:signature_refused",
        "wallet:signed",
        "webhook:added",
        "webhook:changed",
        "webhook:disabled",
        "webhook:removed",
        "webhook:replayed",
        "webhook:rotated",
        TESTED,
    }
)
_RESOURCES: Final = frozenset(one.partition(":")[0] for one in EVENTS)


def check_wanted(wanted: Sequence[str]) -> tuple[str, ...]:
    """
    Return what somebody wants to hear, without repetitions.

    Args:
        wanted: Names of events, ``session:*`` for all about sessions, ``*`` for everything.

    Raises:
        Malformed: There is none, too many, or one that never happens.
    """
    if not 1 <= len(wanted) <= MAX_WANTED:
        detail = f"events: expected 1 to {MAX_WANTED}, got {len(wanted)}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    for one in wanted:
        resource, _, action = one.partition(":")
        is_family = action == EVERY and resource in _RESOURCES
        if one != EVERY and not is_family and one not in EVENTS:
            expected = "an event, such as session:revoked, session:* or *"
            raise Malformed(Code.MALFORMED_BODY, f"events: expected {expected}, got {one[:40]!r}")
    return tuple(dict.fromkeys(wanted))


def is_wanted(event: str, wanted: Collection[str]) -> bool:
    """Say whether *event* is among what is *wanted*."""
    return event in wanted or f"{event.partition(':')[0]}:{EVERY}" in wanted or EVERY in wanted


def event_id(line: AuditLine) -> str:
    """Return the id of what *line* tells: the same whenever it is told, later ones sort behind."""
    return line_id(Prefix.EVENT, line, line.organization_id)


def line_id(prefix: Prefix, line: AuditLine, mark: str) -> str:
    """Return an id made from *line* and *mark* alone, in the order of lines."""
    seq = bytes((line.seq >> shift) & 31 for shift in _SEQ_SHIFTS)
    chance = hashlib.sha256(f"{line.organization_id}/{mark}".encode()).digest()[:_MARK_LETTERS]
    return make_id(prefix, seq + chance, at_ms=line.at * 1000)


def event_body(line: AuditLine) -> bytes:
    """
    Return what is sent about *line*: the same bytes whenever it is sent.

    The facts of the audit log are text and no secrets; nothing else of the store is in it.

    Spec:
        RFC 8785.
    """
    document = {
        "id": event_id(line),
        "type": line.event,
        "at_ms": line.at * 1000,
        "organization_id": line.organization_id,
        "subject_id": line.subject_id,
        "principal_id": line.principal_id,
        "audit_seq": line.seq,
        "facts": line.facts,
    }
    return canonical_json(document)
