"""Webhooks with the SDK: from both sides."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from standardwebhooks.webhooks import Webhook as Peer

from tests.client.both import Client, done, first
from valetkey import Limited, Malformed, NotFound, Unauthenticated, webhook
from valetkey.core.errors import Code
from valetkey.spec.standard_webhooks import secret_text, signature_of

if TYPE_CHECKING:
    from collections.abc import Mapping

SECRET = bytes(range(1, 33))
NOW = 1_800_000_000
EVENT = {
    "id": "evt_1",
    "type": "session:revoked",
    "at_ms": NOW * 1000,
    "organization_id": "org_1",
    "subject_id": "ses_1",
    "principal_id": "crd_1",
    "audit_seq": 7,
    "facts": {},
    "later": "a field that this version does not know",
}
BODY = json.dumps(EVENT).encode()


def fields(*, at: int = NOW, body: bytes = BODY, **changed: str) -> dict[str, str]:
    """Return the fields of a message, changed."""
    signed = signature_of(SECRET, "evt_1", at, body)
    plain = {"Webhook-Id": "evt_1", "webhook-timestamp": str(at), "WEBHOOK-SIGNATURE": signed}
    return {**plain, **{name.replace("_", "-"): value for name, value in changed.items()}}


@pytest.mark.parametrize("late_s", [-300, 0, 300])
def test_a_message_of_ours_is_believed(late_s: int) -> None:
    """Within five minutes of now, either way; unknown fields are passed over."""
    event = webhook.verify(BODY, fields(), secret_text(SECRET), now=NOW + late_s)
    assert (event.type, event.subject_id, event.audit_seq) == ("session:revoked", "ses_1", 7)


def test_what_the_peer_believes_we_believe() -> None:
    """The same message, now, by this machine's clock."""
    sent = fields(at=int(time.time()))
    assert Peer(secret_text(SECRET)).verify(BODY, sent) == EVENT
    assert webhook.verify(BODY, sent, secret_text(SECRET)).id == "evt_1"


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (BODY, {}, Code.PROOF_MISSING),
        (BODY, {**fields(), "Webhook-Id": ""}, Code.PROOF_MISSING),
        (BODY, fields(at=NOW - 301), Code.PROOF_TOO_OLD),
        (BODY, fields(at=NOW + 301), Code.PROOF_TOO_OLD),
        (BODY, {**fields(), "webhook-timestamp": f"{NOW}.0"}, Code.PROOF_TOO_OLD),
        (BODY, {**fields(), "webhook-timestamp": "9" * 5000}, Code.PROOF_TOO_OLD),
        (BODY, {**fields(), "webhook-timestamp": "٣"}, Code.PROOF_TOO_OLD),
        (BODY, {**fields(), "webhook-timestamp": str(NOW + 1)}, Code.PROOF_REFUSED),
        (BODY, {**fields(), "Webhook-Id": "evt_2"}, Code.PROOF_REFUSED),
        (BODY + b" ", fields(), Code.PROOF_REFUSED),
        (BODY, {**fields(), "WEBHOOK-SIGNATURE": "v1,"}, Code.PROOF_REFUSED),
    ],
)
def test_a_message_that_is_not_ours_is_refused(
    body: bytes, headers: Mapping[str, str], code: Code
) -> None:
    """Too old, too new, changed, unsigned: each with its code, and nothing of it is read."""
    with pytest.raises(Unauthenticated) as refused:
        webhook.verify(body, headers, secret_text(SECRET), now=NOW)
    assert refused.value.code is code


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"id": 1}', b"\xff"])
def test_a_message_that_is_signed_and_tells_no_event_is_malformed(body: bytes) -> None:
    """Whoever has the secret may still send nonsense."""
    with pytest.raises(Malformed, match="expected an event"):
        webhook.verify(body, fields(body=body), secret_text(SECRET), now=NOW)


def test_a_secret_that_is_none_is_told_without_it() -> None:
    """It ends up in logs otherwise."""
    with pytest.raises(Malformed, match="whsec_") as refused:
        webhook.verify(BODY, fields(), "whsec_hunter2", now=NOW)
    assert "hunter2" not in str(refused.value)


async def test_an_organization_looks_after_its_webhooks(vk: Client) -> None:
    """Added, listed, changed, rotated, tried, replayed, removed."""
    added = await done(vk.webhooks.add("https://shop.example/", ["user:*"], label="shop"))
    key = added.webhook.id
    assert added.secret.startswith("whsec_")
    assert added.webhook in await first(vk.webhooks.list())
    changed = await done(vk.webhooks.change(key, events=["user:added", "alert:*"], label="s"))
    assert (changed.events, changed.label, changed.url) == (
        ["user:added", "alert:*"],
        "s",
        "https://shop.example/",
    )
    assert (await done(vk.webhooks.rotate(key))).secret not in {None, added.secret}
    tested = await done(vk.webhooks.test(key))
    assert tested.event == "webhook:tested"
    assert [one.id for one in await first(vk.webhooks.deliveries(webhook_id=key))] == [tested.id]
    assert (await done(vk.webhooks.delivery(tested.id))).event_id == tested.event_id
    assert (await done(vk.webhooks.replay(tested.id))).id == tested.id
    assert await done(vk.webhooks.replay_dead(key, since=0)) == 0
    assert (await done(vk.webhooks.change(key, state="off"))).state == "off"
    await done(vk.webhooks.remove(key))
    with pytest.raises(NotFound):
        await done(vk.webhooks.get(key))


async def test_what_may_not_be_a_webhook_is_refused(vk: Client) -> None:
    """With the kind and the code that the server gives."""
    with pytest.raises(Malformed) as refused:
        await done(vk.webhooks.add("https://127.1/", ["*"]))
    assert refused.value.code is Code.URL_REFUSED
    add = vk.webhooks.add
    made = [await done(add("https://shop.example/", ["alert:*"])) for _ in range(16)]
    with pytest.raises(Limited) as limited:
        await done(add("https://shop.example/", ["alert:*"]))
    assert limited.value.code is Code.QUOTA_EXCEEDED
    for one in made:
        await done(vk.webhooks.remove(one.webhook.id))
