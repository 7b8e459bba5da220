"""Subscriptions of Openfort's format: webhooks that are told of one topic, each a trigger."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from valetkey.core.errors import Code, Malformed, NotFound
from valetkey.core.event import SENT
from valetkey.core.ids import Prefix
from valetkey.core.scope import Scope
from valetkey.core.surface import Surface
from valetkey.core.webhook import VendorForm, Webhook
from valetkey.flows.subscriptions import group_of, groups_of, subscribe, unsubscribe
from valetkey.flows.webhooks import remove_webhook
from valetkey.http.dialects.openfort.ids import native, shown
from valetkey.http.dialects.openfort.lists import Listed, Paging, listed
from valetkey.http.routes import SECRET, Ask, NoQuery, Read, Route, Write
from valetkey.wire.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads

SUBSCRIPTION: Final = "sub_"
TRIGGER: Final = "tri_"
MAX_TRIGGERS: Final = 16
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


class Deleted(Struct, frozen=True):
    """What is no more."""

    id: str
    object: str
    deleted: bool = True


async def _create(admitted: Admitted, ask: Ask[AskedSubscription, NoQuery]) -> Subscription:
    asked = ask.body
    added = await subscribe(
        admitted.world,
        admitted.principal,
        admitted.request,
        urls=[_target(one, f"triggers[{at}]") for at, one in enumerate(asked.triggers)],
        event=_event(asked.topic),
        form=VendorForm(Surface.OPENFORT, asked.topic, KINDS, "", admitted.principal.subject_id),
    )
    return _subscription([one for one, _ in added], dict(added_secrets(added)))


def added_secrets(added: Sequence[tuple[Webhook, str | None]]) -> list[tuple[str, str]]:
    """Return the secrets of those that were just made, by their ids."""
    return [(one.id, secret) for one, secret in added if secret is not None]


def _event(topic: str) -> str:
    event = TOPICS.get(topic)
    if event is None:
        detail = f"topic: expected one of {', '.join(TOPICS)}, got {topic!r}"
        raise Malformed(Code.MALFORMED_BODY, detail, field="topic")
    return event


def _target(trigger: AskedTrigger, where: str) -> str:
    if trigger.type != "webhook":
        field = f"{where}.type" if where else "type"
        detail = f"{field}: expected webhook, got {trigger.type!r}: nothing else is told here"
        raise Malformed(Code.MALFORMED_BODY, detail, field=field)
    return trigger.target


async def _list(see: Reads, principal: Principal, ask: Ask[None, Paging]) -> Listed[Subscription]:
    owner = principal.organization_id
    groups = await see.read(lambda view: groups_of(view, owner, Surface.OPENFORT))
    return listed("/v1/subscriptions", [_subscription(one) for one in groups], ask.query)


async def _get(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> Subscription:
    return _subscription(await _group(see, principal, ask.id))


async def _group(see: Reads, principal: Principal, subscription: str) -> list[Webhook]:
    group_id = _group_id(subscription)
    owner = principal.organization_id
    return await see.read(lambda view: group_of(view, owner, Surface.OPENFORT, group_id))


def _group_id(subscription: str) -> str:
    return native(subscription, Prefix.WEBHOOK, SUBSCRIPTION)


async def _delete(admitted: Admitted, ask: Ask[None, NoQuery]) -> Deleted:
    group_id = _group_id(ask.id)
    world, principal = admitted.world, admitted.principal
    await unsubscribe(
        world, principal, admitted.request, surface=Surface.OPENFORT, group_id=group_id
    )
    return Deleted(ask.id, "subscription")


async def _add_trigger(admitted: Admitted, ask: Ask[AskedTrigger, NoQuery]) -> Trigger:
    (first, *_) = await _group(admitted.reads, admitted.principal, ask.id)
    event = first.events[0]
    form = _form(first)
    asked = VendorForm(
        form.surface, form.event, form.kinds, form.group_id, admitted.principal.subject_id
    )
    ((added, secret),) = await subscribe(
        admitted.world,
        admitted.principal,
        admitted.request,
        urls=[_target(ask.body, "")],
        event=event,
        form=asked,
    )
    return _trigger(added, secret)


async def _triggers(see: Reads, principal: Principal, ask: Ask[None, Paging]) -> Listed[Trigger]:
    group = await _group(see, principal, ask.id)
    url = f"/v1/subscriptions/{ask.id}/triggers"
    return listed(url, [_trigger(one) for one in group], ask.query)


async def _get_trigger(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> Trigger:
    return _trigger(await _in_group(see, principal, ask.names))


async def _in_group(see: Reads, principal: Principal, names: tuple[str, ...]) -> Webhook:
    subscription, trigger = names
    webhook_id = native(trigger, Prefix.WEBHOOK, TRIGGER, field="triggerId")
    for one in await _group(see, principal, subscription):
        if one.id == webhook_id:
            return one
    raise NotFound(Code.NOT_FOUND, "there is no trigger with that id")


async def _delete_trigger(admitted: Admitted, ask: Ask[None, NoQuery]) -> Deleted:
    found = await _in_group(admitted.reads, admitted.principal, ask.names)
    world, principal = admitted.world, admitted.principal
    await remove_webhook(world, principal, admitted.request, webhook_id=found.id)
    return Deleted(ask.names[1], "trigger")


def _form(webhook: Webhook) -> VendorForm:
    assert webhook.form is not None  # `groups_of` finds no others
    return webhook.form


def _subscription(
    group: Sequence[Webhook], secrets: dict[str, str] | None = None
) -> Subscription:
    first = group[0]
    return Subscription(
        id=shown(_form(first).group_id, SUBSCRIPTION),
        created_at=first.created_at,
        updated_at=max(one.created_at for one in group),
        topic=_form(first).event,
        triggers=[_trigger(one, (secrets or {}).get(one.id)) for one in group],
    )


def _trigger(webhook: Webhook, secret: str | None = None) -> Trigger:
    return Trigger(
        id=shown(webhook.id, TRIGGER),
        created_at=webhook.created_at,
        updated_at=webhook.created_at,
        target=webhook.url,
        subscription=shown(_form(webhook).group_id, SUBSCRIPTION),
        is_on=webhook.is_on,
        secret=UNSET if secret is None else secret,
    )


_ALL: Final = "/v1/subscriptions"
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
        query=Paging,
        answer=Listed[Subscription],
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
        query=Paging,
        answer=Listed[Trigger],
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
