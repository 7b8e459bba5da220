"""A server's life: it starts, bounds what it reads, finishes what it began, and logs no secret."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.http.gates import FailingStore, GatedStore
from tests.http.unchanged import check_problem
from tests.worlds import dump, make_organization, make_world
from valetkey.core.activity import SeenNonce
from valetkey.core.errors import Malformed, Unavailable
from valetkey.http.server import running
from valetkey.http.settings import Limits, Settings
from valetkey.telemetry.journal import Journal

if TYPE_CHECKING:
    from valetkey.flows.world import World

QUIET = Settings(reconcile_s=0, deliver_s=0)


def lines_of(lines: list[bytes]) -> list[dict[str, Any]]:
    """Return what a journal wrote."""
    return [json.loads(line) for line in lines]


async def raw(port: int, sent: bytes) -> bytes:
    """Return what the server says to *sent* until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    said = await reader.read()
    writer.close()
    return said


async def send_user(client: httpx.AsyncClient, secret: str) -> httpx.Response:
    """Return the answer to adding a user."""
    headers = {"authorization": f"Bearer {secret}", "idempotency-key": "one"}
    return await client.post("/v1/users", json={"reference": "a"}, headers=headers)


async def users(world: World) -> int:
    """Return how many users there are."""
    return len((await dump(world))["User"])


async def test_what_nobody_foresaw_is_a_500_whose_reason_is_in_the_log_alone() -> None:
    """The answer has an id; the log has the reason under it (STYLE A6)."""
    store, lines = FailingStore(), list[bytes]()
    await store.open()
    world = await make_world(store=store)
    founded = await make_organization(world)
    async with running(world, settings=QUIET, journal=Journal(lines.append)) as serving:
        store.says = "the disk speaks of /var/lib"
        async with httpx.AsyncClient(base_url=serving.url) as client:
            answer = await send_user(client, founded.secret)
    check_problem(answer, 500, "internal")
    assert "disk" not in answer.text
    error, answered = lines_of(lines)
    assert error["text"] == "the disk speaks of /var/lib"
    assert error["kind"] == "RuntimeError"
    assert any("gates.py" in place for place in error["places"])
    assert error["request_id"] == answered["request_id"] == answer.json()["request_id"]


async def test_a_write_that_was_begun_is_finished_when_the_server_ends() -> None:
    """Nothing is left half done, and the caller is answered."""
    store = GatedStore()
    await store.open()
    world = await make_world(store=store)
    founded = await make_organization(world)
    store.gate.clear()
    store.arrived.clear()
    async with httpx.AsyncClient(timeout=10) as client:
        async with running(world, settings=QUIET, journal=Journal(bytes)) as serving:
            client.base_url = httpx.URL(serving.url)
            sending = asyncio.create_task(send_user(client, founded.secret))
            await store.arrived.wait()
            asyncio.get_running_loop().call_later(0.05, store.gate.set)
        assert (await sending).status_code == 201
    assert await users(world) == 1


async def test_a_write_that_does_not_end_is_let_go_after_the_grace() -> None:
    """A chain that is silent for ever keeps no server from ending; its plan is written down."""
    store, lines = GatedStore(), list[bytes]()
    await store.open()
    world = await make_world(store=store)
    founded = await make_organization(world)
    settings = Settings(reconcile_s=0, grace_s=0.1)
    async with httpx.AsyncClient(timeout=10) as client:
        async with running(world, settings=settings, journal=Journal(lines.append)) as serving:
            client.base_url = httpx.URL(serving.url)
            store.gate.clear()
            store.arrived.clear()
            sending = asyncio.create_task(send_user(client, founded.secret))
            await store.arrived.wait()
        assert (await sending).status_code == 500
    store.gate.set()
    assert await users(world) == 0
    assert {"event": "server:let_go", "writes": 1}.items() <= lines_of(lines)[-1].items()


async def test_a_write_goes_on_when_its_caller_is_gone() -> None:
    """A caller that hangs up in the middle finds the whole thing done, once."""
    store = GatedStore()
    await store.open()
    world = await make_world(store=store)
    founded = await make_organization(world)
    async with running(world, settings=QUIET, journal=Journal(bytes)) as serving:
        store.gate.clear()
        store.arrived.clear()
        async with httpx.AsyncClient(base_url=serving.url) as client:
            sending = asyncio.create_task(send_user(client, founded.secret))
            await store.arrived.wait()
            sending.cancel()
        store.gate.set()
        async with httpx.AsyncClient(base_url=serving.url) as client:
            assert (await send_user(client, founded.secret)).status_code == 201
    assert await users(world) == 1


