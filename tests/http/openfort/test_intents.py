"""Transaction intents as they are asked for, shown and listed; who pays; and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from eth_account import Account

from tests.http.openfort.game import Game, Player, personal, to_sign
from tests.http.openfort.stage import by, refusal
from tests.worlds import dump

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ada(game: Game) -> Player:
    """Give a player."""
    return await game.player()


async def test_an_intent_has_what_clients_read(ada: Player) -> None:
    """Before and after it was signed; each list and look says the same."""
    intent = (await ada.intend(ada.mint())).json()
    assert intent["id"].startswith("tin_")
    assert (intent["object"], intent["chainId"]) == ("transactionIntent", ada.stage.chain_id)
    assert intent["abstractionType"] == "accountAbstractionV6"
    assert (intent["account"], intent["player"]) == ({"id": ada.account["id"]}, {"id": ada.id})
    assert intent["userOperationHash"] == intent["details"]["userOperationHash"] == to_sign(intent)
    assert intent["userOperation"]["sender"] == ada.account["address"]
    (call,) = intent["interactions"]
    assert (call["to"], call["value"]) == (ada.game.address, "0")
    assert call["data"].endswith(ada.account["address"][2:])
    opened = await ada.open()
    done = (await ada.sign_intent(intent, personal(opened.key, to_sign(intent)))).json()
    response = done["response"]
    receipt = ada.game.node.rpc.ask("eth_getTransactionReceipt", response["transactionHash"])
    assert int(receipt["status"], 16) == response["status"] == 1
    assert int(receipt["blockNumber"], 16) == response["blockNumber"]
    assert int(receipt["gasUsed"], 16) == int(response["gasUsed"])
    assert done["transitions"]
    assert "nextAction" not in done
    assert await ada.stage.got(f"/v1/transaction_intents/{intent['id']}") == done


@pytest.mark.parametrize(
    "more",
    [
        {"interactions": None},
        {"interactions": []},
        {"address": "0x" + "11" * 20},
        {"interactions": None, "player": True, "account": None},
    ],
)
async def test_no_interactions_are_an_empty_batch(ada: Player, more: dict[str, Any]) -> None:
    """As on the page, with the undocumented address; it is included, and is one use."""
    opened = await ada.open(limit=1)
    told = {**more, "player": ada.id} if "player" in more else more
    intent = (await ada.intend(**told)).json()
    assert intent["interactions"] == []
    done = await ada.sign_intent(intent, personal(opened.key, to_sign(intent)))
    assert done.json()["response"]["status"] == 1, done.text
    assert (await ada.shown(opened.id))["remainingUses"] == 0


@pytest.mark.parametrize(
    ("interaction", "field"),
    [
        ({"contract": "con_..."}, "interactions[0].contract"),
        ({"contract": "con_00000000-0000-8000-8000-000000000000"}, "interactions[0].contract"),
        ({"functionName": "mint"}, "interactions[0].contract"),
        ({"to": "0x" + "22" * 20, "functionName": "mint"}, "interactions[0].functionName"),
        ({"functionArgs": []}, "interactions[0].functionArgs"),
        ({"functionArgs": ["pla_x"]}, "interactions[0].functionArgs[0]"),
        ({"value": "a lot"}, "interactions[0].value"),
        ({"data": "0x00"}, "interactions[0].data"),
        ({"dataSuffix": "zz"}, "interactions[0].dataSuffix"),
    ],
)
async def test_what_is_no_interaction_names_its_place(
    ada: Player, interaction: dict[str, Any], field: str
) -> None:
    """Nothing is written down of it."""
    good = {} if interaction == {"functionName": "mint"} else ada.mint()
    if "to" in interaction:
        del good["contract"]
    before = await dump(ada.stage.world)
    answer = await ada.intend({**good, **interaction})
    assert refusal(answer)[0] == 400
    assert [*answer.json()["error"]["details"]] == [field]
    assert await dump(ada.stage.world) == before


async def test_ids_stand_for_addresses_on_that_chain(ada: Player) -> None:
    """A player for its account, an account and a contract for themselves; a stranger's for none."""
    opened = await ada.open()
    for named, address in (
        (ada.id, ada.account["address"]),
        (ada.account["id"], ada.account["address"]),
        (ada.game.contract, ada.game.address),
    ):
        minted = ada.game.minted(address)
        done = await ada.act(opened.key, ada.mint(functionArgs=[named]))
        assert done.json()["response"]["status"] == 1, done.text
        assert ada.game.minted(address) == minted + 1
    body = {"chainId": ada.stage.chain_id, "externalOwnerAddress": Account.create().address}
    keys = by(ada.stage.others.sk)
    other = (await ada.stage.nobody.post("/v1/accounts", json=body, headers=keys)).json()
    answer = await ada.intend(ada.mint(functionArgs=[other["id"]]))
    assert refusal(answer)[:2] == (400, "not_found")


