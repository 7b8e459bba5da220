"""A session of this format is an ordinary one: listed, metered, frozen and revoked natively."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.http.openfort.game import (
    Game,
    Opened,
    Player,
    fresh,
    make_game,
    native_id,
    personal,
    to_sign,
)
from tests.http.openfort.stage import refusal, staged
from tests.http.sse import Reader, meter
from valetkey.core.chain import GrantStage
from valetkey.core.ids import Prefix
from valetkey.core.session import Session
from valetkey.core.surface import Surface
from valetkey.devchain import mint
from valetkey.devchain.transact import transact
from valetkey.flows.reconcile import reconcile
from valetkey.http.dialects.openfort import ids

if TYPE_CHECKING:
    import httpx

    from valetkey.ports import Tx

pytestmark = pytest.mark.asyncio(loop_scope="module")
TRANSFER = "transfer(address,uint256)"
BOB = "0x" + "b0" * 20


async def native(player: Player, opened: Opened, path: str = "") -> dict[str, Any]:
    """Return what the native API shows of a session."""
    session_id = native_id(opened)
    answer = await player.stage.native.get(f"/v1/sessions/{session_id}{path}")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def on_chain(player: Player, opened: Opened) -> GrantStage:
    """Return what the account itself says of a session."""
    shown = await native(player, opened)
    grant_id = bytes.fromhex(shown["grant_id"][2:])
    chain = next(iter(player.stage.world.chains.values()))
    address = bytes.fromhex(player.account["address"][2:])
    return (await chain.grant_state(address, grant_id, counters=0)).stage


async def test_it_is_listed_and_explained_natively(game: Game) -> None:
    """With the sentences and the findings that any session has, bound to our relayer."""
    ada = await game.player()
    opened = await ada.open(limit=5)
    shown = await native(ada, opened)
    assert (shown["state"], shown["surface"], shown["proof"]) == ("open", "openfort", "chain")
    assert (shown["calls"], shown["calls_left"]) == (0, 5)
    assert shown["permission"]["relayer"] == "0x" + game.stage.world.relayer_address.hex()
    assert game.address in str(shown["permission"]["wide_rules"])
    await ada.act(opened.key, ada.mint())
    assert (await native(ada, opened))["calls"] == 1
    assert await on_chain(ada, opened) is GrantStage.OPEN


async def test_it_is_found_and_watched_natively(game: Game) -> None:
    """With the sessions of its user and account, and by its meter from the first use to the end."""
    ada = await game.player()
    opened = await ada.open(limit=5)
    session_id = native_id(opened)
    for where in (
        {"account_id": ids.native(ada.account["id"], Prefix.ACCOUNT, ids.ACCOUNT)},
        {"user_id": ids.native(ada.id, Prefix.USER, ids.PLAYER), "state": "open"},
    ):
        listed = await ada.stage.native.get("/v1/sessions", params=where)
        assert [one["id"] for one in listed.json()["items"]] == [session_id]
    async with ada.stage.native.stream("GET", meter(session_id)) as answer:
        reader = Reader(answer.aiter_lines(), answer.headers)
        first = await reader.next()
        assert first is not None
        assert (first.data["state"], first.data["calls"]) == ("open", 0)
        await ada.act(opened.key, ada.mint())
        assert (await reader.until(lambda one: one.data["calls"])).data["calls"] == 1
        await ada.sign(opened.id, ada.signed(to_sign((await ada.revoke(opened.id)).json())))
        assert await reader.ended() == "session_revoked"


async def test_a_session_of_another_surface_is_none_of_this_format(game: Game) -> None:
    """Its player's list leaves it out, and nobody shows, signs or ends it here."""
    ada = await game.player()
    asked, other = await ada.ask(), await ada.ask()

    def move(tx: Tx) -> None:
        session = tx.get(Session, native_id(asked))
        assert session is not None
        tx.put(replace(session, surface=Surface.NATIVE))

    await game.stage.world.store.write(move)
    listed = await game.stage.got("/v1/sessions", player=ada.id)
    assert ([one["id"] for one in listed["data"]], listed["total"]) == ([other.id], 1)
    for answer in (
        await game.stage.sk.get(f"/v1/sessions/{asked.id}"),
        await ada.sign(asked.id, ada.signed(to_sign(asked.body))),
        await ada.revoke(asked.id),
    ):
        assert refusal(answer)[:2] == (404, "not_found")


async def test_no_whitelist_is_any_contract_and_natively_an_error_of_the_linter(
    game: Game,
) -> None:
    """The page's own curl call has none: it is allowed, and marked loudly."""
    ada = await game.player()
    opened = await ada.open(whitelist=None)
    assert (opened.body["whitelist"], opened.body["unlimited"]) == ([], True)
    assert opened.body["limit"] == 2**31 - 1
    assert opened.body["remainingUses"] is None
    assert (await ada.act(opened.key, ada.mint())).json()["response"]["status"] == 1
    shown = await native(ada, opened)
    linted = await ada.stage.native.post(
        "/v1/permissions/lint", json={"permission": shown["permission"]}
    )
    found = {one["rule"]: one["severity"] for one in linted.json()["findings"]}
    assert found["sudo"] == "error"


