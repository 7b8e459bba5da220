"""Rules of policies: what each pays for, in the forms that each generation of clients sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from tests.http.openfort.policies import ACCOUNT, BURN, MINT, REGISTER, pays, policy, rule
from tests.http.openfort.stage import Stage, by, refusal, staged
from tests.worlds import dump
from valetkey.core.permission.model import Call

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from valetkey.devchain import Deployment, Node

pytestmark = pytest.mark.asyncio(loop_scope="module")
ABI: Final = [
    {"type": "function", "name": "mint", "inputs": [{"type": "address"}, {"type": "uint256"}]},
    {"type": "function", "name": "burn", "inputs": [{"type": "uint256"}]},
]
COUNTS: Final = {
    "type": "rate_limit",
    "functionName": "count_per_interval",
    "countLimit": 2,
    "timeIntervalType": "hour",
    "timeIntervalValue": 3,
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(live_node: Node, live_deployment: Deployment) -> AsyncIterator[Stage]:
    """Give a server that speaks the format, on a chain."""
    async with staged(live_node, live_deployment) as made:
        yield made


async def contract(there: Stage, deployment: Deployment) -> dict[str, Any]:
    """Return the demo token, noted with two functions."""
    address = f"0x{deployment.token.hex()}"
    body = {"name": "Token", "chainId": there.chain_id, "address": address, "abi": ABI}
    return await there.made("/v1/contracts", body)


async def test_without_a_rule_nothing_is_paid(there: Stage, live_deployment: Deployment) -> None:
    """Neither a call nor a session."""
    made = await policy(there)
    assert not await pays(there, made, act=REGISTER)
    assert not await pays(there, made, Call(live_deployment.token, 0, MINT))


async def test_a_session_needs_a_rule_for_the_account(there: Stage) -> None:
    """By a form, as the vendor's page has it."""
    made = await policy(there)
    form = {"policy": made["id"], "type": "account_functions"}
    answer = await there.sk.post("/v1/policy_rules", data=form)
    shown = answer.json()
    assert shown.pop("id").startswith("afu_")
    assert isinstance(shown.pop("createdAt"), int)
    assert shown == {"object": "policyRule", "type": "account_functions"}
    assert await pays(there, made, act=REGISTER)
    assert not await pays(there, made, Call(b"\x01" * 20, 0, MINT))


FUNCTIONS: Final = [
    ("mint", True, False),
    ("mint(address,uint256)", True, False),
    (f"0x{MINT.hex()}", True, False),
    ("All functions", True, True),
    ("transfer(address,uint256)", False, False),
]


@pytest.mark.parametrize(("name", "mints", "burns"), FUNCTIONS)
async def test_a_function_is_named_in_each_way(
    there: Stage, live_deployment: Deployment, name: str, *, mints: bool, burns: bool
) -> None:
    """By its name in the ABI, its signature or its selector; of this contract alone."""
    made, token = await policy(there), await contract(there, live_deployment)
    says = {"type": "contract_functions", "functionName": name, "contract": token["id"]}
    kept = await rule(there, made, **says)
    assert {one: kept[one] for one in ("type", "functionName", "contract", "wildcard")} == {
        **says,
        "contract": {"id": token["id"]},
        "wildcard": False,
    }
    at = live_deployment.token
    assert await pays(there, made, Call(at, 0, MINT + bytes(64))) == mints
    assert await pays(there, made, Call(at, 0, BURN + bytes(32))) == burns
    assert not await pays(there, made, Call(b"\x01" * 20, 0, MINT))
    assert not await pays(there, made, act=REGISTER)


async def test_a_wildcard_is_any_contract_but_the_account(there: Stage) -> None:
    """Any function of it, or one."""
    made = await policy(there)
    shown = await rule(there, made, type="contract_functions", wildcard=True)
    assert (shown["wildcard"], shown["functionName"]) == (True, "All functions")
    assert "contract" not in shown or shown["contract"] is None
    assert await pays(there, made, Call(b"\x01" * 20, 0, BURN))
    assert not await pays(there, made, Call(ACCOUNT, 0, BURN))
    only = await policy(there)
    says = {"type": "contract_functions", "wildcard": True}
    await rule(there, only, **says, functionName="burn(uint256)")
    assert await pays(there, only, Call(b"\x01" * 20, 0, BURN))
    assert not await pays(there, only, Call(b"\x01" * 20, 0, MINT))


LIMITS: Final[list[dict[str, Any]]] = [
    COUNTS,
    {
        "type": "rate_limit",
        "functionName": "gas_per_interval",
        "gasLimit": "1000000000000000000",
        "timeIntervalType": "month",
        "timeIntervalValue": 1,
    },
    {
        "type": "rate_limit",
        "functionName": "gas_per_transaction",
        "gasLimit": "1000000000000000000",
    },
]


@pytest.mark.parametrize("says", LIMITS)
async def test_a_limit_is_shown_as_it_was_asked_for(there: Stage, says: dict[str, Any]) -> None:
    """By JSON or by a form; a limit alone pays for nothing."""
    made = await policy(there)
    kept = await rule(there, made, **says)
    assert {name: kept[name] for name in says} == says
    assert {*kept} == {*says, "id", "object", "createdAt"}
    form = {"policy": made["id"], **{name: str(value) for name, value in says.items()}}
    answer = await there.sk.post("/v1/policy_rules", data=form)
    assert {name: answer.json()[name] for name in says} == says
    assert not await pays(there, made, act=REGISTER)


