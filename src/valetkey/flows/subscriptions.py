"""Webhooks of a vendor's form: those that belong together are added and removed together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.quota import Quota
from valetkey.core.webhook import Webhook
from valetkey.flows.counts import count_one
from valetkey.flows.gate import expect_secret, present
from valetkey.flows.outbox import MOST
from valetkey.flows.record import admit, audit, begin, write_down
from valetkey.flows.webhooks import drop_webhook, new_webhook

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.core.surface import Surface
    from valetkey.core.webhook import VendorForm
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

Added = list[tuple[Webhook, str | None]]


@dataclass(frozen=True, slots=True)
class Group:
    """Webhooks that were asked for together, one at least; ``form`` is that of the first."""

    form: VendorForm
    webhooks: list[Webhook]


async def subscribe(
    world: World,
    principal: Principal,
    request: Request,
    *,
    urls: Sequence[str],
    event: str,
    form: VendorForm,
) -> Added:
    """
    Return a new webhook for each of *urls*, and its secret, shown this once; all of them or none.

    When the request is repeated, they come without secrets.

    Args:
        urls: One at least.
        event: The one that they are told of.
        form: Without a group they begin one, called after the first of them.

    Raises:
        Malformed: Nothing is sent to one of *urls*.
        NotFound: There is no such group.
        Limited: The organization would have more than it may.
    """
    expect_secret(principal)
    owner = principal.organization_id
    made = [await new_webhook(world, owner, url=one, events=[event], label="") for one in urls]
    group_id = form.group_id or made[0][0].id
    whole = replace(form, group_id=group_id)
    new = [(replace(webhook, form=whole), secret) for webhook, secret in made]

    def body(tx: Tx) -> Added:
        before = admit(world, tx, principal, request)
        if before is not None:
            return _earlier(tx, owner, form, before.subject_id)
        if form.group_id:
            group_of(tx, owner, form.surface, form.group_id)
        _add(world, tx, principal, request, [one for one, _ in new])
        return [*new]

    return await world.store.write(body)


def _earlier(view: View, owner: str, form: VendorForm, first_id: str) -> Added:
    """Return what was added before with the webhook *first_id*: that one, or its whole group."""
    if form.group_id:
        return [(present(view.get(Webhook, first_id), "webhook"), None)]
    return [(one, None) for one in group_of(view, owner, form.surface, first_id).webhooks]


def _add(
    world: World, tx: Tx, principal: Principal, request: Request, new: Sequence[Webhook]
) -> None:
    owner = principal.organization_id
    activity = begin(
        world, principal, request, "webhook:add", organization_id=owner, subject_id=new[0].id
    )
    write_down(world, tx, activity, "webhook:added")
    for one in new[1:]:
        audit(
            tx,
            owner,
            "webhook:added",
            at=activity.created_at,
            subject_id=one.id,
            principal_id=principal.subject_id,
        )
    for one in new:
        count_one(world, tx, owner, Quota.WEBHOOKS)
        tx.add(one)


async def unsubscribe(
    world: World, principal: Principal, request: Request, *, surface: Surface, group_id: str
) -> str:
    """
    Return the id of a group that is no more; what waited for it is gone, too.

    Raises:
        NotFound: There is no such group.
    """
    expect_secret(principal)
    owner = principal.organization_id

    def body(tx: Tx) -> str:
        before = admit(world, tx, principal, request)
        if before is not None:
            return before.subject_id
        now = world.clock.now()
        found = group_of(tx, owner, surface, group_id).webhooks
        for one in found:
            drop_webhook(tx, one, now=now)
        activity = begin(
            world,
            principal,
            request,
            "webhook:remove",
            organization_id=owner,
            subject_id=group_id,
        )
        write_down(world, tx, activity, "webhook:removed", webhooks=str(len(found)))
        return group_id

    return await world.store.write(body)


def groups_of(view: View, organization_id: str, surface: Surface) -> list[Group]:
    """Return the webhooks of a vendor's form, in groups."""
    found: dict[str, Group] = {}
    for one in view.find(Webhook, organization_id=organization_id, limit=MOST):
        if one.form is not None and one.form.surface is surface:
            group = found.setdefault(one.form.group_id, Group(one.form, []))
            group.webhooks.append(one)
    return [*found.values()]


def group_of(view: View, organization_id: str, surface: Surface, group_id: str) -> Group:
    """
    Return one group.

    Raises:
        NotFound: There is none with that id.
    """
    groups = groups_of(view, organization_id, surface)
    found = [one for one in groups if one.form.group_id == group_id]
    return present(found[0] if found else None, "subscription")
