"""A session's whole life over HTTP, on a real chain."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from tests.http.calls import Caller, Key, Stamper, Token
from tests.http.consents import sign_consent
from tests.http.stage import ALICE, OWNER, USDC, Stage
from tests.http.unchanged import check_problem, state
from valetkey.devchain import mint, transact
from valetkey.spec import permission_bytes as pb
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import sign_digest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def funded(stage: Stage) -> AsyncIterator[Stage]:
    """Give a stage whose two accounts have tokens to move."""
    for account in (stage.account, stage.outside):
        address = bytes.fromhex(account["address"][2:])
        mint(stage.node.rpc, stage.deployment, address, 1000 * USDC)
    yield stage


async def balance(stage: Stage, address: str) -> int:
    """Return how many USDC *address* has, past the server."""
    chain = stage.world.chain(stage.chain)
    return await chain.token_balance(stage.deployment.token, bytes.fromhex(address[2:]))


async def open_chain(stage: Stage, number: int, **fields: object) -> tuple[dict[str, Any], Caller]:
    """Return a new session that holds its own chain key, and its holder."""
    key = Key.make("secp256k1", number)
    opened = await stage.open("chain", "write", key=key.document, **fields)
    return opened, stage.by(Stamper(opened["session"]["id"], key, stage.clock))


def sign_run(holder: Caller, action: dict[str, Any]) -> dict[str, str]:
    """Return the holder's signature over a digest that it has computed itself."""
    digest = pb.run_digest(
        bytes.fromhex(action["grant_id"][2:]),
        bytes.fromhex(action["packed_calls"][2:]),
        nonce=action["nonce"],
        deadline=action["deadline"],
        chain_id=action["chain_id"],
        account=bytes.fromhex(action["account"][2:]),
    )
    assert action["digest"] == "0x" + digest.hex()
    assert action["grant_id"] == "0x" + keccak256(bytes.fromhex(action["grant"][2:])).hex()
    assert isinstance(holder.proof, Stamper)
    return {"signature": "0x" + sign_digest(digest, holder.proof.key.private).hex()}


async def test_a_bearer_session_reads_itself_until_it_is_given_back(stage: Stage) -> None:
    """Open, look, close: afterwards its token proves nothing."""
    opened = await stage.open("bearer", "read", label="tab 1", device="Firefox")
    assert opened["next_action"] is None
    holder = stage.by(Token(opened["token"]))
    seen = await holder.get("/v1/session")
    assert (seen["state"], seen["label"], seen["device"]) == ("open", "tab 1", "Firefox")
    assert seen["explanation"] == ["It may read, and change nothing."]
    closed = await holder.post("/v1/session/close")
    assert closed["session"]["state"] == "closed"
    assert [step["name"] for step in closed["session"]["steps"]] == ["close_requested", "refused"]
    check_problem(await holder.send("GET", "/v1/session"), 401, "session_closed")


async def test_a_session_whose_key_is_here_moves_tokens_in_one_request(funded: Stage) -> None:
    """The holder signs the request; the server signs for the chain, within the same limits."""
    session_id, holder = await funded.stamped(100, "write")
    before = await balance(funded, ALICE)
    done = await holder.post("/v1/runs", {"calls": [funded.transfer(3 * USDC)]})
    assert (done["state"], done["outcome"]["succeeded"]) == ("done", True)
    assert await balance(funded, ALICE) == before + 3 * USDC
    seen = await funded.secret.get(f"/v1/sessions/{session_id}")
    (left,) = seen["remaining"]
    assert (left["spent"], left["left"]) == (str(3 * USDC), str(17 * USDC))
    assert seen["worst_case"]["bounds"][0]["amount"] == str(20 * USDC)
    assert (await holder.get(f"/v1/activities/{done['id']}"))["tx_hash"] == done["tx_hash"]
    own = await holder.get("/v1/activities")
    assert {one["session_id"] for one in own["items"]} == {session_id}


async def test_a_session_that_holds_its_key_signs_what_it_recomputed(funded: Stage) -> None:
    """The server plans; the holder checks, signs, and the chain does it once."""
    opened, holder = await open_chain(funded, 101)
    assert opened["session"]["state"] == "open"  # the owner's key is here and has signed
    before = await balance(funded, ALICE)
    planned = await holder.post("/v1/runs", {"calls": [funded.transfer(USDC)]})
    assert planned["state"] == "awaiting_signature"
    path = f"/v1/activities/{planned['id']}/signature"
    wrong = {"signature": "0x" + "11" * 65}
    check_problem(await holder.send("POST", path, wrong), 400, "malformed_signature")
    signature = sign_run(holder, planned["next_action"])
    done = await holder.post(path, signature)
    assert (done["state"], done["next_action"]) == ("done", None)
    again = await holder.post(path, signature)
    assert again["tx_hash"] == done["tx_hash"]
    assert await balance(funded, ALICE) == before + USDC


