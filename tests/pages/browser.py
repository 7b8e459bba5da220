"""A headless Chromium that looks at our pages, and notes what a page should never do."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import pytest
from playwright.async_api import async_playwright

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, BrowserContext, Page

    from tests.pages.wallet import Wallet

NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
MISSING: Final = (
    "no Chromium on the PATH: install Debian's package `chromium`"
    " (apt-get install --no-install-recommends chromium)"
)
FLAGS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK: Final = (1180, 900)
PHONE: Final = (320, 740)


def find_chromium() -> str:
    """Return the browser's path; without one the tests are skipped."""
    for name in NAMES:
        found = shutil.which(name)
        if found:
            return found
    pytest.skip(MISSING)


@asynccontextmanager
async def browsing() -> AsyncIterator[Browser]:
    """Give a browser with a new profile of its own."""
    path = find_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, headless=True, args=list(FLAGS)
        )
        yield browser
        await browser.close()


@dataclass(slots=True)
class Seen:
    """
    What a page did.

    Args:
        hosts: Of every request, those that were not sent included.
        wrongs: Errors, messages of the console at that level, and violations of its policy.
    """

    hosts: set[str] = field(default_factory=set)
    urls: list[str] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Tab:
    """One page in a context of its own."""

    page: Page
    context: BrowserContext
    seen: Seen


_VIOLATIONS: Final = """
addEventListener("securitypolicyviolation", (event) =>
  window.vkWrong(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""


@asynccontextmanager
async def tab(
    browser: Browser,
    *,
    size: tuple[int, int] = DESK,
    scheme: Any = "light",  # noqa: ANN401 - one of playwright's literals
    wallets: tuple[Wallet, ...] = (),
) -> AsyncIterator[Tab]:
    """Give a page in English, at UTC, with *wallets* in it."""
    context = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,
        reduced_motion="reduce",
        locale="en-GB",
        timezone_id="UTC",
        accept_downloads=True,
    )
    seen = Seen()
    page = await context.new_page()

    def note(url: str) -> None:
        seen.urls.append(url)
        seen.hosts.add(urlsplit(url).netloc)

    page.on("request", lambda request: note(request.url))
    page.on("pageerror", lambda error: seen.wrongs.append(str(error)))
    page.on(
        "console",
        lambda message: seen.wrongs.append(message.text) if message.type == "error" else None,
    )

    def note_wrong(text: str) -> None:
        seen.wrongs.append(text)

    await page.expose_function("vkWrong", note_wrong)
    await page.add_init_script(_VIOLATIONS)
    for wallet in wallets:
        await wallet.enter(page)
    yield Tab(page, context, seen)
    await context.close()
