"""Subscriptions of Openfort's format: who is told of transaction intents, and under which name."""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook as Peer

from tests.http.calls import unique
from tests.http.openfort.stage import Keys, Stage, add_keys, by, refusal, staged
from tests.worlds import make_organization
from valetkey.adapters.outbound.memory import MemoryOutbound
from valetkey.core.scope import Role, Standing
from valetkey.flows.deliver import deliver_next
from valetkey.flows.record import SYSTEM, audit
from valetkey.http.dialects.table import TELLERS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATH: Final = "/v1/subscriptions"
TARGET: Final = "https://shop.example/hook"
TRIGGER: Final = {"target": TARGET, "type": "webhook"}
TOPIC: Final = "transaction_intent.successful"
ACTIVITY: Final = "act_" + "0" * 24


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there() -> AsyncIterator[Stage]:
    """Give a server without a chain."""
    async with staged() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def keys(there: Stage) -> Keys:
    """Return the keys of a new organization; the secret one may do everything."""
    founded = await make_organization(there.world, "Shop")
    return await add_keys(there.world, founded, Standing(Role.OWNER))


async def subscribe(there: Stage, keys: Keys, **body: Any) -> httpx.Response:  # noqa: ANN401 - JSON
    """Ask for a subscription."""
    asked = {"topic": TOPIC, "triggers": [TRIGGER], **body}
    return await there.nobody.post(PATH, json=asked, headers=by(keys.sk))


async def listed(there: Stage, keys: Keys, path: str = PATH, query: str = "") -> dict[str, Any]:
    """Return a list."""
    answer = await there.nobody.get(path + query, headers=by(keys.sk))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def happen(there: Stage, keys: Keys, event: str, kind: str = "account:execute") -> None:
    """Have something happen to an activity."""
    owner, now = keys.founded.organization.id, there.clock.now()
    who = {"subject_id": ACTIVITY, "principal_id": SYSTEM, "kind": kind}
    await there.world.store.write(lambda tx: audit(tx, owner, event, at=now, **who))


async def told(there: Stage) -> list[tuple[dict[str, str], bytes]]:
    """Return what is sent now: fields and body."""
    outbound = there.world.outbound
    assert isinstance(outbound, MemoryOutbound)
    outbound.kept.clear()
    while await deliver_next(there.world, TELLERS):
        pass
    return [(dict(one.headers), one.body) for one in outbound.kept]


async def test_a_subscription_has_the_vendors_form(there: Stage, keys: Keys) -> None:
    """201, with its triggers; their secrets are ours, and in this answer alone."""
    answer = await subscribe(there, keys, triggers=[TRIGGER, TRIGGER])
    assert answer.status_code == 201
    made = answer.json()
    assert (made["object"], made["topic"], made["id"][:4]) == ("subscription", TOPIC, "sub_")
    for one in made["triggers"]:
        assert (one["object"], one["id"][:4]) == ("trigger", "tri_")
        assert (one["target"], one["type"], one["subscription"]) == (TARGET, "webhook", made["id"])
        assert one.pop("secret").startswith("whsec_")
    made["triggers"].sort(key=lambda one: one["id"])  # as they are listed
    shown = await there.nobody.get(f"{PATH}/{made['id']}", headers=by(keys.sk))
    assert shown.json() == made
    assert (await listed(there, keys))["data"] == [made]


async def test_forms_are_read_as_well(there: Stage, keys: Keys) -> None:
    """With brackets, as curl sends them."""
    fields = {"topic": TOPIC, "triggers[0][target]": TARGET, "triggers[0][type]": "webhook"}
    answer = await there.nobody.post(PATH, data=fields, headers=by(keys.sk))
    assert answer.status_code == 201, answer.text


async def test_a_message_is_signed_as_the_vendor_does(there: Stage, keys: Keys) -> None:
    """By the secret key without prefix and dashes; beside it a time, by the secret of its own."""
    made = (await subscribe(there, keys)).json()
    await happen(there, keys, "activity:done")
    ((fields, body),) = await told(there)
    signing = keys.sk.removeprefix("sk_test_").replace("-", "").encode()
    assert fields["openfort-signature"] == hmac.new(signing, body, "sha256").hexdigest()
    message = json.loads(body)
    assert (message["type"], message["date"]) == (TOPIC, pytest.approx(there.clock.now(), abs=5))
    assert message["data"]["id"].startswith("tin_")
    assert Peer(made["triggers"][0]["secret"]).verify(body, fields) == message
    assert keys.sk.encode() not in body


@pytest.mark.parametrize(
    ("event", "topic"),
    [
        ("activity:sent", "transaction_intent.broadcast"),
        ("activity:done", "transaction_intent.successful"),
        ("activity:done", "transaction_intent.succeeded"),
        ("activity:failed", "transaction_intent.failed"),
        ("activity:lapsed", "transaction_intent.cancelled"),
    ],
)
async def test_a_topic_is_told_under_its_own_name(
    there: Stage, keys: Keys, event: str, topic: str
) -> None:
    """And of nothing else: neither other endings nor what other wire formats did."""
    assert (await subscribe(there, keys, topic=topic)).status_code == 201
    for one in ("activity:sent", "activity:done", "activity:failed", "activity:lapsed"):
        if one != event:
            await happen(there, keys, one)
    await happen(there, keys, event, kind="run")
    assert await told(there) == []
    await happen(there, keys, event)
    ((_, body),) = await told(there)
    assert json.loads(body)["type"] == topic


