"""Sessions that are ended by their owner: by key, by id, and by nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from eth_account import Account

from tests.http.openfort.game import Game, Player, personal, to_sign
from tests.http.openfort.stage import refusal

if TYPE_CHECKING:
    import httpx

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ada(game: Game) -> Player:
    """Give a player."""
    return await game.player()


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


@pytest.mark.parametrize("is_by_key", [True, False])
async def test_with_its_key_all_that_waits_under_it_ends(game: Game, *, is_by_key: bool) -> None:
    """By its id one session ends alone."""
    ada, key = await game.player(), Account.create()
    first, second = await ada.ask(key), await ada.ask(key, limit=7)
    await ada.sign(first.id, ada.signed(to_sign(first.body)))
    asked = (await ada.revoke(key.address if is_by_key else first.id)).json()
    ended = await ada.sign(asked["id"], ada.signed(to_sign(asked)))
    assert (ended.json()["id"], ended.json()["isActive"]) == (first.id, False)
    assert ("nextAction" in await ada.shown(second.id)) is not is_by_key


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
