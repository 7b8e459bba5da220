"""Openfort's node SDK in each generation that a developer may have, and a backend that uses it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.vendor.driver import Driver, Refused, driven
from tests.vendor.openfort.shop import HOUR_S, MINT
from tests.vendor.openfort.stage import CHAIN_ID

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.vendor.openfort.stage import Stage

__all__ = ["VERSIONS", "Backend", "Refused", "backend", "node_sdk"]

HERE: Final = Path(__file__).parent
FIRST: Final = "0.6.25"
MIDDLE: Final = "0.6.78"
LAST: Final = "0.10.8"
VERSIONS: Final = (FIRST, MIDDLE, LAST)


@asynccontextmanager
async def node_sdk(there: Stage, version: str, url: str = "") -> AsyncIterator[Driver]:
    """Run that version against the server, or against whatever stands before it at *url*."""
    script = HERE / "sdk.mjs"
    keys = (there.secret, there.public)
    async with driven(script, version, url or there.url, *keys, name="openfort sdk") as made:
        yield made


@dataclass(frozen=True, slots=True)
class Key:
    """A key that viem made."""

    secret: str
    address: str


@dataclass(frozen=True, slots=True)
class Backend:
    """
    A backend of a developer, and who it has made: all by methods of the SDK.

    Args:
        owner: Of the account.
    """

    there: Stage
    sdk: Driver
    version: str
    owner: Key
    player: str
    account: str
    address: str
    contract: str
    policy: str

    @property
    def is_old(self) -> bool:
        """Whether it is of the first line, whose every answer is built from a fixed list."""
        return self.version != LAST

    @property
    def whose(self) -> dict[str, str]:
        """What says whose a session is: the oldest knows no accounts there."""
        is_first = self.version == FIRST
        return {"player": self.player} if is_first else {"account": self.account}

    async def call(self, method: str, *args: object) -> Any:  # noqa: ANN401 - as the SDK says it
        """Call a method of the SDK."""
        return await self.sdk.ask("call", method=method, args=args)

    async def sign(self, key: Key, answer: dict[str, Any]) -> str:
        """Return what *key* signs of what *answer* says is to be signed."""
        payload = answer["nextAction"]["payload"]
        digest = payload["userOpHash" if self.version == FIRST else "signableHash"]
        signature: str = await self.sdk.ask("sign", privateKey=key.secret, digest=digest)
        return signature

    def wanted(self, key: Key, **more: object) -> dict[str, object]:
        """Return the body that asks for a session of *key*."""
        return {
            **self.whose,
            "address": key.address,
            "chainId": CHAIN_ID,
            "validAfter": 0,
            "validUntil": self.there.clock.now() + HOUR_S,
            "whitelist": [self.there.asset],
            "policy": self.policy,
            **more,
        }

    async def open(self, **more: object) -> tuple[dict[str, Any], Key]:
        """Return a live session and its key."""
        key = await new_key(self.sdk)
        asked = await self.call("sessions.create", self.wanted(key, **more))
        assert asked["isActive"] is False
        signature = await self.sign(self.owner, asked)
        live = await self.sdk.ask("signSession", id=asked["id"], signature=signature)
        assert live["isActive"] is True
        return live, key

    def minting(self, **more: object) -> dict[str, object]:
        """Return the body that asks to mint for the account, said by its id."""
        call = {
            "contract": self.contract,
            "functionName": "mint",
            "functionArgs": [self.account],
        }
        return {
            **self.whose,
            "chainId": CHAIN_ID,
            "policy": self.policy,
            "interactions": [call],
            "optimistic": False,
            **more,
        }

    async def act(self, key: Key) -> dict[str, Any]:
        """Mint, signed by *key*; return the intent as it was answered then."""
        intent = await self.call("transactionIntents.create", self.minting())
        signature = await self.sign(key, intent)
        done: dict[str, Any] = await self.sdk.ask(
            "signIntent", id=intent["id"], signature=signature
        )
        return done

    async def revoke(self, key: Key) -> dict[str, Any]:
        """Revoke the session of *key* as its owner."""
        body = {**self.whose, "address": key.address, "chainId": CHAIN_ID, "policy": self.policy}
        asked = await self.call("sessions.revoke", body)
        signature = await self.sign(self.owner, asked)
        gone: dict[str, Any] = await self.sdk.ask(
            "signSession", id=asked["id"], signature=signature
        )
        return gone


async def new_key(sdk: Driver) -> Key:
    """Return a key that viem makes, as on the page."""
    made = await sdk.ask("key")
    return Key(made["privateKey"], made["address"])


async def backend(there: Stage, sdk: Driver, version: str) -> Backend:
    """Return a backend that has set everything up with *sdk*."""
    accounts = "accounts.v1" if version == LAST else "accounts"

    async def made(method: str, body: dict[str, object]) -> dict[str, Any]:
        answer: dict[str, Any] = await sdk.ask("call", method=method, args=[body])
        return answer

    owner = await new_key(sdk)
    player = await made("players.create", {"name": f"Ada of {version}"})
    whose = {"player": player["id"], "externalOwnerAddress": owner.address}
    account = await made(f"{accounts}.create", {**whose, "chainId": CHAIN_ID})
    where = {"chainId": CHAIN_ID, "address": there.asset}
    contract = await made("contracts.create", {"name": f"T {version}", **where, "abi": [MINT]})
    policy = await (_new_policy if version == LAST else _old_policy)(made, contract["id"])
    return Backend(
        *(there, sdk, version, owner),
        player=player["id"],
        account=account["id"],
        address=account["address"],
        contract=contract["id"],
        policy=policy,
    )


async def _old_policy(made: Any, contract: str) -> str:  # noqa: ANN401 - the closure above
    strategy = {"sponsorSchema": "pay_for_user"}
    policy = await made(
        "policies.create", {"name": "Gas", "chainId": CHAIN_ID, "strategy": strategy}
    )
    for rule in (
        {"type": "account_functions"},
        {"type": "contract_functions", "contract": contract, "functionName": "All functions"},
    ):
        await made("policyRules.create", {**rule, "policy": policy["id"]})
    policy_id: str = policy["id"]
    return policy_id


async def _new_policy(made: Any, _contract: str) -> str:  # noqa: ANN401 - the closure above
    network = {"type": "evmNetwork", "operator": "in", "chainIds": [CHAIN_ID]}
    rule = {"action": "accept", "operation": "sponsorEvmTransaction", "criteria": [network]}
    policy = await made("policies.create", {"scope": "project", "rules": [rule]})
    assert policy["id"].startswith("ply_")
    strategy = {"sponsorSchema": "pay_for_user"}
    fees = await made(
        "feeSponsorship.create", {"name": "Gas", "strategy": strategy, "policyId": policy["id"]}
    )
    policy_id: str = fees["id"]
    assert policy_id.startswith("pol_")
    return policy_id
