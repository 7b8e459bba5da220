"""What the node SDK shows of refusals, and what it does when answers are lost on their way."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from uuid import uuid4

import pytest
import pytest_asyncio

from tests.vendor.driver import Refused
from tests.vendor.openfort.chain import OnChain
from tests.vendor.openfort.proxy import losing
from tests.vendor.openfort.sdk import LAST, VERSIONS, Backend, backend, new_key, node_sdk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.vendor.openfort.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

POSTS: Final = {LAST: 4}  # the newest asks three times more; those before it ask once
NOBODY: Final = "ses_00000000-0000-8000-8000-000000000000"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=VERSIONS)
async def shop(request: pytest.FixtureRequest, there: Stage) -> AsyncIterator[Backend]:
    """Give a backend for each version."""
    async with node_sdk(there, request.param) as sdk:
        yield await backend(there, sdk, request.param)


def shown(refused: pytest.ExceptionInfo[Refused]) -> str:
    """Return all that a developer gets to see."""
    return json.dumps(refused.value.told)


async def test_a_refusal_is_shown(shop: Backend) -> None:
    """Each generation shows our words for a 400, wherever it keeps them."""
    key = await new_key(shop.sdk)
    with pytest.raises(Refused) as refused:
        await shop.call("sessions.create", shop.wanted(key, validUntil=1_685_004_600))
    assert "validUntil: expected Unix seconds later than now" in shown(refused)


async def test_a_signature_of_nobody_is_shown_as_refused(shop: Backend) -> None:
    """It is a 400, so that no client takes it for the end of its login; the session waits on."""
    asked = await shop.call("sessions.create", shop.wanted(await new_key(shop.sdk)))
    stranger = await new_key(shop.sdk)
    signature = await shop.sign(stranger, asked)
    with pytest.raises(Refused) as refused:
        await shop.sdk.ask("signSession", id=asked["id"], signature=signature)
    assert "signature" in shown(refused)
    signature = await shop.sign(shop.owner, asked)
    live = await shop.sdk.ask("signSession", id=asked["id"], signature=signature)
    assert live["isActive"] is True


async def test_what_is_not_there_is_shown(shop: Backend) -> None:
    """The older ones lose our words for something that they ask for by an id."""
    with pytest.raises(Refused) as refused:
        await shop.sdk.ask("getSession", id=NOBODY)
    assert "404" in shown(refused)
    assert ("there is no" in shown(refused)) is not shop.is_old


async def test_a_wrong_key_is_shown(there: Stage, shop: Backend) -> None:
    """Of a 401 the older ones keep nothing but that it was one."""
    wrong = replace(there, secret=f"sk_test_{uuid4()}")
    async with node_sdk(wrong, shop.version) as sdk:
        with pytest.raises(Refused) as refused:
            await sdk.ask("call", method="players.list", args=[{}])
    assert "401" in shown(refused)
    assert ("expected a key that" in shown(refused)) is not shop.is_old


async def test_an_id_in_the_old_place_is_refused_with_a_hint(there: Stage) -> None:
    """From 0.7 on it is the first argument; what older code sends asks for an object."""
    async with node_sdk(there, LAST) as sdk:
        body = {"id": NOBODY, "signature": "0x"}
        with pytest.raises(Refused, match="first argument"):
            await sdk.ask("call", method="sessions.signature", args=[body])


async def test_lost_answers_to_a_signature_are_one_transaction(there: Stage, shop: Backend) -> None:
    """The server has done it before the answer is lost; asked again, it says the same."""
    chain = OnChain(there)
    _, key = await shop.open()
    intent = await shop.call("transactionIntents.create", shop.minting())
    signature = await shop.sign(key, intent)
    before = chain.minted(shop.address), chain.relayed
    async with (
        losing(there.url, "/signature") as proxy,
        node_sdk(there, shop.version, proxy.url) as sdk,
    ):
        with pytest.raises(Refused):
            await sdk.ask("signIntent", id=intent["id"], signature=signature)
    posts = POSTS.get(shop.version, 1)
    assert proxy.statuses == [200] * posts
    assert (chain.minted(shop.address), chain.relayed) == (before[0] + 1, before[1] + 1)
    done = await shop.sdk.ask("getIntent", id=intent["id"])
    assert done["response"]["status"] == 1


async def test_lost_answers_to_a_session_are_one_session(there: Stage, shop: Backend) -> None:
    """Of the same key, with the same wishes: the one that waits is given again."""
    key = await new_key(shop.sdk)
    body = shop.wanted(key)
    async with (
        losing(there.url, "/v1/sessions") as proxy,
        node_sdk(there, shop.version, proxy.url) as sdk,
    ):
        with pytest.raises(Refused):
            await sdk.ask("call", method="sessions.create", args=[body])
    assert proxy.statuses == [200] * POSTS.get(shop.version, 1)
    listed = await shop.call("sessions.list", {"player": shop.player, "limit": 100})
    found = [one for one in listed["data"] if one["address"].lower() == key.address.lower()]
    assert len(found) == 1


async def test_an_idempotency_key_makes_one_intent(there: Stage) -> None:
    """The same again is the same; another under that key is refused, readably."""
    async with node_sdk(there, LAST) as sdk:
        shop = await backend(there, sdk, LAST)
        first = await sdk.ask("createIntentAs", body=shop.minting(), key="order-1")
        again = await sdk.ask("createIntentAs", body=shop.minting(), key="order-1")
        assert again["id"] == first["id"]
        with pytest.raises(Refused, match="another request"):
            await sdk.ask("createIntentAs", body=shop.minting(interactions=[]), key="order-1")
        other = await sdk.ask("createIntentAs", body=shop.minting(), key="order-2")
        assert other["id"] != first["id"]


async def test_lost_answers_under_an_idempotency_key_are_one_intent(there: Stage) -> None:
    """It comes with each of the four posts, and what they make is the same."""
    async with node_sdk(there, LAST) as sdk:
        shop = await backend(there, sdk, LAST)
    async with (
        losing(there.url, "/v1/transaction_intents") as proxy,
        node_sdk(there, LAST, proxy.url) as sdk,
    ):
        with pytest.raises(Refused):
            await sdk.ask("createIntentAs", body=shop.minting(), key="order-3")
    assert (proxy.keys, proxy.statuses) == (["order-3"] * 4, [200] * 4)
    where = f"/v1/transaction_intents?account={shop.account}"
    assert (await there.ask("GET", where)).json()["total"] == 1
