"""Webhooks are an organization's own: added, changed, tried, replayed and removed by it alone."""

from __future__ import annotations

import pytest

from tests.flows.hooks import URL, Hooks, add_dead, change, make_hooks, request
from tests.worlds import Founded, dump, make_organization, principal_of
from valetkey.config import Bounds
from valetkey.core.audit import AuditLine
from valetkey.core.errors import (
    Code,
    Conflict,
    Forbidden,
    Limited,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
    ValetkeyError,
)
from valetkey.core.event import EVENTS
from valetkey.core.principal import ANONYMOUS, Access, Principal, PrincipalKind
from valetkey.core.webhook import OVERLAP_S, DeliveryState, Webhook
from valetkey.flows import deliveries, organize, reads, webhooks
from valetkey.flows.webhooks import Changes
from valetkey.ports import Posted
from valetkey.spec.standard_webhooks import read_secret

BAD = Posted(500)


@pytest.fixture
async def hooks() -> Hooks:
    """Give a world of its own."""
    return await make_hooks()


async def test_a_secret_is_shown_once_and_kept_sealed(hooks: Hooks) -> None:
    """A stolen store signs no message, and repeating the request shows nothing."""
    same = request()
    args = {"url": URL, "events": ["*"], "label": ""}
    who = hooks.founded.principal
    first, secret = await webhooks.add_webhook(hooks.world, who, same, **args)  # type: ignore[arg-type]
    again = await webhooks.add_webhook(hooks.world, who, same, **args)  # type: ignore[arg-type]
    assert again == (first, None)
    plain = read_secret(secret or "")
    assert len(plain) == 32
    everything = repr(await dump(hooks.world))
    assert repr(plain)[2:-1] not in everything
    assert plain.hex() not in everything
    moved = hooks.world.vault.open(first.sealed_secret, context="org_other/webhook/whk_other")
    with pytest.raises(Unavailable):
        await moved


@pytest.mark.parametrize(
    "url", ["http://shop.example/", "https://shop.example@evil.example/", "shop", "https://127.1/"]
)
async def test_a_url_that_nothing_is_sent_to_is_refused(hooks: Hooks, url: str) -> None:
    """When it is added, and when it is changed; nothing is written."""
    webhook = await hooks.add()
    before = await dump(hooks.world)
    with pytest.raises(Malformed) as refused:
        await hooks.add(url=url)
    assert refused.value.code is Code.URL_REFUSED
    with pytest.raises(Malformed):
        await change(hooks, webhook, Changes(url=url))
    assert await dump(hooks.world) == before


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([], "expected 1 to 64, got 0"),
        (["*"] * 65, "expected 1 to 64, got 65"),
        (["sesion:revoked"], "got 'sesion:revoked'"),
        (["session:revoke"], "got 'session:revoke'"),
        (["session"], "got 'session'"),
        (["*:revoked"], "got"),
        (["sess*"], "got"),
        ([""], "got ''"),
    ],
)
async def test_an_event_that_never_happens_is_refused(
    hooks: Hooks, events: list[str], said: str
) -> None:
    """A mistyped name would be silent for ever."""
    before = await dump(hooks.world)
    with pytest.raises(Malformed, match=said):
        await webhooks.add_webhook(
            hooks.world, hooks.founded.principal, request(), url=URL, events=events, label=""
        )
    assert await dump(hooks.world) == before


async def test_an_organization_has_so_many_webhooks_and_no_more() -> None:
    """Each costs a message for each event; those of others do not count."""
    hooks = await make_hooks(bounds=Bounds(webhooks=2))
    kept = [await hooks.add() for _ in range(2)]
    with pytest.raises(Limited, match="at most 2 webhooks") as refused:
        await hooks.add()
    assert refused.value.code is Code.QUOTA_EXCEEDED
    await hooks.add(founded=await make_organization(hooks.world, "Other"))
    await webhooks.remove_webhook(
        hooks.world, hooks.founded.principal, request(), webhook_id=kept[0].id
    )
    await hooks.add()