async def test_what_contracts_said_is_told(ada: Player) -> None:
    """By who looks at the intent alone: clients read from it what was minted."""
    token = "0x" + ada.game.deployment.token.hex()
    name, whom = "mint(address,uint256)", ada.account["address"]
    call = {"to": token, "functionName": name, "functionArgs": [whom, "7"]}
    intent = (await ada.intend(call)).json()
    done = (await ada.sign_intent(intent, ada.signed(to_sign(intent)))).json()
    (said,) = [one for one in done["response"]["logs"] if one["address"] == token]
    assert said["topics"][2] == f"0x{whom[2:]:0>64}"
    assert int(said["data"], 16) == 7
    assert said["transactionHash"] == done["response"]["transactionHash"]
    assert await ada.stage.got(f"/v1/transaction_intents/{intent['id']}") == done


async def test_only_its_organization_reaches_an_intent(ada: Player) -> None:
    """A publishable key carries signatures, and neither asks nor reads; a stranger finds none."""
    stage = ada.stage
    intent = (await ada.intend(ada.mint())).json()
    path = f"/v1/transaction_intents/{intent['id']}"
    signature = {"signature": personal(ada.owner, to_sign(intent))}
    body = {"chainId": stage.chain_id, "account": ada.account["id"]}
    assert refusal(await stage.pk.post("/v1/transaction_intents", json=body))[0] == 400
    for read in (path, "/v1/transaction_intents", "/v1/sessions", f"/v1/players/{ada.id}/sessions"):
        answer = await stage.pk.get(read, params={"player": ada.id})
        assert refusal(answer)[:2] == (400, "not_allowed"), read
    for key in (stage.others.sk, stage.others.pk):
        answer = await stage.nobody.post(f"{path}/signature", json=signature, headers=by(key))
        assert refusal(answer)[:2] == (404, "not_found")
    assert refusal(await stage.nobody.get(path, headers=by(stage.others.sk)))[0] == 404
    assert "response" not in await stage.got(path)


async def test_they_are_listed_under_both_names_of_each_filter(game: Game) -> None:
    """By account, by player, by policy; newest first unless asked otherwise."""
    ada = await game.player()
    made = [(await ada.intend(ada.mint())).json()["id"] for _ in range(3)]
    elsewhere = (await (await game.player()).intend()).json()["id"]
    got = game.stage.got
    for query in (
        {"account": ada.account["id"]},
        {"accountId": ada.account["id"]},
        {"player": ada.id},
        {"playerId": ada.id},
        {"account": ada.account["id"], "player": ada.id, "chainId": game.stage.chain_id},
        {"account[]": ada.account["id"], "expand": "policy,account"},
    ):
        told = await got("/v1/transaction_intents", **query)
        assert (told["object"], told["total"]) == ("list", 3), query
        assert {one["id"] for one in told["data"]} == {*made}
    part = await got("/v1/transaction_intents", player=ada.id, limit=1, skip=2, order="asc")
    whole = await got("/v1/transaction_intents", player=ada.id)
    assert part["data"] == whole["data"][:1]
    every = await got("/v1/transaction_intents", limit=100)
    assert {elsewhere, *made} <= {one["id"] for one in every["data"]}
    none = await got("/v1/transaction_intents", account=ada.account["id"], chainId=1)
    assert none["total"] == 0
    stranger = by(game.stage.others.sk)
    told = (await game.stage.nobody.get("/v1/transaction_intents", headers=stranger)).json()
    assert told["total"] == 0


async def test_players_and_accounts_show_them_in_whole(game: Game) -> None:
    """The newest first, beside their accounts, as each alone is shown; and in lists."""
    ada, got = await game.player(), game.stage.got
    made = [(await ada.intend(ada.mint())).json() for _ in range(2)]
    told = await got(f"/v1/players/{ada.id}", expand="accounts,transactionIntents")
    assert told["transactionIntents"] == made[::-1]
    assert told["accounts"] == [await got(f"/v1/accounts/{ada.account['id']}")]
    listed = await got("/v1/players", expand="accounts,transactionIntents", limit=1)
    assert listed["data"] == [told]
    account = await got(f"/v1/accounts/{ada.account['id']}", expand="transactionIntents")
    assert account["transactionIntents"] == made[::-1]


async def test_what_it_costs_is_told_with_and_without_an_account(ada: Player) -> None:
    """As text; what would revert says so."""
    stage = ada.stage
    calls = {"interactions": [ada.mint()], "chainId": stage.chain_id}
    for more in ({}, {"account": ada.account["id"]}, {"player": ada.id}):
        told = await stage.made("/v1/transaction_intents/estimate_gas_cost", {**calls, **more})
        assert {*told} == {
            "estimatedTXGas",
            "estimatedTXGasFee",
            "estimatedTXGasFeeUSD",
            "gasPrice",
        }
        assert int(told["estimatedTXGasFee"]) == int(told["estimatedTXGas"]) * int(told["gasPrice"])
    bad = {**calls, "interactions": [{"to": ada.game.broken, "data": "0x01"}]}
    answer = await stage.sk.post("/v1/transaction_intents/estimate_gas_cost", json=bad)
    assert refusal(answer)[:2] == (400, "call_reverted")


