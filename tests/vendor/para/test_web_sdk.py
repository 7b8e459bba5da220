"""Para's web SDK, unmodified, in Chromium, with the code entered on our own page."""

from __future__ import annotations

import base64
import json
import subprocess
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from tests.pages.browser import DESK, PHONE, browsing, tab
from tests.pages.scenes import barriers
from tests.vendor.para.app import web_app
from tests.vendor.para.people import DIGEST, imported_from
from tests.vendor.para.sdk import HERE, Sdk, sdk

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from playwright.async_api import Browser, Page

    from tests.vendor.para.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAGE: Final = "<!doctype html><title>Shop</title><script src='page.js'></script>"
EMAIL: Final = "grace@example.org"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an integrator's page."""
    made = tmp_path_factory.mktemp("page")
    (made / "index.html").write_text(PAGE)
    bundle = ["node", "bundle.mjs", str(made / "page.js")]
    subprocess.run(bundle, cwd=HERE, check=True, timeout=60)  # noqa: S603 - our own script
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def app(there: Stage, folder: Path) -> AsyncIterator[str]:
    """Serve the web app of an integrator, and return its origin."""
    async with web_app(there, folder) as url:
        yield url


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Give a browser."""
    async with browsing() as made:
        yield made


async def open_app(page: Page, there: Stage, app: str) -> None:
    """Open the integrator's page, on an origin of its own."""
    await page.goto(f"{app}/?ours={there.url}")
    await page.evaluate("key => acts.make(key)", there.public)


def on_ours(url: str, there: Stage) -> str:
    """Return where *url*, of the vendor's own port, is in a test."""
    return url.replace("http://localhost:3003", there.portal_url)


async def sign_up(page: Page, there: Stage) -> dict[str, Any]:
    """Log in as a person does: in a window of our own, with the code from the letter."""
    url = await page.evaluate("email => acts.login(email)", EMAIL)
    popup = await page.context.new_page()
    await popup.goto(on_ours(url, there))
    assert await popup.inner_text("#address") == EMAIL
    wrong = f"{(int(there.code) + 1) % 10**6:06d}"
    await popup.fill("#code", wrong)
    await popup.click("#enter")
    await popup.wait_for_function("document.getElementById('problem').textContent !== ''")
    await popup.fill("#code", there.code)
    await popup.click("#enter")
    await popup.wait_for_selector("#done", state="visible")
    await popup.close()
    said: dict[str, Any] = await page.evaluate("() => acts.loggedIn()")
    return said


async def test_a_user_signs_up_in_a_browser_and_a_backend_signs(
    there: Stage, browser: Browser, app: str
) -> None:
    """Step 1 of the page, then its export; a session of the browser signs in the server SDK."""
    async with tab(browser) as at, sdk(there.url) as backend:
        await open_app(at.page, there, app)
        assert (await sign_up(at.page, there))["hasCreatedWallets"]
        wallets = await at.page.evaluate("() => acts.wallets()")
        (wallet,) = wallets.values()
        assert wallet["address"].startswith("0x")
        slim = await at.page.evaluate("() => acts.export(true)")
        assert "signer" not in json.dumps(json.loads(base64.b64decode(slim))["wallets"])
        ours = await at.page.evaluate("([id, text]) => acts.sign(id, text)", [wallet["id"], DIGEST])
        session = await at.page.evaluate("() => acts.export(false)")
        theirs = await signed_by(backend, there, session, wallet["id"])
        assert ours["signature"] == theirs["signature"]
        assert await at.page.evaluate("() => acts.importOnServer()") == {"success": True}
        verified = await at.page.evaluate("() => acts.verifyOnServer()")
        assert verified == {"authType": "email", "identifier": EMAIL}
        ours_alone = {urlsplit(one).netloc for one in (app, there.url, there.native_url)}
        assert at.seen.hosts <= ours_alone | {""}


async def signed_by(backend: Sdk, there: Stage, session: str, wallet_id: str) -> dict[str, Any]:
    """Return what the server SDK signs with the *session* of the browser."""
    instance = await imported_from(there, backend, session)
    signed: dict[str, Any] = await backend.ask(
        "raw", id=instance, walletId=wallet_id, messageBase64=DIGEST
    )
    return signed


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", ["/auth/otp?email=a@b.example", "review"])
async def test_our_pages_keep_to_wcag(
    there: Stage, browser: Browser, size: tuple[int, int], scheme: str, path: str
) -> None:
    """By axe, at 320 px and in the dark too; nothing has to be scrolled sideways."""
    if path == "review":
        path = f"/web/users/usr_{'0' * 24}/transaction-review/rvw_{'0' * 24}?sessionId=none"
    async with tab(browser, size=size, scheme=scheme) as at:
        await at.page.goto(f"{there.portal_url}{path}")
        assert await barriers(at.page) == []
        wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert await at.page.evaluate(wide)
        assert at.seen.hosts == {urlsplit(there.portal_url).netloc}
