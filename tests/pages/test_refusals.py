"""Everything that may go wrong for an owner is said in plain words, and changes nothing."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.http.calls import Token
from tests.http.unchanged import check_problem
from tests.pages.browser import tab
from tests.pages.scenes import (
    FINISH,
    SIGN,
    SIGN_NOTE,
    ask,
    connect,
    finish,
    owner_wallet,
    press,
    sign_both,
    state_of,
    visit,
)
from tests.pages.wallet import REJECTED, Wallet

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter

    from playwright.async_api import Browser, Page, Route

    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
HOSTILE: Final = '"><img src=x onerror=alert(1)><script>alert(2)</script>&amp;'


def token_of(opened: dict[str, Any]) -> str:
    """Return what the link proves."""
    return str(opened["consent_url"]).partition("#")[2]


async def alert(page: Page, text: str) -> None:
    """Wait until the page says *text* as an alert."""
    await page.get_by_role("alert").filter(has_text=text).wait_for()


async def test_declining_in_the_wallet_signs_nothing_and_can_be_taken_back(
    stage: Stage, browser: Browser
) -> None:
    """4001 of EIP-1193: the same button is there, with the focus, and works afterwards."""
    opened = await ask(stage)
    wallet = owner_wallet(stage, refuses={"eth_signTypedData_v4": REJECTED})
    async with tab(browser, wallets=(wallet,)) as at:
        await visit(at.page, opened["consent_url"])
        await connect(at.page)
        await press(at.page, SIGN)
        await alert(at.page, "You declined in your wallet")
        assert await at.page.get_by_role("button", name=SIGN).evaluate(
            "(one) => one === document.activeElement"
        )
        wallet.refuses.clear()
        await press(at.page, SIGN)
        await at.page.get_by_role("button", name=SIGN_NOTE).wait_for()
        wallet.refuses["eth_signTypedData_v4"] = REJECTED
        await press(at.page, SIGN_NOTE)
        await alert(at.page, "You declined in your wallet")
        assert await at.page.get_by_role("button", name=FINISH).count() == 0
        assert at.seen.wrongs == []
    assert await state_of(stage, opened) == "pending"


async def test_another_account_cannot_sign(stage: Stage, browser: Browser) -> None:
    """The page says which account it wants and which it got; the wallet is asked for nothing."""
    opened = await ask(stage)
    wallet = Wallet(b"\x07" * 32, stage.deployment.chain_id)
    async with tab(browser, wallets=(wallet,)) as at:
        await visit(at.page, opened["consent_url"])
        await press(at.page, "Connect Test Wallet")
        said = await at.page.locator(".wrong").inner_text()
        assert "This is another account" in said
        assert stage.outside["address"].lower() in said
        assert wallet.address.lower() in said
        assert await at.page.get_by_role("button", name=SIGN).count() == 0
        wallet.key = owner_wallet(stage).key
        await press(at.page, "Look again")
        await at.page.get_by_role("button", name=SIGN).wait_for()
    assert wallet.signed == []


async def test_a_wallet_on_another_chain_is_asked_to_change(stage: Stage, browser: Browser) -> None:
    """Nothing is signed for a chain that the wallet does not show; a refusal is said."""
    opened = await ask(stage)
    wallet = owner_wallet(stage, chain_id=1, refuses={"wallet_switchEthereumChain": 4902})
    switch = f"Switch to chain {stage.deployment.chain_id}"
    async with tab(browser, wallets=(wallet,)) as at:
        await visit(at.page, opened["consent_url"])
        await press(at.page, "Connect Test Wallet")
        await press(at.page, switch)
        await alert(at.page, "does not know this chain")
        wallet.refuses.clear()
        await press(at.page, switch)
        await at.page.get_by_role("button", name=SIGN).wait_for()
    assert wallet.chain_id == stage.deployment.chain_id
    assert wallet.signed == []


async def test_a_wallet_that_changes_account_before_it_signs_signs_nothing(
    stage: Stage, browser: Browser
) -> None:
    """Account and chain are asked again at each signature."""
    opened = await ask(stage)
    wallet = owner_wallet(stage)
    async with tab(browser, wallets=(wallet,)) as at:
        await visit(at.page, opened["consent_url"])
        await connect(at.page)
        wallet.key = b"\x07" * 32
        await press(at.page, SIGN)
        await at.page.get_by_text("This is another account").wait_for()
    assert wallet.signed == []


async def test_the_link_is_dead_once_its_session_is_open(stage: Stage, browser: Browser) -> None:
    """The same link shows nothing and signs nothing a second time, in the page and past it."""
    opened = await ask(stage)
    async with tab(browser, wallets=(owner_wallet(stage),)) as at:
        await visit(at.page, opened["consent_url"])
        await connect(at.page)
        await sign_both(at.page)
        await finish(at.page)
        await at.page.get_by_role("heading", name="The session is open").wait_for()
    async with tab(browser) as at:
        await visit(at.page, opened["consent_url"])
        await alert(at.page, "It was signed already")
    linked = stage.by(Token(token_of(opened)))
    check_problem(await linked.send("GET", "/v1/consent"), 409, "session_state")
    other = {"owner_signature": "0x" + "11" * 65, "kill_note": "0x" + "11" * 65}
    check_problem(await linked.send("POST", "/v1/consent", other), 400, "malformed_signature")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda url: url[:-1], "This link is not complete"),
        (lambda url: url.partition("#")[0], "This link is not complete"),
        (lambda url: f"{url[:-4]}AAAA", "This link does not work"),
    ],
    ids=["cut", "without a token", "of nobody"],
)
async def test_a_link_that_is_not_one_says_so(
    stage: Stage,
    browser: Browser,
    make: Any,  # noqa: ANN401 - a lambda
    words: str,
) -> None:
    """A cut or invented link leads nowhere, and says what to do."""
    opened = await ask(stage)
    async with tab(browser) as at:
        await visit(at.page, make(opened["consent_url"]))
        await alert(at.page, words)


async def test_a_renewed_link_ends_the_one_before(stage: Stage, browser: Browser) -> None:
    """A link that went astray is taken back by making a new one."""
    opened = await ask(stage)
    path = f"/v1/sessions/{opened['session']['id']}/consent-link"
    renewed = await stage.secret.post(path, {})
    async with tab(browser) as at:
        await visit(at.page, opened["consent_url"])
        await alert(at.page, "It was replaced by a newer one")
    async with tab(browser) as at:
        await visit(at.page, renewed["url"])
        assert "asks for a session" in await at.page.locator("h1").inner_text()


async def test_a_session_that_was_revoked_meanwhile_stays_so(
    stage: Stage, browser: Browser
) -> None:
    """Its owner is told; the signatures that come late open nothing."""
    opened = await ask(stage)
    async with tab(browser, wallets=(owner_wallet(stage),)) as at:
        await visit(at.page, opened["consent_url"])
        await connect(at.page)
        await sign_both(at.page)
        await stage.secret.post(f"/v1/sessions/{opened['session']['id']}/revoke", {})
        await finish(at.page)
        await at.page.get_by_role("heading", name="The session is revoked").wait_for()
    async with tab(browser) as at:
        await visit(at.page, opened["consent_url"])
        await alert(at.page, "The session was revoked before it was signed")
    assert await state_of(stage, opened) == "revoked"


async def test_a_server_that_does_not_answer_can_be_asked_again(
    stage: Stage, browser: Browser
) -> None:
    """Neither reading nor handing in is lost when the network is."""
    opened = await ask(stage)

    async def cut(route: Route) -> None:
        await route.abort()

    async with tab(browser, wallets=(owner_wallet(stage),)) as at:
        await at.page.route("**/v1/consent", cut)
        await visit(at.page, opened["consent_url"])
        await alert(at.page, "The server does not answer")
        await at.page.unroute("**/v1/consent")
        await press(at.page, "Try again")
        await connect(at.page)
        await sign_both(at.page)
        await at.page.route("**/v1/consent", cut)
        await finish(at.page)
        await alert(at.page, "The server does not answer")
        await at.page.unroute("**/v1/consent")
        await finish(at.page)
        await at.page.get_by_role("heading", name="The session is open").wait_for()
    assert await state_of(stage, opened) == "open"


async def test_names_that_others_gave_are_text_and_nothing_else(
    stage: Stage, browser: Browser
) -> None:
    """Markup in a label, a device or a wallet's name is shown as it is, and does nothing."""
    opened = await ask(stage, label=HOSTILE[:100], device=HOSTILE[:100])
    wallet = owner_wallet(stage, name="<b onclick=alert(3)>Wallet</b>")
    async with tab(browser, wallets=(wallet,)) as at:
        await visit(at.page, opened["consent_url"])
        await at.page.get_by_role("button", name="<b onclick").wait_for()
        said = await at.page.locator("main").text_content() or ""
        assert said.count(HOSTILE[:100]) == 2
        assert await at.page.locator("main img, main script, main b[onclick]").count() == 0
        assert at.seen.wrongs == []
        assert at.seen.hosts == {stage.client.base_url.netloc.decode()}


