"""Whoever has the publishable key alone, and what they try with the organization's money."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx
import pytest
import pytest_asyncio
from eth_account import Account

from tests.http.openfort.game import Player, personal, plain, to_sign
from tests.http.openfort.stage import by, refusal
from valetkey.core.activity import Activity
from valetkey.core.ids import Prefix
from valetkey.flows.opening import MOST_WAITING
from valetkey.http.dialects.openfort import ids
from valetkey.spec import eip712

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.openfort.game import Game

pytestmark = pytest.mark.asyncio(loop_scope="module")

GUEST = "/iam/v2/auth/sign-in/anonymous"


@pytest_asyncio.fixture(loop_scope="module")
async def guest(game: Game) -> AsyncIterator[httpx.AsyncClient]:
    """Give the client of a guest: nobody knows who that is."""
    stage = game.stage
    come = await stage.nobody.post(GUEST, headers={"x-project-key": stage.keys.pk})
    headers = {**by(come.json()["token"]), "x-project-key": stage.keys.pk}
    async with httpx.AsyncClient(base_url=stage.url, headers=headers, timeout=60) as client:
        yield client


async def account_of(game: Game, guest: httpx.AsyncClient) -> Player:
    """Return the guest as a player with an account, whose owner they are."""
    owner = Account.create()
    body = {
        "chainId": game.stage.chain_id,
        "accountType": "Smart Account",
        "address": owner.address,
    }
    made = await guest.post("/v2/accounts", json=body)
    assert made.status_code == 200, made.text
    account = await game.stage.got(f"/v1/accounts/{made.json()['id']}")
    return Player(game, account["player"]["id"], account, owner)


async def paying(game: Game) -> str:
    """Return a policy that pays for the game, and for sessions."""
    stage = game.stage
    body = {"name": "Gas", "chainId": stage.chain_id, "strategy": {"sponsorSchema": "pay_for_user"}}
    policy: str = (await stage.made("/v1/policies", body))["id"]
    contract = {"contract": game.contract, "functionName": "All functions"}
    for rule in ({"type": "account_functions"}, {"type": "contract_functions", **contract}):
        await stage.made("/v1/policy_rules", {**rule, "policy": policy})
    return policy


async def acts(player: Player, session_id: str) -> list[Activity]:
    """Return what was brought to the chain for a session."""
    native = ids.native(session_id, Prefix.SESSION, ids.SESSION)
    found = await player.stage.world.store.read(lambda view: view.find(Activity, governs=native))
    return [one for one in found if one.intent is not None or one.attempts]


async def test_a_guest_has_no_gas_without_a_sponsorship(
    game: Game, guest: httpx.AsyncClient
) -> None:
    """Everybody is a guest who likes: what pays for them is a policy with rules."""
    player = await account_of(game, guest)
    body = {"chainId": game.stage.chain_id, "interactions": [player.mint()]}
    sessions, intents = "/v1/sessions", "/v1/transaction_intents"
    for path, wanted in ((intents, body), (sessions, player.wanted(Account.create()))):
        refused = await guest.post(path, json=wanted)
        assert refusal(refused)[:2] == (400, "not_sponsored")
        assert set(refused.json()["error"]["details"]) == {"policy"}
        policy = await paying(game)
        taken = await guest.post(path, json={**wanted, "policy": policy})
        assert taken.status_code == 200, taken.text
    assert (await player.intend(player.mint())).status_code == 200  # its backend may


async def test_an_end_before_the_beginning_costs_nothing(game: Game) -> None:
    """The chain never heard of it: it ends here, and the fund for stops pays no gas."""
    ada = await game.player()
    asked = await ada.ask()
    native = ids.native(asked.id, Prefix.SESSION, ids.SESSION)
    typed = (await game.stage.native.get(f"/v1/sessions/{native}/consent")).json()
    digest = "0x" + eip712.digest(eip712.from_json(typed["kill_note"])).hex()
    ended = await ada.sign(asked.id, personal(ada.owner, digest))
    assert ended.status_code == 200, ended.text
    assert ended.json()["isActive"] is False
    assert await acts(ada, asked.id) == []
    late = await ada.sign(asked.id, ada.signed(to_sign(asked.body)))
    assert refusal(late)[:2] == (400, "session_state")
    assert await acts(ada, asked.id) == []


async def test_another_signature_of_the_owner_registers_nothing_twice(game: Game) -> None:
    """An owner makes as many of one digest as they like: there is one transaction."""
    ada = await game.player()
    opened = await ada.ask()
    digest = to_sign(opened.body)
    first = await ada.sign(opened.id, personal(ada.owner, digest))
    assert first.json()["isActive"], first.text
    again = await ada.sign(opened.id, plain(ada.owner, digest))
    assert again.status_code == 200, again.text
    assert again.json()["isActive"]
    assert len(await acts(ada, opened.id)) == 1


async def test_nobody_takes_an_account_away_by_naming_its_owner(
    game: Game, guest: httpx.AsyncClient
) -> None:
    """Addresses are public: a guest who claims one keeps no account from whose address it is."""
    stage, victim = game.stage, Account.create()
    body = {"chainId": stage.chain_id, "address": victim.address}
    clone = await guest.post("/v2/accounts", json={**body, "accountType": "Smart Account"})
    assert clone.status_code == 200, clone.text
    own = await guest.post("/v2/accounts", json={**body, "accountType": "Delegated Account"})
    assert refusal(own)[:2] == (400, "malformed_body")
    player = await stage.made("/v1/players", {"name": "Victim"})
    wanted = {"chainId": stage.chain_id, "player": player["id"]}
    wanted["externalOwnerAddress"] = victim.address
    made = [
        await stage.made("/v1/accounts", {**wanted, "accountType": kind})
        for kind in ("ValetkeyV1", "Delegated Account")
    ]
    found = {clone.json()["address"], *(one["address"] for one in made)}
    assert len(found) == 3
    again = await guest.post("/v2/accounts", json={**body, "accountType": "Smart Account"})
    assert again.json() == clone.json()


async def test_a_key_has_one_session_however_many_are_signed_at_once(game: Game) -> None:
    """Two of them would count apart from each other: what one limits, the other gives."""
    ada, key = await game.player(), Account.create()
    asked = [await ada.ask(key, limit=limit) for limit in (1, 2)]
    done = await asyncio.gather(*(ada.sign(one.id, ada.signed(to_sign(one.body))) for one in asked))
    assert sorted(one.status_code for one in done) == [200, 400]
    (refused,) = [one for one in done if one.status_code == 400]
    assert refusal(refused)[1] == "session_key_in_use"
    shown = [await ada.shown(one.id) for one in asked]
    assert [one["isActive"] for one in shown].count(True) == 1


async def test_what_the_chain_refused_is_ended_for_nothing(game: Game) -> None:
    """Registering that a policy has no gas for is handed to nobody: its end needs no gas either."""
    stage, ada = game.stage, await game.player()
    policy = await paying(game)
    limit = {"type": "rate_limit", "functionName": "gas_per_transaction", "gasLimit": "1"}
    await stage.made("/v1/policy_rules", {**limit, "policy": policy})
    asked = await ada.ask(policy=policy)
    signature = ada.signed(to_sign(asked.body))
    for _ in range(2):
        refused = await ada.sign(asked.id, signature)
        assert refusal(refused)[:2] == (400, "sponsorship_exceeded")
    assert to_sign(await ada.shown(asked.id)) == to_sign(asked.body)
    ended = await ada.revoke(asked.id)
    assert ended.status_code == 200, ended.text
    assert "nextAction" not in ended.json()
    assert not any(one.attempts for one in await acts(ada, asked.id))
    assert {one.kind for one in await acts(ada, asked.id)} == {"session:register"}


async def test_a_guest_does_not_use_up_the_sessions_of_all(
    game: Game, guest: httpx.AsyncClient
) -> None:
    """Some may wait for the owner of an account; with one ended, one more may."""
    player, policy = await account_of(game, guest), await paying(game)

    async def ask() -> httpx.Response:
        body = player.wanted(Account.create(), policy=policy)
        return await guest.post("/v1/sessions", json=body)

    asked = [await ask() for _ in range(MOST_WAITING)]
    assert {one.status_code for one in asked} == {200}
    assert refusal(await ask())[:2] == (400, "quota_exceeded")
    newest = asked[-1].json()["id"]
    ended = await guest.post(
        "/v1/sessions/revoke", json={"address": newest, "chainId": game.stage.chain_id}
    )
    assert ended.status_code == 200, ended.text
    assert (await ask()).status_code == 200
