"""Para's web SDK, unmodified, in Chromium, with the code entered on our own page."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest

from tests.pages.browser import DESK, PHONE, tab
from tests.pages.scenes import barriers
from tests.vendor.para.people import DIGEST, imported_from
from tests.vendor.para.sdk import Sdk, sdk
from tests.vendor.para.shop import open_app, sign_up

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from tests.vendor.para.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

EMAIL: Final = "grace@example.org"


async def test_a_user_signs_up_in_a_browser_and_a_backend_signs(
    there: Stage, browser: Browser, app: str
) -> None:
    """Step 1 of the page, then its export; a session of the browser signs in the server SDK."""
    async with tab(browser) as at, sdk(there.url) as backend:
        await open_app(at.page, there, app)
        assert (await sign_up(at.page, there, EMAIL))["hasCreatedWallets"]
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