async def test_a_caller_that_goes_away_before_its_body_is_there_leaves_nothing() -> None:
    """Half a request is no request."""
    world = await make_world()
    founded = await make_organization(world)
    before = await dump(world)
    async with running(world, settings=QUIET, journal=Journal(bytes)) as serving:
        _, writer = await asyncio.open_connection("127.0.0.1", serving.port)
        head = f"POST /v1/users HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {founded.secret}\r\n"
        writer.write(f"{head}content-length: 20\r\n\r\n{{".encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    assert await dump(world) == before


async def test_a_body_that_does_not_come_is_not_waited_for_long() -> None:
    """A connection that sends nothing does not hold a request for ever."""
    settings = Settings(reconcile_s=0, limits=Limits(body_wait_s=0.05))
    async with running(await make_world(), settings=settings, journal=Journal(bytes)) as serving:
        said = await raw(
            serving.port,
            b"POST /v1/permissions/explain HTTP/1.1\r\nhost: x\r\nconnection: close\r\n"
            b"content-type: application/json\r\ncontent-length: 20\r\n\r\n{",
        )
    assert said.startswith(b"HTTP/1.1 400")
    assert b"within 0.05 s" in said


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"x" * 100_000,
        b"GET /healthz HTTP/1.1\r\nx-long: " + b"y" * 100_000,
        b"GET /healthz HTTP/1.1\r\n" + b"x: y\r\n" * 20_000,
    ],
    ids=["url", "field", "fields"],
)
async def test_a_head_without_end_is_cut_off(head: bytes) -> None:
    """What has not been read to its end costs bounded memory."""
    async with running(await make_world(), settings=QUIET, journal=Journal(bytes)) as serving:
        said = await raw(serving.port, head)
    assert said.startswith(b"HTTP/1.1 431")


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nbad header\r\n\r\n",
        b"POST /v1/users HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /v1/users HTTP/1.1\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}",
        b"POST /v1/users HTTP/1.1\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n{}",
    ],
    ids=["nonsense", "header", "negative", "two lengths", "two framings"],
)
async def test_what_is_no_http_is_refused(sent: bytes) -> None:
    """Two ways to read where a request ends are how requests are smuggled (RFC 9112 11.2)."""
    async with running(await make_world(), settings=QUIET, journal=Journal(bytes)) as serving:
        said = await raw(serving.port, sent)
    assert said.startswith(b"HTTP/1.1 400")


async def test_an_address_that_is_taken_is_said_so() -> None:
    """The reason is a sentence and not a traceback."""
    world = await make_world()
    async with running(world, settings=QUIET, journal=Journal(bytes)) as serving:
        with pytest.raises(Unavailable, match=f"listen on 127.0.0.1:{serving.port}"):
            async with running(world, port=serving.port, settings=QUIET):
                pass


async def test_the_server_settles_what_is_unfinished_while_it_serves() -> None:
    """Rounds go on though one fails, and its reason is in the log."""
    store, lines = FailingStore(), list[bytes]()
    await store.open()
    world = await make_world(store=store)
    await world.store.write(lambda tx: tx.add(SeenNonce("old", "", 0)))
    noted = asyncio.Event()

    def write(line: bytes) -> None:
        lines.append(line)
        noted.set()

    store.says = "not now"
    settings = Settings(reconcile_s=0.01)
    async with running(world, settings=settings, journal=Journal(write)):
        await asyncio.wait_for(noted.wait(), 5)
        store.says = ""
        store.written.clear()
        await asyncio.wait_for(store.written.wait(), 5)
    assert (await dump(world))["SeenNonce"] == []
    assert lines_of(lines)[0]["during"] == "reconcile"


async def test_a_request_is_one_line_without_secrets() -> None:
    """The line has what finds it again, and nothing that opens anything."""
    world, lines = await make_world(), list[bytes]()
    founded = await make_organization(world)
    async with (
        running(world, settings=QUIET, journal=Journal(lines.append)) as serving,
        httpx.AsyncClient(base_url=serving.url) as client,
    ):
        answer = await send_user(client, founded.secret)
        await raw(
            serving.port,
            f"GET /v1/nothing/{founded.secret}?token={founded.secret} HTTP/1.1\r\n"
            f"host: x\r\nconnection: close\r\n\r\n".encode(),
        )
    added, done, missing = lines_of(lines)
    assert done.pop("ms") > 0
    assert abs(done.pop("at") - added["at"]) < 5
    assert added["event"] == "user:added"
    assert added["activity_id"] == done.pop("activity_id")
    assert added["request_id"] == done["request_id"]
    assert done == {
        "level": "info",
        "event": "request:answered",
        "request_id": answer.headers["x-request-id"],
        "method": "POST",
        "route": "/v1/users",
        "status": 201,
        "code": None,
        "why": None,
        "principal_id": founded.principal.subject_id,
    }
    assert (missing["status"], missing["route"]) == (404, "")
    assert founded.secret not in b"".join(lines).decode()


async def test_the_public_url_is_what_signatures_are_over() -> None:
    """Behind a proxy the host that callers see is not the one that the server sees."""
    assert Settings(public_url="https://keys.example/").origin() == ("https", "keys.example")
    assert Settings().origin() is None
    for text in ("keys.example", "ftp://keys.example", "https://keys.example/path", "https://"):
        with pytest.raises(Malformed, match="public_url"):
            Settings(public_url=text).origin()


async def test_ipv6_is_served_too() -> None:
    """A host with colons is an IPv6 address."""
    async with (
        running(await make_world(), host="::1", settings=QUIET, journal=Journal(bytes)) as serving,
        httpx.AsyncClient(base_url=serving.url) as client,
    ):
        assert (await client.get("/healthz")).json() == {"status": "ok"}
