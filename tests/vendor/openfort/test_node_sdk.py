"""Openfort's node SDK, unmodified, in three generations: the page's story, told by its methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.vendor.driver import Refused
from tests.vendor.openfort.chain import OnChain
from tests.vendor.openfort.sdk import FIRST, LAST, VERSIONS, Backend, backend, new_key, node_sdk
from valetkey.spec.permission_bytes import Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.vendor.openfort.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=VERSIONS)
async def shop(request: pytest.FixtureRequest, there: Stage) -> AsyncIterator[Backend]:
    """Give a backend for each version: players, accounts, contracts and policies are made."""
    async with node_sdk(there, request.param) as sdk:
        yield await backend(there, sdk, request.param)


async def test_what_was_made_is_found_again(shop: Backend) -> None:
    """By its id and in lists."""
    accounts = "accounts.v1" if shop.version == LAST else "accounts"
    fees = "feeSponsorship" if shop.version == LAST else "policies"
    for method, made in (
        ("players", shop.player),
        (accounts, shop.account),
        ("contracts", shop.contract),
        (fees, shop.policy),
    ):
        asked = {"id": made} if shop.is_old else made
        assert (await shop.call(f"{method}.get", asked))["id"] == made
        where = {"player": shop.player} if method == accounts else {"limit": 100}
        listed = await shop.call(f"{method}.list", where)
        assert made in {one["id"] for one in listed["data"]}
        assert listed["total"] >= 1


async def test_two_sessions_are_signed_in_the_other_order(there: Stage, shop: Backend) -> None:
    """Asked for at once: neither waits for the other, and both are open on the chain."""
    keys = [await new_key(shop.sdk) for _ in range(2)]
    bodies = [shop.wanted(one) for one in keys]
    asked = await shop.sdk.ask("parallel", method="sessions.create", bodies=bodies)
    assert len({one["id"] for one in asked}) == 2
    for one in reversed(asked):
        signature = await shop.sign(shop.owner, one)
        live = await shop.sdk.ask("signSession", id=one["id"], signature=signature)
        assert live["isActive"] is True
    for one in asked:
        view = await OnChain(there).session(one["id"], shop.address)
        assert (view.status, view.is_open) == (Status.OPEN, True)


async def test_a_session_key_mints_until_it_is_revoked(there: Stage, shop: Backend) -> None:
    """The chain agrees at each step, and afterwards the SDK shows why it was refused."""
    chain = OnChain(there)
    live, key = await shop.open()
    before = chain.minted(shop.address)
    done = await shop.act(key)
    assert done["response"]["status"] == 1
    assert chain.minted(shop.address) == before + 1
    gone = await shop.revoke(key)
    assert (gone["id"], gone["isActive"]) == (live["id"], False)
    assert (await chain.session(live["id"], shop.address)).status is Status.REVOKED
    with pytest.raises(Refused) as refused:
        await shop.act(key)
    assert refused.value.message
    assert chain.minted(shop.address) == before + 1


async def test_sessions_and_intents_are_shown(shop: Backend) -> None:
    """In lists and by id, with what belongs to them where that is asked for."""
    live, key = await shop.open()
    done = await shop.act(key)
    shown = await shop.sdk.ask("getSession", id=live["id"])
    assert (shown["id"], shown["isActive"]) == (live["id"], True)
    listed = await shop.call("sessions.list", {"player": shop.player, "limit": 100})
    assert live["id"] in {one["id"] for one in listed["data"]}
    intent = await shop.sdk.ask("getIntent", id=done["id"])
    assert intent["response"]["transactionHash"] == done["response"]["transactionHash"]
    name = "accountId" if shop.version == FIRST else "account"
    where = {name: [shop.account], "limit": 100}
    listed = await shop.call("transactionIntents.list", where)
    assert done["id"] in {one["id"] for one in listed["data"]}
