"""Webhooks over HTTP, told by the server itself to a receiver on loopback."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
from standardwebhooks.webhooks import Webhook as Peer

from tests.adapters.outbound.receivers import answering, receiving, silent
from tests.http.calls import Caller, Token
from tests.http.unchanged import check_problem
from tests.worlds import RunningClock, make_organization, make_world
from valetkey.adapters.outbound.web import Limits, WebOutbound
from valetkey.config import Bounds
from valetkey.core.webhook import Delivery, DeliveryState
from valetkey.flows.deliver import deliver_next
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal
from valetkey.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.adapters.outbound.receivers import Receiver
    from valetkey.flows.world import World


@dataclass(frozen=True, slots=True)
class Told:
    """A world that is served, and the backend of an organization in it."""

    world: World
    secret: Caller

    async def deliver(self) -> None:
        """Send what is due."""
        while await deliver_next(self.world):
            pass


@asynccontextmanager
async def told(
    *, allow_private: bool = True, deliver_s: float = 0, timeout_s: float = 5
) -> AsyncIterator[Told]:
    """Give a server that sends to loopback, if it may; by itself only after *deliver_s*."""
    outbound = WebOutbound(allow_private=allow_private, limits=Limits(timeout_s=timeout_s))
    world = await make_world(clock=RunningClock(), outbound=outbound, bounds=Bounds(webhooks=3))
    founded = await make_organization(world)
    lines: list[bytes] = []
    settings = Settings(reconcile_s=0, deliver_s=deliver_s)
    async with (
        running(world, settings=settings, telemetry=Telemetry(Journal(lines.append))) as serving,
        httpx.AsyncClient(base_url=serving.url, timeout=30) as client,
    ):
        yield Told(world, Caller(client, Token(founded.secret)))
    await outbound.close()
    assert b"whsec_" not in b"".join(lines)


def fields_of(receiver: Receiver, number: int) -> dict[str, str]:
    """Return the fields of a request."""
    lines = receiver.heads[number].split("\r\n")[1:]
    return dict(line.split(": ", 1) for line in lines if line)


async def all_of(world: World) -> list[Delivery]:
    """Return every delivery there is."""
    return await world.store.read(lambda view: view.find(Delivery))


async def test_a_receiver_hears_what_happens_and_the_peer_believes_it() -> None:
    """From the write to the receiver, with a signature that another's package verifies."""
    async with receiving(answering("200 OK")) as receiver:
        async with told(deliver_s=0.01) as one:
            secret, url = one.secret, f"http://127.0.0.1:{receiver.port}/hook"
            added = await secret.post("/v1/webhooks", {"url": url, "events": ["user:*"]})
            peer = Peer(added["secret"])
            assert "secret" not in added["webhook"]
            user = await secret.post("/v1/users", {"reference": "ann"})
            body = json.loads((await receiver.has(1))[0])
            assert (body["type"], body["subject_id"]) == ("user:added", user["id"])
            assert peer.verify(receiver.bodies[0], fields_of(receiver, 0)) == body
            key = added["webhook"]["id"]
            rotated = await secret.post(f"/v1/webhooks/{key}/rotate", {})
            await secret.post(f"/v1/webhooks/{key}/test", {})
            await receiver.has(2)
            for text in (added["secret"], rotated["secret"]):
                assert Peer(text).verify(receiver.bodies[1], fields_of(receiver, 1))
            shown = await secret.get(f"/v1/webhooks/{key}")
            assert shown["previous_secret_until"] > shown["created_at"]
            assert "whsec_" not in json.dumps(shown)
        assert {found.state for found in await all_of(one.world)} == {DeliveryState.DELIVERED}


