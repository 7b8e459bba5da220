"""Every method of the node SDK is called: what the how-to's table says of it is so."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import pytest_asyncio

from tests.vendor.driver import Refused
from tests.vendor.openfort import methods
from tests.vendor.openfort.asset import make_asset
from tests.vendor.openfort.methods import ANSWERED, LAST, MIDDLE
from tests.vendor.openfort.sdk import Backend, Key, backend, node_sdk
from tests.vendor.openfort.shop import BALANCE, MINT
from tests.vendor.openfort.stage import CHAIN_ID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.vendor.openfort.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

# What the page names, and the acceptance of this surface: these are never refused.
NAMED: Final = {
    *("players.create", "contracts.create", "policies.create", "subscriptions.create"),
    *(f"sessions.{one}" for one in ("create", "get", "list", "revoke", "signature")),
    *(f"transactionIntents.{one}" for one in ("create", "get", "list", "signature")),
    "constructWebhookEvent",
}
NOTHING: Final = "00000000-0000-8000-8000-000000000000"


@dataclass(slots=True)
class Tour:
    """Calls methods, and remembers which answered."""

    shop: Backend
    answered: set[str] = field(default_factory=set)

    async def call(self, method: str, *args: object) -> Any:  # noqa: ANN401 - as the SDK says it
        """Call *method*; it answers, or the test ends here."""
        answer = await self.shop.call(method, *args)
        self.answered.add(method)
        return answer

    def by_id(self, made: dict[str, Any], **rest: object) -> list[object]:
        """Return the arguments that ask for one thing, and change it if there is more."""
        if self.shop.is_old:
            return [{"id": made["id"], **rest}]
        return [made["id"], *([rest] if rest else [])]

    async def each(self, owner: str, made: dict[str, Any], **change: object) -> None:
        """Get, list, change and delete something that was made by *owner*."""
        assert (await self.call(f"{owner}.get", *self.by_id(made)))["id"] == made["id"]
        listed = await self.call(f"{owner}.list", {"limit": 100})
        assert made["id"] in {one["id"] for one in listed["data"]}
        changed = await self.call(f"{owner}.update", *self.by_id(made, **change))
        assert changed["id"] == made["id"]
        await self.switched(owner, made)
        assert (await self.call(f"{owner}.delete", made["id"]))["deleted"] is True

    async def switched(self, owner: str, made: dict[str, Any]) -> None:
        """Switch something off and on, where that can be."""
        if f"{owner}.disable" in ANSWERED[self.shop.version]:
            assert (await self.call(f"{owner}.disable", made["id"]))["enabled"] is False
            assert (await self.call(f"{owner}.enable", made["id"]))["enabled"] is True

    async def sessions(self) -> None:
        """Tell the page's story."""
        key = await self.shop.sdk.ask("key")
        body = {**self.shop.wanted(_key(key)), "optimistic": False}
        asked = await self.call("sessions.create", body)
        signature = await self.shop.sign(self.shop.owner, asked)
        live = await self.call("sessions.signature", *self.by_id(asked, signature=signature))
        assert live["isActive"] is True
        await self.call("sessions.get", *self.by_id(asked))
        await self.call("sessions.list", {"player": self.shop.player})
        cost = await self.call("transactionIntents.estimateCost", self.shop.minting())
        assert int(cost["estimatedTXGas"]) > 0
        intent = await self.call("transactionIntents.create", self.shop.minting())
        signed = await self.shop.sign(_key(key), intent)
        done = await self.call(
            "transactionIntents.signature", *self.by_id(intent, signature=signed)
        )
        assert done["response"]["status"] == 1
        await self.call("transactionIntents.get", *self.by_id(intent))
        await self.call("transactionIntents.list", {"limit": 1})
        where = {"address": key["address"], "chainId": CHAIN_ID}
        gone = await self.call("sessions.revoke", {**self.shop.whose, **where})
        assert gone["nextAction"]["type"] == "sign_with_wallet"

    async def subscriptions(self) -> None:
        """Have somebody told, look, and end it."""
        trigger = {"target": "http://127.0.0.1:9/hook", "type": "webhook"}
        body = {"topic": "transaction_intent.failed", "triggers": [trigger]}
        await self.call("subscriptions.create", body)
        newest = await self.shop.there.ask("GET", "/v1/subscriptions?limit=1")
        (made,) = newest.json()["data"]  # the older SDK takes the answer for a bill
        await self.call("subscriptions.get", *self.by_id(made))
        await self.call("subscriptions.list")
        if not self.shop.is_old:
            added = await self.call("triggers.create", made["id"], trigger)
            await self.call("triggers.get", made["id"], added["id"])
            await self.call("triggers.list", made["id"])
            await self.call("triggers.delete", made["id"], added["id"])
        await self.call("subscriptions.delete", made["id"])

    async def webhook(self) -> None:
        """Check a message, as a receiver does."""
        body, sign = '{"type":"test"}', "signNonce"
        if self.shop.is_old:
            signature = await self.call(sign, body)
        else:
            async with node_sdk(self.shop.there, MIDDLE) as sdk:
                signature = await sdk.ask("call", method=sign, args=[body])
        assert await self.call("constructWebhookEvent", body, signature) == json.loads(body)


