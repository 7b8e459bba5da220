"""Sessions as they are asked for, shown, listed and ended: whose, which, and what is refused."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from eth_account import Account

from tests.http.calls import unique
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


async def test_a_player_stands_for_its_account_on_the_chain(ada: Player) -> None:
    """What older clients send; and an account is opened where the owner is named with it."""
    by_player = await ada.ask(account=None, player=ada.id)
    assert by_player.body["account"]["id"] == ada.account["id"]
    stage = ada.stage
    player = (await stage.made("/v1/players", {"name": "Bea"}))["id"]
    key, owner = Account.create(), Account.create()
    wanted = ada.wanted(key, account=None, player=player)
    status, _, said = refusal(await stage.sk.post("/v1/sessions", json=wanted))
    assert (status, said[:8]) == (400, "player: ")
    body = {**wanted, "externalOwnerAddress": owner.address}
    headers = {"x-idempotency-key": unique()}
    first, again = [
        (await stage.sk.post("/v1/sessions", json=body, headers=headers)).json() for _ in range(2)
    ]
    assert first == again
    account = await stage.got(f"/v1/accounts/{first['account']['id']}")
    assert account["ownerAddress"] == owner.address.lower()
    assert account["player"]["id"] == player
    signature = {"signature": personal(owner, to_sign(first))}
    opened = await stage.pk.post(f"/v1/sessions/{first['id']}/signature", json=signature)
    assert opened.json()["isActive"], opened.text


async def test_only_the_same_idempotency_key_is_the_same_session(ada: Player) -> None:
    """Two that ask for the same are two sessions; another body under a used key is refused."""
    body = ada.wanted(Account.create())
    headers = {"x-idempotency-key": unique()}
    post = ada.stage.sk.post
    told = [await post("/v1/sessions", json=body, headers=headers) for _ in range(2)]
    assert told[0].json() == told[1].json()
    other = await post("/v1/sessions", json=body)
    assert other.json()["id"] != told[0].json()["id"]
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


async def test_two_that_wait_under_one_key_are_not_both_registered(ada: Player) -> None:
    """The second signature is refused while the first session lives."""
    key = Account.create()
    first, second = await ada.ask(key), await ada.ask(key)
    await ada.sign(first.id, ada.signed(to_sign(first.body)))
    answer = await ada.sign(second.id, ada.signed(to_sign(second.body)))
    assert refusal(answer)[:2] == (400, "session_key_in_use")
    assert (await ada.shown(second.id))["isActive"] is False


async def signed_end(ada: Player, answer: httpx.Response) -> dict[str, Any]:
    """Return the session of *answer*, whose owner has signed its end."""
    body = answer.json()
    return dict((await ada.sign(body["id"], ada.signed(to_sign(body)))).json())


async def test_a_session_is_ended_by_its_key_and_by_its_id(ada: Player) -> None:
    """By a player too, and through the path that the oldest clients ask."""
    stage = ada.stage
    one, two, three = [await ada.open() for _ in range(3)]
    ended = await signed_end(ada, await ada.revoke(one.key.address))
    assert (ended["id"], ended["isActive"]) == (one.id, False)
    ended = await signed_end(ada, await ada.revoke(two.id, account=None, player=ada.id))
    assert (ended["id"], ended["isActive"]) == (two.id, False)
    body = {"address": three.key.address, "chainId": stage.chain_id}
    answer = await stage.sk.post(f"/v1/players/{ada.id}/sessions/revoke", json=body)
    ended = await signed_end(ada, answer)
    assert (ended["id"], ended["isActive"]) == (three.id, False)


async def test_what_waits_for_its_first_signature_ends_at_once(ada: Player) -> None:
    """The chain does not know it: there is nothing that the owner could sign."""
    asked = await ada.ask()
    answer = await ada.revoke(asked.key.address)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["isActive"], "nextAction" in answer.json()) == (False, False)


async def test_an_end_of_nothing_is_refused(ada: Player) -> None:
    """Another's key, what is over, another chain or account: each says what it is."""
    other = await (await ada.game.player()).open()
    opened = await ada.open()
    over = await ada.ask()
    await ada.revoke(over.id)
    for address, more in (
        (Account.create().address, {}),
        (other.key.address, {}),
        (other.id, {}),
        (over.key.address, {}),
        (over.id, {}),
        ("nonsense", {}),
        ("ses_...", {}),
        ("0x12", {}),
        (opened.id, {"chainId": 1}),
        (opened.key.address, {"account": None}),
        (opened.key.address, {"policy": "pol"}),
    ):
        body = {"address": address, "chainId": ada.stage.chain_id, "account": ada.account["id"]}
        body = {name: value for name, value in {**body, **more}.items() if value is not None}
        answer = await ada.stage.sk.post("/v1/sessions/revoke", json=body)
        assert refusal(answer)[0] == 400, (address, answer.text)
    assert (await ada.shown(opened.id))["isActive"]


async def test_nobody_but_the_owner_ends_it_here(ada: Player) -> None:
    """A revocation that was asked for changes nothing until the owner has signed it."""
    opened = await ada.open()
    digest = to_sign((await ada.revoke(opened.id)).json())
    for key in (opened.key, Account.create()):
        status, code, _ = refusal(await ada.sign(opened.id, personal(key, digest)))
        assert (status, code) == (400, "malformed_signature")
    assert (await ada.act(opened.key, ada.mint())).json()["response"]["status"] == 1
    assert (await ada.shown(opened.id))["isActive"]


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
    missing = await game.stage.sk.get("/v1/sessions")
    assert refusal(missing)[0] == 400


async def test_an_id_that_is_none_is_not_found_or_says_its_form(ada: Player) -> None:
    """What 0.7 clients post when they are called as older ones were says how it is done now."""
    sk = ada.stage.sk
    unknown = "ses_" + "00000000-0000-8000-8000-000000000000"
    assert refusal(await sk.get(f"/v1/sessions/{unknown}"))[0] == 404
    assert refusal(await sk.get("/v1/sessions/ses_1"))[0] in {400, 404}
    assert refusal(await sk.post("/v1/sessions/[object%20Object]/signature"))[0] == 404