async def move_token(ada: Player, opened: Opened) -> httpx.Response:
    """Have the key move a token of the account."""
    token = "0x" + ada.game.deployment.token.hex()
    call = {"to": token, "functionName": TRANSFER, "functionArgs": [BOB, "5"]}
    return await ada.act(opened.key, call)


async def test_a_token_on_the_list_stays_where_it_is_unless_the_vendors_meaning_is_on(
    game: Game,
) -> None:
    """Transfers and approvals need an amount, which this format cannot say; or the switch."""
    ada = await game.player()
    address = bytes.fromhex(ada.account["address"][2:])
    mint(game.node.rpc, game.deployment, address, 100)
    token = "0x" + game.deployment.token.hex()
    opened = await ada.open(whitelist=[token])
    assert refusal(await move_token(ada, opened))[:2] == (400, "selector_refused")
    approve = {"to": token, "functionName": "approve(address,uint256)", "functionArgs": [BOB, 1]}
    assert refusal(await ada.act(opened.key, approve))[:2] == (400, "selector_refused")
    own = game.stage.keys.founded.organization.id
    path = f"/v1/organizations/{own}/vendor-meaning"
    for surfaces in (["openfort"], []):
        told = await game.stage.native.post(path, json={"surfaces": surfaces}, headers=fresh())
        assert told.status_code == 200, told.text
        if surfaces:
            wide = await ada.open(whitelist=[token])
            twice = await (await game.player()).open(wide.key, whitelist=[token])
            assert twice.body["isActive"]
    assert refusal(await move_token(ada, opened))[:2] == (400, "selector_refused")
    assert (await move_token(ada, wide)).json()["response"]["status"] == 1
    chain = next(iter(game.stage.world.chains.values()))
    assert await chain.token_balance(game.deployment.token, bytes.fromhex(BOB[2:])) == 5
    shown = await native(ada, wide)
    linted = await game.stage.native.post(
        "/v1/permissions/lint", json={"permission": shown["permission"]}
    )
    assert "no-cap" in {one["rule"] for one in linted.json()["findings"]}
    other = await game.player()
    status, code, _ = refusal(
        await game.stage.sk.post("/v1/sessions", json=other.wanted(opened.key))
    )
    assert (status, code) == (400, "session_key_in_use")


async def test_it_is_revoked_natively_on_both_planes(game: Game) -> None:
    """By the backend alone: the relayer that the grant binds has signed its end with it."""
    ada = await game.player()
    opened = await ada.open()
    intent = (await ada.intend(ada.mint())).json()
    session_id = native_id(opened)
    path = f"/v1/sessions/{session_id}/revoke"
    revoked = await game.stage.native.post(path, headers=fresh(), json={})
    assert revoked.status_code == 200, revoked.text
    assert await on_chain(ada, opened) is GrantStage.REVOKED
    shown = await ada.shown(opened.id)
    assert (shown["isActive"], "nextAction" in shown) == (False, False)
    status, code, _ = refusal(await ada.sign_intent(intent, personal(opened.key, to_sign(intent))))
    assert (status, code) == (400, "session_revoked")


@pytest.mark.parametrize("is_used", [False, True])
async def test_its_kill_note_ends_it_with_the_server_out_of_the_way(
    game: Game, *, is_used: bool
) -> None:
    """The exported note goes through any node, from anybody, by raw RPC; used before or not."""
    ada = await game.player()
    opened = await ada.open()
    if is_used:
        assert (await ada.act(opened.key, ada.mint())).json()["response"]["status"] == 1
    note = await native(ada, opened, "/kill-note")
    assert await on_chain(ada, opened) is GrantStage.OPEN
    transact(
        game.node.rpc,
        game.deployment.deployer,
        bytes.fromhex(note["clone"]["factory"][2:]),
        data=bytes.fromhex(note["calldata"][2:]),
    )
    assert await on_chain(ada, opened) is GrantStage.REVOKED


async def test_an_end_past_the_server_is_seen_here(game: Game) -> None:
    """The chain is asked now and then: what it has ended is not active, and refused."""
    async with staged(game.node, game.deployment) as stage:
        mine = await make_game(stage, game.node, game.deployment)
        ada = await mine.player()
        opened = await ada.open()
        note = await native(ada, opened, "/kill-note")
        transact(
            game.node.rpc,
            game.deployment.deployer,
            bytes.fromhex(note["clone"]["factory"][2:]),
            data=bytes.fromhex(note["calldata"][2:]),
        )
        stage.clock.advance(stage.world.bounds.watch_s + 1)
        await reconcile(stage.world)
        assert (await ada.shown(opened.id))["isActive"] is False
        assert (await native(ada, opened))["state"] == "revoked"
        assert refusal(await ada.act(opened.key, ada.mint()))[:2] == (400, "session_revoked")