async def test_the_oldest_clients_name_the_policy_in_the_path(
    there: Stage, live_deployment: Deployment
) -> None:
    """Rules are added, listed and changed there as well."""
    made, token = await policy(there), await contract(there, live_deployment)
    path = f"/v1/policies/{made['id']}/policy_rules"
    kept = await there.made(path, COUNTS)
    says = {"type": "contract_functions", "functionName": "mint", "contract": token["id"]}
    second = await there.made(path, says)
    listed = await there.got(path, order="asc", expand="contract")
    assert [one["id"] for one in listed["data"]] == [kept["id"], second["id"]]
    assert listed["data"][1]["contract"] == token
    same = await there.got("/v1/policy_rules", policy=made["id"], order="asc", limit=1, skip=1)
    assert (same["data"], same["total"]) == ([second], 2)
    changed = await there.made(f"{path}/{kept['id']}", {**COUNTS, "countLimit": 9})
    assert (changed["id"], changed["countLimit"]) == (kept["id"], 9)


async def test_a_rule_is_changed_and_taken_away(there: Stage) -> None:
    """It says something else, or is there no more."""
    made = await policy(there)
    kept = await rule(there, made, type="account_functions")
    path = f"/v1/policy_rules/{kept['id']}"
    changed = await there.made(path, {"type": "contract_functions", "wildcard": True})
    assert (changed["id"], changed["type"]) == (kept["id"], "contract_functions")
    assert not await pays(there, made, act=REGISTER)
    gone = await there.sk.delete(path)
    assert gone.json() == {"id": kept["id"], "object": "policyRule", "deleted": True}
    assert (await there.got("/v1/policy_rules", policy=made["id"]))["data"] == []
    assert refusal(await there.sk.delete(path))[0] == 404


REFUSED: Final[list[tuple[dict[str, Any], str]]] = [
    ({"type": "other"}, "type"),
    ({"type": "contract_functions"}, "contract"),
    ({"type": "contract_functions", "contract": "0x1"}, "contract"),
    ({"type": "contract_functions", "wildcard": True, "functionName": "mint"}, "functionName"),
    ({"type": "rate_limit"}, "functionName"),
    ({"type": "rate_limit", "functionName": "other"}, "functionName"),
    ({**COUNTS, "countLimit": None}, "countLimit"),
    ({**COUNTS, "countLimit": -1}, "countLimit"),
    ({**COUNTS, "timeIntervalType": None}, "timeIntervalType"),
    ({**COUNTS, "timeIntervalType": "year"}, "timeIntervalType"),
    ({**COUNTS, "timeIntervalValue": None}, "timeIntervalValue"),
    ({**COUNTS, "timeIntervalValue": 0}, "timeIntervalValue"),
    ({**COUNTS, "functionName": "gas_per_interval"}, "gasLimit"),
    ({"type": "rate_limit", "functionName": "gas_per_transaction"}, "gasLimit"),
    (
        {"type": "rate_limit", "functionName": "gas_per_transaction", "gasLimit": "-1"},
        "gasLimit",
    ),
    (
        {"type": "rate_limit", "functionName": "gas_per_transaction", "gasLimit": "9" * 39},
        "gasLimit",
    ),
]


@pytest.mark.parametrize(("says", "field"), REFUSED)
async def test_what_says_nothing_clear_is_refused(
    there: Stage, says: dict[str, Any], field: str
) -> None:
    """A 400 that names the field; the policy is as it was."""
    made = await policy(there)
    before = await dump(there.world)
    answer = await there.sk.post("/v1/policy_rules", json={"policy": made["id"], **says})
    assert refusal(answer)[0] == 400
    assert [*answer.json()["error"]["details"]] == [field]
    assert await dump(there.world) == before


async def test_a_contract_is_named_with_its_function(
    there: Stage, live_deployment: Deployment
) -> None:
    """All functions only where that is said; an unknown one is answered with those there are."""
    made, token = await policy(there), await contract(there, live_deployment)
    says = {"policy": made["id"], "type": "contract_functions", "contract": token["id"]}
    for name, wanted in ((None, "'All functions'"), ("steal", "one of burn, mint")):
        answer = await there.sk.post("/v1/policy_rules", json={**says, "functionName": name})
        status, _, told = refusal(answer)
        assert status == 400
        assert told.startswith("functionName: expected")
        assert wanted in told
    both = await there.sk.post("/v1/policy_rules", json={**says, "wildcard": True})
    assert [*both.json()["error"]["details"]] == ["wildcard"]


async def test_nobody_else_reaches_them(there: Stage, live_deployment: Deployment) -> None:
    """Neither a rule, nor the policy that it is for, nor the contract that it names."""
    made, token = await policy(there), await contract(there, live_deployment)
    kept = await rule(there, made, type="account_functions")
    others = by(there.others.sk)
    body = {"policy": made["id"], "type": "account_functions"}
    before = await dump(there.world)
    for answer in (
        await there.sk.post("/v1/policy_rules", json=body, headers=others),
        await there.sk.get("/v1/policy_rules", params={"policy": made["id"]}, headers=others),
        await there.sk.post(f"/v1/policy_rules/{kept['id']}", json=body, headers=others),
        await there.sk.delete(f"/v1/policy_rules/{kept['id']}", headers=others),
    ):
        assert refusal(answer)[:2] == (404, "not_found")
    assert await dump(there.world) == before
    theirs = await there.sk.post(
        "/v1/policies",
        json={
            "name": "x",
            "chainId": there.chain_id,
            "strategy": {"sponsorSchema": "pay_for_user"},
        },
        headers=others,
    )
    named = {
        "policy": theirs.json()["id"],
        "type": "contract_functions",
        "functionName": "mint",
        "contract": token["id"],
    }
    answer = await there.sk.post("/v1/policy_rules", json=named, headers=others)
    assert refusal(answer)[:2] == (404, "not_found")
    assert refusal(await there.sk.get("/v1/policy_rules"))[0] == 400
