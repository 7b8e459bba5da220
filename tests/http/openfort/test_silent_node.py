"""What is written down is answered, though the node of its chain says nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tests.http.openfort.stage import staged

if TYPE_CHECKING:
    from valetkey.devchain import Deployment, Node

OWNER: Final = "0x" + "a1" * 20
OTHER: Final = "0x" + "a2" * 20


async def test_an_account_is_answered_though_the_node_is_not_there(
    live_node: Node, live_deployment: Deployment
) -> None:
    """It is written down by then: what the chain does not say is not deployed, and no fault."""
    cut = replace(live_deployment, rpc_url="http://127.0.0.1:1")  # where nobody listens
    async with staged(live_node, cut) as made:
        who = (await made.made("/v1/players"))["id"]
        body = {"chainId": made.chain_id, "player": who, "externalOwnerAddress": OWNER}
        first = await made.made("/v1/accounts", body)
        newer = {"chainId": made.chain_id, "user": who, "accountType": "Delegated Account"}
        second = await made.made("/v2/accounts", {**newer, "address": OTHER})
        assert (first["deployed"], second["smartAccount"]["active"]) == (False, False)
        assert await made.got(f"/v1/accounts/{first['id']}") == first
        assert await made.got(f"/v2/accounts/{second['id']}") == second
        listed = await made.got("/v1/accounts", player=who)
        assert [one["deployed"] for one in listed["data"]] == [False, False]
        assert (await made.got("/v2/accounts", user=who))["total"] == 2
