"""Policies of the second version and fee sponsorships, as openfort-node 0.10.8 sends them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from tests.http.openfort.policies import (
    ACCOUNT,
    BURN,
    MINT,
    PAY,
    REGISTER,
    on,
    pays,
    says,
    to,
    value,
)
from tests.http.openfort.stage import Stage, by, refusal, staged
from tests.worlds import dump
from valetkey.core.permission.model import Call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from valetkey.devchain import Deployment, Node

pytestmark = pytest.mark.asyncio(loop_scope="module")
TARGET: Final = b"\x01" * 20
ABI: Final = json.dumps(
    [
        {
            "type": "function",
            "name": "mint",
            "inputs": [{"type": "address"}, {"type": "uint256"}],
        }
    ]
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(live_node: Node, live_deployment: Deployment) -> AsyncIterator[Stage]:
    """Give a server that speaks the format, on a chain."""
    async with staged(live_node, live_deployment) as made:
        yield made


CALLS: Final = {"type": "evmData", "operator": "match", "abi": ABI, "functionName": "mint"}


async def policy(there: Stage, *rules: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a new policy of the second version."""
    return await there.made("/v2/policies", {"scope": "project", "rules": [*rules], **more})


async def fees(there: Stage, of: dict[str, Any], **more: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a new fee sponsorship that follows a policy."""
    body = {"name": "Gas", "strategy": PAY, "policyId": of["id"], **more}
    return await there.made("/v2/fee-sponsorship", body)


async def test_a_policy_is_what_was_asked_for(there: Stage) -> None:
    """With its rules as they were written; 201, as the vendor answers."""
    rules = [says(on(there.chain_id), to(TARGET)), says(action="reject")]
    body = {"scope": "project", "rules": rules, "description": "All of it", "priority": 3}
    answer = await there.sk.post("/v2/policies", json=body)
    assert answer.status_code == 201
    made = answer.json()
    assert await there.got(f"/v2/policies/{made['id']}") == made
    assert made.pop("id").startswith("ply_")
    shown = made.pop("rules")
    assert made == {
        "object": "policyV2",
        "createdAt": made["createdAt"],
        "scope": "project",
        "description": "All of it",
        "accountId": None,
        "enabled": True,
        "priority": 3,
    }
    assert [{name: one[name] for name in rules[0]} for one in shown] == rules
    assert {one["object"] for one in shown} == {"policyV2Rule"}
    assert all(one["id"].startswith("plr_") for one in shown)


async def test_a_fee_sponsorship_is_what_was_asked_for(there: Stage) -> None:
    """Its id is what ``policy`` takes, and it is shown by the first version, too."""
    of = await policy(there, says(on(there.chain_id)))
    answer = await there.sk.post(
        "/v2/fee-sponsorship", json={"name": "Gas", "strategy": PAY, "policyId": of["id"]}
    )
    assert answer.status_code == 201
    made = answer.json()
    assert made["id"].startswith("pol_")
    assert made == {
        "id": made["id"],
        "object": "feeSponsorship",
        "createdAt": made["createdAt"],
        "name": "Gas",
        "description": None,
        "chainId": None,
        "enabled": True,
        "strategy": {"sponsorSchema": "pay_for_user"},
        "paymasterId": None,
        "forwarderContractId": None,
        "policyId": of["id"],
    }
    assert await there.got(f"/v2/fee-sponsorship/{made['id']}") == made
    first = await there.got(f"/v1/policies/{made['id']}")
    assert (first["name"], first["chainId"], first["policyRules"]) == ("Gas", None, [])
    form = {"name": "Gas", "strategy[sponsorSchema]": "pay_for_user", "policyId": of["id"]}
    again = await there.sk.post("/v2/fee-sponsorship", data=form)
    assert again.json()["policyId"] == of["id"]


MINTS: Final = Call(TARGET, 0, MINT + bytes(64))
CRITERIA: Final[list[tuple[list[dict[str, Any]], Call | None, bool]]] = [
    ([], MINTS, True),
    ([], None, True),
    ([to(TARGET)], MINTS, True),
    ([to(TARGET)], None, False),
    ([to(ACCOUNT)], None, True),
    ([to(ACCOUNT)], MINTS, False),
    ([to(TARGET, operator="not in")], MINTS, False),
    ([to(TARGET, operator="not in")], None, True),
    ([to()], MINTS, False),
    ([on(5)], MINTS, False),
    ([on(5, operator="not in")], MINTS, True),
    ([CALLS], MINTS, True),
    ([CALLS], Call(TARGET, 0, BURN), False),
    ([CALLS], None, False),
    ([value("<=", "5")], Call(TARGET, 5, b""), True),
    ([value("<", "5")], Call(TARGET, 5, b""), False),
    ([value(">=", "5")], Call(TARGET, 5, b""), True),
    ([value(">", "5")], Call(TARGET, 5, b""), False),
    ([value(">", "1"), value("<", "5")], Call(TARGET, 2, b""), True),
    ([value(">", "1"), value("<", "5")], Call(TARGET, 5, b""), False),
    ([to(TARGET, ACCOUNT), to(ACCOUNT)], MINTS, False),
    ([to(TARGET), CALLS], MINTS, True),
]


@pytest.mark.parametrize(("criteria", "call", "is_paid"), CRITERIA)
async def test_all_criteria_of_a_rule_must_hold(
    there: Stage, criteria: list[dict[str, Any]], call: Call | None, *, is_paid: bool
) -> None:
    """An act on the account is a call to its address."""
    made = await fees(there, await policy(there, says(*criteria)))
    act = REGISTER if call is None else None
    calls = () if call is None else (call,)
    assert await pays(there, made, *calls, act=act) == is_paid


async def test_the_first_rule_that_matches_decides(there: Stage) -> None:
    """And what none matches is not paid."""
    rejects = says(to(TARGET), action="reject")
    made = await fees(there, await policy(there, rejects, says(on(there.chain_id))))
    assert not await pays(there, made, MINTS)
    assert await pays(there, made, Call(b"\x02" * 20, 0, MINT))
    other = await fees(there, await policy(there, says(on(there.chain_id)), rejects))
    assert await pays(there, other, MINTS)
    none = await fees(there, await policy(there))
    assert not await pays(there, none, MINTS)


async def test_a_policy_is_changed_switched_and_deleted(there: Stage) -> None:
    """For each fee sponsorship that follows it."""
    of = await policy(there, says())
    made = await fees(there, of)
    path = f"/v2/policies/{of['id']}"
    assert await pays(there, made, MINTS)
    off = await there.made(path, {"enabled": False, "priority": 7})
    assert (off["enabled"], off["priority"], off["rules"]) == (False, 7, of["rules"])
    assert not await pays(there, made, MINTS)
    on_again = await there.made(path, {"enabled": True, "rules": [says(to(ACCOUNT))]})
    assert len(on_again["rules"]) == 1
    assert not await pays(there, made, MINTS)
    assert await pays(there, made, act=REGISTER)
    gone = await there.sk.delete(path)
    assert gone.json() == {"id": of["id"], "object": "policyV2", "deleted": True}
    assert not await pays(there, made, act=REGISTER)


async def test_a_fee_sponsorship_is_changed_switched_and_deleted(there: Stage) -> None:
    """It follows another policy, is off, on, and gone."""
    made = await fees(there, await policy(there, says()))
    path = f"/v2/fee-sponsorship/{made['id']}"
    nothing = await policy(there)
    put = await there.sk.put(path, json={"name": "Other", "policyId": nothing["id"]})
    assert (put.json()["name"], put.json()["policyId"]) == ("Other", nothing["id"])
    assert not await pays(there, made, MINTS)
    await there.sk.put(path, json={"policyId": (await policy(there, says()))["id"]})
    for word, is_on in (("disable", False), ("enable", True)):
        switched = await there.sk.put(f"{path}/{word}")
        assert switched.json()["enabled"] is is_on
        assert await pays(there, made, MINTS) is is_on
    gone = await there.sk.delete(path)
    assert gone.json() == {"id": made["id"], "object": "feeSponsorship", "deleted": True}
    assert not await pays(there, made, MINTS)


async def test_lists_are_narrowed(live_node: Node, live_deployment: Deployment) -> None:
    """By what the vendor's clients ask for."""
    async with staged(live_node, live_deployment) as there:
        first, second = await policy(there, says()), await policy(there, scope="transaction")
        await there.made(f"/v2/policies/{second['id']}", {"enabled": False})
        names = [await fees(there, first, name=name) for name in ("alpha", "beta")]
        await there.sk.delete(f"/v2/fee-sponsorship/{names[0]['id']}")

        async def total(path: str, **query: Any) -> int:  # noqa: ANN401 - as httpx takes it
            told = await there.got(path, **query)
            assert told["url"] == path
            assert len(told["data"]) == told["total"]
            return int(told["total"])

        assert await total("/v2/policies") == 2
        assert await total("/v2/policies", scope=["project", "account"]) == 1
        assert await total("/v2/policies", enabled="false") == 1
        assert await total("/v2/policies", operation="sponsorEvmTransaction") == 2
        assert await total("/v2/policies", operation="signEvmHash") == 0
        assert await total("/v2/policies", operationNotIn="sponsorEvmTransaction") == 0
        assert await total("/v2/fee-sponsorship") == 1
        assert await total("/v2/fee-sponsorship", deleted="true") == 2
        assert await total("/v2/fee-sponsorship", name="et") == 1
        assert await total("/v2/fee-sponsorship", enabled="false") == 0
        assert await total("/v2/fee-sponsorship", chainId=5) == 0


REFUSED: Final[list[tuple[dict[str, Any], str]]] = [
    ({**says(), "operation": "signEvmTransaction"}, "rules[0].operation"),
    ({**says(), "operation": "sponsorSolTransaction"}, "rules[0].operation"),
    ({**says(), "action": "allow"}, "rules[0].action"),
    (says({**on(5), "type": "netUSDChange"}), "rules[0].criteria[0].type"),
    (says(on(5, operator="==")), "rules[0].criteria[0].operator"),
    (says({**on(5), "chainIds": None}), "rules[0].criteria[0].chainIds"),
    (says({**to(), "addresses": ["0x1"]}), "rules[0].criteria[0].addresses[0]"),
    (says({**CALLS, "args": {"to": "0x1"}}), "rules[0].criteria[0].args"),
    (says({**CALLS, "operator": "not in"}), "rules[0].criteria[0].operator"),
    (says({**CALLS, "abi": "{"}), "rules[0].criteria[0].abi"),
    (says({**CALLS, "functionName": "burn"}), "rules[0].criteria[0].functionName"),
    (says(value("<", "0")), "rules[0].criteria[0].ethValue"),
    (says(value("<", "-1")), "rules[0].criteria[0].ethValue"),
    (says(value("<", "1e18")), "rules[0].criteria[0].ethValue"),
    (says(value("==", "1")), "rules[0].criteria[0].operator"),
]


@pytest.mark.parametrize(("rule", "field"), REFUSED)
async def test_what_would_not_be_enforced_is_not_taken(
    there: Stage, rule: dict[str, Any], field: str
) -> None:
    """A 400 that names the member; a policy that says more than is held would be a lie."""
    before = await dump(there.world)
    answer = await there.sk.post("/v2/policies", json={"scope": "project", "rules": [rule]})
    assert refusal(answer)[0] == 400
    assert [*answer.json()["error"]["details"]] == [field]
    assert await dump(there.world) == before


async def test_an_account_is_named_for_the_scope_of_one(there: Stage) -> None:
    """And for no other."""
    for body in (
        {"scope": "account", "rules": []},
        {"scope": "project", "rules": [], "accountId": "acc_x"},
        {"scope": "account", "rules": [], "accountId": "acc_x"},
    ):
        answer = await there.sk.post("/v2/policies", json=body)
        assert refusal(answer)[0] == 400
        assert [*answer.json()["error"]["details"]] == ["accountId"]


async def test_nobody_else_reaches_them(there: Stage) -> None:
    """Neither a policy, nor a fee sponsorship, nor by following one."""
    of = await policy(there, says())
    made = await fees(there, of)
    others = by(there.others.sk)
    before = await dump(there.world)
    body = {"strategy": PAY, "policyId": of["id"]}
    for answer in (
        await there.sk.get(f"/v2/policies/{of['id']}", headers=others),
        await there.sk.post(f"/v2/policies/{of['id']}", json={}, headers=others),
        await there.sk.delete(f"/v2/policies/{of['id']}", headers=others),
        await there.sk.post("/v2/fee-sponsorship", json=body, headers=others),
        await there.sk.get(f"/v2/fee-sponsorship/{made['id']}", headers=others),
        await there.sk.put(f"/v2/fee-sponsorship/{made['id']}", json={}, headers=others),
        await there.sk.put(f"/v2/fee-sponsorship/{made['id']}/disable", headers=others),
        await there.sk.delete(f"/v2/fee-sponsorship/{made['id']}", headers=others),
    ):
        assert refusal(answer)[:2] == (404, "not_found")
    assert await dump(there.world) == before
    fixed = {**body, "strategy": {"sponsorSchema": "fixed_rate"}}
    assert refusal(await there.sk.post("/v2/fee-sponsorship", json=fixed))[0] == 400
