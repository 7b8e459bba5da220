"""Webhooks as Openfort's clients check them: subscribed to, sent and verified with their SDKs."""

from __future__ import annotations

import base64
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio
from standardwebhooks.webhooks import Webhook as Peer

from tests.adapters.outbound.receivers import answering, receiving
from tests.vendor.driver import Refused
from tests.vendor.openfort.sdk import LAST, MIDDLE, VERSIONS, Backend, backend, node_sdk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.adapters.outbound.receivers import Receiver
    from tests.vendor.openfort.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

TOPICS: Final = ("transaction_intent.broadcast", "transaction_intent.successful")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[MIDDLE, LAST])
async def shop(request: pytest.FixtureRequest, there: Stage) -> AsyncIterator[Backend]:
    """Give a backend for each version that has subscriptions."""
    async with node_sdk(there, request.param) as sdk:
        yield await backend(there, sdk, request.param)


@asynccontextmanager
async def subscribed(there: Stage, *topics: str) -> AsyncIterator[tuple[Receiver, list[Any]]]:
    """Give a receiver that is told of *topics* until the end of the block, and what was said."""
    made = []
    async with receiving(answering("200 OK")) as receiver:
        trigger = {"target": f"http://127.0.0.1:{receiver.port}/hook", "type": "webhook"}
        for topic in topics:
            body = {"topic": topic, "triggers": [trigger]}
            made.append((await there.ask("POST", "/v1/subscriptions", json=body)).json())
        try:
            yield receiver, made
        finally:
            for one in made:
                await there.ask("DELETE", f"/v1/subscriptions/{one['id']}")


async def about(receiver: Receiver, intent: str, count: int) -> list[tuple[dict[str, str], bytes]]:
    """Return fields and body of *count* messages about *intent*, once they came."""
    seen = 0
    while True:
        seen += 1
        bodies = await receiver.has(seen)
        came = zip(map(fields_of, receiver.heads), bodies, strict=False)
        found = [one for one in came if json.loads(one[1])["data"]["id"] == intent]
        if len(found) == count:
            return found
        seen = len(bodies)


def fields_of(head: str) -> dict[str, str]:
    """Return the fields of a request."""
    lines = [line.split(": ", 1) for line in head.strip().splitlines()[1:]]
    return {name.lower(): value for name, value in lines}


async def test_step_13_each_generation_verifies_what_is_sent(there: Stage, shop: Backend) -> None:
    """With the secret key that they have anyway; a body of which one byte differs is refused."""
    async with subscribed(there, *TOPICS) as (receiver, _):
        _, key = await shop.open()
        done = await shop.act(key)
        messages = await about(receiver, done["id"], len(TOPICS))
    told = {one["type"]: one for one in (json.loads(body) for _, body in messages)}
    assert set(told) == set(TOPICS)
    last = told["transaction_intent.successful"]
    assert last["data"]["id"] == done["id"]
    assert last["data"]["response"]["transactionHash"] == done["response"]["transactionHash"]
    assert abs(last["date"] - there.clock.now()) < 120
    for version in VERSIONS:
        async with node_sdk(there, version) as sdk:
            for fields, body in messages:
                signed = {"signature": fields["openfort-signature"]}
                event = await sdk.ask("event", body=body.decode(), **signed)
                assert event == json.loads(body)
                tampered = body.decode().replace("transaction_intent.", "transaction-intent.")
                with pytest.raises(Refused, match="Invalid signature"):
                    await sdk.ask("event", body=tampered, **signed)


async def test_a_registration_is_told_of_as_well(there: Stage, shop: Backend) -> None:
    """It is a transaction of the account, and the session lists it."""
    async with subscribed(there, TOPICS[1]) as (receiver, _):
        live, _ = await shop.open()
        shown = await shop.sdk.ask("getSession", id=live["id"])
        (intent,) = shown["transactionIntents"]
        ((_, body),) = await about(receiver, intent["id"], 1)
    assert json.loads(body)["data"]["response"]["status"] == 1


async def test_a_subscriber_says_what_success_is_called(there: Stage, shop: Backend) -> None:
    """The guides and older SDKs call it otherwise than the API does: each is sent what it asked."""
    topic = "transaction_intent.succeeded"
    async with subscribed(there, topic) as (receiver, _):
        _, key = await shop.open()
        done = await shop.act(key)
        ((_, body),) = await about(receiver, done["id"], 1)
    assert json.loads(body)["type"] == topic


async def test_a_time_is_signed_beside_it(there: Stage, shop: Backend) -> None:
    """With a secret of the receiver's own, which a peer's library checks: no replay passes it."""
    async with subscribed(there, TOPICS[1]) as (receiver, (made,)):
        _, key = await shop.open()
        done = await shop.act(key)
        ((fields, body),) = await about(receiver, done["id"], 1)
    assert Peer(made["triggers"][0]["secret"]).verify(body, fields) == json.loads(body)
    of_key = there.secret.removeprefix("sk_test_").replace("-", "").encode()
    with pytest.raises(Exception, match="signature"):
        Peer(base64.b64encode(of_key).decode()).verify(body, fields)


async def test_triggers_are_added_and_taken_away(there: Stage) -> None:
    """By the SDK that has them, and reads what is answered; 0.6 takes it for a bill."""
    async with node_sdk(there, LAST) as sdk:

        async def call(method: str, *args: object) -> Any:  # noqa: ANN401 - as the SDK says it
            return await sdk.ask("call", method=method, args=args)

        trigger = {"target": "http://127.0.0.1:9/hook", "type": "webhook"}
        made = await call("subscriptions.create", {"topic": TOPICS[0], "triggers": [trigger]})
        (first,) = made["triggers"]
        second = await call("triggers.create", made["id"], trigger)
        assert second["subscription"] == made["id"]
        assert (await call("triggers.get", made["id"], second["id"]))["id"] == second["id"]
        listed = await call("triggers.list", made["id"])
        assert {one["id"] for one in listed["data"]} == {first["id"], second["id"]}
        for one in (first, second):
            assert (await call("triggers.delete", made["id"], one["id"]))["deleted"] is True
        with pytest.raises(Refused):
            await call("subscriptions.get", made["id"])
