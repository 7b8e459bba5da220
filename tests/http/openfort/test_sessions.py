"""Sessions as they are asked for, shown, listed and ended: whose, which, and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio
from eth_account import Account

from tests.http.calls import unique
from tests.http.openfort.game import Game, Player, fresh, native_id, personal, to_sign
from tests.http.openfort.stage import by, refusal
from tests.worlds import dump

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ada(game: Game) -> Player:
    """Give a player."""
    return await game.player()


async def refused(ada: Player, **more: Any) -> tuple[str, str]:  # noqa: ANN401 - fields of a body
    """Return the field that is named when a session is refused, and what is said; nothing is."""
    before = await dump(ada.stage.world)
    body = ada.wanted(Account.create(), **more)
    answer = await ada.stage.sk.post("/v1/sessions", json=body)
    status, _, said = refusal(answer)
    assert status == 400
    assert await dump(ada.stage.world) == before
    (field,) = answer.json()["error"]["details"]
    return field, said


async def test_the_times_of_the_page_are_over(ada: Player) -> None:
    """Its literal ``validUntil`` lies in 2023: refused by name, with nothing on chain."""
    height = ada.game.node.rpc.ask("eth_blockNumber")
    field, said = await refused(ada, validUntil=1_685_004_600)
    assert field == "validUntil"
    assert "which is over" in said
    assert ada.game.node.rpc.ask("eth_blockNumber") == height


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"address": "0x76e6...9341"}, "address"),
        ({"address": "0x" + "00" * 20}, "address"),
        ({"address": None}, "address"),
        ({"validUntil": None}, "validUntil"),
        ({"validUntil": "tomorrow"}, "validUntil"),
        ({"validUntil": 2 * 1_800_000_000}, "validUntil"),
        ({"validAfter": -1}, "validAfter"),
        ({"chainId": 1}, "chainId"),
        ({"chainId": None}, "chainId"),
        ({"limit": 0}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"whitelist": ["0x12"]}, "whitelist[0]"),
        ({"whitelist": "0x12"}, "whitelist"),
        ({"whitelist": ["0x" + "00" * 20]}, "whitelist[0]"),
        ({"account": None}, "account"),
        ({"account": "acc_..."}, "account"),
        ({"account": None, "player": "pla_..."}, "player"),
        ({"policy": "pol_..."}, "policy"),
    ],
)
async def test_what_is_no_session_names_its_field(
    ada: Player, more: dict[str, Any], field: str
) -> None:
    """Each refusal is a 400 that every generation of clients shows."""
    found, _ = await refused(ada, **more)
    assert found == field


async def test_the_owners_own_key_is_no_session_key(ada: Player) -> None:
    """It would sign as the owner, whatever the session says."""
    field, said = await refused(ada, address=ada.owner.address)
    assert (field, "the owner" in said) == ("address", True)


async def test_the_account_itself_is_on_no_whitelist(ada: Player) -> None:
    """Nor its factory."""
    for target in (ada.account["address"], "0x" + ada.game.deployment.clone_factory.hex()):
        field, _ = await refused(ada, whitelist=[ada.game.address, target])
        assert field == "whitelist[1]"


async def test_only_its_organizations_backend_asks(ada: Player) -> None:
    """Not with a publishable key; a stranger's finds no such account, player or session."""
    stage = ada.stage
    opened = await ada.ask()
    body = ada.wanted(Account.create())
    assert refusal(await stage.pk.post("/v1/sessions", json=body))[:2] == (400, "not_allowed")
    assert refusal(await stage.nobody.post("/v1/sessions", json=body))[0] == 401
    stranger = by(stage.others.sk)
    by_player = {**body, "player": ada.id}
    del by_player["account"]
    ending = {"address": opened.id, "chainId": stage.chain_id, "account": ada.account["id"]}
    signature = {"signature": ada.signed(to_sign(opened.body))}
    for path, asked in (
        ("/v1/sessions", body),
        ("/v1/sessions", by_player),
        ("/v1/sessions/revoke", ending),
        (f"/v1/sessions/{opened.id}/signature", signature),
        ("/v1/transaction_intents", {"chainId": stage.chain_id, "account": ada.account["id"]}),
    ):
        answer = await stage.nobody.post(path, json=asked, headers=stranger)
        assert refusal(answer)[:2] == (404, "not_found"), path
    for path in (f"/v1/sessions/{opened.id}", f"/v1/sessions?player={ada.id}"):
        answer = await stage.nobody.get(path, headers=stranger)
        assert refusal(answer)[:2] == (404, "not_found"), path
    assert to_sign(await ada.shown(opened.id)) == to_sign(opened.body)


