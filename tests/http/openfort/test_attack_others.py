"""What a player, and who holds keys of another organization, learn of others and do to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import pytest_asyncio
from eth_account import Account

from tests.http.openfort.game import personal, to_sign
from tests.http.openfort.stage import by
from valetkey.core.ids import Prefix
from valetkey.core.wallet import Account as CoreAccount
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.lists import SCANNED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.http.openfort.game import Game, Opened, Player
    from valetkey.ports import Tx

pytestmark = pytest.mark.asyncio(loop_scope="module")

GUEST: Final = "/iam/v2/auth/sign-in/anonymous"
INTENTS: Final = "/v1/transaction_intents"
OWNER: Final = "0x" + "a5" * 20
Asked = tuple[str, str, dict[str, Any] | None]


@pytest_asyncio.fixture(params=["guest", "stranger"], loop_scope="module")
async def other(request: pytest.FixtureRequest, game: Game) -> AsyncIterator[httpx.AsyncClient]:
    """Give the client of a guest, and of the backend of another organization."""
    stage, token = game.stage, game.stage.others.sk
    if request.param == "guest":
        come = await stage.nobody.post(GUEST, headers={"x-project-key": stage.keys.pk})
        token = come.json()["token"]
    async with httpx.AsyncClient(base_url=stage.url, headers=by(token), timeout=60) as client:
        yield client


def attempts(ada: Player, held: Opened, intent: dict[str, Any]) -> list[Asked]:
    """Return what somebody may try who has seen all of Ada's ids, and even her key's signature."""
    account, on = ada.account["id"], {"chainId": ada.stage.chain_id}
    end = {"address": held.key.address, **on}
    signature = {"signature": personal(held.key, to_sign(intent))}
    sessions = f"/v1/players/{ada.id}/sessions"
    return [
        ("GET", f"/v1/sessions/{held.id}", None),
        ("GET", f"/v1/sessions?player={ada.id}", None),
        ("GET", sessions, None),
        ("GET", f"{INTENTS}/{intent['id']}", None),
        ("GET", f"{INTENTS}?player={ada.id}", None),
        ("GET", f"{INTENTS}?account={account}", None),
        ("GET", f"/v1/accounts/{account}", None),
        ("GET", f"/v1/accounts?player={ada.id}", None),
        ("GET", f"/v2/accounts/{account}", None),
        ("GET", f"/v2/accounts?user={ada.id}", None),
        ("POST", INTENTS, {**on, "account": account}),
        ("POST", INTENTS, {**on, "player": ada.id}),
        ("POST", f"{INTENTS}/{intent['id']}/signature", signature),
        ("POST", f"{INTENTS}/estimate_gas_cost", {**on, "account": account}),
        ("POST", "/v1/sessions", ada.wanted(Account.create())),
        ("POST", "/v1/sessions", ada.wanted(Account.create(), account=None, player=ada.id)),
        ("POST", f"/v1/sessions/{held.id}/signature", signature),
        ("POST", "/v1/sessions/revoke", {**end, "address": held.id}),
        ("POST", "/v1/sessions/revoke", {**end, "account": account}),
        ("POST", "/v1/sessions/revoke", {**end, "player": ada.id}),
        ("POST", f"{sessions}/revoke", end),
        ("POST", "/v1/accounts", {**on, "player": ada.id, "externalOwnerAddress": OWNER}),
        ("POST", "/v2/accounts/switch-chain", {**on, "account": account}),
    ]


async def test_what_is_anothers_is_not_there(game: Game, other: httpx.AsyncClient) -> None:
    """Whichever of its ids is known: nothing is shown, and nothing happens."""
    ada = await game.player()
    held = await ada.open()
    intent = (await ada.intend(ada.mint())).json()
    for method, path, body in attempts(ada, held, intent):
        answer = await other.request(method, path, json=body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), (method, path)
    assert await ada.shown(held.id) == held.body
    assert await game.stage.got(f"{INTENTS}/{intent['id']}") == intent


async def test_signatures_move_to_no_other_intent(game: Game) -> None:
    """Nor to another account, in the curve's other form, or by a key that is somebody else's."""
    ada, bob = await game.player(), await game.player()
    held = await ada.open()
    first, second = [(await ada.intend(ada.mint())).json() for _ in range(2)]
    other = (await bob.intend(bob.mint())).json()
    good = bytes.fromhex(personal(held.key, to_sign(second))[2:])
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    high = (order - int.from_bytes(good[32:64])).to_bytes(32)
    turned = good[:32] + high + bytes((55 - good[64],))
    tried = [
        (second, personal(held.key, to_sign(first))),
        (second, "0x" + turned.hex()),
        (second, "0x" + (good[:64] + b"\x05").hex()),
        (second, "0x" + "00" * 65),
        (other, personal(held.key, to_sign(other))),
        (other, personal(ada.owner, to_sign(other))),
    ]
    for intent, signature in tried:
        refused = await ada.sign_intent(intent, signature)
        assert (refused.status_code, refused.json()["code"]) == (400, "malformed_signature")
    assert game.minted(ada.account["address"]) == game.minted(bob.account["address"]) == 0
    done = await ada.sign_intent(second, "0x" + good.hex())
    assert done.json()["response"]["status"] == 1
    assert game.minted(ada.account["address"]) == 1


async def test_however_many_accounts_guests_have_opened_they_can_be_listed(game: Game) -> None:
    """The store counts them: nobody shuts an organization's list by opening many."""
    stage = game.stage
    async with httpx.AsyncClient(
        base_url=stage.url, headers=by(stage.others.sk), timeout=60
    ) as client:
        made = await client.post("/v1/accounts", json={"chainId": stage.chain_id})
        account_id = ids.native(made.json()["id"], Prefix.ACCOUNT, ids.ACCOUNT)

        def body(tx: Tx) -> None:
            account = tx.get(CoreAccount, account_id)
            assert account is not None
            for at in range(SCANNED):
                tx.add(replace(account, id=f"acc_{at:024}", address=at.to_bytes(20)))

        await stage.world.store.write(body)
        for path in ("/v1/accounts", "/v2/accounts"):
            answer = await client.get(path, params={"limit": 1})
            assert answer.status_code == 200, answer.text
            assert answer.json()["total"] == SCANNED + 1