async def test_a_receiver_is_tried(there: Stage, keys: Keys) -> None:
    """By the native API, which lists it with its surface; the message says that it is a test."""
    await subscribe(there, keys)
    native = {**by(keys.founded.secret), "idempotency-key": unique()}
    (one,) = (await there.native.get("/v1/webhooks", headers=native)).json()["items"]
    assert (one["surface"], one["events"]) == ("openfort", ["activity:done"])
    answer = await there.native.post(f"/v1/webhooks/{one['id']}/test", headers=native, json={})
    assert answer.status_code == 200, answer.text
    ((fields, body),) = await told(there)
    assert json.loads(body)["type"] == "test"
    assert fields["openfort-signature"]


async def test_triggers_come_and_go(there: Stage, keys: Keys) -> None:
    """Without any a subscription is over; of another one a trigger is not."""
    made, other = [(await subscribe(there, keys)).json() for _ in range(2)]
    path = f"{PATH}/{made['id']}/triggers"
    added = await there.nobody.post(path, json=TRIGGER, headers=by(keys.sk))
    assert added.status_code == 201
    second = added.json()
    assert second.pop("secret")
    first = {name: value for name, value in made["triggers"][0].items() if name != "secret"}
    by_id = sorted([first, second], key=lambda one: str(one["id"]))
    assert (await listed(there, keys, path, "?order=asc"))["data"] == by_id
    assert (await listed(there, keys, path, "?limit=1&skip=1"))["data"] == by_id[:1]
    one = await there.nobody.get(f"{path}/{second['id']}", headers=by(keys.sk))
    assert one.json() == second
    elsewhere = f"{PATH}/{other['id']}/triggers/{second['id']}"
    assert (await there.nobody.delete(elsewhere, headers=by(keys.sk))).status_code == 404
    for trigger in (first, second):
        gone = await there.nobody.delete(f"{path}/{trigger['id']}", headers=by(keys.sk))
        assert gone.json() == {"id": trigger["id"], "object": "trigger", "deleted": True}
    assert (await there.nobody.get(path, headers=by(keys.sk))).status_code == 404
    assert (await listed(there, keys))["total"] == 1


async def test_a_subscription_is_ended(there: Stage, keys: Keys) -> None:
    """What waited for it is sent to nobody."""
    made = (await subscribe(there, keys, triggers=[TRIGGER, TRIGGER])).json()["id"]
    await happen(there, keys, "activity:done")
    gone = await there.nobody.delete(f"{PATH}/{made}", headers=by(keys.sk))
    assert gone.json() == {"id": made, "object": "subscription", "deleted": True}
    assert await told(there) == []
    again = await there.nobody.delete(f"{PATH}/{made}", headers=by(keys.sk))
    assert again.status_code == 404


async def test_an_idempotency_key_subscribes_once(there: Stage, keys: Keys) -> None:
    """The secrets are in the first answer alone."""
    headers = {**by(keys.sk), "x-idempotency-key": unique()}
    body = {"topic": TOPIC, "triggers": [TRIGGER]}
    first, again = [await there.nobody.post(PATH, json=body, headers=headers) for _ in range(2)]
    assert first.json()["id"] == again.json()["id"]
    assert "secret" not in again.json()["triggers"][0]
    assert (await listed(there, keys))["total"] == 1


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"topic": "balance.project"}, "topic"),
        ({"topic": "test"}, "topic"),
        ({"triggers": []}, "triggers"),
        ({"triggers": [TRIGGER] * 17}, "triggers"),
        ({"triggers": [{"target": "a@b.example", "type": "email"}]}, "triggers[0].type"),
        ({"triggers": [TRIGGER, {"target": "ftp://x", "type": "webhook"}]}, "URL"),
    ],
)
async def test_what_cannot_be_told_is_refused(
    there: Stage, keys: Keys, body: dict[str, Any], named: str
) -> None:
    """With a 400 that names it; nothing is subscribed to."""
    status, _, message = refusal(await subscribe(there, keys, **body))
    assert status == 400
    assert named in message
    assert (await listed(there, keys))["total"] == 0


async def test_who_may_not_subscribes_to_nothing(there: Stage, keys: Keys) -> None:
    """A key in a browser, one of an operator, nobody; and a stranger reaches none."""
    made = (await subscribe(there, keys)).json()
    body = {"topic": TOPIC, "triggers": [TRIGGER]}
    operator = await add_keys(there.world, keys.founded)
    for key in (keys.pk, operator.sk):
        assert refusal(await there.nobody.post(PATH, json=body, headers=by(key)))[0] == 400
    assert refusal(await there.nobody.post(PATH, json=body))[0] == 401
    founded = await make_organization(there.world, "Stranger")
    stranger = await add_keys(there.world, founded, Standing(Role.OWNER))
    one = f"{PATH}/{made['id']}"
    for path in (one, f"{one}/triggers/{made['triggers'][0]['id']}"):
        for method in ("GET", "DELETE"):
            answer = await there.nobody.request(method, path, headers=by(stranger.sk))
            assert refusal(answer)[0] == 404
    answer = await there.nobody.post(f"{one}/triggers", json=TRIGGER, headers=by(stranger.sk))
    assert refusal(answer)[0] == 404
    assert (await listed(there, stranger))["total"] == 0
    assert (await listed(there, keys))["total"] == 1


async def test_a_native_webhook_is_no_subscription(there: Stage, keys: Keys) -> None:
    """It is not listed here, and is told in our own form, with its own secret alone."""
    native = {**by(keys.founded.secret), "idempotency-key": unique()}
    body = {"url": TARGET, "events": ["activity:done"]}
    added = await there.native.post("/v1/webhooks", json=body, headers=native)
    assert added.json()["webhook"]["surface"] == "native"
    assert (await listed(there, keys))["total"] == 0
    await happen(there, keys, "activity:done")
    ((fields, sent),) = await told(there)
    assert "openfort-signature" not in fields
    assert json.loads(sent)["type"] == "activity:done"
