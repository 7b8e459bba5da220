"""What can be looked at: pages, filters, the audit log, accounts, and permissions in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.http.calls import Caller, Token
from tests.http.unchanged import check_problem
from valetkey import __version__
from valetkey.core.audit import AuditHead, AuditLine, SignedHead, verify
from valetkey.core.errors import Code
from valetkey.core.wallet import Curve, PublicKey

if TYPE_CHECKING:
    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def every(by: Caller, path: str, limit: int) -> list[dict[str, Any]]:
    """Return all items of a list, page by page."""
    items: list[dict[str, Any]] = []
    after = ""
    while True:
        mark = "&" if "?" in path else "?"
        page = await by.get(f"{path}{mark}limit={limit}&after={after}")
        assert len(page["items"]) <= limit
        items += page["items"]
        if page["next"] is None:
            return items
        after = page["next"]


async def test_pages_together_are_the_list(stage: Stage) -> None:
    """Nothing is left out or shown twice; the newest comes first."""
    made = [(await stage.secret.post("/v1/users", {"reference": str(n)}))["id"] for n in range(5)]
    for limit in (1, 2, 100):
        listed = [one["id"] for one in await every(stage.secret, "/v1/users", limit)]
        assert listed[:5] == made[::-1]
        assert len(set(listed)) == len(listed)


async def test_sessions_are_found_by_state_user_and_wallet(stage: Stage) -> None:
    """The state is the one of now, time and use in it."""
    user = await stage.secret.post("/v1/users", {"reference": "alice"})
    first = await stage.open("bearer", "read", user_id=user["id"])
    second = await stage.open("bearer", "read", user_id=user["id"])
    await stage.secret.post(f"/v1/sessions/{first['session']['id']}/freeze")
    path = f"/v1/sessions?user_id={user['id']}"
    frozen = await every(stage.secret, f"{path}&state=frozen", 1)
    still = await every(stage.secret, f"{path}&state=open", 1)
    assert [one["id"] for one in frozen] == [first["session"]["id"]]
    assert [one["id"] for one in still] == [second["session"]["id"]]
    wallet = await every(stage.secret, f"/v1/sessions?wallet_id={stage.account['wallet_id']}", 3)
    assert {one["account_id"] for one in wallet} == {stage.account["id"]}
    over = await every(stage.secret, "/v1/sessions?state=expired", 2)
    assert stage.keys["expired"] in {one["id"] for one in over}


async def test_a_parent_reads_its_child_by_name(stage: Stage) -> None:
    """A list is the caller's own unless it names a child (DESIGN 2)."""
    parent = stage.callers["parent"]
    assert (await parent.get("/v1/accounts"))["items"] == []
    child = f"/v1/accounts?organization_id={stage.org.organization.id}"
    assert len((await parent.get(child))["items"]) == 2
    children = await every(parent, "/v1/organizations", 1)
    assert [one["id"] for one in children] == [stage.org.organization.id]
    check_problem(await stage.callers["stranger"].send("GET", child), 404, "not_found")


async def test_the_audit_log_is_one_chain_up_to_its_signed_head(stage: Stage) -> None:
    """Whoever keeps a head elsewhere finds a cut and a change (DESIGN 9)."""
    head = await stage.secret.get("/v1/audit/head")
    kept = SignedHead(
        organization_id=head["organization_id"],
        seq=head["seq"],
        hash=bytes.fromhex(head["hash"][2:]),
        signed_at=head["signed_at"],
        public_key=PublicKey(Curve.ED25519, bytes.fromhex(head["public_key"][2:])),
        signature=bytes.fromhex(head["signature"][2:]),
    )
    assert kept.is_genuine()
    lines = [
        AuditLine(
            **{
                **one,
                "previous": bytes.fromhex(one["previous"][2:]),
                "hash": bytes.fromhex(one["hash"][2:]),
            }
        )
        for one in await every(stage.secret, "/v1/audit", 7)
    ]
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    assert verify(lines, head=kept.head) is None
    assert verify(lines[:-1], head=AuditHead(kept.organization_id, len(lines), lines[-1].hash))


