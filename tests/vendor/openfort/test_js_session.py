"""Openfort's browser SDK in Node, on a real chain: the page's session keys from grant to revoke."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio
from eth_account import Account
from eth_account.messages import encode_defunct

from tests.vendor.driver import Refused
from tests.vendor.openfort.backend import Backend, backend
from tests.vendor.openfort.chain import OnChain
from tests.vendor.openfort.js import DELEGATED, App, app, minting
from tests.vendor.openfort.stage import CHAIN_ID
from valetkey.spec.permission_bytes import Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.vendor.openfort.stage import Stage

READY = 4  # of the SDK's `EmbeddedState`
pytestmark = pytest.mark.asyncio(loop_scope="module")

SHOP = "0x2522f4fc9af2e1954a3d13f7a5b2683a00a4543a"  # of the page


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(there: Stage) -> Backend:
    """Return a backend whose policy pays."""
    return await backend(there)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def player(there: Stage, child: Path, shop: Backend) -> AsyncIterator[App]:
    """Give an app in which a guest has an account, and the provider is there."""
    async with app(there, child) as made:
        await (await made.begin()).guest()
        await made.create()
        await made.provide(shop.policy)
        yield made


async def account_of(player: App) -> dict[str, Any]:
    """Return the account that the SDK has."""
    told: dict[str, Any] = await player.wallet("get")
    return told


async def test_the_pages_grant_verbatim_is_a_key_that_is_live_on_chain(
    player: App, there: Stage
) -> None:
    """Its own lines: what comes back has the shape of EIP-7715, and the chain knows the key."""
    told = await player.sdk.ask("grantAsOnPage")
    granted, account = told["granted"], await account_of(player)
    session_id = granted["permissionsContext"]
    assert session_id.startswith("ses_")
    (permission,) = granted["grantedPermissions"]
    assert permission["type"] == "contract-call"
    assert permission["data"]["address"].lower() == SHOP
    assert abs(granted["expiry"] - there.clock.now() - 24 * 3600) < 60
    view = await OnChain(there).session(session_id, account["address"])
    assert (view.status, view.is_open) == (Status.OPEN, True)
    shown = (await there.ask("GET", f"/v1/sessions/{session_id}")).json()
    assert shown["isActive"] is True
    assert shown["address"].lower() == told["address"].lower()


async def test_the_session_key_mints_until_its_grant_is_revoked(
    player: App, there: Stage, shop: Backend
) -> None:
    """Signed beside the SDK and sent by its proxy; revoked with the context that was returned."""
    account, key, chain = await account_of(player), await player.key(), OnChain(there)
    granted = await player.grant(key, there.asset)
    before = chain.minted(account["address"])
    done = await shop.mint(player, account["id"], key)
    assert done["response"]["status"] == 1
    assert chain.minted(account["address"]) == before + 1
    context = granted["permissionsContext"]
    gone = await player.request("wallet_revokePermissions", {"permissionContext": context})
    assert gone["isActive"] is False
    assert (await chain.session(context, account["address"])).status is Status.REVOKED
    with pytest.raises(Refused):
        await shop.mint(player, account["id"], key)
    assert chain.minted(account["address"]) == before + 1


async def test_a_grant_is_revoked_by_the_address_of_its_key_as_well(
    player: App, there: Stage
) -> None:
    """What the vendor's API calls it by."""
    account, key = await account_of(player), await player.key()
    granted = await player.grant(key, there.asset)
    gone = await player.request("wallet_revokePermissions", {"permissionContext": key.address})
    assert (gone["id"], gone["isActive"]) == (granted["permissionsContext"], False)
    view = await OnChain(there).session(gone["id"], account["address"])
    assert view.status is Status.REVOKED


async def test_calls_are_sent_and_their_status_is_told(player: App, there: Stage) -> None:
    """EIP-5792 as the SDK speaks it: signed in the frame by the owner, paid by the policy."""
    account, chain = await account_of(player), OnChain(there)
    before = chain.minted(account["address"])
    calls = [{"to": there.asset, "data": minting(account["address"])}]
    sent = await player.request("wallet_sendCalls", {"calls": calls})
    assert sent.startswith("tin_")
    status = await player.request("wallet_getCallsStatus", sent)
    assert status["status"] == "CONFIRMED"
    (receipt,) = status["receipts"]
    assert receipt["status"] == "success"
    assert chain.receipt(receipt["transactionHash"])["status"] == "0x1"
    assert chain.minted(account["address"]) == before + 1
    assert chain.wei(account["address"]) == 0


