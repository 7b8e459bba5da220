"""Openfort's browser SDK in Chromium: the app and our frame are of different origins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import pytest
import pytest_asyncio
from eth_account import Account

from tests.http.calls import unique
from tests.vendor.driver import Refused
from tests.vendor.openfort.backend import Backend, backend
from tests.vendor.openfort.chain import OnChain
from tests.vendor.openfort.js import PASSWORD, App, minting
from tests.vendor.openfort.tab import Tab, tab
from tests.worlds import dump
from valetkey.spec.permission_bytes import Status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser

    from tests.vendor.openfort.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

LOOPBACK = {"localhost", "127.0.0.1"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shop(there: Stage) -> Backend:
    """Return a backend whose policy pays."""
    return await backend(there)


@pytest_asyncio.fixture(loop_scope="module")
async def player(browser: Browser, app: str, there: Stage) -> AsyncIterator[App]:
    """Give an app in a tab, in which a guest has an account."""
    async with tab(browser, app, there) as made:
        there_app = App(there, made)
        await there_app.begin()
        await there_app.guest()
        yield there_app


async def test_the_pages_story_runs_in_a_browser(player: App, there: Stage, shop: Backend) -> None:
    """Create, grant as on the page, use, send calls, revoke both ways; each seen on chain."""
    account, chain = await player.create(), OnChain(there)
    await player.provide(shop.policy)
    told = await player.sdk.ask("grantAsOnPage")
    view = await chain.session(told["granted"]["permissionsContext"], account["address"])
    assert (view.status, view.is_open) == (Status.OPEN, True)
    key = await player.key()
    context = (await player.grant(key, there.asset))["permissionsContext"]
    done = await shop.mint(player, account["id"], key)
    assert (done["response"]["status"], chain.minted(account["address"])) == (1, 1)
    calls = [{"to": there.asset, "data": minting(account["address"])}]
    sent = await player.request("wallet_sendCalls", {"calls": calls})
    status = await player.request("wallet_getCallsStatus", sent)
    assert (status["status"], chain.minted(account["address"])) == ("CONFIRMED", 2)
    by_viem = await player.grant_by_viem(await player.key(), there.asset)
    view = await chain.session(by_viem["permissionsContext"], account["address"])
    assert view.status is Status.OPEN
    revoking = {"permissionContext": context}
    assert (await player.request("wallet_revokePermissions", revoking))["isActive"] is False
    assert (await chain.session(context, account["address"])).status is Status.REVOKED
    by_address = {"permissionContext": told["address"]}
    assert (await player.request("wallet_revokePermissions", by_address))["isActive"] is False
    with pytest.raises(Refused, match="validUntil"):
        await player.grant(key, there.asset, for_s=there.clock.now() + 3600)
    made = tab_of(player)
    assert made.hosts <= LOOPBACK
    assert made.wrongs == []


async def test_no_byte_that_page_and_server_got_is_the_key(
    player: App, there: Stage, shop: Backend
) -> None:
    """Everything over the network, by messages, in storage, in our log and in our store."""
    account = await player.create()
    await player.provide(shop.policy)
    await player.sdk.ask("grantAsOnPage")
    made = tab_of(player)
    (kept,) = await made.kept()
    secret: str = kept["secret"]
    assert Account.from_key(secret).address.lower() == account["ownerAddress"]
    assert kept["taken"] is False  # the browser's key that encrypts it cannot be taken out
    place = {"id", "player", "account", "address", "accountType", "deviceID"}
    assert {*kept["names"]} == {*place, "wrap", "iv", "data"}  # nothing else is kept beside it
    written = [
        await made.everything(),
        b"".join(there.lines).decode(errors="replace"),
        str(await dump(there.world)),
    ]
    forms = (secret, secret.upper(), bytes.fromhex(secret).decode("latin-1"), str(int(secret, 16)))
    for text in (*written, kept["kept"]):
        assert not [form for form in forms if form in text]
    for text in written[1:]:
        assert PASSWORD not in text
    assert "iam/v2/locked-keys" in written[0]


async def test_a_second_device_recovers_by_the_password_and_a_reload_needs_none(
    player: App, browser: Browser, app: str, there: Stage
) -> None:
    """The key is with the user; on a device that has it the frame opens it itself."""
    account = await player.create()
    first = tab_of(player)
    storage = await player.sdk.ask("storage")
    await first.page.reload()
    await player.begin()
    assert await player.wallet("signMessage", "hello")
    async with tab(browser, app, there) as made:
        await made.page.evaluate("(stored) => Object.assign(localStorage, stored)", storage)
        other = await App(there, made).begin()
        with pytest.raises(Refused, match="Wrong recovery password"):
            await other.recover(account["id"], "not the password")
        assert (await other.recover(account["id"]))["address"] == account["address"]
        assert await other.wallet("signMessage", "hello")
        assert made.hosts <= LOOPBACK


async def test_where_a_browser_keeps_nothing_of_other_sites_a_key_lasts_as_long_as_its_page(
    browser: Browser, app: str, there: Stage
) -> None:
    """Made and used all the same; opened again, the user unlocks it again."""
    async with tab(browser, app, there, other_site=True) as made:
        player = await App(there, made).begin()
        await player.guest()
        account = await player.create()
        assert await player.wallet("signMessage", "hello")
        await made.page.reload()
        await player.begin()
        with pytest.raises(Refused, match="not configured"):
            await player.wallet("signMessage", "hello")
        await player.recover(account["id"])
        assert await player.wallet("signMessage", "hello")
        assert made.hosts <= LOOPBACK


async def test_an_unknown_key_is_told_on_a_page_that_can_be_read(
    browser: Browser, there: Stage, tmp_path: Path
) -> None:
    """In light and dark, without a script, and within a phone's width."""
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        context = await browser.new_context(
            color_scheme=scheme, viewport={"width": 360, "height": 640}
        )
        page = await context.new_page()
        answer = await page.goto(f"{there.url}/iframe/pk_test_{unique()[:8]}")
        assert answer is not None
        assert answer.status == 404
        assert "not known here" in await page.inner_text("h1")
        width = await page.evaluate("() => document.documentElement.scrollWidth")
        assert width <= 360
        await page.screenshot(path=tmp_path / f"unknown-{scheme}.png")
        await context.close()


def tab_of(player: App) -> Tab:
    """Return the tab in which the app is."""
    assert isinstance(player.sdk, Tab)
    return player.sdk
