"""Receivers of a vendor's form: told of its activities alone, signed with its clients' API key."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.flows.hooks import Hooks, change, make_hooks, request
from tests.worlds import make_organization, principal_of
from valetkey.config import Bounds
from valetkey.core.credential import CredentialKind
from valetkey.core.errors import Limited, Malformed, NotFound
from valetkey.core.event import SENT
from valetkey.core.surface import Surface
from valetkey.core.webhook import VendorForm, Webhook
from valetkey.flows.credentials import add_credential, revoke_credential
from valetkey.flows.deliver import deliver_next
from valetkey.flows.deliveries import try_webhook
from valetkey.flows.record import SYSTEM, audit
from valetkey.flows.subscriptions import group_of, groups_of, subscribe, unsubscribe
from valetkey.flows.webhooks import Changes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.audit import AuditLine
    from valetkey.core.principal import Principal
    from valetkey.ports import View

URL: Final = "https://shop.example/hook"
SECOND: Final = "https://shop.example/second"
DONE: Final = "activity:done"
KIND: Final = "account:execute"


class Plain:
    """Sends a body with the vendor's name of the event, and the key's own digest of it."""

    def body(self, view: View, form: VendorForm, line: AuditLine) -> bytes:  # noqa: ARG002
        """Return name and subject."""
        return json.dumps({"type": form.event, "of": line.subject_id}).encode()

    def fields(self, key: bytes, body: bytes) -> Mapping[str, str]:
        """Return one field."""
        return {"x-signed": hmac.new(key, body, "sha256").hexdigest()}


TELLERS: Final = {Surface.OPENFORT: Plain()}


@dataclass(slots=True)
class Shop:
    """An organization that a vendor's client subscribes for."""

    hooks: Hooks
    principal: Principal
    key: str

    async def subscribe(self, *urls: str, event: str = DONE, group_id: str = "") -> list[Webhook]:
        """Return new receivers."""
        added = await subscribe(
            self.hooks.world,
            self.principal,
            request(),
            urls=urls or (URL,),
            event=event,
            form=self.form(group_id),
        )
        assert all(secret is not None for _, secret in added)
        return [one for one, _ in added]

    def form(self, group_id: str = "") -> VendorForm:
        """Return the form that its receivers have."""
        return VendorForm(
            Surface.OPENFORT, "intent.done", (KIND,), group_id, self.principal.subject_id
        )

    async def happen(self, event: str = DONE, kind: str = KIND) -> None:
        """Have something happen to an activity."""
        owner, now = self.principal.organization_id, self.hooks.clock.now()
        who = {"subject_id": "act_1", "principal_id": SYSTEM, "kind": kind}
        await self.hooks.world.store.write(lambda tx: audit(tx, owner, event, at=now, **who))

    async def send(self) -> list[tuple[str, dict[str, str], bytes]]:
        """Return what is sent now: to where, with which fields, and what."""
        self.hooks.outbound.kept.clear()
        while await deliver_next(self.hooks.world, TELLERS):
            pass
        return [(one.url, dict(one.headers), one.body) for one in self.hooks.outbound.kept]


async def add_key(hooks: Hooks) -> tuple[Principal, str]:
    """Return who a new secret key of the vendor's form proves, and the key."""
    _, key = await add_credential(
        hooks.world,
        hooks.founded.principal,
        request(),
        kind=CredentialKind.SECRET,
        label="",
        public_key=None,
        surface=Surface.OPENFORT,
    )
    assert key is not None
    return await principal_of(hooks.world, key), key


async def make_shop(bounds: Bounds | None = None) -> Shop:
    """Return an organization with a key of the vendor's form."""
    hooks = await make_hooks(bounds=bounds)
    return Shop(hooks, *await add_key(hooks))


def is_signed(sent: tuple[str, dict[str, str], bytes], key: str) -> bool:
    """Say whether a message is signed with *key*."""
    _, fields, body = sent
    return fields["x-signed"] == hmac.new(key.encode(), body, "sha256").hexdigest()


async def test_a_receiver_is_told_in_the_vendors_form() -> None:
    """Under the vendor's name, signed with the API key; and over a time, with its own secret."""
    shop = await make_shop()
    added = await subscribe(
        *(shop.hooks.world, shop.principal, request()), urls=[URL], event=DONE, form=shop.form()
    )
    ((_, secret),) = added
    await shop.happen()
    (sent,) = await shop.send()
    assert json.loads(sent[2]) == {"type": "intent.done", "of": "act_1"}
    assert is_signed(sent, shop.key)
    assert shop.hooks.is_signed(0, secret or "")
    assert shop.key.encode() not in sent[2]


async def test_a_receiver_is_told_of_the_vendors_activities_alone() -> None:
    """Not of other events, and not of activities that its clients know nothing of."""
    shop = await make_shop()
    await shop.subscribe()
    await shop.happen(SENT)
    await shop.happen(DONE, kind="run")
    assert await shop.send() == []
    native = await shop.hooks.add(DONE, url=SECOND)
    await shop.happen()
    told = await shop.send()
    assert [url for url, *_ in told] == [URL, SECOND]
    assert ["x-signed" in fields for _, fields, _ in told] == [True, False]
    assert (await shop.hooks.webhook(native)).form is None