async def test_an_idempotency_key_is_for_one_session(ada: Player) -> None:
    """The same again has the same answer, also when it is signed; another body is refused."""
    body = ada.wanted(Account.create())
    headers = {"x-idempotency-key": unique()}
    post = ada.stage.sk.post
    told = [await post("/v1/sessions", json=body, headers=headers) for _ in range(2)]
    first = told[0].json()
    assert first == told[1].json()
    await ada.sign(first["id"], ada.signed(to_sign(first)))
    again = (await post("/v1/sessions", json=body, headers=headers)).json()
    assert (again["id"], again["isActive"]) == (first["id"], True)
    changed = await post("/v1/sessions", json={**body, "limit": 3}, headers=headers)
    assert refusal(changed)[0] == 409


async def test_sessions_that_wait_do_not_wait_for_each_other(ada: Player) -> None:
    """Two, signed in the other order, at the same time as calls and a revocation."""
    first, second = await asyncio.gather(ada.ask(), ada.ask())
    old = await ada.open()
    revoked = (await ada.revoke(old.id)).json()
    intent = (await ada.intend(ada.mint())).json()
    for asked in (second, first):
        answer = await ada.sign(asked.id, ada.signed(to_sign(asked.body)))
        assert answer.json()["isActive"], answer.text
    done = await ada.sign_intent(intent, personal(first.key, to_sign(intent)))
    assert done.json()["response"]["status"] == 1, done.text
    ended = await ada.sign(old.id, ada.signed(to_sign(revoked)))
    assert ended.json()["isActive"] is False


async def test_a_key_has_one_session_of_an_account_at_a_time(ada: Player) -> None:
    """Registering twice is refused before anything is on chain; after the first has ended, not."""
    opened = await ada.open()
    answer = await ada.stage.sk.post("/v1/sessions", json=ada.wanted(opened.key))
    status, code, said = refusal(answer)
    assert (status, code) == (400, "session_key_in_use")
    assert opened.id in said
    ending = (await ada.revoke(opened.id)).json()
    assert (await ada.sign(opened.id, ada.signed(to_sign(ending)))).json()["isActive"] is False
    elsewhere = await ada.open(opened.key, whitelist=[ada.game.broken])
    assert elsewhere.body["whitelist"] == [ada.game.broken]
    assert refusal(await ada.act(opened.key, ada.mint()))[:2] == (400, "target_not_allowed")


@pytest.mark.parametrize("state", ["frozen", "exhausted"])
async def test_a_key_whose_session_is_held_or_used_up_gets_no_other(
    ada: Player, state: str
) -> None:
    """Or whoever froze it would have to freeze the next one."""
    opened = await ada.open(limit=1)
    if state == "frozen":
        path = f"/v1/sessions/{native_id(opened)}/freeze"
        frozen = await ada.stage.native.post(path, headers=fresh(), json={})
        assert frozen.status_code == 200, frozen.text
    else:
        await ada.act(opened.key, ada.mint())
    answer = await ada.stage.sk.post("/v1/sessions", json=ada.wanted(opened.key))
    assert refusal(answer)[:2] == (400, "session_key_in_use")
    assert state in refusal(answer)[2]


async def test_what_the_chain_refuses_to_register_still_waits(game: Game) -> None:
    """An account at its owner's own address, which does not run our code yet."""
    ada = await game.player(accountType="Delegated Account")
    asked = await ada.ask()
    signature = ada.signed(to_sign(asked.body))
    status, code, said = refusal(await ada.sign(asked.id, signature))
    assert (status, code) == (400, "not_delegated")
    assert said.startswith("the session was not registered: ")
    assert to_sign(await ada.shown(asked.id)) == to_sign(asked.body)


