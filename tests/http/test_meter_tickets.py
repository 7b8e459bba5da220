"""Tickets: one look at one session, within seconds, and in no log."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.http.calls import Key, Stamper, Token
from tests.http.sse import PATIENCE_S, meter, quietly
from tests.http.unchanged import check_problem
from tests.worlds import dump
from valetkey.core.ticket import LIFE_S, MOST, Ticket
from valetkey.core.token import fingerprint

if TYPE_CHECKING:
    from tests.http.calls import Caller
    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def opened(stage: Stage) -> tuple[str, Caller]:
    """Return a new session that reads, and its holder."""
    made = await stage.open("bearer", "read")
    return made["session"]["id"], stage.by(Token(made["token"]))


async def ticket_of(caller: Caller, session_id: str) -> str:
    """Return a new ticket for the session."""
    return str((await caller.post(f"{meter(session_id)}/ticket"))["ticket"])


async def refused(stage: Stage, session_id: str, ticket: str, **fields: str) -> str:
    """Return the code with which a ticket is refused."""
    async with quietly(stage.secret, f"{meter(session_id)}?ticket={ticket}", **fields) as answer:
        assert answer.status in {401, 403}
        return answer.code


async def test_a_ticket_opens_the_meter_once(stage: Stage) -> None:
    """Whoever reads it in a log afterwards has nothing."""
    session_id, holder = await opened(stage)
    for caller in (holder, stage.secret):
        ticket = await ticket_of(caller, session_id)
        async with quietly(caller, f"{meter(session_id)}?ticket={ticket}") as answer:
            first = await answer.reader.next()
            assert first is not None
            assert first.data["session_id"] == session_id
            assert answer.reader.headers["referrer-policy"] == "no-referrer"
            assert await refused(stage, session_id, ticket) == "proof_refused"
    assert await refused(stage, session_id, ticket) == "proof_refused"


async def test_of_two_who_come_at_once_one_gets_in(stage: Stage) -> None:
    """It is used up in the transaction that finds it."""
    session_id, holder = await opened(stage)
    ticket = await ticket_of(holder, session_id)

    async def status() -> int:
        async with quietly(holder, f"{meter(session_id)}?ticket={ticket}") as answer:
            return answer.status

    assert sorted(await asyncio.gather(*(status() for _ in range(8)))) == [200, *[401] * 7]


async def test_only_its_fingerprint_is_stored_and_nothing_of_it_is_logged(stage: Stage) -> None:
    """Whoever reads the store or the journal can open nothing."""
    session_id, holder = await opened(stage)
    ticket = await ticket_of(holder, session_id)
    stored = await dump(stage.world)
    assert fingerprint(ticket) in {one.id for one in stored["Ticket"] if isinstance(one, Ticket)}
    assert ticket not in str(stored)
    async with quietly(holder, f"{meter(session_id)}?ticket={ticket}") as answer:
        assert answer.status == 200
    assert await refused(stage, session_id, ticket) == "proof_refused"
    journal = b"".join(stage.lines)
    assert b"/v1/sessions/{session_id}/meter" in journal
    assert ticket.encode() not in journal
    assert b"vk_ticket_" not in journal


async def test_a_late_ticket_is_refused(stage: Stage) -> None:
    """Thirty seconds are enough for a browser."""
    session_id, holder = await opened(stage)
    ticket = await ticket_of(holder, session_id)
    stage.clock.advance(LIFE_S)
    assert await refused(stage, session_id, ticket) == "proof_refused"


async def test_a_ticket_is_for_one_session_of_one_organization(stage: Stage) -> None:
    """Shown elsewhere it opens nothing, and is used up."""
    session_id, holder = await opened(stage)
    other_id, _ = await opened(stage)
    theirs = stage.callers["stranger"]
    body = {"proof": "bearer", "access": "read", "ttl_s": 60}
    foreign_id = (await theirs.post("/v1/sessions", body))["session"]["id"]
    for elsewhere in (other_id, foreign_id):
        ticket = await ticket_of(holder, session_id)
        assert await refused(stage, elsewhere, ticket) == "proof_refused"
        assert await refused(stage, session_id, ticket) == "proof_refused"
    answer = await theirs.send("POST", f"{meter(session_id)}/ticket")
    check_problem(answer, 404, "not_found")


async def test_a_ticket_falls_with_whoever_asked_for_it(stage: Stage) -> None:
    """A revoked session or key, or a key that was changed, opens nothing through it."""
    session_id, holder = await opened(stage)
    ticket = await ticket_of(holder, session_id)
    await stage.secret.send("POST", f"/v1/sessions/{session_id}/revoke")
    assert await refused(stage, session_id, ticket) == "session_revoked"
    other_id, _ = await opened(stage)
    added = await stage.secret.post("/v1/credentials", {"kind": "secret"})
    ticket = await ticket_of(stage.by(Token(added["token"])), other_id)
    await stage.secret.post(f"/v1/credentials/{added['credential']['id']}/revoke", {})
    assert await refused(stage, other_id, ticket) == "proof_refused"


async def test_a_signed_request_for_a_ticket_makes_one_once(stage: Stage) -> None:
    """Whoever sends it again, as it went over the wire, gets none."""
    key = Key.make("p256", 511)
    made = await stage.open("stamp", "read", key=key.document)
    session_id = made["session"]["id"]
    holder = stage.by(Stamper(session_id, key, stage.clock))
    path = f"{meter(session_id)}/ticket"
    first = await holder.send("POST", path, request_id="the-nonce-of-one-ticket")
    assert first.status_code == 200
    again = await holder.send("POST", path, request_id="the-nonce-of-one-ticket")
    check_problem(again, 401, "proof_replayed")


async def test_a_ticket_comes_alone(stage: Stage) -> None:
    """Two proofs could say two things."""
    session_id, holder = await opened(stage)
    ticket = await ticket_of(holder, session_id)
    for name in ("authorization", "dpop", "signature", "signature-input"):
        assert await refused(stage, session_id, ticket, **{name: "x"}) == "proof_refused"
    async with quietly(holder, f"{meter(session_id)}?ticket={ticket}") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("made_up", ["", "x", "vk_ticket_", "vk_ticket_" + "a" * 43])
async def test_what_is_no_ticket_is_refused(stage: Stage, made_up: str) -> None:
    """Also one that is empty: then nobody was proven by anything else either."""
    session_id, _ = await opened(stage)
    assert await refused(stage, session_id, made_up) == "proof_refused"


async def test_a_token_in_a_url_proves_nobody(stage: Stage) -> None:
    """A URL ends in logs and histories, and a token is not used up."""
    made = await stage.open("bearer", "read")
    session_id, token = made["session"]["id"], made["token"]
    assert await refused(stage, session_id, token) == "proof_refused"
    for name in ("token", "access_token", "ticket=x&ticket"):
        async with quietly(stage.secret, f"{meter(session_id)}?{name}={token}") as answer:
            assert answer.status in {400, 401}


async def test_nobody_has_many_tickets_out(stage: Stage) -> None:
    """They are counted in the store; those that are late make room."""
    session_id, holder = await opened(stage)
    for _ in range(MOST):
        await ticket_of(holder, session_id)
    answer = await holder.send("POST", f"{meter(session_id)}/ticket")
    check_problem(answer, 429, "too_many_streams")
    stage.clock.advance(LIFE_S)
    ticket = await ticket_of(holder, session_id)
    left = [one.id for one in (await dump(stage.world))["Ticket"] if isinstance(one, Ticket)]
    assert fingerprint(ticket) in left
    async with quietly(holder, f"{meter(session_id)}?ticket={ticket}") as opened_by_it:
        assert opened_by_it.status == 200


async def test_an_event_source_watches_with_a_ticket_and_not_twice(stage: Stage) -> None:
    """The EventSource of Node; cut off, it asks again by itself, is refused, and closes."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    session_id, _ = await opened(stage)
    ticket = await ticket_of(stage.secret, session_id)
    url = f"{stage.client.base_url}{meter(session_id)}?ticket={ticket}".replace("//v1", "/v1")
    child = await asyncio.create_subprocess_exec(
        node,
        "--no-warnings",
        "--experimental-eventsource",
        str(Path(__file__).with_name("eventsource.mjs")),
        url,
        stdout=asyncio.subprocess.PIPE,
    )
    assert child.stdout is not None
    first = json.loads(await asyncio.wait_for(child.stdout.readline(), PATIENCE_S))
    assert (first[0], first[2]["state"]) == ("snapshot", "open")
    await stage.secret.send("POST", f"/v1/sessions/{session_id}/revoke")
    rest, _ = await asyncio.wait_for(child.communicate(), PATIENCE_S)
    said = [json.loads(line) for line in rest.splitlines()]
    assert [one[0] for one in said] == ["change", "end", "closed"]
    assert int(said[0][1]) > int(first[1])
    assert (said[0][2]["state"], said[1][2]["code"]) == ("revoked", "session_revoked")