async def test_deliveries_are_listed_by_webhook_and_state_in_pages() -> None:
    """Newest first, with a cursor, and what failed with its reason."""
    async with told() as one:
        secret, url = one.secret, "http://127.0.0.1:1/nobody"
        keys = []
        for events in (["user:*"], ["*"]):
            added = await secret.post("/v1/webhooks", {"url": url, "events": events})
            keys.append(added["webhook"]["id"])
        for number in range(3):
            await secret.post("/v1/users", {"reference": f"{number}"})
        first = await secret.get(f"/v1/deliveries?webhook_id={keys[0]}&limit=2")
        rest = await secret.get(f"/v1/deliveries?webhook_id={keys[0]}&after={first['next']}")
        ids = [found["id"] for found in first["items"] + rest["items"]]
        assert len(ids) == 3
        assert ids == sorted(ids, reverse=True)
        await one.deliver()
        failed = await secret.get(f"/v1/deliveries/{ids[-1]}")
        assert (failed["state"], failed["status"]) == ("pending", None)
        assert "no connection" in failed["reason"]
        everything = await secret.get("/v1/deliveries?state=pending")
        assert {found["webhook_id"] for found in everything["items"]} == set(keys)
        off = await secret.post(f"/v1/webhooks/{keys[0]}", {"state": "off"})
        assert off["state"] == "off"
        await one.deliver()
        assert len((await secret.get("/v1/deliveries?state=dead"))["items"]) == 3
        await secret.post(f"/v1/webhooks/{keys[0]}", {"state": "on"})
        replayed = await secret.post(f"/v1/webhooks/{keys[0]}/replay", {"since": 0})
        assert replayed == {"deliveries": 3}
        again = await secret.post(f"/v1/deliveries/{ids[0]}/replay")
        assert again["state"] == "pending"


async def test_a_server_that_is_not_for_development_sends_nothing_inside() -> None:
    """No loopback, no plain http, not by name either; nothing is written."""
    async with told(allow_private=False) as one:
        for url in ("http://shop.example/", "https://127.0.0.1/", "https://localhost/"):
            answer = await one.secret.send("POST", "/v1/webhooks", {"url": url, "events": ["*"]})
            check_problem(answer, 400, "url_refused")
        assert (await one.secret.get("/v1/webhooks"))["items"] == []


async def test_what_a_webhook_must_not_be_is_refused() -> None:
    """Each with its code; one more than the operator allows is too many."""
    async with told() as one:
        good = {"url": "http://127.0.0.1:1/", "events": ["*"]}
        refused: list[tuple[dict[str, object], str]] = [
            ({**good, "events": []}, "malformed_body"),
            ({**good, "events": ["user:gone"]}, "malformed_body"),
            ({**good, "url": "ftp://127.0.0.1/"}, "url_refused"),
            ({**good, "url": "http://127.0.0.1/\u0000"}, "malformed_body"),
            ({**good, "url": f"http://127.0.0.1/{'a' * 2048}"}, "malformed_body"),
            ({**good, "secret": "whsec_mine"}, "malformed_body"),
            ({"url": good["url"]}, "malformed_body"),
        ]
        for body, code in refused:
            check_problem(await one.secret.send("POST", "/v1/webhooks", body), 400, code)
        for _ in range(3):
            await one.secret.post("/v1/webhooks", good)
        check_problem(await one.secret.send("POST", "/v1/webhooks", good), 429, "quota_exceeded")
        unknown = "whk_" + "0" * 24
        check_problem(
            await one.secret.send("POST", f"/v1/webhooks/{unknown}/test"), 404, "not_found"
        )


async def test_a_server_that_stops_does_not_wait_for_slow_receivers() -> None:
    """What was begun gets a moment; what is not answered by then is made again later."""
    async with receiving(silent) as receiver:
        async with told(deliver_s=0.01, timeout_s=300) as one:
            url = f"http://127.0.0.1:{receiver.port}/"
            added = await one.secret.post("/v1/webhooks", {"url": url, "events": ["*"]})
            await one.secret.post(f"/v1/webhooks/{added['webhook']['id']}/test", {})
            await receiver.has(1)
        (left,) = await all_of(one.world)
        assert (left.state, left.attempts) == (DeliveryState.PENDING, 0)
