"""What tests of policies ask for, and whether a sponsorship that was made pays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from valetkey.core.errors import ValetkeyError
from valetkey.core.ids import Prefix
from valetkey.core.permission.effects import selector_of
from valetkey.core.sponsoring import Sponsored
from valetkey.flows.sponsoring import expect_sponsored
from valetkey.http.dialects.openfort import ids

if TYPE_CHECKING:
    from tests.http.openfort.stage import Stage
    from valetkey.core.permission.model import Call

PAY: Final = {"sponsorSchema": "pay_for_user"}
ACCOUNT: Final = b"\xaa" * 20
MINT: Final = selector_of("mint(address,uint256)")
BURN: Final = selector_of("burn(uint256)")
REGISTER: Final = "registering a session"


async def policy(there: Stage, **changed: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a new policy of the first version."""
    body = {"name": "Till", "chainId": there.chain_id, "strategy": PAY, **changed}
    return await there.made("/v1/policies", body)


async def rule(there: Stage, of: dict[str, Any], **says: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a new rule of a policy."""
    return await there.made("/v1/policy_rules", {"policy": of["id"], **says})


async def pays(
    there: Stage, of: dict[str, Any], *calls: Call, act: str | None = None, chain: str = ""
) -> bool:
    """Say whether a policy would pay for calls of an account, or an act on it, now."""
    asked = Sponsored(chain or f"eip155:{there.chain_id}", "acc_1", ACCOUNT, act, calls)
    key = ids.native(of["id"], Prefix.SPONSORSHIP, ids.POLICY)
    owner, now = there.keys.founded.organization.id, there.clock.now()
    try:
        await there.world.store.read(
            lambda view: expect_sponsored(view, owner, key, asked, now=now)
        )
    except ValetkeyError:
        return False
    return True


def says(*criteria: dict[str, Any], action: str = "accept") -> dict[str, Any]:
    """Return a rule with *criteria*."""
    return {"action": action, "operation": "sponsorEvmTransaction", "criteria": [*criteria]}


def on(*chain_ids: int, operator: str = "in") -> dict[str, Any]:
    """Return the criterion of chains."""
    return {"type": "evmNetwork", "operator": operator, "chainIds": [*chain_ids]}


def to(*addresses: bytes, operator: str = "in") -> dict[str, Any]:
    """Return the criterion of addresses."""
    shown = [f"0x{one.hex()}" for one in addresses]
    return {"type": "evmAddress", "operator": operator, "addresses": shown}


def value(operator: str, wei: str) -> dict[str, Any]:
    """Return the criterion of native value."""
    return {"type": "ethValue", "operator": operator, "ethValue": wei}