async def test_others_reach_no_webhook(hooks: Hooks) -> None:
    """A stranger finds none; a parent looks and changes nothing; a session gets nowhere."""
    opened, token = await organize.open_organization(
        hooks.world, hooks.founded.principal, request(), name="Child"
    )
    child = Founded(opened, token or "", await principal_of(hooks.world, token or ""))
    webhook = await hooks.add(founded=child)
    await hooks.happen(founded=child)
    (delivery,) = await hooks.deliveries(webhook)
    stranger = (await make_organization(hooks.world, "Stranger")).principal
    parent = hooks.founded.principal
    session = Principal(PrincipalKind.SESSION, opened.id, "ses_1", Access.WRITE)
    before = await dump(hooks.world)
    expected: list[tuple[type[ValetkeyError], Principal]] = [
        (NotFound, stranger),
        (Forbidden, parent),
        (Forbidden, session),
        (Unauthenticated, ANONYMOUS),
    ]
    key = webhook.id
    for error, who in expected:
        world, args = hooks.world, (who, request())
        for write in (
            webhooks.change_webhook(world, *args, webhook_id=key, changes=Changes(label="x")),
            webhooks.remove_webhook(world, *args, webhook_id=key),
            webhooks.rotate_secret(world, *args, webhook_id=key),
            deliveries.try_webhook(world, *args, webhook_id=key),
            deliveries.replay_dead(world, *args, webhook_id=key, since=0),
            deliveries.replay(world, *args, delivery_id=delivery.id),
        ):
            with pytest.raises(error):
                await write
    assert await dump(hooks.world) == before
    assert await reads.owned(hooks.world, parent, Webhook, "webhook", key=key) == webhook


async def test_for_a_day_both_secrets_sign(hooks: Hooks) -> None:
    """A receiver that learns the new secret late misses nothing."""
    webhook = await hooks.add()
    old, same = hooks.secrets[webhook.id], request()
    rotated, new = await webhooks.rotate_secret(
        hooks.world, hooks.founded.principal, same, webhook_id=webhook.id
    )
    repeated = await webhooks.rotate_secret(
        hooks.world, hooks.founded.principal, same, webhook_id=webhook.id
    )
    assert repeated == (rotated, None)
    assert new is not None
    assert new != old
    await hooks.happen()
    await hooks.send()
    assert hooks.is_signed(0, old)
    assert hooks.is_signed(0, new)
    hooks.clock.advance(OVERLAP_S)
    await hooks.happen()
    await hooks.send()
    assert not hooks.is_signed(1, old)
    assert hooks.is_signed(1, new)


async def test_a_webhook_that_is_off_hears_nothing(hooks: Hooks) -> None:
    """What waited is dead, what happens meanwhile is not kept, what comes afterwards is told."""
    webhook = await hooks.add()
    await hooks.happen()
    off = await change(hooks, webhook, Changes(is_on=False))
    await hooks.happen()
    await hooks.send()
    assert hooks.take() == []
    for refused in (
        deliveries.try_webhook(
            hooks.world, hooks.founded.principal, request(), webhook_id=webhook.id
        ),
        deliveries.replay_dead(
            hooks.world, hooks.founded.principal, request(), webhook_id=webhook.id, since=0
        ),
    ):
        with pytest.raises(Conflict):
            await refused
    assert not off.is_on
    await change(hooks, webhook, Changes(is_on=True))
    await hooks.happen()
    await hooks.send()
    assert len(hooks.take()) == 1
    assert [one.state for one in await hooks.deliveries(webhook)] == [
        DeliveryState.DEAD,
        DeliveryState.DELIVERED,
    ]


async def test_a_change_is_heeded_at_once(hooks: Hooks) -> None:
    """What waited for a receiver that failed goes to its new URL without more patience."""
    webhook = await hooks.add()
    hooks.outbound.answers[URL] = BAD
    await hooks.happen()
    await hooks.send()
    hooks.clock.advance(6)
    await hooks.send()
    changed = await change(
        hooks, webhook, Changes(url=f"{URL}/new", events=["credential:*"], label="new")
    )
    assert (changed.url, changed.events, changed.label) == (
        f"{URL}/new",
        ("credential:*",),
        "new",
    )
    hooks.clock.advance(36)
    await hooks.send()
    assert len(hooks.take(f"{URL}/new")) == 1


async def test_everything_about_webhooks_is_in_the_log_and_its_events_are_known(
    hooks: Hooks,
) -> None:
    """Who added, changed, tried, replayed and removed one."""
    webhook = await hooks.add()
    await add_dead(hooks, webhook)
    who, key = hooks.founded.principal, webhook.id
    await deliveries.try_webhook(hooks.world, who, request(), webhook_id=key)
    await deliveries.replay_dead(hooks.world, who, request(), webhook_id=key, since=0)
    await webhooks.rotate_secret(hooks.world, who, request(), webhook_id=key)
    same = request()
    for _ in range(2):
        assert await webhooks.remove_webhook(hooks.world, who, same, webhook_id=key) == key
    lines = await hooks.world.store.read(lambda view: view.find(AuditLine))
    named = [one.event for one in lines if one.subject_id == key]
    assert named == [
        "webhook:added",
        *["webhook:changed"] * 2,
        "webhook:tested",
        "webhook:replayed",
        "webhook:rotated",
        "webhook:removed",
    ]
    assert {one.event for one in lines} <= EVENTS
