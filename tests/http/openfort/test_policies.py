"""Policies of the first version: made, shown, listed, changed, switched and deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from tests.http.openfort.policies import PAY, REGISTER, pays, policy, rule
from tests.http.openfort.stage import Stage, by, refusal, staged
from tests.worlds import dump

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from valetkey.devchain import Deployment, Node

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(live_node: Node, live_deployment: Deployment) -> AsyncIterator[Stage]:
    """Give a server that speaks the format, on a chain."""
    async with staged(live_node, live_deployment) as made:
        yield made


async def test_a_policy_is_what_was_asked_for(there: Stage) -> None:
    """By JSON or by a form, and shown the same by each look."""
    made = await policy(there)
    form = {
        "name": "Till",
        "chainId": str(there.chain_id),
        "strategy[sponsorSchema]": "pay_for_user",
    }
    answer = await there.sk.post("/v1/policies", data=form)
    assert await there.got(f"/v1/policies/{made['id']}") == made
    for one in (made, answer.json()):
        assert one.pop("id").startswith("pol_")
        assert isinstance(one.pop("createdAt"), int)
        assert one == {
            "object": "policy",
            "name": "Till",
            "deleted": False,
            "enabled": True,
            "chainId": there.chain_id,
            "strategy": {"sponsorSchema": "pay_for_user", "depositor": None},
            "transactionIntents": [],
            "policyRules": [],
        }


async def test_its_rules_are_shown_by_their_ids_or_in_whole(there: Stage) -> None:
    """As it is asked for, one by one or in a list."""
    made = await policy(there)
    kept = await rule(there, made, type="account_functions")
    path = f"/v1/policies/{made['id']}"
    assert (await there.got(path))["policyRules"] == [{"id": kept["id"]}]
    assert (await there.got(path, expand="policyRules"))["policyRules"] == [kept]
    listed = await there.got("/v1/policies", expand="policyRules,transactionIntents", limit=1)
    assert listed["data"][0]["policyRules"] == [kept]


async def test_it_is_changed_switched_and_deleted(there: Stage) -> None:
    """Disabled and deleted it pays for nothing; what is deleted is still shown by its id."""
    made = await policy(there)
    await rule(there, made, type="account_functions")
    path = f"/v1/policies/{made['id']}"
    assert (await there.made(path, {"name": "Shop"}))["name"] == "Shop"
    assert await pays(there, made, act=REGISTER)
    assert not await pays(there, made, act=REGISTER, chain="eip155:5")
    off = await there.sk.put(f"{path}/disable")
    assert off.json()["enabled"] is False
    assert not await pays(there, made, act=REGISTER)
    on = await there.sk.put(f"{path}/enable")
    assert on.json()["enabled"] is True
    assert await pays(there, made, act=REGISTER)
    gone = await there.sk.delete(path)
    assert gone.json() == {"id": made["id"], "object": "policy", "deleted": True}
    assert not await pays(there, made, act=REGISTER)
    assert (await there.got(path))["deleted"] is True
    assert refusal(await there.sk.post(path, json={"name": "x"}))[0] == 400


async def test_a_client_deletes_by_changing(there: Stage) -> None:
    """The oldest clients have no other way."""
    made = await policy(there)
    changed = await there.made(f"/v1/policies/{made['id']}", {"deleted": True})
    assert changed["deleted"] is True


async def test_lists_are_narrowed(live_node: Node, live_deployment: Deployment) -> None:
    """By name, chain and whether it is on; deleted ones only where they are asked for."""
    async with staged(live_node, live_deployment) as there:
        made = [await policy(there, name=name) for name in ("a", "b", "c")]
        await there.sk.put(f"/v1/policies/{made[1]['id']}/disable")
        await there.sk.delete(f"/v1/policies/{made[2]['id']}")

        async def names(**query: str | int) -> tuple[list[str], int]:
            told = await there.got("/v1/policies", **query)
            assert (told["object"], told["url"]) == ("list", "/v1/policies")
            return [one["name"] for one in told["data"]], told["total"]

        assert await names() == (["b", "a"], 2)
        assert await names(order="asc", deleted="true") == (["a", "b", "c"], 3)
        assert await names(enabled="true") == (["a"], 1)
        assert await names(name="b") == (["b"], 1)
        assert await names(chainId=there.chain_id, skip=1) == (["a"], 2)
        assert await names(chainId=5) == ([], 0)
        elsewhere = await there.sk.get("/v1/policies", headers=by(there.others.sk))
        assert elsewhere.json()["total"] == 0


REFUSED: Final[list[tuple[dict[str, Any], str]]] = [
    ({"strategy": {"sponsorSchema": "charge_custom_tokens"}}, "strategy.sponsorSchema"),
    ({"strategy": {"sponsorSchema": "fixed_rate"}}, "strategy.sponsorSchema"),
    ({"strategy": {"sponsorSchema": "other"}}, "strategy.sponsorSchema"),
    ({"strategy": {**PAY, "depositor": "0x1"}}, "strategy.depositor"),
    ({"strategy": {**PAY, "tokenContract": "con_1"}}, "strategy.tokenContract"),
    ({"strategy": {**PAY, "tokenContractAmount": "1"}}, "strategy.tokenContractAmount"),
    ({"strategy": {}}, "strategy.sponsorSchema"),
    ({"paymaster": "pay_1"}, "paymaster"),
    ({"forwarderContract": "cfo_1"}, "forwarderContract"),
    ({"chainId": 5}, "chainId"),
    ({"chainId": None}, "chainId"),
    ({"name": ""}, "name"),
    ({"name": "\x1b[2J"}, "name"),
]


@pytest.mark.parametrize(("changed", "field"), REFUSED)
async def test_what_is_not_done_here_is_not_taken(
    there: Stage, changed: dict[str, Any], field: str
) -> None:
    """A 400 that names the field; nothing is made."""
    body = {"name": "Till", "chainId": there.chain_id, "strategy": PAY, **changed}
    before = await dump(there.world)
    answer = await there.sk.post("/v1/policies", json=body)
    assert refusal(answer)[0] == 400
    assert [*answer.json()["error"]["details"]] == [field]
    assert await dump(there.world) == before


async def test_nobody_else_reaches_it(there: Stage) -> None:
    """For another organization it is not there; without a secret key nobody gets in."""
    made = await policy(there)
    path = f"/v1/policies/{made['id']}"
    others = by(there.others.sk)
    before = await dump(there.world)
    for answer in (
        await there.sk.get(path, headers=others),
        await there.sk.post(path, json={"name": "x"}, headers=others),
        await there.sk.put(f"{path}/disable", headers=others),
        await there.sk.delete(path, headers=others),
    ):
        assert refusal(answer)[:2] == (404, "not_found")
    for client in (there.pk, there.nobody):
        for answer in (await client.get(path), await client.delete(path)):
            assert refusal(answer)[0] in {400, 401}
    assert await dump(there.world) == before
    assert refusal(await there.sk.get("/v1/policies/pol_1"))[0] == 400


async def test_the_same_request_makes_one(there: Stage) -> None:
    """The clients of the vendor try again by themselves."""
    headers = {"x-idempotency-key": "policy-once"}
    body = {"name": "Once", "chainId": there.chain_id, "strategy": PAY}
    first, again = [
        await there.sk.post("/v1/policies", json=body, headers=headers) for _ in range(2)
    ]
    assert first.json() == again.json()
    assert (await there.got("/v1/policies", name="Once"))["total"] == 1