async def test_an_expiry_that_is_a_moment_is_explained_to_the_developer(
    player: App, there: Stage
) -> None:
    """EIP-7715 says a moment, the SDK adds it to now: the year would be 2083, and is refused."""
    key, count = await player.key(), OnChain(there).relayed
    with pytest.raises(Refused, match="validUntil") as refused:
        await player.grant(key, there.asset, for_s=there.clock.now() + 3600)
    assert "now" in refused.value.message
    assert OnChain(there).relayed == count
    assert await player.sdk.ask("state") == READY  # and nobody is logged out by it


async def test_viem_grants_over_the_sdks_provider(player: App, there: Stage, shop: Backend) -> None:
    """Viem 2.57: the signer's address, a relative expiry, and one contract."""
    account, key, chain = await account_of(player), await player.key(), OnChain(there)
    granted = await player.grant_by_viem(key, there.asset)
    assert granted["grantedPermissions"][0]["data"]["address"].lower() == there.asset
    view = await chain.session(granted["permissionsContext"], account["address"])
    assert view.status is Status.OPEN
    before = chain.minted(account["address"])
    assert (await shop.mint(player, account["id"], key))["response"]["status"] == 1
    assert chain.minted(account["address"]) == before + 1


async def test_the_provider_says_what_it_can_and_signs_what_it_is_asked(player: App) -> None:
    """The account's own signatures come from the frame, raw, without the vendor's wrapping."""
    account = await account_of(player)
    assert await player.request("eth_accounts") == [account["address"]]
    assert int(await player.request("eth_chainId"), 16) == CHAIN_ID
    assert await player.wallet("ping", 0) is True
    assert await player.request("wallet_switchEthereumChain", {"chainId": hex(CHAIN_ID)}) is None
    assert (await account_of(player))["id"] == account["id"]
    told = await player.request("wallet_getCapabilities")
    assert told[hex(CHAIN_ID)]["permissions"]["supported"] is True
    message = "0x" + b"hello".hex()
    signature = await player.request("personal_sign", message, account["address"])
    signer = Account.recover_message(encode_defunct(text="hello"), signature=signature)
    assert signer.lower() == account["ownerAddress"]


async def test_a_delegated_account_signs_raw_and_authorizes_itself(
    there: Stage, child: Path, shop: Backend
) -> None:
    """EIP-7702: the first call carries the authorization, a grant is signed without EIP-191."""
    chain = OnChain(there)
    async with app(there, child) as player:
        await (await player.begin()).guest()
        account = await player.create(DELEGATED)
        await player.provide(shop.policy)
        assert account["address"] == account["ownerAddress"]
        assert not chain.has_code(account["address"])
        calls = [{"to": there.asset, "data": minting(account["address"])}]
        sent = await player.request("wallet_sendCalls", {"calls": calls})
        status = await player.request("wallet_getCallsStatus", sent)
        assert status["receipts"][0]["status"] == "success"
        assert chain.has_code(account["address"])
        assert chain.minted(account["address"]) == 1
        key = await player.key()
        granted = await player.grant(key, there.asset)
        view = await chain.session(granted["permissionsContext"], account["address"])
        assert view.status is Status.OPEN
        assert (await shop.mint(player, account["id"], key))["response"]["status"] == 1
        assert chain.minted(account["address"]) == 2
        context = {"permissionContext": granted["permissionsContext"]}
        assert (await player.request("wallet_revokePermissions", context))["isActive"] is False
        assert await player.sdk.ask("reached") == ["127.0.0.1"]


async def test_nothing_left_this_machine(player: App) -> None:
    """Whatever the SDK did before: every connection that it made was to loopback."""
    assert await player.sdk.ask("reached") == ["127.0.0.1"]
