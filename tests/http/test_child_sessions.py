"""Sessions under others, over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.http.calls import Key, Stamper, Token, unique
from tests.http.unchanged import check_problem, state
from valetkey.core.token import TokenType
from valetkey.devchain import mint

if TYPE_CHECKING:
    from tests.http.calls import Caller
    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

OWN = "/v1/session/children"
READER = {"proof": "bearer", "access": "read"}


def writer(stage: Stage, number: int, **limits: object) -> tuple[Key, dict[str, Any]]:
    """Return a new key, and what asks for a session under another that is held with it."""
    key = Key.make("secp256k1", number)
    permission = stage.permission(**limits)
    body = {"proof": "stamp", "access": "write", "key": key.document, "permission": permission}
    return key, body


async def child_of(
    stage: Stage, parent: Caller, number: int, **limits: object
) -> tuple[dict[str, Any], Caller]:
    """Return a session under *parent* that writes, as it was answered, and its holder."""
    key, body = writer(stage, number, **limits)
    opened = await parent.post(OWN, body)
    return opened, stage.by(Stamper(opened["session"]["id"], key, stage.clock))


async def test_a_child_runs_within_its_own_and_its_parents_limits(stage: Stage) -> None:
    """From opening to the balance: it has no key that the chain knows, and pays all the same."""
    mint(stage.node.rpc, stage.deployment, bytes.fromhex(stage.account["address"][2:]), 10**6)
    parent_id, parent = await stage.stamped(201, "write")
    caps = [{**stage.permission()["caps"][0], "lifetime": "5"}]
    opened, child = await child_of(stage, parent, 202, caps=caps)
    shown = opened["session"]
    assert (shown["parent_id"], shown["depth"], shown["grant"]) == (parent_id, 1, None)
    assert f"under {parent_id}" in shown["explanation"][-1]
    assert shown["expires_at"] == (await parent.get("/v1/session"))["expires_at"]
    done = await child.post("/v1/runs", {"calls": [stage.transfer(3)]})
    assert done["state"] == "done"
    for one in (parent, child):
        assert (await one.get("/v1/session"))["remaining"][0]["spent"] == "3"
    refused = await child.send("POST", "/v1/runs", {"calls": [stage.transfer(3)]})
    check_problem(refused, 403, "cap_exceeded")
    listed = await parent.get(OWN)
    assert [one["id"] for one in listed["items"]] == [shown["id"]]
    by_parent = await stage.secret.get(f"/v1/sessions?parent_id={parent_id}")
    assert by_parent["items"] == listed["items"]
    assert (await parent.get(f"/v1/sessions/{shown['id']}"))["id"] == shown["id"]


async def test_a_permission_beyond_the_parents_is_refused_with_the_place(stage: Stage) -> None:
    """Nothing is opened, and the answer names what is too much."""
    _, parent = await stage.stamped(203, "write")
    _, body = writer(stage, 204, recipients=["0x" + "22" * 20])
    before = await state(stage.world)
    refused = await parent.send("POST", OWN, body)
    check_problem(refused, 403, "not_within_parent")
    assert refused.json()["caveat"] == "rules[0]"
    assert await state(stage.world) == before


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"ttl_s": 10**6}, "not_within_parent"),
        ({"ttl_s": 60, "expires_at": 2_000_000_000}, "malformed_body"),
        ({"starts_at": 1_790_000_000, "ttl_s": 60}, "not_within_parent"),
        ({"expires_at": 5}, "malformed_body"),
        ({"access": "write"}, "not_allowed"),
        ({"proof": "chain"}, "malformed_body"),
        ({"user_id": "usr_000000000000000000000000"}, "malformed_body"),
        ({"account_id": None}, "malformed_body"),
        ({"parent_id": "ses_000000000000000000000000"}, "malformed_body"),
        ({"bound_token": True}, "malformed_body"),
        ({"idle_s": 0}, "malformed_body"),
    ],
)
async def test_what_no_child_may_be_is_refused(
    stage: Stage, changed: dict[str, object], code: str
) -> None:
    """Neither longer, nor stronger, nor somebody else's."""
    before = await state(stage.world)
    refused = await stage.callers["stamp_write"].send("POST", OWN, {**READER, **changed})
    assert refused.json()["code"] == code
    assert refused.status_code in {400, 403}
    assert await state(stage.world) == before


async def test_times_that_are_left_out_are_the_parents(stage: Stage) -> None:
    """A span counts from now, whenever the parent began."""
    began = stage.clock.now() - 100
    _, parent = await stage.stamped(205, "write", starts_at=began)
    whole = await parent.get("/v1/session")
    short = (await parent.post(OWN, {**READER, "ttl_s": 60}))["session"]
    assert short["starts_at"] == whole["starts_at"]
    assert 60 <= short["expires_at"] - short["created_at"] <= 61
    both = (await parent.post(OWN, READER))["session"]
    assert (both["starts_at"], both["expires_at"]) == (whole["starts_at"], whole["expires_at"])


async def test_stopping_the_parent_stops_the_token_of_its_child(stage: Stage) -> None:
    """Frozen and back, then revoked: at once, in each answer."""
    parent_id, parent = await stage.stamped(206, "write")
    opened = await parent.post(OWN, READER)
    child = stage.by(Token(opened["token"]))
    assert (await child.get("/v1/session"))["parent_id"] == parent_id
    await stage.secret.post(f"/v1/sessions/{parent_id}/freeze", {})
    check_problem(await child.send("GET", "/v1/session"), 403, "session_frozen")
    await stage.secret.post(f"/v1/sessions/{parent_id}/unfreeze", {})
    assert (await child.get("/v1/session"))["state"] == "open"
    await stage.secret.post(f"/v1/sessions/{parent_id}/revoke", {})
    check_problem(await child.send("GET", "/v1/session"), 401, "session_revoked")
    shown = await stage.secret.get(f"/v1/sessions/{opened['session']['id']}")
    assert shown["state"] == "revoked"
    assert [one["name"] for one in shown["steps"]] == [
        "freeze_requested",
        "refused",
        "unfrozen",
        "revoke_requested",
        "refused",
    ]


async def test_a_child_with_a_key_may_have_a_token_bound_to_it(stage: Stage) -> None:
    """The token alone is worth nothing, as for any session that has a key."""
    _, parent = await stage.stamped(207, "write")
    key = Key.make("p256", 208)
    body = {"proof": "stamp", "access": "read", "key": key.document, "bound_token": True}
    opened = await parent.post(OWN, body)
    assert opened["token_type"] == TokenType.DPOP
    refused = await stage.by(Token(opened["token"])).send("GET", "/v1/session")
    check_problem(refused, 401, "proof_key_bound")


async def test_the_same_request_opens_one_child(stage: Stage) -> None:
    """Asked again with its key, it is the same session without its token."""
    parent_id, _ = await stage.stamped(209, "write")
    path, key = f"/v1/sessions/{parent_id}/children", unique()
    answers = [await stage.secret.send("POST", path, READER, request_id=key) for _ in range(2)]
    first, again = (one.json() for one in answers)
    assert first["session"]["id"] == again["session"]["id"]
    assert (first["token"] is None, again["token"]) == (False, None)