async def custodial(game: Game) -> Player:
    """Return a player whose owner's key this server has."""
    player = await game.stage.made("/v1/players", {"name": "Kept"})
    body = {"chainId": game.stage.chain_id, "player": player["id"]}
    account = await game.stage.made("/v1/accounts", body)
    assert account["custodial"]
    return Player(game, player["id"], account, Account.create())


async def test_where_the_server_has_the_owners_key_nobody_is_asked_to_sign(game: Game) -> None:
    """A session is on chain with the answer, calls are made with it, and an end ends."""
    kept = await custodial(game)
    asked = await kept.ask()
    assert (asked.body["isActive"], "nextAction" in asked.body) == (True, False)
    done = (await kept.intend(kept.mint())).json()
    assert (done["response"]["status"], "nextAction" in done) == (1, False)
    waits = (await kept.intend(kept.mint(), address=asked.key.address)).json()
    signed = await kept.sign_intent(waits, personal(asked.key, to_sign(waits)))
    assert signed.json()["response"]["status"] == 1, signed.text
    assert game.minted(kept.account["address"]) == 2
    ended = (await kept.revoke(asked.key.address)).json()
    assert (ended["isActive"], "nextAction" in ended) == (False, False)
    last = (await kept.intend(kept.mint(), address=asked.key.address)).json()
    answer = await kept.sign_intent(last, personal(asked.key, to_sign(last)))
    assert refusal(answer)[:2] == (400, "session_revoked")


async def registers(ada: Player, policy: str) -> httpx.Response:
    """Ask for a session that *policy* is to pay for, and sign it."""
    body = ada.wanted(Account.create(), policy=policy)
    answer = await ada.stage.sk.post("/v1/sessions", json=body)
    if answer.status_code != 200:
        return answer
    return await ada.sign(answer.json()["id"], ada.signed(to_sign(answer.json())))


async def test_a_policy_pays_for_what_its_rules_cover(game: Game) -> None:
    """Registering is a function of the account; calls are functions of contracts."""
    ada, stage = await game.player(), game.stage
    body = {"name": "Gas", "chainId": stage.chain_id, "strategy": {"sponsorSchema": "pay_for_user"}}
    policy = (await stage.made("/v1/policies", body))["id"]
    refused = refusal(await registers(ada, policy))
    assert (refused[0], "account_functions" in refused[2]) == (400, True)
    await stage.made("/v1/policy_rules", {"type": "account_functions", "policy": policy})
    assert (await registers(ada, policy)).json()["isActive"]
    refused = refusal(await ada.intend(ada.mint(), policy=policy))
    assert (refused[0], "contract_functions" in refused[2]) == (400, True)
    rule = {
        "type": "contract_functions",
        "policy": policy,
        "contract": game.contract,
        "functionName": "mint",
    }
    await stage.made("/v1/policy_rules", rule)
    intent = (await ada.intend(ada.mint(), policy=policy)).json()
    assert intent["policy"] == {"id": policy}
    done = await ada.sign_intent(intent, ada.signed(to_sign(intent)))
    assert done.json()["response"]["status"] == 1, done.text
    told = await stage.got("/v1/transaction_intents", policy=policy)
    assert intent["id"] in {one["id"] for one in told["data"]}
    opened = await ada.ask()
    await stage.sk.put(f"/v1/policies/{policy}/disable")
    assert refusal(await registers(ada, policy))[:2] == (400, "not_sponsored")
    ended = await ada.revoke(opened.id, policy=policy)
    assert ended.json()["isActive"] is False, ended.text


async def test_a_policy_counts_registrations(game: Game) -> None:
    """The one behind the last that it pays for is refused, at the signature too."""
    ada, stage = await game.player(), game.stage
    body = {"name": "Gas", "chainId": stage.chain_id, "strategy": {"sponsorSchema": "pay_for_user"}}
    policy = (await stage.made("/v1/policies", body))["id"]
    await stage.made("/v1/policy_rules", {"type": "account_functions", "policy": policy})
    limit = {
        "type": "rate_limit",
        "functionName": "count_per_interval",
        "policy": policy,
        "countLimit": 1,
        "timeIntervalType": "day",
        "timeIntervalValue": 1,
    }
    await stage.made("/v1/policy_rules", limit)
    late = await ada.ask(policy=policy)
    assert (await registers(ada, policy)).json()["isActive"]
    assert refusal(await registers(ada, policy))[:2] == (400, "sponsorship_exceeded")
    answer = await ada.sign(late.id, ada.signed(to_sign(late.body)))
    assert refusal(answer)[:2] == (400, "sponsorship_exceeded")
    assert to_sign(await ada.shown(late.id)) == to_sign(late.body)
