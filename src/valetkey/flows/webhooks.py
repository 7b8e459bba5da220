"""Webhooks: added, changed, withdrawn, and their secrets renewed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Malformed
from valetkey.core.event import check_wanted
from valetkey.core.ids import Prefix
from valetkey.core.quota import Quota
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.webhook import (
    OVERLAP_S,
    SECRET_BYTES,
    Webhook,
    secret_context,
    secret_text,
)
from valetkey.flows.counts import count_one, count_one_less
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.outbox import summon, turn_of
from valetkey.flows.record import admit, begin, write_down

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.activity import Activity, Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be different; None leaves it."""

    url: str | None = None
    events: Sequence[str] | None = None
    label: str | None = None
    is_on: bool | None = None


async def add_webhook(
    world: World,
    principal: Principal,
    request: Request,
    *,
    url: str,
    events: Sequence[str],
    label: str,
) -> tuple[Webhook, str | None]:
    """
    Return a new webhook, and its secret, shown this once; None when the request is repeated.

    Raises:
        Malformed: Nothing is sent to such a URL, or an event never happens.
        Limited: The organization has as many as it may.
    """
    expect_secret(principal)
    owner = principal.organization_id
    webhook, secret = await new_webhook(world, owner, url=url, events=events, label=label)

    def body(tx: Tx) -> tuple[Webhook, str | None]:
        before = admit(world, tx, principal, request)
        if before is not None:
            return present(tx.get(Webhook, before.subject_id), "webhook"), None
        count_one(world, tx, owner, Quota.WEBHOOKS)
        activity = begun(world, principal, request, "webhook:add", webhook)
        write_down(
            world, tx, activity, "webhook:added"
        )  # before it is there: it hears what comes after
        tx.add(webhook)
        return webhook, secret

    return await world.store.write(body)


async def new_webhook(
    world: World, organization_id: str, *, url: str, events: Sequence[str], label: str
) -> tuple[Webhook, str]:
    """
    Return a webhook that is not there yet, and its secret.

    Raises:
        Malformed: Nothing is sent to such a URL, or an event never happens.
    """
    wanted = check_wanted(events)
    await world.outbound.check(url)
    webhook_id = world.new_id(Prefix.WEBHOOK)
    secret, sealed = await _new_secret(world, organization_id, webhook_id)
    webhook = Webhook(
        id=webhook_id,
        organization_id=organization_id,
        url=url,
        events=wanted,
        label=label,
        is_on=True,
        sealed_secret=sealed,
        created_at=world.clock.now(),
    )
    return webhook, secret


async def _new_secret(world: World, organization_id: str, webhook_id: str) -> tuple[str, bytes]:
    """Return a secret as its receiver gets it, and sealed."""
    secret = world.entropy.take(SECRET_BYTES)
    context = secret_context(organization_id, webhook_id)
    return secret_text(secret), await world.vault.seal(SecretBytes(secret), context=context)


def own_webhook(view: View, principal: Principal, webhook_id: str) -> Webhook:
    """Return a webhook that *principal* may do anything with; a parent only looks."""
    webhook = present(view.get(Webhook, webhook_id), "webhook")
    expect_reach(view, principal, webhook.organization_id, "webhook", widens=True)
    return webhook


async def change_webhook(
    world: World, principal: Principal, request: Request, *, webhook_id: str, changes: Changes
) -> Webhook:
    """
    Return the webhook, changed. Off, it is told nothing, and what waits for it ends as dead.

    Raises:
        Malformed: Nothing is sent to such a URL, or an event never happens; or the webhook is of a
            vendor's form, whose one event stays.
    """
    expect_secret(principal)
    await world.store.read(lambda view: own_webhook(view, principal, webhook_id))
    wanted = None if changes.events is None else check_wanted(changes.events)
    if changes.url is not None:
        await world.outbound.check(changes.url)

    def body(tx: Tx) -> Webhook:
        before = own_webhook(tx, principal, webhook_id)
        if admit(world, tx, principal, request) is not None:
            return before
        if wanted is not None and before.form is not None:
            detail = f"events: expected none, for {before.form.surface} says what this one is told"
            raise Malformed(Code.MALFORMED_BODY, detail)
        is_on = before.is_on if changes.is_on is None else changes.is_on
        after = replace(
            before,
            url=before.url if changes.url is None else changes.url,
            events=before.events if wanted is None else wanted,
            label=before.label if changes.label is None else changes.label,
            is_on=is_on,
            off_reason="" if is_on else before.off_reason,
            failures=0,
            failing_since=None,
        )
        tx.put(after)
        if turn_of(tx, webhook_id) is not None:
            summon(tx, webhook_id, due_at=world.clock.now(), is_urgent=True)
        activity = begun(world, principal, request, "webhook:change", after)
        write_down(world, tx, activity, "webhook:changed", state="on" if is_on else "off")
        return after

    return await world.store.write(body)


async def remove_webhook(
    world: World, principal: Principal, request: Request, *, webhook_id: str
) -> str:
    """Return the id of a webhook that is no more; what waited for it is gone, too."""
    expect_secret(principal)

    def body(tx: Tx) -> str:
        before = admit(world, tx, principal, request)
        if before is not None:
            return before.subject_id
        webhook = own_webhook(tx, principal, webhook_id)
        drop_webhook(tx, webhook, now=world.clock.now())
        activity = begun(world, principal, request, "webhook:remove", webhook)
        write_down(world, tx, activity, "webhook:removed")
        return webhook_id

    return await world.store.write(body)


def drop_webhook(tx: Tx, webhook: Webhook, *, now: int) -> None:
    """Take *webhook* away; what waits for it goes at its next turn."""
    tx.drop(Webhook, webhook.id)
    count_one_less(tx, webhook.organization_id, Quota.WEBHOOKS)
    if turn_of(tx, webhook.id) is not None:
        summon(tx, webhook.id, due_at=now, is_urgent=True)


async def rotate_secret(
    world: World, principal: Principal, request: Request, *, webhook_id: str
) -> tuple[Webhook, str | None]:
    """
    Return the webhook and its new secret, shown this once; None when the request is repeated.

    For a day each message is signed with the one before, as well.
    """
    expect_secret(principal)
    known = await world.store.read(lambda view: own_webhook(view, principal, webhook_id))
    secret, sealed = await _new_secret(world, known.organization_id, webhook_id)

    def body(tx: Tx) -> tuple[Webhook, str | None]:
        before = own_webhook(tx, principal, webhook_id)
        if admit(world, tx, principal, request) is not None:
            return before, None
        until = world.clock.now() + OVERLAP_S
        after = replace(
            before,
            sealed_secret=sealed,
            previous_secret=before.sealed_secret,
            previous_until=until,
        )
        tx.put(after)
        activity = begun(world, principal, request, "webhook:rotate", after)
        write_down(world, tx, activity, "webhook:rotated", previous_until=str(until))
        return after, secret

    return await world.store.write(body)


def begun(
    world: World, principal: Principal, request: Request, kind: str, webhook: Webhook
) -> Activity:
    """Return the activity of a *request* about *webhook*."""
    return begin(
        world,
        principal,
        request,
        kind,
        organization_id=webhook.organization_id,
        subject_id=webhook.id,
    )
