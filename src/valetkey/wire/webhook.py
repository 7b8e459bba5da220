"""Webhooks, deliveries, and the events that receivers get."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from valetkey.wire.base import Asked, Integer, Seconds, Text, Told
from valetkey.wire.quiet import quiet

if TYPE_CHECKING:
    from valetkey.core import webhook as core

Url = Annotated[str, Meta(max_length=2048, description="`https`, at a public address.")]
Wanted = Annotated[
    list[Annotated[str, Meta(max_length=64)]],
    Meta(
        min_length=1,
        max_length=64,
        description="Events such as `session:revoked`; `session:*` and `*` stand for many.",
    ),
]
OnOff = Literal["on", "off"]
DeliveryState = Literal["pending", "delivered", "dead"]


class AddWebhook(Asked, frozen=True, kw_only=True):
    """A receiver to tell of events."""

    url: Url
    events: Wanted
    label: Text = ""


class ChangeWebhook(Asked, frozen=True, kw_only=True):
    """What is to be different about a receiver; what is left out stays."""

    url: Url | None = None
    events: Wanted | None = None
    label: Text | None = None
    state: OnOff | None = None


class Webhook(Told, frozen=True, kw_only=True):
    """
    A receiver of events.

    Args:
        surface: In whose form it is told: ``native``, or that of the vendor through whose client it
            was added.
        off_reason: Why it was switched off by itself; empty otherwise.
        failing_since: Since when nothing came through while something waits.
        previous_secret_until: Until then messages are also signed with the secret before.
    """

    id: str
    organization_id: str
    url: str
    events: list[str]
    label: str
    surface: str
    state: str
    off_reason: str
    failing_since: Seconds | None
    previous_secret_until: Seconds | None
    created_at: Seconds


class WebhookWithSecret(Told, frozen=True, kw_only=True):
    """A receiver and what its messages are signed with: ``whsec_…``, shown this once."""

    webhook: Webhook
    secret: str | None

    __repr__ = quiet("secret")


class RemovedWebhook(Told, frozen=True, kw_only=True):
    """A receiver that is no more."""

    id: str


class ReplayDead(Asked, frozen=True, kw_only=True):
    """Which dead deliveries are tried again: of events of that second and later."""

    since: Seconds = 0


class Replayed(Told, frozen=True, kw_only=True):
    """How many deliveries are tried again; at most 1,000 at once."""

    deliveries: Integer


class Delivery(Told, frozen=True, kw_only=True):
    """
    One event for one receiver.

    Args:
        event_id: ``webhook-id`` of the message: the same each time it is sent.
        at: When the event happened.
        next_at: When it is tried next; None when it is over.
        status: Of the last answer; None if there was none.
        reason: Why the last attempt failed; empty if it did not.
    """

    id: str
    organization_id: str
    webhook_id: str
    state: str
    event_id: str
    event: str
    at: Seconds
    attempts: Integer
    next_at: Seconds | None
    status: int | None
    reason: str


class Event(Told, frozen=True, kw_only=True):
    """
    The body of a message.

    Args:
        id: The same each time it is sent: what a receiver has seen before, it passes over.
        at_ms: When it happened, in Unix milliseconds, to the second.
        subject_id: What it is about.
        principal_id: Who did it; ``system`` for the server itself.
        audit_seq: The line of the organization's audit log that says the same.
        facts: What else belongs to it, as text.
    """

    id: str
    type: str
    at_ms: int
    organization_id: str
    subject_id: str
    principal_id: str
    audit_seq: int
    facts: dict[str, str]


def write_webhook(webhook: core.Webhook) -> Webhook:
    """Return *webhook* as it is answered."""
    return Webhook(
        id=webhook.id,
        organization_id=webhook.organization_id,
        url=webhook.url,
        events=list(webhook.events),
        label=webhook.label,
        surface=webhook.form.surface.value if webhook.form else "native",
        state="on" if webhook.is_on else "off",
        off_reason=webhook.off_reason,
        failing_since=webhook.failing_since,
        previous_secret_until=webhook.previous_until or None,
        created_at=webhook.created_at,
    )


def write_delivery(delivery: core.Delivery) -> Delivery:
    """Return *delivery* as it is answered."""
    return Delivery(
        id=delivery.id,
        organization_id=delivery.organization_id,
        webhook_id=delivery.webhook_id,
        state=delivery.state.value,
        event_id=delivery.event_id,
        event=delivery.event,
        at=delivery.at,
        attempts=delivery.attempts,
        next_at=delivery.next_at,
        status=delivery.status,
        reason=delivery.reason,
    )