@pytest.mark.parametrize(
    ("call", "code", "caveat"),
    [
        ({"amount": 21 * USDC}, "cap_exceeded", "caps[0].lifetime"),
        ({"to": "0x" + "99" * 20}, "recipient_not_allowed", "recipients"),
        ({"target": "0x" + "77" * 20}, "target_not_allowed", "rules"),
        ({"selector": "0x095ea7b3"}, "selector_not_allowed", "rules"),
        ({"target": "account"}, "target_forbidden", "rules"),
        ({"value_wei": "1"}, "value_not_allowed", "rules[0]"),
        ({"data": "0xa9059cbb00"}, "argument_missing", "recipients"),
    ],
    ids=["cap", "recipient", "target", "selector", "itself", "value", "short"],
)
async def test_a_forbidden_call_is_refused_by_name_and_books_nothing(
    funded: Stage, call: dict[str, Any], code: str, caveat: str
) -> None:
    """Each refusal names the rule, and is the one that a preview gives (DESIGN 10)."""
    session_id, holder = await funded.stamped(102, "write", shares_key=True)
    one = funded.transfer(call.get("amount", USDC), call.get("to", ALICE))
    target = call.get("target", one["to"])
    one["to"] = funded.account["address"] if target == "account" else target
    one["data"] = call.get("data", call.get("selector", "0xa9059cbb") + one["data"][10:])
    one["value_wei"] = call.get("value_wei", "0")
    calls = {"calls": [funded.transfer(1), one]}
    before = await state(funded.world)
    answer = await holder.send("POST", "/v1/runs", calls)
    check_problem(answer, 403, code)
    assert (answer.json()["caveat"], answer.json()["call"]) == (caveat, 1)
    preview = await holder.post(f"/v1/sessions/{session_id}/preview", calls)
    assert (preview["allowed"], preview["code"], preview["caveat"]) == (False, code, caveat)
    assert await state(funded.world) == before


async def test_an_owner_outside_signs_and_a_publishable_key_carries_it(funded: Stage) -> None:
    """
    A pending session is opened by its owner's two signatures, whoever brings them.

    The kill note among them ends it on chain without this server.
    """
    await _delegate_if_needed(funded)
    opened = await funded.open_pending()
    session_id = opened["session"]["id"]
    assert opened["session"]["state"] == "pending"
    carrier = funded.callers["publishable"]
    consent = await carrier.get(f"/v1/sessions/{session_id}/consent")
    assert consent == {name: opened["next_action"][name] for name in ("grant", "kill_note")}
    signed = sign_consent(consent)
    swapped = {"owner_signature": signed["kill_note"], "kill_note": signed["owner_signature"]}
    path = f"/v1/sessions/{session_id}/grant"
    check_problem(await carrier.send("POST", path, swapped), 400, "malformed_signature")
    assert (await carrier.post(path, signed))["state"] == "open"
    note = await funded.secret.get(f"/v1/sessions/{session_id}/kill-note")
    assert note["account"] == funded.outside["address"]
    key = Key.make("secp256k1", 77)
    holder = funded.by(Stamper(session_id, key, funded.clock))
    planned = await holder.post("/v1/runs", {"calls": [funded.transfer(USDC)]})
    killed = transact(
        funded.node.rpc,
        funded.deployment.deployer,
        bytes.fromhex(note["account"][2:]),
        data=bytes.fromhex(note["calldata"][2:]),
    )
    assert killed is not None
    signature = sign_run(holder, planned["next_action"])
    refused = await holder.post(f"/v1/activities/{planned['id']}/signature", signature)
    assert (refused["state"], refused["outcome"]["code"]) == ("failed", "session_revoked")
    answer = await holder.send("POST", "/v1/runs", {"calls": [funded.transfer(USDC)]})
    check_problem(answer, 403, "session_revoked")


async def _delegate_outside(stage: Stage) -> None:
    path = f"/v1/accounts/{stage.outside['id']}/delegation"
    wanted = await stage.secret.get(path)
    wrong = {"signature": "0x" + "22" * 65}
    check_problem(await stage.secret.send("POST", path, wrong), 400, "malformed_signature")
    signature = sign_digest(bytes.fromhex(wanted["digest"][2:]), OWNER.private)
    done = await stage.secret.post(path, {"signature": "0x" + signature.hex()})
    assert done["state"] == "done"
    seen = await stage.secret.get(f"/v1/accounts/{stage.outside['id']}/state")
    assert (seen["is_ready"], seen["delegate"]) == (True, wanted["delegate"])