async def test_another_key_signs_when_the_first_is_revoked() -> None:
    """The newest of that surface; without any the receiver is switched off, and says why."""
    shop = await make_shop()
    (webhook,) = await shop.subscribe()
    _, second = await add_key(shop.hooks)
    third, newest = await add_key(shop.hooks)
    owner, first = shop.hooks.founded.principal, shop.principal.subject_id

    async def revoke(credential_id: str) -> None:
        asked = (shop.hooks.world, owner, request())
        await revoke_credential(*asked, credential_id=credential_id)

    await revoke(first)
    await shop.happen()
    (sent,) = await shop.send()
    assert is_signed(sent, newest)
    await revoke(third.subject_id)
    await shop.happen()
    (sent,) = await shop.send()
    assert is_signed(sent, second)
    await revoke((await principal_of(shop.hooks.world, second)).subject_id)
    await shop.happen()
    assert await shop.send() == []
    after = await shop.hooks.webhook(webhook)
    assert (after.is_on, after.off_reason) == (
        False,
        "no API key of its surface is left that could sign",
    )


async def test_a_native_key_never_signs() -> None:
    """Nor one of another organization."""
    shop = await make_shop()
    other = await make_organization(shop.hooks.world, "Other")
    await add_key(replace(shop.hooks, founded=other))
    (webhook,) = await shop.subscribe()
    owner = shop.hooks.founded.principal
    asked = (shop.hooks.world, owner, request())
    await revoke_credential(*asked, credential_id=shop.principal.subject_id)
    await shop.happen()
    assert await shop.send() == []
    assert not (await shop.hooks.webhook(webhook)).is_on


async def test_a_key_of_another_organization_never_signs() -> None:
    """Whatever the receiver names: what it is sent would be believed as theirs."""
    shop = await make_shop()
    other = await make_organization(shop.hooks.world, "Other")
    stranger, theirs = await add_key(replace(shop.hooks, founded=other))
    (webhook,) = await shop.subscribe()
    form = replace(shop.form(webhook.id), credential_id=stranger.subject_id)
    named = replace(webhook, form=form)
    await shop.hooks.world.store.write(lambda tx: tx.put(named))
    await shop.happen()
    (sent,) = await shop.send()
    assert is_signed(sent, shop.key)
    assert not is_signed(sent, theirs)


async def test_receivers_are_added_together_or_not_at_all() -> None:
    """One bad URL, or one too many, and none is there."""
    shop = await make_shop(Bounds(webhooks=2))
    with pytest.raises(Malformed):
        await shop.subscribe(URL, "http://shop.example/plain")
    with pytest.raises(Limited):
        await shop.subscribe(URL, SECOND, f"{URL}/third")
    assert await _groups(shop) == []
    first, second = await shop.subscribe(URL, SECOND)
    assert first.form is not None
    assert second.form == first.form
    assert first.form.group_id == first.id


async def test_a_repeated_request_adds_nothing() -> None:
    """It gets the same receivers, without their secrets."""
    shop = await make_shop()
    once = request()
    asked: dict[str, Any] = {"urls": [URL, SECOND], "event": DONE, "form": shop.form()}
    first = await subscribe(shop.hooks.world, shop.principal, once, **asked)
    again = await subscribe(shop.hooks.world, shop.principal, once, **asked)
    assert again == [(one, None) for one, _ in first]
    group_id = first[0][0].id
    more: dict[str, Any] = {"urls": [URL], "event": DONE, "form": shop.form(group_id)}
    once = request()
    ((third, _),) = await subscribe(shop.hooks.world, shop.principal, once, **more)
    assert await subscribe(shop.hooks.world, shop.principal, once, **more) == [(third, None)]
    assert [len(one) for one in await _groups(shop)] == [3]


async def test_a_group_is_removed_whole() -> None:
    """With what waits for it; asked again, the same request says the same."""
    shop = await make_shop()
    first, _ = await shop.subscribe(URL, SECOND)
    (kept,) = await shop.subscribe(URL)
    await shop.happen()
    once = request()
    asked = (shop.hooks.world, shop.principal, once)
    for _ in range(2):
        assert await unsubscribe(*asked, surface=Surface.OPENFORT, group_id=first.id) == first.id
    assert await _groups(shop) == [[kept.id]]
    assert len(await shop.send()) == 1
    await shop.hooks.check_queue()


async def test_groups_of_others_are_not_there() -> None:
    """Neither to add to, nor to remove; and a native receiver is no group."""
    shop = await make_shop()
    (mine,) = await shop.subscribe()
    native = await shop.hooks.add(DONE)
    other = await make_organization(shop.hooks.world, "Other")
    stranger, key = await add_key(replace(shop.hooks, founded=other))
    theirs = Shop(shop.hooks, stranger, key)
    for who, group_id in ((theirs, mine.id), (shop, native.id)):
        with pytest.raises(NotFound):
            await who.subscribe(URL, group_id=group_id)
        with pytest.raises(NotFound):
            await unsubscribe(
                *(shop.hooks.world, who.principal, request()),
                surface=Surface.OPENFORT,
                group_id=group_id,
            )
    assert await _groups(shop) == [[mine.id]]


async def test_a_receiver_is_tried_switched_off_and_not_told_of_more() -> None:
    """With the native verbs; only what it is told of is the vendor's to say."""
    shop = await make_shop()
    (webhook,) = await shop.subscribe()
    owner = shop.hooks.founded.principal
    await try_webhook(shop.hooks.world, owner, request(), webhook_id=webhook.id)
    (sent,) = await shop.send()
    assert is_signed(sent, shop.key)
    with pytest.raises(Malformed, match="events: expected none"):
        await change(shop.hooks, webhook, Changes(events=["*"]))
    assert not (await change(shop.hooks, webhook, Changes(is_on=False))).is_on
    await shop.happen()
    assert await shop.send() == []


async def _groups(shop: Shop) -> list[list[str]]:
    def body(view: View) -> list[list[str]]:
        owner = shop.principal.organization_id
        groups = groups_of(view, owner, Surface.OPENFORT)
        for one in groups:
            assert group_of(view, owner, Surface.OPENFORT, one.form.group_id) == one
        return [[webhook.id for webhook in one.webhooks] for one in groups]

    return await shop.hooks.world.store.read(body)
