"""The page of an integrator with Para's web SDK in it, and a person who uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Page

    from tests.vendor.para.stage import Stage


async def open_app(page: Page, there: Stage, app: str) -> None:
    """Open the integrator's page, on an origin of its own."""
    await page.goto(f"{app}/?ours={there.url}")
    await page.evaluate("key => acts.make(key)", there.public)


def on_ours(url: str, there: Stage) -> str:
    """Return where *url*, of the vendor's own port, is in a test."""
    return url.replace("http://localhost:3003", there.portal_url)


async def sign_up(page: Page, there: Stage, email: str) -> dict[str, Any]:
    """Log in as a person does: in a window of our own, with the code from the letter."""
    url = await page.evaluate("email => acts.login(email)", email)
    popup = await page.context.new_page()
    await popup.goto(on_ours(url, there))
    assert await popup.inner_text("#address") == email
    wrong = f"{(int(there.code) + 1) % 10**6:06d}"
    await popup.fill("#code", wrong)
    await popup.click("#enter")
    await popup.locator("#problem:not(:empty)").wait_for()
    await popup.fill("#code", there.code)
    await popup.click("#enter")
    await popup.wait_for_selector("#done", state="visible")
    await popup.close()
    said: dict[str, Any] = await page.evaluate("() => acts.loggedIn()")
    return said
