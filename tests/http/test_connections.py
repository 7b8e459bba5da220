"""Connections that bring less than a request, or more than one head."""

from __future__ import annotations

import asyncio

import pytest

from tests.worlds import make_organization, make_world
from valetkey.http.server import running
from valetkey.http.settings import Limits, Settings
from valetkey.telemetry.journal import Journal

IMPATIENT = Settings(reconcile_s=0, limits=Limits(head_wait_s=0.1))
PATIENCE_S = 5.0
HEALTH = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /heal", b"GET /healthz HTTP/1.1\r\nhost: x\r\n"],
    ids=["nothing", "half a line", "half a head"],
)
async def test_a_connection_that_asks_nothing_is_let_go(sent: bytes) -> None:
    """Connections are counted; whoever holds them all without asking shuts everybody out."""
    world = await make_world()
    async with running(world, settings=IMPATIENT, journal=Journal(bytes)) as serving:
        reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
        writer.write(sent)
        said = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
    assert said.startswith(b"HTTP/1.1 408 ")


async def test_a_second_head_is_not_waited_for_longer_than_the_first() -> None:
    """A first whole request does not buy a connection for ever."""
    world = await make_world()
    async with running(world, settings=IMPATIENT, journal=Journal(bytes)) as serving:
        reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
        writer.write(HEALTH + b"GET /heal")
        said = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in said


async def test_a_body_may_take_longer_than_a_head() -> None:
    """The two are bounded apart."""
    limits = Limits(head_wait_s=0.05, body_wait_s=PATIENCE_S)
    settings = Settings(reconcile_s=0, limits=limits)
    founded = await make_organization(world := await make_world())
    async with running(world, settings=settings, journal=Journal(bytes)) as serving:
        reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
        writer.write(
            b"POST /v1/users HTTP/1.1\r\nhost: x\r\nidempotency-key: one\r\nconnection: close\r\n"
            b"content-type: application/json\r\ncontent-length: 17\r\n"
            b"authorization: Bearer " + founded.secret.encode() + b'\r\n\r\n{"reference":'
        )
        loop = asyncio.get_running_loop()
        loop.call_later(0.2, writer.write, b'"a"}')
        said = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
    assert said.startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize("field", ["authorization", "idempotency-key"])
async def test_a_field_behind_the_body_decides_nothing(field: str) -> None:
    """Trailers are not part of the head: whoever checks a head in front of us never saw them."""
    founded = await make_organization(world := await make_world())
    fields = {"authorization": f"Bearer {founded.secret}", "idempotency-key": "one"}
    behind = f"{field}: {fields.pop(field)}"
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    body = '14\r\n{"reference":"abcd"}\r\n0\r\n'
    sent = (
        f"POST /v1/users HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n"
        f"content-type: application/json\r\n{head}\r\n{body}{behind}\r\n\r\n"
    )
    async with running(world, settings=IMPATIENT, journal=Journal(bytes)) as serving:
        reader, writer = await asyncio.open_connection("127.0.0.1", serving.port)
        writer.write(sent.encode())
        said = await asyncio.wait_for(reader.read(), PATIENCE_S)
        writer.close()
    expected = b"proof_missing" if field == "authorization" else b"request_id_missing"
    assert expected in said
