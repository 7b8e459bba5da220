"""Sessions and transactions of a player, in windows and by id, as each generation asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vendor.openfort.shop import make_shop

if TYPE_CHECKING:
    from tests.vendor.openfort.shop import Shop
    from tests.vendor.openfort.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_step_11_sessions_of_a_player_are_listed(there: Stage) -> None:
    """The newest first unless asked otherwise; with ids of transactions, or the whole of them."""
    shop = await make_shop(there)
    opened = [await shop.open() for _ in range(3)]
    assert (await shop.act(opened[0])).body["response"]["status"] == 1
    ids = [one.id for one in opened]
    whole = await _listed(shop, [])
    assert whole == (3, ids[::-1])
    assert await _listed(shop, ["order=asc"]) == (3, ids)
    assert await _listed(shop, ["order=asc", "skip=1", "limit=1"]) == (3, ids[1:2])
    path = f"/v1/sessions/{ids[0]}"
    plain = (await shop.curl.form(path, method="GET")).body
    assert all({*one} == {"id"} for one in plain["transactionIntents"])
    expand = "expand=transactionIntents"
    shown = (await shop.curl.form(path, expand, method="GET")).body
    wholes = shown["transactionIntents"]
    assert [{"id": one["id"]} for one in wholes] == plain["transactionIntents"]
    assert {one["object"] for one in wholes} == {"transactionIntent"}


async def test_step_11_a_list_of_sessions_needs_a_player(shop: Shop) -> None:
    """And one that there is."""
    said = await shop.curl.form("/v1/sessions", method="GET")
    assert said.status == 400
    assert "player" in said.error


async def test_intents_are_found_by_account_and_player(there: Stage) -> None:
    """Under the names of both generations of clients."""
    shop = await make_shop(there)
    made = [(await shop.intend(*shop.mint())).body["id"] for _ in range(2)]
    fields = (f"account={shop.account}", f"accountId={shop.account}")
    for where in (*fields, f"player={shop.player}", f"playerId={shop.player}"):
        said = await shop.curl.form("/v1/transaction_intents", where, "order=asc", method="GET")
        assert said.status == 200, (where, said.body)
        assert [one["id"] for one in said.body["data"]] == made, where


async def _listed(shop: Shop, query: list[str]) -> tuple[int, list[str]]:
    player = f"player={shop.player}"
    said = await shop.curl.form("/v1/sessions", player, *query, method="GET")
    assert (said.status, said.body["object"]) == (200, "list"), said.body
    return said.body["total"], [one["id"] for one in said.body["data"]]
