"""Policies hold: sessions and intents that name one, on a real chain, from rule to rule."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import pytest
from eth_account import Account

from tests.http.openfort.game import Game, personal, to_sign
from tests.http.openfort.policies import PAY, policy, rule
from tests.http.openfort.stage import by, refusal
from tests.worlds import dump

if TYPE_CHECKING:
    import httpx

    from tests.http.openfort.game import Player

pytestmark = pytest.mark.asyncio(loop_scope="module")
COUNT: Final = {
    "type": "rate_limit",
    "functionName": "count_per_interval",
    "timeIntervalType": "month",
    "timeIntervalValue": 1,
}


async def asks(ada: Player, of: dict[str, Any]) -> httpx.Response:
    """Ask for a session that names a policy."""
    key = Account.create()  # any will do: it is refused, or used by nobody
    return await ada.stage.sk.post("/v1/sessions", json=ada.wanted(key, policy=of["id"]))


async def test_a_session_needs_the_rule_for_the_account(game: Game) -> None:
    """Refused without it, with the rule to add, and nothing written; registered with it."""
    ada, of = await game.player(), await policy(game.stage)
    await rule(game.stage, of, type="contract_functions", wildcard=True)
    before = await dump(game.stage.world)
    status, code, said = refusal(await asks(ada, of))
    assert (status, code) == (400, "not_sponsored")
    assert "add a rule of type account_functions" in said
    assert await dump(game.stage.world) == before
    await rule(game.stage, of, type="account_functions")
    opened = await ada.open(policy=of["id"])
    assert opened.body["isActive"]
    shown = await game.stage.got(f"/v1/policies/{of['id']}", expand="transactionIntents")
    assert [one["policy"] for one in shown["transactionIntents"]] == [{"id": of["id"]}]
    plain = await game.stage.got(f"/v1/policies/{of['id']}")
    ids = [{"id": one["id"]} for one in shown["transactionIntents"]]
    assert plain["transactionIntents"] == ids


async def test_calls_need_a_rule_for_their_function(game: Game) -> None:
    """Of the contract that was noted, by its name in the ABI."""
    ada, of = await game.player(), await policy(game.stage)
    opened = await ada.open()
    await rule(game.stage, of, type="account_functions")
    status, code, said = refusal(await ada.intend(ada.mint(), policy=of["id"]))
    assert (status, code) == (400, "not_sponsored")
    assert "add a rule of type contract_functions" in said
    says = {"functionName": "mint", "contract": game.contract}
    await rule(game.stage, of, type="contract_functions", **says)
    intent = (await ada.intend(ada.mint(), policy=of["id"])).json()
    done = await ada.sign_intent(intent, personal(opened.key, to_sign(intent)))
    assert done.json()["response"]["status"] == 1
    assert done.json()["policy"] == {"id": of["id"]}
    assert game.minted(ada.account["address"]) == 1


async def test_one_more_than_the_limit_is_refused(game: Game) -> None:
    """However many are signed at once; the one that is refused can be signed later."""
    ada, of = await game.player(), await policy(game.stage)
    opened = await ada.open()
    await rule(game.stage, of, type="contract_functions", wildcard=True)
    await rule(game.stage, of, **COUNT, countLimit=2)
    intents = [(await ada.intend(ada.mint(), policy=of["id"])).json() for _ in range(4)]
    brought = (ada.sign_intent(one, personal(opened.key, to_sign(one))) for one in intents)
    answers = await asyncio.gather(*brought)
    assert sorted(one.status_code for one in answers) == [200, 200, 400, 400]
    refused = next(one for one in answers if one.status_code == 400)
    _, code, said = refusal(refused)
    assert code == "sponsorship_exceeded"
    assert said.startswith("count_per_interval: ")
    assert game.minted(ada.account["address"]) == 2
    assert refusal(await ada.intend(ada.mint(), policy=of["id"]))[1] == "sponsorship_exceeded"
    left = [one for one, answer in zip(intents, answers, strict=True) if answer.status_code == 400]
    shown = await game.stage.got(f"/v1/transaction_intents/{left[0]['id']}")
    assert to_sign(shown) == to_sign(left[0])


async def test_disabled_deleted_and_elsewhere_it_pays_for_nothing(game: Game) -> None:
    """A policy of another organization is not there."""
    stage = game.stage
    ada, of = await game.player(), await policy(stage)
    await rule(stage, of, type="account_functions")
    path = f"/v1/policies/{of['id']}"
    await stage.sk.put(f"{path}/disable")
    assert "is disabled" in refusal(await asks(ada, of))[2]
    await stage.sk.put(f"{path}/enable")
    assert (await asks(ada, of)).status_code == 200
    await stage.sk.delete(path)
    assert "was deleted" in refusal(await asks(ada, of))[2]
    theirs = await stage.sk.post(
        "/v1/policies",
        json={"name": "x", "chainId": stage.chain_id, "strategy": PAY},
        headers=by(stage.others.sk),
    )
    assert refusal(await asks(ada, theirs.json()))[:2] == (404, "not_found")


async def test_gas_above_the_limit_is_not_spent(game: Game) -> None:
    """The intent ends without a transaction, and says why; nothing is minted."""
    ada, of = await game.player(), await policy(game.stage)
    opened = await ada.open()
    await rule(game.stage, of, type="contract_functions", wildcard=True)
    gas = {"type": "rate_limit", "functionName": "gas_per_transaction", "gasLimit": "1"}
    await rule(game.stage, of, **gas)
    intent = (await ada.intend(ada.mint(), policy=of["id"])).json()
    ended = await ada.sign_intent(intent, personal(opened.key, to_sign(intent)))
    assert "at most 1 wei" in ended.text
    assert game.minted(ada.account["address"]) == 0


async def test_a_fee_sponsorship_pays_for_what_its_policy_accepts(game: Game) -> None:
    """The second version, as openfort-node 0.10.8 makes it: all on this chain."""
    ada, stage = await game.player(), game.stage
    on = {"type": "evmNetwork", "operator": "in", "chainIds": [stage.chain_id]}
    accepts = {"action": "accept", "operation": "sponsorEvmTransaction", "criteria": [on]}
    of = await stage.made("/v2/policies", {"scope": "project", "rules": [accepts]})
    body = {"name": "Gas", "strategy": PAY, "policyId": of["id"]}
    fees = await stage.made("/v2/fee-sponsorship", body)
    opened = await ada.open(policy=fees["id"])
    intent = (await ada.intend(ada.mint(), policy=fees["id"])).json()
    done = await ada.sign_intent(intent, personal(opened.key, to_sign(intent)))
    assert done.json()["response"]["status"] == 1
    await stage.made(f"/v2/policies/{of['id']}", {"rules": []})
    assert refusal(await ada.intend(ada.mint(), policy=fees["id"]))[1] == "not_sponsored"