def _key(made: dict[str, str]) -> Key:
    return Key(made["privateKey"], made["address"])


async def _common(tour: Tour) -> None:
    """Call what both have."""
    player = await tour.call("players.create", {"name": "Eve"})
    await tour.each("players", player, name="Eva")
    where = {"chainId": CHAIN_ID, "address": make_asset(tour.shop.there.node)}
    contract = await tour.call("contracts.create", {"name": "C", **where, "abi": [MINT, BALANCE]})
    if tour.shop.is_old:
        asked = {"functionName": "balanceOf", "functionArgs": [tour.shop.address]}
        told = await tour.call("contracts.read", {"id": contract["id"], **asked})
        assert told["id"] == contract["id"]
    await tour.each("contracts", contract, name="D")
    await tour.sessions()
    await tour.subscriptions()
    await tour.webhook()


async def _of_middle(tour: Tour) -> None:
    shop = tour.shop
    player = await tour.call("players.create", {"name": "Eve"})
    made = await tour.call("accounts.create", {"player": player["id"], "chainId": CHAIN_ID})
    await tour.call("accounts.get", {"id": made["id"]})
    await tour.call("accounts.list", {"player": player["id"]})
    await tour.call("accountsV2.get", {"id": made["id"]})
    await tour.call("accountsV2.list", {"limit": 1})
    strategy = {"sponsorSchema": "pay_for_user"}
    body = {"name": "P", "chainId": CHAIN_ID, "strategy": strategy}
    policy = await tour.call("policies.create", body)
    rule = {"type": "account_functions", "policy": policy["id"]}
    added = await tour.call("policyRules.create", rule)
    await tour.call("policyRules.list", {"policy": policy["id"]})
    other = {"contract": shop.contract, "functionName": "All functions"}
    await tour.call(
        "policyRules.update", {"id": added["id"], "type": "contract_functions", **other}
    )
    await tour.call("policyRules.delete", added["id"])
    await tour.each("policies", policy, name="Q")


async def _of_last(tour: Tour) -> None:
    shop = tour.shop
    made = await tour.call("accounts.v1.create", {"player": shop.player, "chainId": CHAIN_ID})
    await tour.call("accounts.v1.get", made["id"])
    await tour.call("accounts.v1.list", {"player": shop.player})
    for method in sorted(methods.ACCOUNT_LISTS):
        await tour.call(method, {"limit": 1})
    network = {"type": "evmNetwork", "operator": "in", "chainIds": [CHAIN_ID]}
    rule = {"action": "accept", "operation": "sponsorEvmTransaction", "criteria": [network]}
    policy = await tour.call("policies.create", {"scope": "project", "rules": [rule]})
    fees = await tour.call(
        "feeSponsorship.create",
        {"name": "F", "strategy": {"sponsorSchema": "pay_for_user"}, "policyId": policy["id"]},
    )
    await tour.each("feeSponsorship", fees, name="G")
    await tour.each("policies", policy, description="mine")
    headers = {"x-project-key": shop.there.public}
    async with httpx.AsyncClient(base_url=shop.there.url, headers=headers) as page:
        guest = (await page.post("/iam/v2/auth/sign-in/anonymous", json={})).json()
    for method in ("iam.getSession", "getSession"):
        session = await tour.call(method, {"accessToken": guest["token"]})
        assert session["user"]["id"] == guest["user"]["id"]


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=[MIDDLE, LAST])
async def tour(request: pytest.FixtureRequest, there: Stage) -> AsyncIterator[Tour]:
    """Give a tour of each version."""
    async with node_sdk(there, request.param) as sdk:
        yield Tour(await backend(there, sdk, request.param))


async def test_what_is_said_to_work_works(tour: Tour) -> None:
    """Each is called for what it is there for, and nothing else answers so."""
    await _common(tour)
    await (_of_last if tour.shop.version == LAST else _of_middle)(tour)
    assert tour.answered == ANSWERED[tour.shop.version]


async def test_what_is_said_to_be_refused_is(tour: Tour) -> None:
    """By us, or by the SDK itself; the table says what to do instead. None is our error."""
    known = await methods.known_methods()
    version = tour.shop.version
    shield = "http://127.0.0.1:9"
    answered = []
    for method in sorted(known[version] - ANSWERED[version]):
        thing = {"id": NOTHING, "address": "0x" + "11" * 20, "chainId": CHAIN_ID, "value": "1"}
        args: list[object] = [NOTHING, thing, thing]
        if method in {"registerRecoverySession", "createEncryptionSession"}:
            args = ["a", "b", "c", shield]
        elif tour.shop.is_old or method.endswith((".list", ".verifyToken")):
            args = [thing]
        with contextlib.suppress(Refused):
            answered.append((method, await tour.shop.call(method, *args)))
        assert methods.note_of(method), method
    assert answered == []


async def test_what_the_page_names_works() -> None:
    """In both versions."""
    assert all(ANSWERED[version] >= NAMED for version in (MIDDLE, LAST))


async def test_the_table_of_the_how_to_is_this_one() -> None:
    """``python -m tests.vendor.openfort.methods --write`` writes it."""
    page = methods.PAGE.read_text(encoding="utf-8")
    assert methods.BEGINS in page
    assert methods.put_in(page, methods.table(await methods.known_methods())) == page