async def test_a_stop_says_when_it_took_effect_on_each_plane(funded: Stage) -> None:
    """Freeze, unfreeze, revoke: refused here at once, and on the chain when it is included."""
    session_id, holder = await funded.stamped(103, "write")
    await holder.post("/v1/runs", {"calls": [funded.transfer(1)]})
    path = f"/v1/sessions/{session_id}"
    note = await funded.secret.get(f"{path}/freeze-note?freeze=true")
    assert note["typed_data"]["primaryType"] == "Freeze"
    frozen = await funded.secret.post(f"{path}/freeze")
    assert (frozen["session"]["state"], frozen["activity"]["state"]) == ("frozen", "done")
    check_problem(await holder.send("GET", "/v1/session"), 403, "session_frozen")
    thawed = await funded.secret.post(f"{path}/unfreeze")
    assert (thawed["session"]["state"], thawed["activity"]["state"]) == ("open", "done")
    await holder.post("/v1/runs", {"calls": [funded.transfer(1)]})
    revoked = await funded.secret.post(f"{path}/revoke")
    assert revoked["session"]["state"] == "revoked"
    planes = [(step["plane"], step["name"]) for step in revoked["session"]["steps"]]
    assert ("server", "refused") in planes
    assert planes[-1] == ("chain", "included")
    tried = [[one[name] for name in ("plane", "refused", "code")] for one in revoked["tried"]]
    assert tried == [["server", True, "session_revoked"], ["chain", True, "session_revoked"]]
    assert [one["refused"] for one in frozen["tried"]] == [True, True]
    assert [one["refused"] for one in thawed["tried"]] == [False, False]
    times = [step["at_ms"] for step in revoked["session"]["steps"]]
    assert times == sorted(times)
    check_problem(await holder.send("GET", "/v1/session"), 401, "session_revoked")


async def test_what_opening_answers_is_all_that_its_owner_needs(funded: Stage) -> None:
    """What it may do and lose, what is unwise, whose key rules it, and how to end it."""
    key = Key.make("p256", 104).document
    opened = await funded.open("stamp", "write", key=key)
    assert opened["owner_key"] == opened["session"]["owner_key"] == "sealed"
    assert "20" in opened["worst_case"]["text"]
    assert {one["rule"] for one in opened["findings"]} == {"no-call-count", "no-fee-budget"}
    session_id = opened["session"]["id"]
    kept = await funded.secret.get(f"/v1/sessions/{session_id}/kill-note")
    assert opened["kill_note"] == kept
    pending = await funded.open_pending()
    assert (pending["owner_key"], pending["kill_note"]) == ("outside", None)


async def test_every_session_of_a_user_is_revoked_together(stage: Stage) -> None:
    """One request ends them all, and no other."""
    user = await stage.secret.post("/v1/users", {"reference": "eve"})
    opened = [await stage.open("bearer", "read", user_id=user["id"]) for _ in range(3)]
    other = await stage.open("bearer", "read")
    body = {"scope": "user", "scope_id": user["id"]}
    stopped = await stage.secret.post("/v1/sessions/revoke", body)
    ended = {one["session"]["id"]: one["session"]["state"] for one in stopped["items"]}
    assert ended == {one["session"]["id"]: "revoked" for one in opened}
    assert (await stage.by(Token(other["token"])).get("/v1/session"))["state"] == "open"


async def test_a_stop_with_a_signature_that_is_not_the_owner_s_changes_nothing(
    funded: Stage,
) -> None:
    """Bad input changes nothing, on neither plane: not even what would be stopped anyway."""
    await _delegate_if_needed(funded)
    opened = await funded.open_pending()
    path = f"/v1/sessions/{opened['session']['id']}"
    await funded.secret.post(f"{path}/grant", sign_consent(opened["next_action"]))
    wrong = {"owner_signature": "0x" + "33" * 65}
    before = await state(funded.world)
    check_problem(
        await funded.secret.send("POST", f"{path}/freeze", wrong), 400, "malformed_signature"
    )
    assert await state(funded.world) == before
    note = await funded.secret.get(f"{path}/freeze-note")
    signed = sign_digest(bytes.fromhex(note["digest"][2:]), OWNER.private)
    frozen = await funded.secret.post(f"{path}/freeze", {"owner_signature": "0x" + signed.hex()})
    assert frozen["activity"]["state"] == "done"
    before = await state(funded.world)
    for body, status, code in ((wrong, 400, "malformed_signature"), ({}, 409, "session_state")):
        answer = await funded.secret.send("POST", f"{path}/unfreeze", body)
        check_problem(answer, status, code)
        assert await state(funded.world) == before


async def _delegate_if_needed(stage: Stage) -> None:
    seen = await stage.secret.get(f"/v1/accounts/{stage.outside['id']}/state")
    if not seen["is_ready"]:
        await _delegate_outside(stage)


async def test_however_many_ask_at_once_no_more_is_moved_than_the_cap(funded: Stage) -> None:
    """A budget cannot be raced: 25 ask for one of 20, and 20 get it (DESIGN 10)."""
    _, holder = await funded.stamped(104, "write")
    before = await balance(funded, ALICE)
    calls = {"calls": [funded.transfer(USDC)]}
    answers = await asyncio.gather(*(holder.send("POST", "/v1/runs", calls) for _ in range(25)))
    refused = [answer for answer in answers if answer.status_code != 200]
    assert [answer.json()["code"] for answer in refused] == ["cap_exceeded"] * 5
    assert await balance(funded, ALICE) == before + 20 * USDC