async def test_no_other_page_can_put_this_one_into_a_frame(stage: Stage, browser: Browser) -> None:
    """Nobody is led to press a button that they do not see (clickjacking)."""
    opened = await ask(stage)
    other = f"{stage.client.base_url}/healthz"  # which has nothing to press, and may be framed
    frames = "".join(f'<iframe src="{url}"></iframe>' for url in (other, opened["consent_url"]))

    async def serve(reader: StreamReader, writer: StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n" + frames.encode())
        writer.close()

    thief = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = thief.sockets[0].getsockname()[1]
    async with thief, tab(browser, wallets=(owner_wallet(stage),)) as at:
        await at.page.goto(f"http://127.0.0.1:{port}/")
        shown, kept_out = at.page.main_frame.child_frames
        assert (shown.url, kept_out.url.partition(":")[0]) == (other, "chrome-error")


async def test_a_server_that_wants_something_else_signed_gets_no_signature(
    stage: Stage, browser: Browser
) -> None:
    """The page works out what is signed from what it shows; where they differ it is locked."""
    opened = await ask(stage)
    wallet = owner_wallet(stage)

    async def lie(route: Route) -> None:
        answer = await route.fetch()
        told = await answer.json()
        told["grant"]["message"]["caps"][0]["limit"] = str(10**30)
        await route.fulfill(response=answer, body=json.dumps(told))

    async with tab(browser, wallets=(wallet,)) as at:
        await at.page.route("**/v1/consent", lie)
        await visit(at.page, opened["consent_url"])
        await alert(at.page, "Do not sign")
        await alert(at.page, "caps.0.limit")
        assert await at.page.get_by_role("button").count() == 0
    assert wallet.asked == []
