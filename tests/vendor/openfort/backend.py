"""What a developer's backend does beside an app with the browser SDK: policies and intents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.vendor.openfort.shop import MINT
from tests.vendor.openfort.stage import CHAIN_ID
from valetkey.core.credential import Credential, CredentialKind

if TYPE_CHECKING:
    from tests.vendor.openfort.js import App, Key
    from tests.vendor.openfort.stage import Stage


@dataclass(frozen=True, slots=True)
class Backend:
    """
    A backend with a contract, and a policy that pays for it.

    Args:
        contract: Its id, *policy* that of what pays.
    """

    there: Stage
    contract: str
    policy: str

    async def intent(self, account: str) -> dict[str, Any]:
        """Return what is to be signed so that *account* mints for itself."""
        call = {
            "contract": self.contract,
            "functionName": "mint",
            "functionArgs": [account],
        }
        body = {
            "account": account,
            "chainId": CHAIN_ID,
            "policy": self.policy,
            "interactions": [call],
        }
        answer = await self.there.ask("POST", "/v1/transaction_intents", json=body)
        assert answer.status_code == 200, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def mint(self, app: App, account: str, key: Key) -> dict[str, Any]:
        """Have a session key mint: signed beside the SDK, and sent by its proxy."""
        intent = await self.intent(account)
        digest = intent["nextAction"]["payload"]["signableHash"]
        signature = await app.sdk.ask("sign", privateKey=key.privateKey, signableHash=digest)
        done: dict[str, Any] = await app.sdk.ask(
            "proxy",
            method="sendSignatureTransactionIntentRequest",
            args=[intent["id"], None, signature],
        )
        return done


async def backend(there: Stage) -> Backend:
    """Return a backend that has set up its contract and its policy."""

    async def made(path: str, body: dict[str, object]) -> str:
        answer = await there.ask("POST", path, json=body)
        assert answer.status_code in {200, 201}, answer.text
        return str(answer.json()["id"])

    where = {"chainId": CHAIN_ID, "address": there.asset}
    contract = await made("/v1/contracts", {"name": "Token", **where, "abi": [MINT]})
    strategy = {"sponsorSchema": "pay_for_user"}
    gas = {"name": "Gas", "chainId": CHAIN_ID, "strategy": strategy}
    policy = await made("/v1/policies", gas)
    for rule in (
        {"type": "contract_functions", "contract": contract, "functionName": "All functions"},
        {"type": "account_functions"},
    ):
        await made("/v1/policy_rules", {**rule, "policy": policy})
    return Backend(there, contract, policy)


async def name_origins(there: Stage, *origins: str) -> None:
    """Have the pages of *origins*, and no others, be those that may have the frame."""
    keys = await there.world.store.read(lambda view: view.find(Credential))
    (key,) = [
        one.id
        for one in keys
        if one.kind is CredentialKind.PUBLISHABLE
        and one.organization_id == there.founded.organization.id
    ]
    answer = await there.native(
        "POST", f"/v1/credentials/{key}/origins", json={"origins": list(origins)}
    )
    assert answer.status_code == 200, answer.text