async def test_an_account_is_shown_as_its_chain_has_it(stage: Stage) -> None:
    """Code and balances, of as many tokens as are asked for, in their order."""
    token = stage.deployment.token.hex()
    path = f"/v1/accounts/{stage.account['id']}/state"
    seen = await stage.secret.get(f"{path}?token=0x{token}&token=0x{token}")
    assert seen["is_ready"] is True
    assert seen["delegate"] == "0x" + stage.deployment.implementation.hex()
    assert [one["token"] for one in seen["tokens"]] == [f"0x{token}"] * 2
    many = "&".join(f"token=0x{token}" for _ in range(11))
    check_problem(await stage.secret.send("GET", f"{path}?{many}"), 400, "malformed_request")
    check_problem(await stage.secret.send("GET", f"{path}?token=0x12"), 400, "malformed_body")
    own = await stage.callers["chain"].get(path)
    assert own["balance_wei"] == seen["balance_wei"]


async def test_a_permission_is_explained_with_its_worst_case(stage: Stage) -> None:
    """Anybody may ask what a permission means, before anything is opened."""
    permission = stage.permission(starts_at=1, expires_at=3601)
    anybody = stage.callers["anonymous"]
    said = await anybody.post("/v1/permissions/explain", {"permission": permission})
    assert said["compiles"] is True
    assert said["worst_case"]["bounds"][0]["amount"] == "20000000"
    assert said["explanation"][-1].startswith("Worst case: 20 ")
    assert said["headline"].startswith("may call transfer on ")
    budget = {**permission, "fee_budget_wei": "1"}
    said = await anybody.post("/v1/permissions/explain", {"permission": budget})
    assert said["compiles"]["caveat"] == "fee_budget_wei"


async def test_the_server_says_what_it_is(stage: Stage) -> None:
    """Version, chains, clock: enough to check a digest and to sign in time."""
    seen = await stage.callers["anonymous"].get("/v1/server")
    assert seen["version"] == __version__
    assert seen["chains"] == [
        {
            "chain": stage.chain,
            "implementation": "0x" + stage.deployment.implementation.hex(),
            "relayer": "0x" + stage.world.relayer_address.hex(),
            "stopper": "0x" + stage.world.stopper_address.hex(),
        }
    ]
    assert abs(seen["time"] - stage.clock.now()) <= 2


@pytest.mark.parametrize("code", list(Code))
async def test_the_type_of_every_problem_leads_to_what_it_means(stage: Stage, code: Code) -> None:
    """RFC 9457 3.1.1: the type may be followed."""
    seen = await stage.callers["anonymous"].get(f"/problems/{code}")
    assert (seen["type"], seen["code"]) == (f"/problems/{code}", code.value)
    answer = await stage.client.get(f"/problems/{code}x")
    check_problem(answer, 404, "not_found")


async def test_budgets_are_set_and_listed_with_what_is_booked(stage: Stage) -> None:
    """The asset's name has one form; setting a limit again keeps what is booked."""
    user = await stage.secret.post("/v1/users", {"reference": "spender"})
    body = {"scope_id": user["id"], "asset": "0x" + "AB" * 20, "limit": "7", "window_s": 3600}
    first = await stage.secret.post("/v1/budgets", body)
    again = await stage.secret.post("/v1/budgets", {**body, "limit": "9"})
    assert (again["id"], again["limit"]) == (first["id"], "9")
    listed = await every(stage.secret, "/v1/budgets", 1)
    (found,) = [one for one in listed if one["scope_id"] == user["id"]]
    assert (found["asset"], found["spent"]) == ("0x" + "ab" * 20, "0")


async def test_a_read_only_token_lists_nothing_of_others(stage: Stage) -> None:
    """A session sees itself and what it did."""
    opened = await stage.open("bearer", "read")
    holder = stage.by(Token(opened["token"]))
    listed = await every(holder, "/v1/activities", 100)
    assert {one["session_id"] for one in listed} <= {opened["session"]["id"]}
    check_problem(await holder.send("GET", "/v1/sessions"), 403, "not_allowed")
