"""Two servers before one store: what is good once is good at one of them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.http.calls import Caller, Key, Prover, Stamper, Token, unique
from tests.http.unchanged import check_problem
from tests.worlds import RunningClock, dump, make_organization, make_world
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.config import Bounds, Rates
from valetkey.flows.dpop import Nonces
from valetkey.http.server import running
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.worlds import Founded
    from valetkey.flows.world import World

PUBLIC: Final = "http://keys.example"
OWN: Final = "/v1/session"
USER: Final = {"reference": "ann"}
ROOM: Final = 20
FREE: Final = Rates(address_per_s=0, caller_per_s=0, stop_per_s=0)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two servers that callers reach under one name, each with connections of its own."""

    world: World
    founded: Founded
    clients: tuple[httpx.AsyncClient, httpx.AsyncClient]

    def owner(self, number: int) -> Caller:
        """Return who has the secret key, before one of the servers."""
        return Caller(self.clients[number], Token(self.founded.secret))

    async def at_both(self, fields: dict[str, str], times: int = 8) -> list[httpx.Response]:
        """Return the answers to one request, asked at once at both servers, so many times."""
        asked = (one.get(OWN, headers=fields) for one in self.clients * times)
        return list(await asyncio.gather(*asked))


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    """Serve one store twice."""
    async with AsyncExitStack() as stack:
        stores = [SqliteStore(tmp_path / "store.db") for _ in range(2)]
        for store in stores:
            await store.open()
            stack.push_async_callback(store.close)
        bounds = Bounds(users=ROOM)
        world = await make_world(store=stores[0], clock=RunningClock(), bounds=bounds)
        other = replace(world, store=stores[1], nonces=Nonces())
        founded = await make_organization(world)
        settings = Settings(reconcile_s=0, deliver_s=0, rates=FREE, public_url=PUBLIC)
        clients = []
        for one in (world, other):
            serving = await stack.enter_async_context(
                running(one, settings=settings, journal=Journal(bytes))
            )
            client = httpx.AsyncClient(base_url=serving.url, timeout=30)
            clients.append(await stack.enter_async_context(client))
        yield Pair(world, founded, (clients[0], clients[1]))


async def opened(pair: Pair, key: Key, **fields: object) -> dict[str, Any]:
    """Return the answer to opening a session that reads, with a key."""
    body = {"proof": "stamp", "access": "read", "ttl_s": 3600, "key": key.document, **fields}
    answer: dict[str, Any] = await pair.owner(0).post("/v1/sessions", body)
    return answer


def seen_once(answers: list[httpx.Response]) -> None:
    """Fail unless one of *answers* is one, and all others say that the proof was seen."""
    good = [one for one in answers if one.is_success]
    assert len(good) == 1
    for one in answers:
        if one not in good:
            check_problem(one, 401, "proof_replayed")


async def test_a_proof_of_a_key_is_seen_once_by_both(pair: Pair) -> None:
    """`jti`, RFC 9449 11.1: the nonce of one server is the other's, and so is what was seen."""
    key = Key.make("p256", 1)
    made = await opened(pair, key, bound_token=True)
    prover = Prover(made["token"], key, pair.world.clock)
    given = await pair.clients[0].get(
        OWN, headers=prover.headers("GET", PUBLIC + OWN, b"", unique())
    )
    check_problem(given, 401, "proof_nonce_needed")
    prover = replace(prover, nonce=given.headers["dpop-nonce"])
    seen_once(await pair.at_both(prover.headers("GET", PUBLIC + OWN, b"", unique())))


async def test_a_signed_request_is_seen_once_by_both(pair: Pair) -> None:
    """RFC 9421 7.2.2: whoever copies one has nothing, at whichever server."""
    key = Key.make("p256", 2)
    made = await opened(pair, key)
    stamper = Stamper(made["session"]["id"], key, pair.world.clock)
    seen_once(await pair.at_both(stamper.headers("GET", PUBLIC + OWN, b"", unique())))


async def test_fifty_writes_at_once_do_not_pass_a_quota(pair: Pair) -> None:
    """Counted in the transaction of the write, however many servers write."""
    asked = (pair.owner(number % 2).send("POST", "/v1/users", USER) for number in range(50))
    answers = await asyncio.gather(*asked)
    for one in answers:
        if not one.is_success:
            assert one.json()["code"] == "quota_exceeded"
    assert sum(one.is_success for one in answers) == ROOM
    assert len((await dump(pair.world))["User"]) == ROOM


async def test_one_write_that_is_asked_fifty_times_at_once_is_made_once(pair: Pair) -> None:
    """By the same id: all are told of the same user."""
    asked = (
        pair.owner(number % 2).send("POST", "/v1/users", USER, request_id="one")
        for number in range(50)
    )
    answers = await asyncio.gather(*asked)
    assert len({one.json()["id"] for one in answers}) == 1
    assert len((await dump(pair.world))["User"]) == 1
