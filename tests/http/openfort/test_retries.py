"""Clients of Openfort's format ask again by themselves: what was asked for is there once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from eth_account import Account

from tests.http.openfort.game import HOUR_S, to_sign
from tests.http.openfort.policies import policy, rule

if TYPE_CHECKING:
    from tests.http.openfort.game import Game

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_same_again_is_the_session_that_waits(game: Game) -> None:
    """Also a little later, where it was to begin at once; what is signed is the same."""
    player, key = await game.player(), Account.create()
    body = player.wanted(key, limit=3)
    first = await game.stage.made("/v1/sessions", body)
    game.stage.clock.advance(2)
    again = await game.stage.made("/v1/sessions", body)
    assert (again["id"], to_sign(again)) == (first["id"], to_sign(first))
    listed = await game.stage.got("/v1/sessions", player=player.id)
    assert listed["total"] == 1


async def test_anything_else_is_another_session(game: Game) -> None:
    """Another contract, count, time or payer; and nothing of the first is changed."""
    player, key, payer = await game.player(), Account.create(), await policy(game.stage)
    await rule(game.stage, payer, type="account_functions")
    body = player.wanted(key)
    made = {(await game.stage.made("/v1/sessions", body))["id"]}
    for other in (
        {"whitelist": [game.address, game.broken]},
        {"limit": 5},
        {"validUntil": body["validUntil"] + 1},
        {"validAfter": game.stage.clock.now() + HOUR_S // 2},
        {"policy": payer["id"]},
    ):
        made.add((await game.stage.made("/v1/sessions", {**body, **other}))["id"])
    made.add((await game.stage.made("/v1/sessions", player.wanted(Account.create())))["id"])
    assert len(made) == 7


async def test_what_was_signed_is_not_given_again(game: Game) -> None:
    """Its key is in use; revoked, it may be registered anew, as another session."""
    player = await game.player()
    key = Account.create()
    body = player.wanted(key)
    opened = await player.open(key, validUntil=body["validUntil"])
    answer = await game.stage.sk.post("/v1/sessions", json=body)
    assert answer.status_code == 400, answer.text
    asked = (await player.revoke(opened.id)).json()
    gone = await player.sign(opened.id, player.signed(to_sign(asked)))
    assert gone.json()["isActive"] is False
    again = await game.stage.made("/v1/sessions", body)
    assert again["id"] != opened.id


async def test_the_same_again_after_a_block_is_the_session_that_waits(game: Game) -> None:
    """It was to begin at once, and the chain has gone on: it begins when it was asked for first."""
    ada, key = await game.player(), Account.create()
    first = await ada.ask(key)
    until = int(first.body["validUntil"])
    for _ in range(2):
        await (await game.player()).open()
    again = await ada.ask(key, validUntil=until)
    assert (again.id, again.body["validAfter"]) == (first.id, first.body["validAfter"])


async def test_what_is_to_be_signed_is_good_for_half_an_hour(game: Game) -> None:
    """As the page on Openfort's format says; the deadline is part of what is signed."""
    ada = await game.player()
    before = game.stage.clock.now()
    intent = (await ada.intend(ada.mint())).json()
    message = intent["nextAction"]["payload"]["valetkey"]["typed_data"]["message"]
    assert before <= int(message["deadline"]) - 30 * 60 <= game.stage.clock.now()
