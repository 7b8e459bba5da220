"""Whose account a request is about: one that it names, or one of a player's on a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio
from eth_account import Account

from tests.http.calls import unique
from tests.http.openfort.game import Game, Player, personal, to_sign
from tests.http.openfort.stage import refusal
from valetkey.core.errors import Malformed
from valetkey.http.dialects.openfort.whose import Whose, account_of

if TYPE_CHECKING:
    from valetkey.ports import View

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ada(game: Game) -> Player:
    """Give a player."""
    return await game.player()


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


async def test_an_account_is_named_with_its_own_chain_and_player(ada: Player) -> None:
    """Where a server has several, nothing is asked of an account for another one."""
    stage = ada.stage
    principal, chain = stage.keys.founded.principal, f"eip155:{stage.chain_id}"
    there, elsewhere = (Whose(one, ada.account["id"], None) for one in (chain, "eip155:5"))
    by_player = Whose("eip155:5", None, ada.id)

    def ask(view: View) -> None:
        assert account_of(view, principal, there) is not None
        assert account_of(view, principal, by_player) is None
        with pytest.raises(Malformed, match=f"chainId: expected {stage.chain_id}, where acc_"):
            account_of(view, principal, elsewhere)

    await stage.world.store.read(ask)
    other = (await stage.made("/v1/players", {"name": "Bea"}))["id"]
    answer = await stage.sk.post("/v1/sessions", json=ada.wanted(Account.create(), player=other))
    status, _, said = refusal(answer)
    assert (status, said[:8], ada.account["id"] in said) == (400, "player: ", True)


async def test_of_several_accounts_it_is_the_newest_unless_the_owner_is_named(game: Game) -> None:
    """For sessions and for calls."""
    ada, stage = await game.player(), game.stage
    body = {"chainId": stage.chain_id, "player": ada.id}
    owner = Account.create().address
    newer = await stage.made("/v1/accounts", {**body, "externalOwnerAddress": owner})
    assert newer["id"] != ada.account["id"]
    for named, account in ((None, newer), (ada.owner.address, ada.account), (owner, newer)):
        asked = {**body} if named is None else {**body, "externalOwnerAddress": named}
        session = ada.wanted(Account.create(), account=None, **asked)
        for path, wanted in (("/v1/sessions", session), ("/v1/transaction_intents", asked)):
            assert (await stage.made(path, wanted))["account"]["id"] == account["id"]
