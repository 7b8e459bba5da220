"""Step 12: a person reads on our page what is to be signed, and approves it by a code or denies."""

from __future__ import annotations

import base64
import os
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
import rlp  # type: ignore[import-untyped]
from eth_account import Account

from tests.pages.browser import DESK, PHONE, tab
from tests.pages.scenes import barriers
from tests.vendor.para.people import DIGEST
from tests.vendor.para.shop import on_ours, open_app, sign_up
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from playwright.async_api import Browser, Page

    from tests.pages.browser import Tab
    from tests.vendor.para.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

BOB: Final = bytes(12) + bytes(7) + b"\xb0"
FIELDS: Final = [31_337, 0, 10**9, 2 * 10**9, 21_000, BOB, 15 * 10**14, b"", []]


def picture(tmp_path: Path, name: str) -> str:
    """Return where a picture goes: to a folder that somebody named, or away."""
    return str(Path(os.environ.get("PARA_PICTURES", tmp_path)) / f"{name}.png")


@asynccontextmanager
async def asked(
    at: Tab, there: Stage, app: str, email: str, **wanted: str
) -> AsyncIterator[tuple[Page, str]]:
    """Give the page on which a new user reads *wanted*, and the address of their wallet."""
    await open_app(at.page, there, app)
    await sign_up(at.page, there, email)
    (wallet,) = (await at.page.evaluate("() => acts.wallets()")).values()
    await there.review(on=True)
    url = await at.page.evaluate(
        "asked => acts.review(asked)", {"walletId": wallet["id"], **wanted}
    )
    page = await at.context.new_page()
    await page.goto(on_ours(url, there))
    await page.wait_for_selector("#asking", state="visible")
    yield page, wallet["address"]
    await there.review(on=False)


def transaction() -> tuple[str, bytes]:
    """Return a payment as the SDK sends it, with room for its signature, and its digest."""
    wire = b"\x02" + rlp.encode([*FIELDS, 0, b"", b""])
    return base64.b64encode(wire).decode(), keccak256(b"\x02" + rlp.encode(FIELDS))


async def decided(at: Tab) -> dict[str, Any]:
    """Return what the SDK makes of the decision."""
    said: dict[str, Any] = await at.page.evaluate("() => acts.reviewed()")
    return said


@pytest.mark.parametrize(
    "look", [(DESK, "light"), (DESK, "dark"), (PHONE, "light"), (PHONE, "dark")], ids=str
)
async def test_a_person_reads_a_transaction_and_approves_it(
    there: Stage, browser: Browser, app: str, tmp_path: Path, look: tuple[tuple[int, int], str]
) -> None:
    """Who asks, to whom and how much; a wrong code is refused; another one has it signed."""
    (size, scheme), (wire, digest) = look, transaction()
    who, email = f"{scheme}-{size[0]}", f"{scheme}.{size[0]}@example.org"
    async with (
        tab(browser, size=size, scheme=scheme) as at,
        asked(at, there, app, email, rlpEncodedTxBase64=wire, chainId="31337") as (page, address),
    ):
        shown = await page.inner_text("#shown")
        for part in (there.founded.organization.name, "0.0015", "0.000042", address, BOB.hex()):
            assert part in shown
        await page.screenshot(path=picture(tmp_path, f"review-{who}"), full_page=True)
        assert await barriers(page) == []
        await page.click("#send")
        await page.fill("#code", f"{(int(there.code) + 1) % 10**6:06d}")
        await page.keyboard.press("Enter")
        await page.locator("#problem:not(:empty)").wait_for()
        await page.screenshot(path=picture(tmp_path, f"code-{who}"), full_page=True)
        assert await barriers(page) == []
        await page.click("#again")
        await page.locator("#problem:empty").wait_for(state="attached")
        await page.locator("#again:enabled").wait_for()
        await page.fill("#code", there.code)
        await page.keyboard.press("Enter")
        await page.wait_for_selector("#done", state="visible")
        await page.screenshot(path=picture(tmp_path, f"done-{who}"), full_page=True)
        signature = bytes.fromhex((await decided(at))["signature"])
        assert Account._recover_hash(digest, signature=signature) == address  # noqa: SLF001


async def test_a_person_denies_a_digest(
    there: Stage, browser: Browser, app: str, tmp_path: Path
) -> None:
    """They are told that nobody can read it; the SDK says that it was denied."""
    async with (
        tab(browser) as at,
        asked(at, there, app, "mia@example.org", messageBase64=DIGEST) as (page, _),
    ):
        assert "Nobody can read" in await page.inner_text("#said")
        assert base64.b64decode(DIGEST).hex() in await page.inner_text("#shown")
        await page.screenshot(path=picture(tmp_path, "digest"), full_page=True)
        await page.click("#send")  # a code was sent, and they think better of it
        await page.wait_for_selector("#form", state="visible")
        await page.click("#deny")
        await page.wait_for_selector("#done", state="visible")
        assert await decided(at) == {"refused": "TransactionReviewDenied"}
