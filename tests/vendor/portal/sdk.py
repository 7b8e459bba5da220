"""The vendor's SDK in a page: bundled as it is published, and every byte that the page received."""

from __future__ import annotations

import asyncio
import json
import subprocess
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from playwright.async_api import Error

from valetkey.http.bounded import answering, listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from playwright.async_api import Browser, Page, Response

    from tests.http.custodian import Custodian

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[2]
PACKAGE: Final = HERE / "node_modules" / "@portal-hq" / "web" / "package.json"
WAIT_S: Final = 20
_OPEN: Final = """async ({token, host, chainId, rpc}) => {
  globalThis.portal = new Portal({
    apiKey: token, host, mpcHost: host, autoApprove: true, chainId,
    rpcConfig: {[`eip155:${chainId}`]: rpc},
  });
  return await new Promise((resolve) => {
    portal.onReady(() => resolve("ready"));
    portal.onInitializationError((reason) => resolve(reason));
    setTimeout(() => resolve("silence"), 8000);
  });
}"""


def bundle(folder: Path) -> str:
    """Return the SDK as a script of a page; without it the test is skipped."""
    if not PACKAGE.exists():
        pytest.skip("no @portal-hq/web: npm --prefix tests/vendor/portal ci --ignore-scripts")
    script = folder / "portal.js"
    subprocess.run(  # noqa: S603 - our own sources
        [  # noqa: S607 - found on the PATH, as in every script
            "node",
            "node_modules/esbuild/bin/esbuild",
            str(HERE / "page.mjs"),
            "--bundle",
            "--format=iife",
            "--log-level=error",
            "--define:global=globalThis",
            f"--outfile={script}",
        ],
        cwd=ROOT,
        check=True,
    )
    return script.read_text()


class Application:
    """
    Somebody's own server: its one page has the SDK in it.

    Args:
        custodian: Its way to us. It gives a session to who is logged in, as the vendor's page says.
    """

    def __init__(self, script: str, custodian: Custodian) -> None:
        page = f"<!doctype html><title>app</title><body><script>{script}</script>"
        self._page = page.encode()
        self._custodian = custodian
        self.clients: dict[str, str] = {}
        self.minted = 0

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Answer one request: the page, or ``POST /session``."""
        del receive
        status, kind, body = 200, b"text/html; charset=utf-8", self._page
        if scope["path"] == "/session":
            status, kind, body = await self._session(dict(scope["headers"]))
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _session(self, headers: dict[bytes, bytes]) -> tuple[int, bytes, bytes]:
        """Return a token for who is logged in; who is not gets none, and none is made."""
        client_id = self.clients.get(headers.get(b"x-login", b"").decode())
        if client_id is None:
            return 401, b"application/json", b'{"error":"log in first"}'
        session = await self._custodian.token(client_id)
        self.minted += 1
        body = json.dumps({"token": session["clientSessionToken"]})
        return 200, b"application/json", body.encode()


@asynccontextmanager
async def application(script: str, custodian: Custodian) -> AsyncIterator[tuple[Application, str]]:
    """Serve an application on loopback, and say where."""
    made, listener = Application(script, custodian), listen("127.0.0.1", 0)
    async with answering(made, listener, head_wait_s=WAIT_S, grace_s=WAIT_S):
        yield made, f"http://localhost:{listener.getsockname()[1]}"


@dataclass(slots=True)
class SdkPage:
    """
    A page of somebody's application, with the SDK in it.

    Args:
        received: What reads each body that the page and its frames got.
        wrongs: Errors of the page, and what its console had at that level.
    """

    page: Page
    host: str
    chain_id: int
    rpc: str
    received: list[asyncio.Task[bytes]] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)

    async def open(self, token: str) -> str:
        """Have the SDK start with *token*; return ``ready``, or why it is not."""
        asked = {"token": token, "host": self.host, "chainId": self.chain_id, "rpc": self.rpc}
        told: str = await self.page.evaluate(_OPEN, asked)
        return told

    async def everything(self) -> bytes:
        """Return every byte of every body that the page and its frames got until now."""
        return b"\0".join(await asyncio.gather(*self.received))

    async def run(self, script: str, value: object = None) -> Any:  # noqa: ANN401 - JSON
        """Return what *script* gives, a function of *value*; it knows ``portal``."""
        return await self.page.evaluate(script, value)


async def _body(response: Response) -> bytes:
    try:
        return await response.body()
    except Error:  # a preflight or a redirect has none
        return b""


@asynccontextmanager
async def sdk_page(
    browser: Browser, app: str, host: str, *, chain_id: int, rpc: str
) -> AsyncIterator[SdkPage]:
    """Give the page of the application at *app*, in a profile of its own."""
    context = await browser.new_context()
    page = await context.new_page()
    made = SdkPage(page, host, chain_id, rpc)

    page.on("response", lambda one: made.received.append(asyncio.create_task(_body(one))))
    page.on("pageerror", lambda error: made.wrongs.append(str(error)))
    page.on(
        "console",
        lambda message: made.wrongs.append(message.text) if message.type == "error" else None,
    )
    await page.goto(f"{app}/")
    yield made
    await context.close()
