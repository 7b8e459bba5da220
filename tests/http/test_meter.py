"""The live meter: what it says, as it happens, and to whom not any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.http.calls import Key, Stamper, Token
from tests.http.sse import Event, meter, watching
from tests.http.stage import USDC, Stage
from tests.http.unchanged import check_problem
from valetkey.core.rotation import key_statement
from valetkey.core.wallet import Curve, PublicKey
from valetkey.devchain import mint

if TYPE_CHECKING:
    from tests.http.calls import Caller
    from tests.http.sse import Reader

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def opened(stage: Stage, **fields: object) -> str:
    """Return a new session that reads."""
    return str((await stage.open("bearer", "read", **fields))["session"]["id"])


async def stop(stage: Stage, session_id: str, verb: str) -> None:
    """Freeze, unfreeze or revoke it."""
    body: object = None if verb == "revoke" else {}
    answer = await stage.secret.send("POST", f"/v1/sessions/{session_id}/{verb}", body)
    assert answer.status_code == 200, answer.text


async def rich(stage: Stage, number: int) -> tuple[str, Caller]:
    """Return a session that may pay, of an account that can."""
    mint(stage.node.rpc, stage.deployment, bytes.fromhex(stage.account["address"][2:]), 10 * USDC)
    return await stage.stamped(number, "write")


def state_is(state: str) -> Any:  # noqa: ANN401 - a predicate
    """Return what finds the event that says *state*."""
    return lambda event: event.data.get("state") == state


async def snapshot(reader: Reader) -> Event:
    """Return the first event, which is a snapshot."""
    first = await reader.next()
    assert first is not None
    assert first.name == "snapshot"
    return first


async def test_a_run_is_seen_from_its_booking_on(stage: Stage) -> None:
    """Usage and what is left follow the ledger, and ids never go back."""
    session_id, holder = await rich(stage, 501)
    async with watching(stage.secret, meter(session_id)) as reader:
        first = await snapshot(reader)
        assert first.data["session_id"] == session_id
        assert (first.data["state"], first.data["calls"]) == ("open", 0)
        assert first.data["remaining"][0]["left"] == str(20 * USDC)
        run = await holder.post("/v1/runs", {"calls": [stage.transfer(3 * USDC)]})
        assert run["state"] == "done", run["outcome"]
        change = await reader.until(lambda event: event.data["calls"])
        assert change.name == "change"
        assert change.data["remaining"][0]["left"] == str(17 * USDC)
        assert int(change.id) > int(first.id)
    shown = await stage.secret.get(f"/v1/sessions/{session_id}")
    assert {name: shown[name] for name in ("calls", "calls_left", "remaining", "ends_at")} == {
        name: change.data[name] for name in ("calls", "calls_left", "remaining", "ends_at")
    }


async def test_a_head_that_nobody_keeps_and_no_reader_is_sent_on(stage: Stage) -> None:
    """The URL may hold a ticket: it is in no cache and no ``Referer``."""
    async with watching(stage.secret, meter(await opened(stage))) as reader:
        headers = reader.headers
    assert headers["content-type"] == "text/event-stream"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "content-length" not in headers
    head = await stage.secret.send("HEAD", meter(await opened(stage)))
    assert head.status_code == 200
    assert head.content == b""


async def test_who_may_look_at_a_frozen_session_sees_it_thaw(stage: Stage) -> None:
    """A stop that can be undone does not end the stream of the operator; a revocation does."""
    session_id = await opened(stage)
    async with watching(stage.secret, meter(session_id)) as reader:
        await snapshot(reader)
        for verb, state in (("freeze", "frozen"), ("unfreeze", "open"), ("revoke", "revoked")):
            await stop(stage, session_id, verb)
            event = await reader.until(state_is(state))
            assert event.name == "change"
        assert await reader.ended() == "session_revoked"


@pytest.mark.parametrize(
    ("verb", "code"), [("freeze", "session_frozen"), ("revoke", "session_revoked")]
)
async def test_a_session_that_is_stopped_sees_nothing_more(
    stage: Stage, verb: str, code: str
) -> None:
    """Its proof is asked for again at each tick: no state comes behind the stop."""
    made = await stage.open("bearer", "read")
    session_id = made["session"]["id"]
    async with watching(stage.by(Token(made["token"])), meter(session_id)) as reader:
        await snapshot(reader)
        await stop(stage, session_id, verb)
        event = await reader.next()
        assert event is not None
        assert (event.name, event.data["code"]) == ("end", code)
        assert await reader.next() is None


async def test_a_revoked_key_sees_nothing_more(stage: Stage) -> None:
    """The stream of a credential ends with it, and that of another one goes on."""
    added = await stage.secret.post("/v1/credentials", {"kind": "secret"})
    session_id = await opened(stage)
    async with (
        watching(stage.by(Token(added["token"])), meter(session_id)) as revoked,
        watching(stage.by(Token(added["token"])), "/v1/meter") as of_all,
        watching(stage.secret, meter(session_id)) as other,
    ):
        for reader in (revoked, of_all, other):
            await snapshot(reader)
        await stage.secret.post(f"/v1/credentials/{added['credential']['id']}/revoke", {})
        assert await revoked.ended() == "proof_refused"
        assert await of_all.ended() == "proof_refused"
        await stop(stage, session_id, "freeze")
        await other.until(state_is("frozen"))


async def test_a_key_that_may_not_read_any_more_sees_nothing_more(stage: Stage) -> None:
    """What a role was when the stream was opened does not count."""
    added = await stage.secret.post("/v1/credentials", {"kind": "secret"})
    session_id = await opened(stage)
    async with watching(stage.by(Token(added["token"])), meter(session_id)) as reader:
        await snapshot(reader)
        path = f"/v1/credentials/{added['credential']['id']}/role"
        await stage.secret.post(path, {"role": "operator", "scopes": ["sessions:open"]})
        assert await reader.ended() == "scope_missing"


async def test_a_key_that_was_changed_sees_nothing_more(stage: Stage) -> None:
    """What was opened with the old key ends with it."""
    session_id, holder = await stage.stamped(502, "read")
    new = Key.make("p256", 503)
    async with watching(holder, meter(session_id)) as reader:
        await snapshot(reader)
        was, will = (PublicKey(Curve.P256, one.public) for one in (Key.make("p256", 502), new))
        signature = new.sign(key_statement(session_id, old=was, new=will)).hex()
        body = {"key": new.document, "signature": f"0x{signature}"}
        await holder.post("/v1/session/key", body)
        assert await reader.ended() == "proof_refused"
    async with watching(stage.by(Stamper(session_id, new, stage.clock)), meter(session_id)) as it:
        await snapshot(it)


async def test_time_ends_a_stream(stage: Stage) -> None:
    """Nothing is written when a session expires: the clock is looked at."""
    session_id = await opened(stage, ttl_s=2)
    async with watching(stage.secret, meter(session_id)) as reader:
        await snapshot(reader)
        await reader.until(state_is("expired"))
        assert await reader.ended() == "session_expired"


async def test_what_is_over_already_is_shown_once(stage: Stage) -> None:
    """A snapshot, and why there is nothing behind it; also for who comes second."""
    session_id = await opened(stage)
    await stop(stage, session_id, "revoke")
    async with (
        watching(stage.secret, meter(session_id)) as one,
        watching(stage.secret, meter(session_id)) as two,
    ):
        for reader in (one, two):
            assert (await snapshot(reader)).data["state"] == "revoked"
            assert await reader.ended() == "session_revoked"


async def test_whoever_comes_again_gets_a_snapshot(stage: Stage) -> None:
    """Whatever happened in between is in it; the id says how far the log has come."""
    session_id = await opened(stage)
    async with watching(stage.secret, meter(session_id)) as reader:
        first = await snapshot(reader)
    await stop(stage, session_id, "freeze")
    again = {"last-event-id": first.id}
    async with watching(stage.secret, meter(session_id), again) as reader:
        second = await snapshot(reader)
    assert second.data["state"] == "frozen"
    assert int(second.id) > int(first.id)


@pytest.mark.parametrize("said", ["-1", "1 2", "9" * 21, "x", "%00", "\u00b2".encode("latin-1")])
async def test_an_event_id_that_is_none_of_ours_is_refused(stage: Stage, said: str | bytes) -> None:
    """It is digits, and not many."""
    path = meter(await opened(stage))
    answer = await stage.secret.send("GET", path, headers={"last-event-id": said})  # type: ignore[dict-item]
    check_problem(answer, 400, "malformed_request")


async def test_the_sessions_that_are_used_most_come_first(stage: Stage) -> None:
    """Of the organization alone, and without those that are over."""
    calm_id, gone_id = await opened(stage), await opened(stage)
    await stop(stage, gone_id, "revoke")
    async with watching(stage.secret, "/v1/meter") as reader:
        first = await snapshot(reader)
        ids = [one["session_id"] for one in first.data["sessions"]]
        assert calm_id in ids
        assert gone_id not in ids
        assert first.data["in_use"] == len(ids)
        busy_id, holder = await rich(stage, 504)
        run = await holder.post("/v1/runs", {"calls": [stage.transfer(4 * USDC)]})
        assert run["state"] == "done", run["outcome"]
        found = await reader.until(lambda event: event.data["sessions"][0]["session_id"] == busy_id)
        assert found.data["sessions"][0]["used_permille"] == 200
    async with watching(stage.callers["stranger"], "/v1/meter") as reader:
        assert (await snapshot(reader)).data["sessions"] == []
    whose = f"/v1/meter?organization_id={stage.org.organization.id}"
    async with watching(stage.callers["parent"], whose) as reader:
        assert (await snapshot(reader)).data["in_use"] >= len(ids)
    refused = await stage.callers["stranger"].send("GET", whose)
    check_problem(refused, 404, "not_found")
