"""Ready is who can do the work; why not is told to the operator alone."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest

from tests.http.unchanged import check_problem
from tests.worlds import SeededEntropy, StoppedClock, make_world
from valetkey.adapters.chain.evm import EvmChain
from valetkey.adapters.store.memory import MemoryStore
from valetkey.adapters.vault.memory import MemoryVault
from valetkey.core.errors import Code, Unavailable
from valetkey.http.loops import ClockWatch, Pulse
from valetkey.http.readiness import STALE_S, Readiness, checks_of
from valetkey.http.server import Serving, running
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal
from valetkey.telemetry.metrics import Metrics
from valetkey.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from valetkey.devchain import Deployment, Node
    from valetkey.flows.world import World

QUIET = Settings(reconcile_s=0)


class Time:
    """Seconds that go by when a test says so."""

    def __init__(self) -> None:
        self.at = 1000.0

    def __call__(self) -> float:
        """Return them."""
        return self.at


@asynccontextmanager
async def served(
    world: World, lines: list[bytes]
) -> AsyncIterator[tuple[httpx.AsyncClient, Serving]]:
    """Serve *world*; *lines* takes its log."""
    async with (
        running(world, settings=QUIET, journal=Journal(lines.append)) as serving,
        httpx.AsyncClient(base_url=serving.url) as client,
    ):
        yield client, serving


def failures(lines: list[bytes]) -> list[dict[str, Any]]:
    """Return what the log says of parts."""
    told = [msgspec.json.decode(line) for line in lines]
    return [line for line in told if line["event"].startswith("part:")]


def check_failed(answer: httpx.Response, *parts: str) -> None:
    """Fail unless *answer* names these parts and says nothing else of them."""
    check_problem(answer, 503, "not_ready")
    assert answer.json()["failed"] == list(parts)
    assert answer.json()["detail"].endswith(f"got nothing from {', '.join(parts)}")


async def test_a_store_that_does_not_answer_is_named_and_looked_at_once_a_second() -> None:
    """It is alive and cannot work; whoever asks often costs it nothing."""
    store = MemoryStore()
    await store.open()
    clock, lines = StoppedClock(), list[bytes]()
    async with served(await make_world(store=store, clock=clock), lines) as (client, _):
        assert (await client.get("/readyz")).json() == {"status": "ok"}
        await store.close()
        assert (await client.get("/readyz")).status_code == 200  # as it was a moment ago
        clock.advance(1)
        check_failed(await client.get("/readyz"), "store")
        clock.advance(1)
        check_failed(await client.get("/readyz"), "store")
        assert (await client.get("/healthz")).status_code == 200
        await store.open()
        clock.advance(1)
        assert (await client.get("/readyz")).status_code == 200
    told = failures(lines)
    assert [(line["event"], line["part"]) for line in told] == [
        ("part:failed", "store"),
        ("part:recovered", "store"),
    ]
    assert told[0]["said"] == "the store is not open"


async def test_a_key_that_does_not_fit_what_is_sealed_is_named() -> None:
    """A server that can sign nothing must not be sent requests."""
    world = await make_world()
    lines: list[bytes] = []
    other = replace(world, vault=MemoryVault(SeededEntropy(99)))
    async with served(other, lines) as (client, _):
        check_failed(await client.get("/readyz"), "vault")
    assert "wrapped by" in failures(lines)[0]["said"]


async def test_a_chain_out_of_reach_and_another_chain_are_named_without_their_urls(
    live_node: Node, live_deployment: Deployment
) -> None:
    """A node's URL may hold a provider's secret, and is nobody's business."""
    chains = {
        f"eip155:{number}": EvmChain(
            url, chain_id=number, implementation=bytes(20), allow_private=True
        )
        for number, url in (
            (live_deployment.chain_id, live_node.rpc_url),
            (1, live_node.rpc_url),
            (5, "http://127.0.0.1:1/a-secret"),
        )
    }
    lines: list[bytes] = []
    async with served(await make_world(chains=chains), lines) as (client, _):
        answer = await client.get("/readyz")
        check_failed(answer, "eip155:1", "eip155:5")
    assert "127.0.0.1" not in answer.text
    assert "a-secret" not in b"".join(lines).decode()
    said = {line["part"]: line["said"] for line in failures(lines)}
    assert f"{live_deployment.chain_id}" in said["eip155:1"]
    assert "cannot be reached" in said["eip155:5"]
    for chain in chains.values():
        await chain.close()


async def test_a_part_that_hangs_counts_as_one_that_does_not_answer() -> None:
    """Whoever probes waits two seconds at most, however many ask at once."""
    asked = 0

    async def hang() -> None:
        nonlocal asked
        asked += 1
        await asyncio.Event().wait()

    readiness = Readiness({"node": hang}, StoppedClock(), Telemetry(Journal(bytes)))
    answers = await asyncio.gather(*(readiness.check() for _ in range(20)), return_exceptions=True)
    assert asked == 1
    assert {str(one) for one in answers} == {
        "not_ready: expected every part to answer, got nothing from node"
    }


async def test_a_reconcile_loop_that_stands_still_is_named() -> None:
    """A round is not late before its bound; one that comes through makes it ready again."""
    now = Time()
    pulse, clock, metrics = Pulse(now), StoppedClock(), Metrics()
    telemetry = Telemetry(Journal(bytes), metrics=metrics)
    readiness = Readiness(checks_of(await make_world(), pulse), clock, telemetry)
    now.at += STALE_S
    await readiness.check()
    now.at += 1
    clock.advance(1)
    with pytest.raises(Unavailable) as refused:
        await readiness.check()
    assert (refused.value.code, refused.value.facts) == (Code.NOT_READY, {"failed": ["reconcile"]})
    assert metrics.registry.get_sample_value("valetkey_ready", {"part": "reconcile"}) == 0
    assert metrics.registry.get_sample_value("valetkey_ready", {"part": "store"}) == 1
    pulse.beat()
    clock.advance(1)
    await readiness.check()
    assert metrics.registry.get_sample_value("valetkey_ready", {"part": "reconcile"}) == 1


async def test_a_server_that_ends_is_not_ready_and_answers_still() -> None:
    """Whoever sends requests here hears it before the door is shut."""
    async with served(await make_world(), []) as (client, serving):
        assert (await client.get("/readyz")).status_code == 200
        serving.readiness.end()
        check_failed(await client.get("/readyz"), "server")
        assert (await client.get("/v1/server")).status_code == 200


@pytest.mark.parametrize("jump_s", [-3600, -3, 3, 3600])
async def test_a_clock_that_is_set_is_told_of(jump_s: int) -> None:
    """Deadlines and expiry go by it: whoever runs the server hears of each jump, once."""
    now, clock, lines, metrics = Time(), StoppedClock(), list[bytes](), Metrics()
    watch = ClockWatch(clock, Telemetry(Journal(lines.append), metrics=metrics), now)

    def let(real_s: float, shown_s: float) -> float:
        now.at += real_s
        clock.advance(shown_s)
        return watch.look()

    assert let(60, 60) == 0
    assert let(60, 61.9) == 0  # a clock that is being brought right slowly
    assert let(10, 10 + jump_s) == pytest.approx(jump_s)
    assert let(10, 10) == 0
    (line,) = map(msgspec.json.decode, lines)
    assert (line["event"], line["by_s"]) == ("clock:jumped", pytest.approx(jump_s))
    assert metrics.registry.get_sample_value("valetkey_clock_jumps_total") == 1
