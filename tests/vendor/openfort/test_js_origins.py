"""Whose pages have the frame do anything: those that its publishable key names, as their parent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.vendor.openfort.backend import name_origins
from tests.vendor.openfort.js import App
from tests.vendor.openfort.tab import near, opened, site, tab

if TYPE_CHECKING:
    from playwright.async_api import Browser, Route

    from tests.vendor.openfort.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_page_of_another_origin_does_not_get_the_frame(
    browser: Browser, app: str, port: int, there: Stage
) -> None:
    """The same app at an origin that the key does not name: the browser shows it no frame."""
    del app
    context = await browser.new_context()
    made = await opened(context, f"http://127.0.0.1:{port}", there, there.url)
    said: list[str] = []
    made.page.on("console", lambda one: said.append(one.text))
    await made.page.evaluate(_EMBED, f"{there.url}/iframe/{there.public}")
    assert any("frame-ancestors" in one for one in said)
    assert [one.url for one in made.page.frames[1:]] == ["chrome-error://chromewebdata/"]
    await context.close()


async def test_the_script_itself_answers_no_page_of_another_origin(
    browser: Browser, app: str, port: int, there: Stage
) -> None:
    """Where a browser did not look at the policy, the frame is shown, and still says nothing."""
    context = await browser.new_context()
    await context.route("**/iframe/*", without_policy)
    for origin, answers in ((f"http://127.0.0.1:{port}", ["marker"]), (app, ["SYN", "marker"])):
        made = await opened(context, origin, there, near(there))
        await made.page.evaluate(_EMBED, f"{near(there)}/iframe/{there.public}")
        await made.frame.evaluate(_HEAR_PARENT)
        await made.page.evaluate(_POST_SYN_DOWN)
        await made.page.wait_for_function("() => got.includes('marker')")
        assert await made.page.evaluate("() => got") == answers
    await context.close()


async def without_policy(route: Route) -> None:
    """Answer as the server does, but for the policy that tells the browser whose frame it is."""
    answer = await route.fetch()
    headers = {**answer.headers}
    assert "frame-ancestors" in headers.pop("content-security-policy")
    await route.fulfill(response=answer, headers=headers)


async def test_any_port_of_this_machine_may_be_named_for_development(
    browser: Browser, app: str, there: Stage
) -> None:
    """As for pages that ask the API: the script takes the same form as the browser's policy."""
    await name_origins(there, "http://localhost:*")
    async with tab(browser, app, there) as made:
        player = await App(there, made).begin()
        await player.guest()
        assert (await player.create())["id"].startswith("acc_")


async def test_a_window_that_is_not_the_parent_is_not_answered(
    browser: Browser, app: str, there: Stage
) -> None:
    """Whoever has a handle to the frame may post to it; it talks to its parent alone."""
    context = await browser.new_context()
    made = await opened(context, app, there, near(there))
    player = App(there, made)
    await (await player.begin()).guest()
    await player.create()
    async with site("globalThis.got = []; onmessage = (e) => got.push(e.data);") as evil_port:
        await made.frame.evaluate(_HEAR_NEXT)
        async with context.expect_page() as opening:
            await made.page.evaluate(_OPEN, f"http://localhost:{evil_port}/")
        popup = await opening.value
        await popup.wait_for_function("() => globalThis.got !== undefined")
        await popup.evaluate(_POST_SYN)
        await made.frame.evaluate("() => heardNext")
        await popup.wait_for_function("() => got.includes('marker')")
        assert await popup.evaluate("() => got") == ["marker"]
    assert await player.wallet("signMessage", "hello")
    await context.close()


async def test_the_frame_alone_in_a_tab_does_nothing(browser: Browser, there: Stage) -> None:
    """Without a page around it there is nobody to answer."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(f"{there.url}/iframe/{there.public}")
    assert (await page.inner_text("body")).strip() == ""
    await context.close()


_EMBED = """(url) => new Promise((resolve) => {
  const frame = document.createElement("iframe");
  frame.onload = () => resolve();
  frame.src = url;
  document.body.append(frame);
})"""
_OPEN = """(url) => { globalThis.opened = window.open(url); }"""
_HEAR_NEXT = """() => {
  globalThis.heardNext = new Promise((resolve) => addEventListener("message", (event) => {
    if (event.source === parent) return;
    resolve();
    setTimeout(() => event.source.postMessage("marker", "*"));
  }));
}"""
_HEAR_PARENT = """() => {
  addEventListener("message", () => {
    setTimeout(() => parent.postMessage("marker", "*"));
  }, {once: true});
}"""
_POST_SYN_DOWN = """() => {
  globalThis.got = [];
  addEventListener("message", ({data}) => got.push(data.type ?? data));
  const message = {namespace: "penpal", channel: undefined, type: "SYN", participantId: "~"};
  frames[0].postMessage(message, "*");
}"""
_POST_SYN = """() => {
  const message = {namespace: "penpal", channel: undefined, type: "SYN", participantId: "~"};
  opener.frames[0].postMessage(message, "*");
}"""
