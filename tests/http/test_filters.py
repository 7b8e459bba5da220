"""Filters of lists, cursors from elsewhere, and who is exposed, as they are asked for by HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.http.calls import Key
from tests.http.stage import ALICE
from tests.http.unchanged import check_problem, state

if TYPE_CHECKING:
    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

LISTS = (
    "/v1/sessions",
    "/v1/activities",
    "/v1/audit",
    "/v1/users",
    "/v1/credentials",
    "/v1/wallets",
    "/v1/accounts",
    "/v1/budgets",
    "/v1/organizations",
    "/v1/webhooks",
    "/v1/deliveries",
    f"/v1/exposure?contract={ALICE}",
)


@pytest.mark.parametrize("path", LISTS)
async def test_a_cursor_of_another_list_is_refused(stage: Stage, path: str) -> None:
    """It is never read as a place: the caller is told that it is none."""
    mark = "&" if "?" in path else "?"
    for after in ("nonsense", "whx_06hhgq2g01g8y6xdbne80a6r", "org_1/000000000001", "%00"):
        answer = await stage.secret.send("GET", f"{path}{mark}after={after}")
        check_problem(answer, 400, "malformed_request")
        assert "of a page of this list" in answer.json()["detail"]


@pytest.mark.parametrize("limit", ["0", "-1", "101", "many"])
async def test_a_page_has_at_least_one_item_and_not_too_many(stage: Stage, limit: str) -> None:
    """A bound on both sides."""
    for path in LISTS:
        mark = "&" if "?" in path else "?"
        answer = await stage.secret.send("GET", f"{path}{mark}limit={limit}")
        check_problem(answer, 400, "malformed_request")


async def test_sessions_are_filtered_by_what_they_reach(stage: Stage) -> None:
    """By key in each of its forms, by contract and token, and by their end."""
    key = Key.make("secp256k1", 150)
    opened = await stage.open("chain", "write", key=key.document)
    one = opened["session"]
    token = "0x" + stage.deployment.token.hex()
    found = (await stage.secret.get(f"/v1/sessions?key={one['key']['public_key']}"))["items"]
    assert [each["id"] for each in found] == [one["id"]]
    for query in (
        f"contract={token}",
        f"token={token}",
        f"account_id={one['account_id']}",
        f"permission_id={one['permission_id']}",
        f"expires_before={one['expires_at'] + 1}",
    ):
        listed = (await stage.secret.get(f"/v1/sessions?state=open&{query}"))["items"]
        assert one["id"] in [each["id"] for each in listed], query
    none = await stage.secret.get(f"/v1/sessions?contract=0x{'7e' * 20}&order=oldest")
    assert none["items"] == []
    for bad in ("contract=0x12", "token=gold", "key=0x1234", "order=up", "state=none"):
        check_problem(
            await stage.secret.send("GET", f"/v1/sessions?{bad}"), 400, "malformed_request"
        )


async def test_activities_and_lines_are_filtered_by_time_and_kind(stage: Stage) -> None:
    """The two orders are each other's reverse."""
    newest = (await stage.secret.get("/v1/activities?kind=session:open"))["items"]
    oldest = (await stage.secret.get("/v1/activities?kind=session:open&order=oldest"))["items"]
    assert newest == oldest[::-1]
    assert {one["kind"] for one in newest} == {"session:open"}
    later = newest[0]["created_at"] + 1
    after = await stage.secret.get(f"/v1/activities?kind=session:open&since={later}")
    assert after["items"] == []
    lines = (await stage.secret.get("/v1/audit?resource=session&action=opened&order=newest"))[
        "items"
    ]
    assert {one["event"] for one in lines} == {"session:opened"}
    assert [one["seq"] for one in lines] == sorted((one["seq"] for one in lines), reverse=True)
    check_problem(
        await stage.secret.send("GET", "/v1/activities?state=x"), 400, "malformed_request"
    )


async def test_who_is_exposed_is_shown_and_revoked(stage: Stage) -> None:
    """One page shows what the next request ends, each with its receipt."""
    key = Key.make("p256", 151)
    opened = await stage.open("stamp", "write", key=key.document)
    public = opened["session"]["key"]["public_key"]
    (shown,) = (await stage.secret.get(f"/v1/exposure?key={public}"))["items"]
    assert shown["session"]["id"] == opened["session"]["id"]
    assert shown["ways"] == [{"place": "key", "detail": "signs requests as the session"}]
    assert shown["worst_case"]["bounds"][0]["amount"] == "20000000"
    ended = await stage.secret.post("/v1/exposure/revoke", {"key": public, "limit": 1})
    assert [one["session"]["state"] for one in ended["items"]] == ["revoked"]
    assert {one["refused"] for one in ended["items"][0]["tried"]} == {True}
    assert (await stage.secret.get(f"/v1/exposure?key={public}"))["items"] == []


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({}, "got none"),
        ({"contract": ALICE, "token": "native"}, "got contract and token"),
        ({"contract": "0x12"}, "contract: expected"),
        ({"key": "0x" + "11" * 30}, "key: expected 20 bytes of an address"),
        ({"relayer": "native"}, "relayer: expected"),
    ],
)
async def test_one_thing_is_asked_about(stage: Stage, asked: dict[str, str], said: str) -> None:
    """A question that is none changes nothing, above all not everything."""
    before = await state(stage.world)
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    looked = await stage.secret.send("GET", f"/v1/exposure?{query}")
    check_problem(looked, 400, "malformed_request")
    ended = await stage.secret.send("POST", "/v1/exposure/revoke", asked)
    check_problem(ended, 400, "malformed_body")
    assert said in looked.json()["detail"]
    assert said in ended.json()["detail"]
    assert await state(stage.world) == before
