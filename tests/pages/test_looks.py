"""The page can be used by everybody: by keyboard, on a narrow screen, in the dark, read aloud."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.pages.browser import DESK, PHONE, tab
from tests.pages.scenes import (
    FINISH,
    SIGN,
    SIGN_NOTE,
    ask,
    barriers,
    connect,
    finish,
    owner_wallet,
    sign_both,
    state_of,
    unwise,
    visit,
)

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
MAX_TABS: Final = 12


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Return where pictures go: to the docs if PICTURES is set, else away."""
    return IMAGES if os.environ.get("PICTURES") else tmp_path


async def fits(page: Page) -> bool:
    """Say whether nothing has to be scrolled sideways."""
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    return bool(await page.evaluate(wide))


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_keeps_to_wcag_in_every_form(
    stage: Stage, browser: Browser, pictures: Path, size: tuple[int, int], scheme: str
) -> None:
    """Contrast, names, landmarks, headings: axe finds nothing, at 320 px and in the dark too."""
    opened = await ask(stage)
    name = "mobile" if size == PHONE else scheme
    async with tab(browser, size=size, scheme=scheme, wallets=(owner_wallet(stage),)) as at:
        await visit(at.page, opened["consent_url"])
        await connect(at.page)
        assert await barriers(at.page) == []
        assert await fits(at.page)
        if name != "mobile" or scheme == "light":
            await at.page.mouse.move(0, 0)
            await at.page.screenshot(path=pictures / f"consent-{name}.png", full_page=size == PHONE)
        await at.page.get_by_text("Every field").click()
        assert await barriers(at.page) == []
        assert await fits(at.page)
        assert at.seen.wrongs == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_warnings_and_refusals_keep_to_it_too(
    stage: Stage, browser: Browser, pictures: Path, scheme: str
) -> None:
    """What is red is not only red, and can be read."""
    opened = await ask(stage, permission=unwise(stage))
    async with tab(browser, scheme=scheme, wallets=(owner_wallet(stage),)) as at:
        await visit(at.page, opened["consent_url"])
        await connect(at.page)
        assert await barriers(at.page) == []
        if scheme == "light":
            await at.page.screenshot(path=pictures / "consent-findings.png", full_page=True)
    async with tab(browser, scheme=scheme) as at:
        await visit(at.page, f"{opened['consent_url']}x")
        assert await barriers(at.page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_end_keeps_to_it_too(
    stage: Stage, browser: Browser, pictures: Path, scheme: str
) -> None:
    """What was done is said where the focus is."""
    opened = await ask(stage)
    async with tab(browser, scheme=scheme, wallets=(owner_wallet(stage),)) as at:
        await visit(at.page, opened["consent_url"])
        await connect(at.page)
        await sign_both(at.page)
        await finish(at.page)
        title = at.page.get_by_role("heading", name="The session is open")
        await title.wait_for()
        assert await title.evaluate("(one) => one === document.activeElement")
        assert await barriers(at.page) == []
        if scheme == "light":
            await at.page.screenshot(path=pictures / "consent-done.png")


async def test_a_keyboard_is_enough(stage: Stage, browser: Browser) -> None:
    """Tab reaches every control, what has the focus shows it, and Enter does all the rest."""
    opened = await ask(stage)
    async with tab(browser, wallets=(owner_wallet(stage),)) as at:
        keyboard = at.page.keyboard
        await visit(at.page, opened["consent_url"])
        await at.page.get_by_role("button", name="Connect Test Wallet").wait_for()
        await tab_to(at.page, "Connect Test Wallet")
        for name in (SIGN, SIGN_NOTE, FINISH):
            await keyboard.press("Enter")
            await focus_on(at.page, name)
        async with at.page.expect_download():
            await keyboard.press("Enter")
        await focus_on(at.page, "The session is open")
        assert at.seen.wrongs == []
    assert await state_of(stage, opened) == "open"


async def tab_to(page: Page, name: str) -> None:
    """Press Tab until what is called *name* has the focus; each stop on the way shows it."""
    for _ in range(MAX_TABS):
        await page.keyboard.press("Tab")
        focused = await focus(page)
        assert focused["outline"] != "none", focused
        if focused["text"] == name:
            return
    pytest.fail(f"{MAX_TABS} times Tab do not lead to {name}")


async def focus(page: Page) -> dict[str, Any]:
    """Return the text of what has the focus, and the style of its outline."""
    found: dict[str, Any] = await page.evaluate(
        "({ text: document.activeElement.textContent,"
        " outline: getComputedStyle(document.activeElement).outlineStyle })"
    )
    return found


async def focus_on(page: Page, name: str) -> None:
    """Wait until what is called *name* has the focus."""
    await page.wait_for_function("(name) => document.activeElement.textContent === name", arg=name)
