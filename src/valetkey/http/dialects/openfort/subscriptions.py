"""Subscriptions of Openfort's format: webhooks that are told of one topic, each a trigger."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType

from valetkey.core.errors import Code, Malformed, NotFound
from valetkey.core.event import SENT
from valetkey.core.ids import Prefix
from valetkey.core.scope import Scope
from valetkey.core.surface import Surface
from valetkey.core.webhook import VendorForm
from valetkey.flows.subscriptions import Group, group_of, groups_of, subscribe, unsubscribe
from valetkey.flows.webhooks import remove_webhook
from valetkey.http.dialects.openfort.ids import native, shown
from valetkey.http.dialects.openfort.lists import Part, Window, part
from valetkey.http.dialects.openfort.named import Deleted
from valetkey.http.routes import SECRET, Ask, NoQuery, Read, Route, Write
from valetkey.wire.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.principal import Principal
    from valetkey.core.webhook import Webhook
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads

T = TypeVar("T")

SUBSCRIPTION: Final = "sub_"
TRIGGER: Final = "tri_"
MAX_TRIGGERS: Final = 16
_ALL: Final = "/v1/subscriptions"
KINDS: Final = ("account:execute", "session:register", "session:revoke")
# The vendor's guides and older clients have ``succeeded``, its API has ``successful``: whoever
# subscribes says which of them they are sent.
TOPICS: Final = {
    "transaction_intent.broadcast": SENT,
    "transaction_intent.successful": "activity:done",
    "transaction_intent.succeeded": "activity:done",
    "transaction_intent.failed": "activity:failed",
    "transaction_intent.cancelled": "activity:lapsed",
}


class AskedTrigger(Struct, frozen=True):
    """A receiver to tell."""

    target: Annotated[str, Meta(max_length=2048)]
    type: Annotated[str, Meta(max_length=64)]
    subscription: Annotated[str, Meta(max_length=64)] | None = None


class AskedSubscription(Struct, frozen=True):
    """A topic, and who is told of it."""

    topic: Annotated[str, Meta(max_length=64)]
    triggers: Annotated[list[AskedTrigger], Meta(min_length=1, max_length=MAX_TRIGGERS)]


class Trigger(Struct, frozen=True, rename="camel", kw_only=True):
    """
    A receiver.

    Args:
        is_on: Ours: whether it is told; it is switched off when it fails for days.
        secret: Ours, shown this once: what ``webhook-signature`` is made with, over a time as well.
    """

    id: str
    object: str = "trigger"
    created_at: int
    updated_at: int
    target: str
    type: str = "webhook"
    subscription: str
    is_on: bool
    secret: str | UnsetType = UNSET

    __repr__ = quiet("secret")


class Subscription(Struct, frozen=True, rename="camel", kw_only=True):
    """A topic, and who is told of it."""

    id: str
    object: str = "subscription"
    created_at: int
    updated_at: int
    topic: str
    triggers: list[Trigger]


async def _create(admitted: Admitted, ask: Ask[AskedSubscription, NoQuery]) -> Subscription:
    asked = ask.body
    form = VendorForm(Surface.OPENFORT, asked.topic, KINDS, "", admitted.principal.subject_id)
    added = await subscribe(
        admitted.world,
        admitted.principal,
        admitted.request,
        urls=[_target(one, f"triggers[{at}].") for at, one in enumerate(asked.triggers)],
        event=_event(asked.topic),
        form=form,
    )
    webhooks = [one for one, _ in added]
    secrets = {one.id: secret for one, secret in added if secret is not None}
    return _subscription(Group(replace(form, group_id=webhooks[0].id), webhooks), secrets)


def _event(topic: str) -> str:
    event = TOPICS.get(topic)
    if event is None:
        detail = f"topic: expected one of {', '.join(TOPICS)}, got {topic!r}"
        raise Malformed(Code.MALFORMED_BODY, detail, field="topic")
    return event


def _target(trigger: AskedTrigger, where: str = "") -> str:
    if trigger.type != "webhook":
        field = f"{where}type"
        detail = f"{field}: expected webhook, got {trigger.type!r}: nothing else is told here"
        raise Malformed(Code.MALFORMED_BODY, detail, field=field)
    return trigger.target


async def _list(see: Reads, principal: Principal, ask: Ask[None, Window]) -> Part[Subscription]:
    owner = principal.organization_id
    groups = await see.store.read(lambda view: groups_of(view, owner, Surface.OPENFORT))
    return _part(_ALL, [_subscription(one) for one in groups], ask.query)


def _part(url: str, oldest_first: list[T], window: Window) -> Part[T]:
    ordered = oldest_first if window.order == "asc" else oldest_first[::-1]
    shown = ordered[window.skip :][: window.limit]
    return part(url, shown, window, len(ordered))


async def _get(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> Subscription:
    return _subscription(await _group(see, principal, ask.id))


async def _group(see: Reads, principal: Principal, subscription: str) -> Group:
    group_id = _group_id(subscription)
    owner = principal.organization_id
    return await see.store.read(lambda view: group_of(view, owner, Surface.OPENFORT, group_id))


def _group_id(subscription: str) -> str:
    return native(subscription, Prefix.WEBHOOK, SUBSCRIPTION)


async def _delete(admitted: Admitted, ask: Ask[None, NoQuery]) -> Deleted:
    asked = (admitted.world, admitted.principal, admitted.request)
    await unsubscribe(*asked, surface=Surface.OPENFORT, group_id=_group_id(ask.id))
    return Deleted(id=ask.id, object="subscription")


async def _add_trigger(admitted: Admitted, ask: Ask[AskedTrigger, NoQuery]) -> Trigger:
    group = await _group(admitted.reads, admitted.principal, ask.id)
    ((added, secret),) = await subscribe(
        admitted.world,
        admitted.principal,
        admitted.request,
        urls=[_target(ask.body)],
        event=_event(group.form.event),
        form=replace(group.form, credential_id=admitted.principal.subject_id),
    )
    return _trigger(added, ask.id, secret)


async def _triggers(see: Reads, principal: Principal, ask: Ask[None, Window]) -> Part[Trigger]:
    group = await _group(see, principal, ask.id)
    shown_ones = [_trigger(one, ask.id) for one in group.webhooks]
    return _part(f"{_ALL}/{ask.id}/triggers", shown_ones, ask.query)


async def _get_trigger(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> Trigger:
    return _trigger(await _in_group(see, principal, ask.names), ask.id)


async def _in_group(see: Reads, principal: Principal, names: tuple[str, ...]) -> Webhook:
    subscription, trigger = names
    webhook_id = native(trigger, Prefix.WEBHOOK, TRIGGER, field="triggerId")
    for one in (await _group(see, principal, subscription)).webhooks:
        if one.id == webhook_id:
            return one
    raise NotFound(Code.NOT_FOUND, "there is no trigger with that id")


async def _delete_trigger(admitted: Admitted, ask: Ask[None, NoQuery]) -> Deleted:
    found = await _in_group(admitted.reads, admitted.principal, ask.names)
    asked = (admitted.world, admitted.principal, admitted.request)
    await remove_webhook(*asked, webhook_id=found.id)
    return Deleted(id=ask.names[1], object="trigger")


def _subscription(group: Group, secrets: Mapping[str, str] = MappingProxyType({})) -> Subscription:
    subscription = shown(group.form.group_id, SUBSCRIPTION)
    made_at = [one.created_at for one in group.webhooks]
    return Subscription(
        id=subscription,
        created_at=min(made_at),
        updated_at=max(made_at),
        topic=group.form.event,
        triggers=[_trigger(one, subscription, secrets.get(one.id)) for one in group.webhooks],
    )


def _trigger(webhook: Webhook, subscription: str, secret: str | None = None) -> Trigger:
    return Trigger(
        id=shown(webhook.id, TRIGGER),
        created_at=webhook.created_at,
        updated_at=webhook.created_at,
        target=webhook.url,
        subscription=subscription,
        is_on=webhook.is_on,
        secret=UNSET if secret is None else secret,
    )


_ONE: Final = f"{_ALL}/{{subscription}}"
_TRIGGERS: Final = f"{_ONE}/triggers"
_TRIGGER: Final = f"{_TRIGGERS}/{{trigger}}"
_reads = partial(Read, method="GET", who=SECRET, scope=Scope.READ)
_writes = partial(Write, who=SECRET, scope=Scope.WEBHOOKS_WRITE)

ROUTES: Final[tuple[Route, ...]] = (
    _writes(
        method="POST",
        path=_ALL,
        summary="Have receivers told of a topic",
        body=AskedSubscription,
        answer=Subscription,
        status=201,
        handle=_create,
    ),
    _reads(
        path=_ALL,
        summary="List subscriptions",
        query=Window,
        answer=Part[Subscription],
        handle=_list,
    ),
    _reads(path=_ONE, summary="Show a subscription", answer=Subscription, handle=_get),
    _writes(
        method="DELETE",
        path=_ONE,
        summary="End a subscription",
        answer=Deleted,
        handle=_delete,
    ),
    _writes(
        method="POST",
        path=_TRIGGERS,
        summary="Have one more receiver told",
        body=AskedTrigger,
        answer=Trigger,
        status=201,
        handle=_add_trigger,
    ),
    _reads(
        path=_TRIGGERS,
        summary="List the receivers of a subscription",
        query=Window,
        answer=Part[Trigger],
        handle=_triggers,
    ),
    _reads(path=_TRIGGER, summary="Show a receiver", answer=Trigger, handle=_get_trigger),
    _writes(
        method="DELETE",
        path=_TRIGGER,
        summary="Have a receiver told no more",
        answer=Deleted,
        handle=_delete_trigger,
    ),
)
