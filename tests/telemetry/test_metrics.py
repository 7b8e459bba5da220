"""What is counted, and that nobody who asks for something can choose what it is counted as."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.worlds import Founded, make_organization, make_world
from tools.write_metrics import PAGE, render
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.core.errors import Code
from valetkey.http.native.table import ROUTES
from valetkey.http.server import Serving, running
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal
from valetkey.telemetry.metrics import Metrics
from valetkey.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from valetkey.flows.world import World

SHOWN = Settings(reconcile_s=0.01, metrics_port=0)
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


@asynccontextmanager
async def metered(
    world: World, telemetry: Telemetry | None = None
) -> AsyncIterator[tuple[httpx.AsyncClient, Serving]]:
    """Serve *world* with metrics on a port of their own."""
    telemetry = telemetry or Telemetry(Journal(bytes), metrics=Metrics())
    async with (
        running(world, settings=SHOWN, telemetry=telemetry) as serving,
        httpx.AsyncClient(base_url=serving.url) as client,
    ):
        yield client, serving


async def samples(serving: Serving) -> Samples:
    """Return every sample of the page, by name and labels."""
    assert serving.metrics_url is not None
    async with httpx.AsyncClient() as client:
        page = (await client.get(serving.metrics_url)).text
    return {
        (one.name, tuple(sorted(one.labels.items()))): one.value
        for family in text_string_to_metric_families(page)
        for one in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    """Return one sample; 0 if it was never counted."""
    return found.get((f"valetkey_{name}", tuple(sorted(labels.items()))), 0.0)


async def add_user(client: httpx.AsyncClient, founded: Founded, key: str) -> httpx.Response:
    """Return the answer to adding a user."""
    headers = {"authorization": f"Bearer {founded.secret}", "idempotency-key": key}
    return await client.post("/v1/users", json={"reference": "a"}, headers=headers)


def test_every_metric_is_in_the_document_and_the_other_way_round() -> None:
    """`python tools/write_metrics.py --write` brings it up to date."""
    assert PAGE.read_text() == render()


async def test_requests_are_counted_by_route_and_refusals_by_code() -> None:
    """A route is its template, whatever id stood in the path."""
    world = await make_world()
    founded = await make_organization(world)
    async with metered(world) as (client, serving):
        assert (await add_user(client, founded, "one")).status_code == 201
        headers = {"authorization": f"Bearer {founded.secret}"}
        for number in range(3):
            gone = f"/v1/sessions/ses_{number:024}"
            assert (await client.get(gone, headers=headers)).status_code == 404
        found = await samples(serving)
    added = {"method": "POST", "route": "/v1/users", "status": "2xx"}
    missing = {"method": "GET", "route": "/v1/sessions/{session_id}", "status": "4xx"}
    assert value(found, "requests_total", **added) == 1
    assert value(found, "requests_total", **missing) == 3
    assert value(found, "refusals_total", code="not_found") == 3
    assert value(found, "request_seconds_count", method="POST", route="/v1/users") == 1
    assert value(found, "events_total", event="user:added") == 1
    assert value(found, "requests_in_flight") == 0


async def test_a_stranger_cannot_make_a_label() -> None:
    """Paths, methods and ids of strangers are unbounded: each would be a series for ever."""
    world = await make_world()
    founded = await make_organization(world)
    async with metered(world) as (client, serving):
        for path in ("/nothing", "/v1/users/../../etc", f"/v1/{founded.secret}"):
            await client.get(path)
        for method in ("PROPFIND", "MKCOL", "TRACE"):
            await client.request(method, "/v1/users")
        await client.get("/healthz", headers={"host": "evil.example", "user-agent": "x" * 100})
        found = await samples(serving)
    routes = {one.path for one in ROUTES} | {"/openapi.json", "none"}
    events = {"organization:opened", "user:added", "credential:added"}
    allowed = {
        "route": routes,
        "method": {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"},
        "status": {"2xx", "4xx", "5xx"},
        "code": {one.value for one in Code} | {"ok"},
        "event": events,
        "part": {"store", "vault", "reconcile"},
        "outcome": {one.value for one in Code} | {"ok", "unforeseen", "failed"},
        "operation": {"create", "sign", "seal", "open"},
    }
    ours = [labels for (name, labels) in found if name.startswith("valetkey_")]
    seen = [pair for labels in ours for pair in labels if pair[0] not in {"le", "version"}]
    assert {name for name, _ in seen} <= allowed.keys()
    assert [pair for pair in seen if pair[1] not in allowed[pair[0]]] == []
    assert value(found, "requests_total", method="other", route="none", status="4xx") == 3


async def test_the_store_says_how_many_writes_shared_a_commit(tmp_path: Path) -> None:
    """The sum of the groups is the number of writes, and each commit is timed."""
    telemetry = Telemetry(Journal(bytes), metrics=Metrics())
    store = SqliteStore(tmp_path / "store.db", on_commit=telemetry.committed)
    await store.open()
    world = await make_world(store=store)
    founded = await make_organization(world)
    async with metered(world, telemetry) as (client, serving):
        await add_user(client, founded, "one")
        found = await samples(serving)
    await store.close()
    assert value(found, "store_writes_total", outcome="ok") >= 1
    assert value(found, "store_group_writes_sum") >= value(
        found, "store_writes_total", outcome="ok"
    )
    assert value(found, "store_group_writes_count") == value(found, "store_commit_seconds_count")


async def test_a_write_that_was_undone_is_not_told_of() -> None:
    """A refused body has put lines in its log that nobody will ever read."""
    world = await make_world()
    founded = await make_organization(world)
    lines: list[bytes] = []
    telemetry = Telemetry(Journal(lines.append), metrics=Metrics())
    async with metered(world, telemetry) as (client, serving):
        assert (await add_user(client, founded, "one")).status_code == 201
        headers = {"authorization": f"Bearer {founded.secret}", "idempotency-key": "one"}
        again = await client.post("/v1/users", json={"reference": "b"}, headers=headers)
        assert again.status_code == 409
        found = await samples(serving)
    assert value(found, "events_total", event="user:added") == 1
    assert value(found, "store_writes_total", outcome="request_id_reused") == 1
    assert sum(b'"event":"user:added"' in line for line in lines) == 1


async def test_a_server_without_a_port_for_metrics_keeps_none() -> None:
    """What nobody reads is not counted, and nothing listens."""
    world = await make_world()
    async with running(world, settings=SHOWN, journal=Journal(bytes)) as serving:
        assert serving.metrics_url is None


async def test_no_other_page_is_there_and_no_other_host_is_answered() -> None:
    """A name that a browser resolves to loopback later would let any page read it."""
    world = await make_world()
    async with metered(world) as (_, serving), httpx.AsyncClient() as client:
        url = str(serving.metrics_url)
        assert (await client.get(url)).status_code == 200
        assert (await client.head(url)).text == ""
        assert (await client.get(url, headers={"host": "localhost:1"})).status_code == 200
        assert (await client.get(url, headers={"host": "[::1]:1"})).status_code == 200
        for host in ("evil.example", "evil.example:9464", "10.0.0.1", "127.0.0.1.evil.example"):
            refused = await client.get(url, headers={"host": host})
            assert (refused.status_code, "valetkey_" in refused.text) == (421, False)
        assert (await client.get(f"{url}/more")).status_code == 404
        assert (await client.post(url)).status_code == 405
        assert (await client.get(f"{serving.url}/metrics")).status_code == 404
