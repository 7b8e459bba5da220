"""A contract that was noted is asked what it says, by functions that only look."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest
import pytest_asyncio

from tests.http.openfort.stage import Stage, by, refusal, staged
from valetkey.devchain import mint

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from valetkey.devchain import Deployment, Node

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOLDER: Final = "0x" + "e7" * 20


def looking(name: str, inputs: list[str], outputs: list[str]) -> dict[str, Any]:
    """Return the entry of a function that only looks."""
    return {
        "type": "function",
        "name": name,
        "inputs": [{"name": "", "type": one} for one in inputs],
        "outputs": [{"name": "", "type": one} for one in outputs],
        "stateMutability": "view",
    }


MINT: Final = {
    **looking("mint", ["address", "uint256"], []),
    "stateMutability": "nonpayable",
}
ABI: Final = [
    {"type": "fallback", "stateMutability": "view"},
    MINT,
    looking("balanceOf", ["address"], ["uint256"]),
    looking("decimals", [], ["uint8"]),
    looking("allowance", ["address", "address"], ["uint128", "uint128"]),
    looking("totalSupply", [], ["string"]),
    looking("absent", [], ["uint256"]),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def there(live_node: Node, live_deployment: Deployment) -> AsyncIterator[Stage]:
    """Give a server that speaks the format, on a chain where somebody has 1.5 tokens."""
    mint(live_node.rpc, live_deployment, bytes.fromhex(HOLDER[2:]), 1_500_000)
    async with staged(live_node, live_deployment) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def path(there: Stage, live_deployment: Deployment) -> str:
    """Return where the demo token is read."""
    address = "0x" + live_deployment.token.hex()
    body = {"name": "Token", "chainId": there.chain_id, "address": address, "abi": ABI}
    return f"/v1/contracts/{(await there.made('/v1/contracts', body))['id']}/read"


async def test_it_says_what_the_chain_says(there: Stage, path: str) -> None:
    """One value, or a list of them; integers as texts, for they may be large."""
    told = await there.got(path, functionName="balanceOf", functionArgs=HOLDER)
    assert told["result"] == "1500000"
    assert (told["object"], told["functionName"]) == ("readContract", "balanceOf")
    assert (await there.got(path, functionName="decimals"))["result"] == "6"
    pair = await there.sk.get(f"{path}?functionName=allowance&functionArgs[]={HOLDER},{HOLDER}")
    assert refusal(pair)[:2] == (400, "call_reverted")


async def test_ids_stand_for_addresses(there: Stage, path: str) -> None:
    """Of an account, of its player, and of a contract, as in interactions."""
    account = await there.made("/v1/accounts", {"chainId": there.chain_id})
    names = (account["id"], account["address"], account["player"]["id"], path.split("/")[3])
    for one in names:
        told = await there.got(path, functionName="balanceOf(address)", functionArgs=one)
        assert told["result"] == "0"


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"functionName": "mint", "functionArgs": [HOLDER, "1"]},
        {"functionName": "mint(address,uint256)", "functionArgs": [HOLDER, "1"]},
        {"functionName": "nothing"},
        {"functionName": "balanceOf"},
        {"functionName": "balanceOf", "functionArgs": ["0x12"]},
        {"functionName": "balanceOf", "functionArgs": ["acc_1"]},
        {"functionName": "balanceOf", "functionArgs": ["somebody"]},
        {"functionName": "totalSupply"},
        {"functionName": "absent"},
    ],
)
async def test_what_cannot_be_read_is_refused(
    there: Stage, path: str, query: dict[str, Any]
) -> None:
    """What would change something, what is not there, and what answers with something else."""
    assert refusal(await there.sk.get(path, params=query))[0] == 400


async def test_nobody_else_reads(there: Stage, path: str) -> None:
    """Not by a publishable key, and not from another organization."""
    query = {"functionName": "decimals"}
    assert refusal(await there.pk.get(path, params=query))[:2] == (400, "not_allowed")
    assert refusal(await there.nobody.get(path, params=query))[:2] == (401, "proof_missing")
    theirs = await there.nobody.get(path, params=query, headers=by(there.others.sk))
    assert refusal(theirs)[:2] == (404, "not_found")