async def test_what_is_refused_where_the_server_signs_is_over(game: Game) -> None:
    """No session is left behind that its backend does not know of."""
    stage = game.stage
    player = (await stage.made("/v1/players", {"name": "Kept"}))["id"]
    body = {"chainId": stage.chain_id, "player": player, "accountType": "Delegated Account"}
    kept = await stage.made("/v1/accounts", body)
    ada = Player(game, player, kept, Account.create())
    headers = {"x-idempotency-key": unique()}
    body = ada.wanted(Account.create())
    for _ in range(2):
        answer = await stage.sk.post("/v1/sessions", json=body, headers=headers)
        assert refusal(answer)[0] == 400
        told = await stage.got("/v1/sessions", player=player)
        assert [one["isActive"] for one in told["data"]] == [False]


async def test_two_that_wait_under_one_key_are_not_both_registered(ada: Player) -> None:
    """The second signature is refused while the first session lives."""
    key = Account.create()
    first, second = await ada.ask(key), await ada.ask(key, limit=7)
    await ada.sign(first.id, ada.signed(to_sign(first.body)))
    answer = await ada.sign(second.id, ada.signed(to_sign(second.body)))
    assert refusal(answer)[:2] == (400, "session_key_in_use")
    assert (await ada.shown(second.id))["isActive"] is False


async def test_they_are_listed_by_player(game: Game) -> None:
    """A window of them in either order, with their intents by id or in whole."""
    ada = await game.player()
    made = [await ada.open(), await ada.open(), await ada.ask()]
    await ada.act(made[0].key, ada.mint())
    await game.stage.native.get("/v1/sessions")
    whole = await game.stage.got("/v1/sessions", player=ada.id)
    assert (whole["object"], whole["total"]) == ("list", 3)
    assert {one["id"] for one in whole["data"]} == {one.id for one in made}
    alias = await game.stage.got(f"/v1/players/{ada.id}/sessions")
    assert alias["data"] == whole["data"]
    part = await game.stage.got("/v1/sessions", player=ada.id, limit=1, skip=1, order="asc")
    assert (part["start"], part["end"], part["total"]) == (1, 2, 3)
    assert part["data"][0]["id"] == whole["data"][1]["id"]
    for expand in ({"expand": "transactionIntents"}, {"expand[]": "transactionIntents"}):
        told = await game.stage.got(f"/v1/sessions/{made[0].id}", **expand)
        kinds = [one["interactions"][0]["to"] for one in told["transactionIntents"]]
        assert kinds == [game.address, ada.account["address"]]
        assert all(one["response"]["status"] == 1 for one in told["transactionIntents"])
        listed = await game.stage.got("/v1/sessions", player=ada.id, **expand)
        assert told in listed["data"]
    missing = await game.stage.sk.get("/v1/sessions")
    assert refusal(missing)[0] == 400


async def test_its_ten_newest_intents_are_shown(game: Game) -> None:
    """The newest first; its registration is one of them, and the first to be left out."""
    ada = await game.player()
    opened = await ada.open()
    (registered,) = (await ada.shown(opened.id))["transactionIntents"]
    acts = [(await ada.act(opened.key, ada.mint())).json()["id"] for _ in range(10)]
    shown = [one["id"] for one in (await ada.shown(opened.id))["transactionIntents"]]
    assert shown == acts[::-1]
    assert registered["id"] not in shown


async def test_an_id_that_is_none_is_not_found_or_says_its_form(ada: Player) -> None:
    """What 0.7 clients post when they are called as older ones were says how it is done now."""
    sk = ada.stage.sk
    unknown = "ses_" + "00000000-0000-8000-8000-000000000000"
    assert refusal(await sk.get(f"/v1/sessions/{unknown}"))[0] == 404
    assert refusal(await sk.get("/v1/sessions/ses_1"))[0] in {400, 404}
    assert refusal(await sk.post("/v1/sessions/[object%20Object]/signature"))[0] == 404
