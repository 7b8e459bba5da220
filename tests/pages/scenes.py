"""What the tests of the consent page do again and again."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.http.calls import Key
from tests.http.stage import OWNER, USDC, Stage
from tests.pages.wallet import Wallet

if TYPE_CHECKING:
    from playwright.async_api import Page

AXE: Final = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
SIGN: Final = "Sign the permission"
SIGN_NOTE: Final = "Sign the kill note"
FINISH: Final = "Save the kill note and open the session"
_keys = itertools.count(1000)
_RULES: Final = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


async def ask(stage: Stage, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return a session that waits for the owner outside, with a link to its consent."""
    key = Key.make("secp256k1", next(_keys)).document
    wanted = {
        "account_id": stage.outside["id"],
        "permission": stage.permission(max_calls=10),
        "label": "Groceries for November",
    }
    return await stage.open("chain", "write", key=key, **{**wanted, **fields})


def unwise(stage: Stage) -> dict[str, Any]:
    """Return a permission that the linter has much to say on, and that bounds no token."""
    token = "0x" + stage.deployment.token.hex()
    return stage.permission(
        recipients="anything",
        wide_rules=[{"target": "anything", "payable": True}],
        caps=[
            {"asset": "native", "lifetime": str(5 * 10**17)},
            {"asset": token, "decimals": 6, "lifetime": str(20 * USDC)},
        ],
    )


def owner_wallet(stage: Stage, **fields: Any) -> Wallet:  # noqa: ANN401 - of `Wallet`
    """Return the wallet of the account's owner."""
    return Wallet(OWNER.private, **{"chain_id": stage.deployment.chain_id, **fields})


async def visit(page: Page, url: str) -> None:
    """Open the page and wait until it says something."""
    await page.goto(url)
    await page.locator("h1").wait_for()


async def press(page: Page, name: str) -> None:
    """Press the one button with that name."""
    await page.get_by_role("button", name=name, exact=True).click()


async def connect(page: Page) -> None:
    """Connect the only wallet, as far as the first signature."""
    await press(page, "Connect Test Wallet")
    await page.get_by_role("button", name=SIGN).wait_for()


async def sign_both(page: Page) -> None:
    """Sign grant and kill note."""
    await press(page, SIGN)
    await press(page, SIGN_NOTE)
    await page.get_by_role("button", name=FINISH).wait_for()


async def finish(page: Page) -> dict[str, Any]:
    """Hand everything in, and return the kill note that was saved."""
    async with page.expect_download() as saving:
        await press(page, FINISH)
    saved = await saving.value
    note = _read(await saved.path())
    assert saved.suggested_filename == f"{note['session_id']}.kill.json"
    return note


def _read(file: Path) -> dict[str, Any]:
    note: dict[str, Any] = json.loads(file.read_text())
    return note


async def state_of(stage: Stage, opened: dict[str, Any]) -> str:
    """Return the state of the session at the server."""
    shown = await stage.secret.get(f"/v1/sessions/{opened['session']['id']}")
    return str(shown["state"])


async def barriers(page: Page) -> list[str]:
    """Return what axe finds against WCAG 2.2 AA and good practice."""
    await page.evaluate(AXE.read_text())
    ran = "async (tags) => (await axe.run({ runOnly: { type: 'tag', values: tags } })).violations"
    found = await page.evaluate(ran, _RULES)
    return [
        f"{one['id']}: {node['html'][:120]} ({node['failureSummary'][:200]})"
        for one in found
        for node in one["nodes"]
    ]
