"""What is counted of runs, stops and chains, against what was really done."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from tests.http.stage import USDC, Stage, staged
from tests.worlds import StoppedClock, make_world
from valetkey.adapters.chain.evm import EvmChain
from valetkey.core.activity import Activity, ActivityState
from valetkey.devchain import mint
from valetkey.http.loops import look_at_chains, settle
from valetkey.http.settings import Settings
from valetkey.telemetry.journal import Journal
from valetkey.telemetry.metrics import Metrics
from valetkey.telemetry.observed import observed
from valetkey.telemetry.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from valetkey.devchain import Deployment, Node
    from valetkey.ports import Tx


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Return one sample; None if there is none."""
    return metrics.registry.get_sample_value(f"valetkey_{name}", labels)


@asynccontextmanager
async def metered(node: Node, deployment: Deployment) -> AsyncIterator[tuple[Stage, Metrics]]:
    """Serve a world with metrics, whose sealed account has tokens and runs our code."""
    metrics = Metrics()
    telemetry = Telemetry(Journal(bytes), metrics=metrics)
    settings = Settings(reconcile_s=0)
    async with staged(node, deployment, settings, telemetry=telemetry) as stage:
        stage.clock.advance(5)
        await stage.secret.post(f"/v1/accounts/{stage.account['id']}/delegation", {})
        mint(node.rpc, deployment, bytes.fromhex(stage.account["address"][2:]), 10 * USDC)
        yield stage, metrics


async def test_runs_and_stops_are_counted_by_how_they_ended(
    node: Node, deployment: Deployment
) -> None:
    """Each once, whatever it was read, polled and repeated."""
    async with metered(node, deployment) as (stage, metrics):
        session_id, holder = await stage.stamped(40, "write")
        for _ in range(2):
            await holder.post("/v1/runs", {"calls": [stage.transfer(USDC)]})
        refused = await holder.send("POST", "/v1/runs", {"calls": [stage.transfer(100 * USDC)]})
        assert refused.status_code == 403
        await stage.secret.post(f"/v1/sessions/{session_id}/revoke", {})
        done = {"kind": "run", "state": "done", "code": "ok"}
        assert value(metrics, "outcomes_total", **done) == 2
        ended = {"kind": "session:revoke", "state": "done", "code": "ok"}
        assert value(metrics, "outcomes_total", **ended) == 1
        assert value(metrics, "events_total", event="session:revoked") == 1
        assert value(metrics, "refusals_total", code="cap_exceeded") == 1
        sent = {"chain": stage.chain, "call": "send", "outcome": "ok"}
        assert value(metrics, "chain_calls_total", **sent) == 4  # a delegation, two runs, a stop


async def test_each_step_of_a_stop_is_timed_once(node: Node, deployment: Deployment) -> None:
    """From its request: refused here, submitted, included; what comes after an undoing is none."""
    async with metered(node, deployment) as (stage, metrics):
        session_id, _ = await stage.stamped(41, "write")
        await stage.secret.post(f"/v1/sessions/{session_id}/freeze", {})
        await stage.secret.post(f"/v1/sessions/{session_id}/freeze", {})  # nothing more to stop
        await stage.secret.post(f"/v1/sessions/{session_id}/unfreeze", {})
        await stage.secret.post(f"/v1/sessions/{session_id}/revoke", {})
        seen = await stage.secret.get(f"/v1/sessions/{session_id}")
        counts = {
            (sample.labels["kind"], sample.labels["step"]): sample.value
            for sample in next(iter(metrics.stop_s.collect())).samples
            if sample.name.endswith("_count")
        }
        steps = [f"{one['plane']}:{one['name']}" for one in seen["steps"]]
        first, second = steps.index("server:unfrozen"), steps.index("server:revoke_requested")
        frozen = [one for one in steps[:first] if not one.endswith("_requested")]
        revoked = steps[second + 1 :]
        assert {step for kind, step in counts if kind == "freeze"} == set(frozen)
        assert {step for kind, step in counts if kind == "revoke"} == set(revoked)
        assert {"server:refused", "chain:submitted", "chain:included"} <= set(revoked)
        assert counts["freeze", "server:refused"] == counts["revoke", "server:refused"] == 1


async def test_payers_and_chains_are_looked_at(node: Node, deployment: Deployment) -> None:
    """What relayer and stopper have is there soon after the start, and how old the chain is."""
    async with metered(node, deployment) as (stage, metrics):
        world = stage.world
        chain = world.chain(stage.chain)
        await look_at_chains(world, metrics, Journal(bytes))
        stopper = value(metrics, "payer_balance_wei", chain=stage.chain, payer="stopper")
        assert stopper == await chain.balance(world.stopper_address)
        assert value(metrics, "chain_head_age_seconds", chain=stage.chain) is not None


async def test_a_chain_that_falls_silent_is_told_of_once() -> None:
    """A hundred questions without an answer are one line; the counter has them all."""
    chain = EvmChain("http://127.0.0.1:1", chain_id=5, implementation=bytes(20), allow_private=True)
    metrics, lines = Metrics(), list[bytes]()
    telemetry = Telemetry(Journal(lines.append), metrics=metrics)
    world = observed(await make_world(chains={"eip155:5": chain}), telemetry)
    silent = {"chain": "eip155:5", "call": "head", "outcome": "chain_unreachable"}
    await look_at_chains(world, metrics, telemetry.journal)
    for _ in range(3):
        await asyncio.gather(world.chain("eip155:5").head(), return_exceptions=True)
    await chain.close()
    assert value(metrics, "chain_calls_total", **silent) == 4
    assert value(metrics, "chain_call_seconds_count", chain="eip155:5", call="head") == 4
    (told,) = map(msgspec.json.decode, lines)
    assert (told["event"], told["chain"], told["level"]) == (
        "chain:fell_silent",
        "eip155:5",
        "warning",
    )


async def test_what_is_unfinished_is_counted_with_the_age_of_the_oldest() -> None:
    """The lag of the loop, as the loop itself has found it."""
    clock, metrics = StoppedClock(), Metrics()
    world = await make_world(clock=clock)
    before = [value(metrics, "unsettled_activities"), value(metrics, "oldest_unsettled_seconds")]
    assert before == [0, 0]
    for number, age_s in enumerate((30, 400, 7)):
        one = _unfinished(number, created_at=clock.now() - age_s)
        await world.store.write(partial(_add, one))
    assert await settle(world, Telemetry(Journal(bytes), metrics=metrics))
    assert value(metrics, "unsettled_activities") == 3
    assert value(metrics, "oldest_unsettled_seconds") == 400
    assert value(metrics, "reconcile_round_seconds_count") == 1


def _add(one: Activity, tx: Tx) -> None:
    tx.add(one)


def _unfinished(number: int, *, created_at: int) -> Activity:
    return Activity(
        id=f"act_{number:024}",
        organization_id="o",
        kind="run",
        principal_id="p",
        request_key=f"{number}",
        request_hash="",
        state=ActivityState.READY,
        created_at=created_at,
    )
