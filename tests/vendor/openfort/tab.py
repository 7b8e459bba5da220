"""A tab of a browser with an app in it, and everything that went in and out."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode, urlsplit

from playwright.async_api import Error

from tests.vendor.driver import Refused
from valetkey.http.bounded import answering, listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from playwright.async_api import Browser, BrowserContext, Frame, Page, Request, Response

    from tests.vendor.openfort.stage import Stage

WAIT_S: Final = 20
_ASK: Final = "([act, args]) => ask(act, args)"
# What a page hears and says, also through ports that somebody hands it.
_LISTENING: Final = """
globalThis.heard = [];
const note = (one) => heard.push(JSON.stringify(one) ?? String(one));
addEventListener("message", (event) => note(event.data));
const listen = MessagePort.prototype.addEventListener;
MessagePort.prototype.addEventListener = function (kind, handler, ...rest) {
  if (kind === "message") listen.call(this, kind, (event) => note(event.data));
  return listen.call(this, kind, handler, ...rest);
};
const post = MessagePort.prototype.postMessage;
MessagePort.prototype.postMessage = function (message, ...rest) {
  note(message);
  return post.call(this, message, ...rest);
};
"""
# The key that the frame keeps: only a script of its own origin can have it opened.
_KEPT: Final = """async () => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const database = await done(indexedDB.open("valetkey-openfort", 1));
  const rows = await done(database.transaction("keys").objectStore("keys").getAll());
  database.close();
  const shown = [];
  for (const row of rows) {
    const {wrap, iv, data} = row;
    const bytes = new Uint8Array(await crypto.subtle.decrypt({name: "AES-GCM", iv}, wrap, data));
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    const taken = await crypto.subtle.exportKey("raw", wrap).then(() => true, () => false);
    const kept = new TextDecoder("latin1").decode(data);
    shown.push({secret: hex, taken, kept, names: Object.keys(row)});
  }
  return shown;
}"""


class Site:
    """Somebody's own server, with one page that runs *script*."""

    def __init__(self, script: str) -> None:
        html = "<!doctype html><meta charset='utf-8'><title>app</title><body><script>"
        body = script.replace("</script", "<\\/script")
        self._page = f"{html}{body}</script>".encode()

    async def __call__(
        self,
        scope: dict[str, Any],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """Answer with the page."""
        del receive, scope
        headers = [
            (b"content-type", b"text/html; charset=utf-8"),
            (b"content-length", b"%d" % len(self._page)),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._page})


@asynccontextmanager
async def site(script: str) -> AsyncIterator[int]:
    """Serve a page that runs *script* on loopback, and give its port."""
    listener = listen("127.0.0.1", 0)
    async with answering(Site(script), listener, head_wait_s=WAIT_S, grace_s=WAIT_S):
        yield listener.getsockname()[1]


@dataclass(slots=True)
class Tab:
    """
    A page, in a profile of its own.

    Args:
        hosts: Whom it and its frames asked for anything.
        sent: Every URL, header and body that left it.
        received: What reads each body that came.
    """

    page: Page
    hosts: set[str] = field(default_factory=set)
    sent: list[str] = field(default_factory=list)
    received: list[asyncio.Task[bytes]] = field(default_factory=list)
    wrongs: list[str] = field(default_factory=list)

    async def ask(self, act: str, **args: object) -> Any:  # noqa: ANN401 - as the SDK says it
        """
        Have the app do *act*.

        Raises:
            Refused: The SDK threw.
        """
        answer = json.loads(await self.page.evaluate(_ASK, [act, args]))
        if "error" in answer:
            raise Refused(answer["error"])
        return answer["ok"]

    @property
    def frame(self) -> Frame:
        """The frame that keeps keys."""
        return next(one for one in self.page.frames if "/iframe/" in one.url)

    async def kept(self) -> list[dict[str, Any]]:
        """Return the keys that the frame keeps: its script alone can open them."""
        found: list[dict[str, Any]] = await self.frame.evaluate(_KEPT)
        return found

    async def everything(self) -> str:
        """Return all that left the page and all that it got: over the network, and by messages."""
        bodies = [one.decode("latin-1") for one in await asyncio.gather(*self.received)]
        heard: list[str] = await self.page.evaluate("() => heard")
        stored: str = await self.page.evaluate("() => JSON.stringify({...localStorage})")
        return "\n".join([*self.sent, *bodies, *heard, stored])


@asynccontextmanager
async def tab(
    browser: Browser, app: str, there: Stage, *, other_site: bool = False
) -> AsyncIterator[Tab]:
    """
    Give a tab with the app at *app* in it, on a device of its own.

    Args:
        other_site: Whether the frame is of another site as well: then a browser that distrusts
            those lets it keep nothing.
    """
    context = await browser.new_context()
    try:
        made = await opened(context, app, there, there.url if other_site else near(there))
        yield made
    finally:
        await context.close()


def near(there: Stage) -> str:
    """Return where the server is, of the app's site and not of its origin."""
    return there.url.replace("127.0.0.1", "localhost")


async def opened(context: BrowserContext, app: str, there: Stage, ours: str) -> Tab:
    """Return a tab of *context* with the app in it, whose server is at *ours*."""
    await context.add_init_script(_LISTENING)
    made = Tab(await context.new_page())
    made.page.on("request", lambda one: _note(made, one))
    made.page.on("response", lambda one: made.received.append(asyncio.create_task(_body(one))))
    made.page.on("pageerror", lambda error: made.wrongs.append(str(error)))
    await made.page.goto(f"{app}/?{urlencode({'ours': ours, 'key': there.public})}")
    return made


def _note(made: Tab, request: Request) -> None:
    made.hosts.add(urlsplit(request.url).hostname or request.url[:40])
    made.sent.append(f"{request.url} {request.headers} {request.post_data or ''}")


async def _body(response: Response) -> bytes:
    try:
        return await response.body()
    except Error:  # a preflight or a redirect has none
        return b""
