"""Webhooks: who is told of events, what waits to be told, and when it is tried again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from valetkey.spec import standard_webhooks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.surface import Surface

SECRET_BYTES: Final = 32
OVERLAP_S: Final = 86_400  # how long the secret before still signs
TOLERANCE_S: Final = 300
# Pauses between attempts, in seconds; after the last attempt a delivery is dead.
PAUSES_S: Final = (5, 30, 120, 600, 3600, 6 * 3600, 24 * 3600)
MAX_HOLD_S: Final = 600
FAILING_S: Final = (
    3 * 86_400
)  # a receiver that fails for so long, and has something waiting, is off
KEPT_S: Final = 30 * 86_400  # how long an ended delivery is listed
_JITTER: Final = 5  # a pause is up to a fifth shorter or longer
GONE: Final = 410
_OK: Final = range(200, 300)


@dataclass(frozen=True, slots=True)
class VendorForm:
    """
    How a receiver is told that was made for a vendor's client.

    Args:
        surface: Whose client it is.
        event: What its one event is called there; receivers differ in that.
        kinds: Of activities: it is told of no others.
        group_id: The webhook with which it was asked for, itself the first time.
        credential_id: Whose API key signs its messages, for that is the secret that the vendor's
            client has.
    """

    surface: Surface
    event: str
    kinds: tuple[str, ...]
    group_id: str
    credential_id: str

    def concerns(self, facts: Mapping[str, str]) -> bool:
        """Say whether what has such *facts* is told to it."""
        return facts.get("kind") in self.kinds


@dataclass(frozen=True, slots=True)
class Webhook:
    """
    A receiver of events.

    Args:
        events: What it wants to hear (`check_wanted`).
        is_on: Whether anything is sent to it.
        off_reason: Why it was switched off by itself; empty otherwise.
        sealed_secret: What its messages are signed with, as the vault seals it.
        previous_secret: The one before, sealed, which also signs until ``previous_until``.
        failures: Turns in which something failed, since the last success.
        failing_since: Unix seconds of the first of them; None while nothing waits or all is well.
        form: How it is told, unless in our own form.
    """

    id: str
    organization_id: str
    url: str
    events: tuple[str, ...]
    label: str
    is_on: bool
    sealed_secret: bytes
    created_at: int
    previous_secret: bytes | None = None
    previous_until: int = 0
    failures: int = 0
    failing_since: int | None = None
    off_reason: str = ""
    form: VendorForm | None = None


class DeliveryState(StrEnum):
    """``DELIVERED`` and ``DEAD`` are ends, until somebody replays it."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    One event for one webhook.

    Args:
        id: Sorts by when the event happened.
        event_id: The receiver's key against repetitions; the same for every webhook.
        line_id: The audit line that tells it.
        attempts: Made since it was written or replayed.
        next_at: When it is tried next; None when it is over.
        status: Of the last answer; None if there was none.
        reason: Why the last attempt failed; empty if it did not.
    """

    id: str
    organization_id: str
    webhook_id: str
    state: DeliveryState
    event_id: str
    line_id: str
    event: str
    at: int
    next_at: int | None
    attempts: int = 0
    status: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pending delivery in the queue of its webhook; ``id`` is `waiting_id`."""

    id: str
    webhook_id: str
    delivery_id: str
    due_at: int


class TurnState(StrEnum):
    """``HELD``: the receiver just failed and is left alone. ``TAKEN``: a process is sending."""

    WAITING = "waiting"
    HELD = "held"
    TAKEN = "taken"


@dataclass(frozen=True, slots=True)
class Turn:
    """
    When a webhook is served next: one for each that has something waiting.

    Webhooks take turns, so that a slow receiver, or one with much waiting, holds up nobody else.

    Args:
        id: `turn_id`: what is due first sorts first.
        due_at: When it is served; if ``TAKEN``, when another process may take it over.
    """

    id: str
    webhook_id: str
    due_at: int
    state: TurnState


def waiting_id(delivery: Delivery, *, due_at: int) -> str:
    """Return an id that sorts by webhook, then by time, then by when the event happened."""
    return f"{delivery.webhook_id}/{due_at:012d}/{delivery.id}"


def turn_id(webhook_id: str, *, due_at: int) -> str:
    """Return an id that sorts by time."""
    return f"{due_at:012d}/{webhook_id}"


def is_delivered(status: int | None) -> bool:
    """Say whether an answer with *status* says that the receiver has it."""
    return status in _OK


def pause_s(attempts: int, *, chance: int) -> int | None:
    """
    Return how long to wait after so many *attempts*, or None if that was the last.

    Args:
        chance: Random, 0 to 65,535: up to a fifth less or more, so that receivers which failed
            together are not asked together.
    """
    if attempts > len(PAUSES_S):
        return None
    whole = PAUSES_S[attempts - 1]
    return max(whole + (whole * 2 * chance // 65_535 - whole) // _JITTER, 1)


def hold_s(failures: int) -> int:
    """Return how long a receiver that failed so often in a row is left alone."""
    return min(PAUSES_S[min(failures, len(PAUSES_S)) - 1], MAX_HOLD_S)


def signature_fields(
    secrets: list[bytes], message_id: str, body: bytes, *, at: int
) -> dict[str, str]:
    """Return the three fields of a message, signed at *at* with each of *secrets*."""
    signed = (standard_webhooks.signature_of(one, message_id, at, body) for one in secrets)
    return {
        standard_webhooks.ID_FIELD: message_id,
        standard_webhooks.TIME_FIELD: str(at),
        standard_webhooks.SIGNATURE_FIELD: " ".join(signed),
    }


def secret_text(secret: bytes) -> str:
    """Return *secret* as its receiver gets it."""
    return standard_webhooks.secret_text(secret)


def secret_context(organization_id: str, webhook_id: str) -> str:
    """Return what the vault binds the secrets of a webhook to."""
    return f"{organization_id}/webhook/{webhook_id}"
