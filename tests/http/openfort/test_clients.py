"""Players who ask themselves, by the token of their log-in: for their own accounts alone."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from eth_account import Account

from tests.http.openfort.game import Game, Player, personal, to_sign
from tests.http.openfort.policies import policy, rule
from tests.http.openfort.stage import by, refusal

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True, slots=True)
class Guest:
    """A player in their own browser."""

    player: Player
    headers: dict[str, str]

    async def post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        """Ask for something."""
        return await self.player.stage.nobody.post(path, json=body, headers=self.headers)

    async def get(self, path: str) -> httpx.Response:
        """Look at something."""
        return await self.player.stage.nobody.get(path, headers=self.headers)


async def logged_in(game: Game) -> tuple[str, dict[str, str]]:
    """Return a new player, and what proves it."""
    told = await game.stage.pk.post("/iam/v2/auth/sign-in/anonymous")
    assert told.status_code == 200, told.text
    headers = {**by(told.json()["token"]), "x-project-key": game.stage.keys.pk}
    return told.json()["user"]["id"].replace("usr_", "pla_"), headers


async def guest(game: Game) -> Guest:
    """Return somebody who has logged in, and has an account with a key of their own."""
    stage, owner = game.stage, Account.create()
    player, headers = await logged_in(game)
    body = {"chainId": stage.chain_id, "externalOwnerAddress": owner.address}
    made = await stage.nobody.post("/v1/accounts", json=body, headers=headers)
    assert made.status_code == 200, made.text
    assert made.json()["player"] == {"id": player}
    return Guest(Player(game, player, made.json(), owner), headers)


async def paying(game: Game) -> str:
    """Return a policy that pays for sessions and for the game: clients need to name one."""
    made = await policy(game.stage)
    await rule(game.stage, made, type="account_functions")
    await rule(game.stage, made, type="contract_functions", wildcard=True)
    policy_id: str = made["id"]
    return policy_id


async def test_a_player_does_with_its_own_account_what_the_page_shows(game: Game) -> None:
    """Asks, signs, uses, lists and ends, without any key of the project but the public one."""
    ada = await guest(game)
    key, player, pays = Account.create(), ada.player, await paying(game)
    wanted = player.wanted(key, account=None, policy=pays)
    asked = (await ada.post("/v1/sessions", wanted)).json()
    path = f"/v1/sessions/{asked['id']}"
    signature = {"signature": personal(player.owner, to_sign(asked))}
    opened = await ada.post(f"{path}/signature", signature)
    assert opened.json()["isActive"], opened.text
    body = {"chainId": game.stage.chain_id, "interactions": [player.mint()], "policy": pays}
    intent = await ada.post("/v1/transaction_intents", body)
    assert intent.status_code == 200, intent.text
    tin = f"/v1/transaction_intents/{intent.json()['id']}"
    signature = {"signature": personal(key, to_sign(intent.json()))}
    done = await ada.post(f"{tin}/signature", signature)
    assert done.json()["response"]["status"] == 1, done.text
    assert (await ada.get(tin)).json() == done.json()
    for looked, count in ((f"/v1/sessions?player={player.id}", 1), ("/v1/transaction_intents", 2)):
        assert (await ada.get(looked)).json()["total"] == count
    ending = {"address": asked["id"], "chainId": game.stage.chain_id}
    revoked = await ada.post("/v1/sessions/revoke", ending)
    signature = {"signature": personal(player.owner, to_sign(revoked.json()))}
    ended = await ada.post(f"{path}/signature", signature)
    assert ended.json()["isActive"] is False, ended.text


async def test_a_player_reaches_nothing_of_another(game: Game) -> None:
    """Not its account, player, sessions or calls; not even the address behind its id."""
    ada, eve = await guest(game), await guest(game)
    mine = ada.player
    chain_id = game.stage.chain_id
    opened = await mine.open()
    intent = (await mine.intend(mine.mint())).json()
    digest = to_sign((await mine.revoke(opened.id)).json())
    tin, ses = f"/v1/transaction_intents/{intent['id']}", f"/v1/sessions/{opened.id}"
    account = {"chainId": chain_id, "account": mine.account["id"]}
    player = {"chainId": chain_id, "player": mine.id}
    for path, body in (
        ("/v1/sessions", mine.wanted(Account.create())),
        ("/v1/sessions", {**mine.wanted(Account.create(), account=None), "player": mine.id}),
        ("/v1/sessions/revoke", {**account, "address": opened.id}),
        ("/v1/sessions/revoke", {"chainId": chain_id, "address": opened.id}),
        ("/v1/sessions/revoke", {**player, "address": opened.key.address}),
        ("/v1/transaction_intents", account),
        ("/v1/transaction_intents", player),
        ("/v1/transaction_intents/estimate_gas_cost", account),
        ("/v1/transaction_intents/estimate_gas_cost", player),
        (f"{ses}/signature", {"signature": mine.signed(digest)}),
        (f"{tin}/signature", {"signature": personal(opened.key, to_sign(intent))}),
    ):
        assert refusal(await eve.post(path, body))[0] == 404, path
    for path in (tin, ses, f"/v1/sessions?player={mine.id}"):
        assert refusal(await eve.get(path))[0] == 404, path
    listed = await eve.get(f"/v1/transaction_intents?account={mine.account['id']}")
    assert refusal(listed)[0] == 404
    body = {"chainId": chain_id, "interactions": [mine.mint()]}
    told = refusal(await eve.post("/v1/transaction_intents", body))
    assert told[:2] == (400, "not_found")
    assert (await mine.shown(opened.id))["isActive"]


async def test_no_player_acts_where_the_server_has_the_owners_key(game: Game) -> None:
    """Its own account, made by the backend: the backend alone has the server sign there."""
    stage = game.stage
    player, headers = await logged_in(game)
    kept = await stage.made("/v1/accounts", {"chainId": stage.chain_id, "player": player})
    assert kept["custodial"]
    ada = Guest(Player(game, player, kept, Account.create()), headers)
    answer = await ada.post("/v1/sessions", ada.player.wanted(Account.create()))
    assert refusal(answer)[:2] == (400, "not_allowed")
    opened = await ada.player.ask()
    assert opened.body["isActive"]
    body = {"chainId": stage.chain_id, "interactions": [ada.player.mint()]}
    body["policy"] = await paying(game)
    waits = (await ada.post("/v1/transaction_intents", body)).json()
    assert "response" not in waits
    assert game.minted(kept["address"]) == 0
    path = f"/v1/transaction_intents/{waits['id']}/signature"
    done = await ada.post(path, {"signature": personal(opened.key, to_sign(waits))})
    assert done.json()["response"]["status"] == 1, done.text
    eve = await guest(game)
    answer = await eve.post("/v1/sessions", ada.player.wanted(Account.create()))
    assert refusal(answer)[:2] == (404, "not_found")


async def test_the_same_signature_at_the_same_time_is_one_transaction(game: Game) -> None:
    """SDKs send again before they have an answer: registered once, minted once, ended once."""
    ada = await game.player()
    asked = await ada.ask()
    signature = ada.signed(to_sign(asked.body))
    told = await asyncio.gather(*(ada.sign(asked.id, signature) for _ in range(4)))
    assert [one.json()["isActive"] for one in told] == [True] * 4
    shown = await ada.shown(asked.id)
    assert len(shown["transactionIntents"]) == 1
    intent = (await ada.intend(ada.mint())).json()
    by_key = personal(asked.key, to_sign(intent))
    done = await asyncio.gather(*(ada.sign_intent(intent, by_key) for _ in range(4)))
    hashes = {one.json()["response"]["transactionHash"] for one in done}
    assert (len(hashes), game.minted(ada.account["address"])) == (1, 1)
    ending = ada.signed(to_sign((await ada.revoke(asked.id)).json()))
    ended = await asyncio.gather(*(ada.sign(asked.id, ending) for _ in range(4)))
    assert [one.json()["isActive"] for one in ended] == [False] * 4
