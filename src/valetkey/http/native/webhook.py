"""Webhooks and their deliveries."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core import webhook as core
from valetkey.core.ids import Prefix
from valetkey.core.scope import Scope
from valetkey.flows import deliveries, reads, webhooks
from valetkey.http.native.pages import OwnedPage, cursor_of, owner_of, page
from valetkey.http.routes import SECRET, Ask, Read, Route, Write
from valetkey.wire import webhook as wire
from valetkey.wire.base import Nothing, Page, read_text

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads


class Deliveries(OwnedPage, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which deliveries."""

    webhook_id: str | None = None
    state: wire.DeliveryState | None = None


async def _add(admitted: Admitted, ask: Ask[wire.AddWebhook, NoQuery]) -> wire.WebhookWithSecret:
    body = ask.body
    webhook, secret = await webhooks.add_webhook(
        admitted.world,
        admitted.principal,
        admitted.request,
        url=read_text(body.url, "url"),
        events=body.events,
        label=read_text(body.label, "label"),
    )
    return wire.WebhookWithSecret(webhook=wire.write_webhook(webhook), secret=secret)


async def _list(see: Reads, principal: Principal, ask: Ask[None, OwnedPage]) -> Page[wire.Webhook]:
    query = ask.query
    found = await reads.listed(
        see,
        principal,
        core.Webhook,
        organization_id=owner_of(principal, query.organization_id),
        after=cursor_of(query, Prefix.WEBHOOK),
        limit=query.limit,
    )
    return page(found, wire.write_webhook, query)


async def _show(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Webhook:
    found = await reads.owned(see, principal, core.Webhook, "webhook", key=ask.id)
    return wire.write_webhook(found)


async def _change(admitted: Admitted, ask: Ask[wire.ChangeWebhook, NoQuery]) -> wire.Webhook:
    body = ask.body
    changed = await webhooks.change_webhook(
        admitted.world,
        admitted.principal,
        admitted.request,
        webhook_id=ask.id,
        changes=webhooks.Changes(
            url=None if body.url is None else read_text(body.url, "url"),
            events=body.events,
            label=None if body.label is None else read_text(body.label, "label"),
            is_on=None if body.state is None else body.state == "on",
        ),
    )
    return wire.write_webhook(changed)


async def _rotate(admitted: Admitted, ask: Ask[Nothing, NoQuery]) -> wire.WebhookWithSecret:
    webhook, secret = await webhooks.rotate_secret(
        admitted.world, admitted.principal, admitted.request, webhook_id=ask.id
    )
    return wire.WebhookWithSecret(webhook=wire.write_webhook(webhook), secret=secret)


async def _remove(admitted: Admitted, ask: Ask[Nothing, NoQuery]) -> wire.RemovedWebhook:
    removed = await webhooks.remove_webhook(
        admitted.world, admitted.principal, admitted.request, webhook_id=ask.id
    )
    return wire.RemovedWebhook(id=removed)


async def _test(admitted: Admitted, ask: Ask[Nothing, NoQuery]) -> wire.Delivery:
    delivery = await deliveries.try_webhook(
        admitted.world, admitted.principal, admitted.request, webhook_id=ask.id
    )
    return wire.write_delivery(delivery)


async def _replay_dead(admitted: Admitted, ask: Ask[wire.ReplayDead, NoQuery]) -> wire.Replayed:
    count = await deliveries.replay_dead(
        admitted.world,
        admitted.principal,
        admitted.request,
        webhook_id=ask.id,
        since=ask.body.since,
    )
    return wire.Replayed(deliveries=count)


async def _deliveries(
    see: Reads, principal: Principal, ask: Ask[None, Deliveries]
) -> Page[wire.Delivery]:
    query = ask.query
    asked = {"webhook_id": query.webhook_id, "state": query.state}
    where = {name: value for name, value in asked.items() if value is not None}
    found = await reads.listed(
        see,
        principal,
        core.Delivery,
        organization_id=owner_of(principal, query.organization_id),
        after=cursor_of(query, Prefix.DELIVERY),
        limit=query.limit,
        **where,
    )
    return page(found, wire.write_delivery, query)


async def _delivery(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Delivery:
    found = await reads.owned(see, principal, core.Delivery, "delivery", key=ask.id)
    return wire.write_delivery(found)


async def _replay(admitted: Admitted, ask: Ask[Nothing, NoQuery]) -> wire.Delivery:
    delivery = await deliveries.replay(
        admitted.world, admitted.principal, admitted.request, delivery_id=ask.id
    )
    return wire.write_delivery(delivery)


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/v1/webhooks",
        who=SECRET,
        scope=Scope.WEBHOOKS_WRITE,
        summary="Add a webhook; its secret is shown this once",
        body=wire.AddWebhook,
        answer=wire.WebhookWithSecret,
        status=201,
        handle=_add,
    ),
    Read(
        method="GET",
        path="/v1/webhooks",
        who=SECRET,
        scope=Scope.READ,
        summary="List webhooks",
        query=OwnedPage,
        answer=Page[wire.Webhook],
        handle=_list,
    ),
    Read(
        method="GET",
        path="/v1/webhooks/{webhook_id}",
        who=SECRET,
        scope=Scope.READ,
        summary="Show a webhook",
        answer=wire.Webhook,
        handle=_show,
    ),
    Write(
        method="POST",
        path="/v1/webhooks/{webhook_id}",
        who=SECRET,
        scope=Scope.WEBHOOKS_WRITE,
        summary="Change a webhook, or switch it on or off",
        body=wire.ChangeWebhook,
        answer=wire.Webhook,
        handle=_change,
    ),
    Write(
        method="POST",
        path="/v1/webhooks/{webhook_id}/rotate",
        who=SECRET,
        scope=Scope.WEBHOOKS_WRITE,
        summary="Sign with a new secret, shown this once; for a day also with the one before",
        body=Nothing,
        answer=wire.WebhookWithSecret,
        handle=_rotate,
    ),
    Write(
        method="POST",
        path="/v1/webhooks/{webhook_id}/remove",
        who=SECRET,
        scope=Scope.WEBHOOKS_WRITE,
        summary="Remove a webhook, and what waits for it",
        body=Nothing,
        answer=wire.RemovedWebhook,
        handle=_remove,
    ),
    Write(
        method="POST",
        path="/v1/webhooks/{webhook_id}/test",
        who=SECRET,
        scope=Scope.WEBHOOKS_REPLAY,
        summary="Send an event that says nothing else",
        body=Nothing,
        answer=wire.Delivery,
        handle=_test,
    ),
    Write(
        method="POST",
        path="/v1/webhooks/{webhook_id}/replay",
        who=SECRET,
        scope=Scope.WEBHOOKS_REPLAY,
        summary="Try dead deliveries again",
        body=wire.ReplayDead,
        answer=wire.Replayed,
        handle=_replay_dead,
    ),
    Read(
        method="GET",
        path="/v1/deliveries",
        who=SECRET,
        scope=Scope.READ,
        summary="List deliveries, newest first",
        query=Deliveries,
        answer=Page[wire.Delivery],
        handle=_deliveries,
    ),
    Read(
        method="GET",
        path="/v1/deliveries/{delivery_id}",
        who=SECRET,
        scope=Scope.READ,
        summary="Show a delivery",
        answer=wire.Delivery,
        handle=_delivery,
    ),
    Write(
        method="POST",
        path="/v1/deliveries/{delivery_id}/replay",
        who=SECRET,
        scope=Scope.WEBHOOKS_REPLAY,
        summary="Try a delivery again that is over",
        body=Nothing,
        answer=wire.Delivery,
        handle=_replay,
    ),
)
