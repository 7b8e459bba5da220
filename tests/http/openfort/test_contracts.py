"""Contracts: noted once where they are, looked up by what can be called on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from tests.http.openfort.stage import Stage, by, refusal, staged
from tests.worlds import CHAIN, dump
from valetkey.http.dialects.openfort.contracts import functions_at

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from valetkey.devchain import Deployment, Node
    from valetkey.http.dialects.openfort.abi import Function
    from valetkey.ports import View

pytestmark = pytest.mark.asyncio(loop_scope="module")

MINT: Final = {
    "type": "function",
    "name": "mint",
    "inputs": [{"name": "to", "type": "address"}, {"name": "amount", "type": "uint256"}],
    "outputs": [],
    "stateMutability": "nonpayable",
}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(live_node: Node, live_deployment: Deployment) -> AsyncIterator[Stage]:
    """Give a server that speaks the format, on a chain."""
    async with staged(live_node, live_deployment) as made:
        yield made


@pytest.fixture
def noted(there: Stage, live_deployment: Deployment) -> dict[str, Any]:
    """Return what is noted of the demo token."""
    address = "0x" + live_deployment.token.hex()
    return {"name": "Token", "chainId": there.chain_id, "address": address, "abi": [MINT]}


async def test_a_contract_is_what_was_noted_of_it(there: Stage, noted: dict[str, Any]) -> None:
    """By JSON or a form; the same place again is the same contract, with what is said now."""
    made = await there.made("/v1/contracts", noted)
    kept = {**noted, "object": "contract", "deleted": False, "publicVerification": False}
    assert {name: made[name] for name in kept} == kept
    assert await there.got(f"/v1/contracts/{made['id']}") == made
    form = {
        "name": "Renamed",
        "chainId": str(there.chain_id),
        "address": noted["address"].upper().replace("0X", "0x"),
        "abi[0][type]": "function",
        "abi[0][name]": "burn",
        "abi[0][inputs][0][type]": "uint256",
        "publicVerification": "true",
    }
    again = await there.sk.post("/v1/contracts", data=form)
    assert again.json() == {
        **made,
        "name": "Renamed",
        "abi": [{"type": "function", "name": "burn", "inputs": [{"type": "uint256"}]}],
        "publicVerification": True,
    }


async def test_what_can_be_called_is_found_by_the_place(
    there: Stage, noted: dict[str, Any], live_deployment: Deployment
) -> None:
    """Of the organization that noted it alone."""
    await there.made("/v1/contracts", noted)
    owners = (there.keys.founded.organization.id, there.others.founded.organization.id)

    def look(view: View) -> list[tuple[Function, ...]]:
        token = live_deployment.token
        return [functions_at(view, one, chain=CHAIN, address=token) for one in owners]

    ours, theirs = await there.world.store.read(look)
    assert ([one.signature for one in ours], theirs) == (["mint(address,uint256)"], ())


async def test_one_that_is_deleted_is_found_no_more(there: Stage, noted: dict[str, Any]) -> None:
    """It is shown as deleted; what is noted at its place afterwards is another one."""
    made = await there.made("/v1/contracts", noted)
    deleted = await there.sk.delete(f"/v1/contracts/{made['id']}")
    assert deleted.json() == {"id": made["id"], "object": "contract", "deleted": True}
    assert (await there.got(f"/v1/contracts/{made['id']}"))["deleted"] is True
    changed = await there.sk.post(f"/v1/contracts/{made['id']}", json={"name": "Back"})
    assert refusal(changed)[:2] == (400, "conflict")
    fresh = await there.made("/v1/contracts", noted)
    assert fresh["id"] != made["id"]
    one = await there.got("/v1/contracts", deleted="true", address=noted["address"])
    assert made["id"] in [found["id"] for found in one["data"]]
    gone = await there.made(f"/v1/contracts/{fresh['id']}", {"deleted": True})
    assert gone["deleted"] is True


async def test_a_contract_changes_by_name(
    there: Stage, noted: dict[str, Any], live_deployment: Deployment
) -> None:
    """What is not named stays; no two are at one place."""
    token = await there.made("/v1/contracts", noted)
    factory = "0x" + live_deployment.clone_factory.hex()
    other = await there.made("/v1/contracts", {**noted, "name": "Factory", "address": factory})
    path = f"/v1/contracts/{other['id']}"
    assert await there.made(path, {"name": "New"}) == {**other, "name": "New"}
    taken = await there.sk.post(path, json={"address": token["address"]})
    assert refusal(taken)[:2] == (400, "conflict")
    clone = "0x" + live_deployment.clone_implementation.hex()
    moved = await there.made(path, {"address": clone, "abi": []})
    assert (moved["address"], moved["abi"]) == (clone, [])
    named = await there.got("/v1/contracts", name="New", chainId=there.chain_id)
    assert ([one["id"] for one in named["data"]], named["total"]) == ([other["id"]], 1)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": None}, "name"),
        ({"name": ""}, "name"),
        ({"chainId": 1}, "chainId"),
        ({"address": "0x12"}, "address"),
        ({"address": "0x" + "ee" * 20}, "address"),
        ({"abi": {}}, "abi"),
        ({"abi": [7]}, "abi[0]"),
        ({"abi": [{"type": "function", "name": "a b"}]}, "abi[0].name"),
        ({"abi": [{**MINT, "inputs": [{"type": "uint7"}]}]}, "abi[0].inputs[0].type"),
        ({"abi": [{"type": "event"}] * 501}, "abi"),
    ],
)
async def test_what_is_no_contract_is_refused(
    there: Stage, noted: dict[str, Any], changed: dict[str, Any], field: str
) -> None:
    """The field is named, and nothing is changed: also where no contract is."""
    before = await dump(there.world)
    answer = await there.sk.post("/v1/contracts", json={**noted, **changed})
    assert refusal(answer)[0] == 400
    assert [*answer.json()["error"]["details"]] == [field]
    assert await dump(there.world) == before


async def test_nobody_else_reaches_a_contract(there: Stage, noted: dict[str, Any]) -> None:
    """Not without a key, not by a publishable or a native one, not from another organization."""
    made = await there.made("/v1/contracts", noted)
    before = await dump(there.world)
    path = f"/v1/contracts/{made['id']}"
    for method, at in (
        *(("GET", path), ("POST", path), ("DELETE", path)),
        *(("GET", "/v1/contracts"), ("POST", "/v1/contracts")),
    ):
        native = by(there.keys.founded.secret)
        answers = [
            await there.nobody.request(method, at, json=noted),
            await there.nobody.request(method, at, json=noted, headers=native),
            await there.pk.request(method, at, json=noted),
        ]
        codes = [refusal(one)[:2] for one in answers]
        assert codes == [(401, "proof_missing"), (401, "proof_refused"), (400, "not_allowed")]
        if at == path:
            theirs = await there.nobody.request(
                method, at, json={"name": "Mine"}, headers=by(there.others.sk)
            )
            assert refusal(theirs)[:2] == (404, "not_found")
    assert await dump(there.world) == before
