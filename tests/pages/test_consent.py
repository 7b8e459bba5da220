"""An owner with a browser wallet opens a link, reads, signs, and keeps the kill note."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.http.stage import OWNER
from tests.pages.browser import tab
from tests.pages.scenes import (
    SIGN,
    ask,
    connect,
    finish,
    owner_wallet,
    press,
    sign_both,
    state_of,
    unwise,
    visit,
)
from tests.pages.wallet import Wallet
from valetkey.client.kill_note import check_note
from valetkey.core.chain import GrantStage
from valetkey.devchain import DevKey, delegate, dev_keys, transact
from valetkey.spec.secp256k1 import address_of_key
from valetkey.wire.session import KillNote

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from tests.http.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")
_OWNER = DevKey(OWNER.private, address_of_key(OWNER.private))


async def test_an_owner_signs_with_their_wallet_and_the_session_is_open(
    stage: Stage, browser: Browser
) -> None:
    """What the wallet signs is what the server asked for; no host but ours is asked anything."""
    opened = await ask(stage)
    wallet = owner_wallet(stage)
    async with tab(browser, wallets=(wallet,)) as at:
        await visit(at.page, opened["consent_url"])
        await connect(at.page)
        await sign_both(at.page)
        assert await state_of(stage, opened) == "pending"
        note = await finish(at.page)
        await at.page.get_by_role("heading", name="The session is open").wait_for()
        assert "#" not in at.page.url
        assert at.seen.wrongs == []
        assert at.seen.hosts == {stage.client.base_url.netloc.decode()}
    assert wallet.signed == [opened["next_action"]["grant"], opened["next_action"]["kill_note"]]
    assert await state_of(stage, opened) == "open"
    checked = check_note(msgspec.convert(note, KillNote))
    assert checked.grant_id.hex() == opened["session"]["grant_id"][2:]


async def test_the_token_of_the_link_is_in_no_url_that_is_sent(
    stage: Stage, browser: Browser
) -> None:
    """It stands behind the #, and goes in a header: neither a log nor a Referer has it."""
    opened = await ask(stage)
    token = opened["consent_url"].partition("#")[2]
    async with tab(browser) as at:
        await visit(at.page, opened["consent_url"])
        sent = [url.partition("#")[0] for url in at.seen.urls]
    assert sent
    assert not any(token in url for url in sent)
    assert token.encode() not in b"".join(stage.lines)


async def test_everything_can_be_read_without_a_wallet(stage: Stage, browser: Browser) -> None:
    """Headline, sentences, worst case, findings, terms: all of it, and a word on how to sign."""
    opened = await ask(stage, permission=unwise(stage))
    async with tab(browser) as at:
        await visit(at.page, opened["consent_url"])
        said = await at.page.locator("main").inner_text()
        assert "There is no wallet in this browser" in said
        assert at.seen.wrongs == []
    words = " ".join(said.split())
    for sentence in (*opened["explanation"][:-1], opened["headline"]):
        assert " ".join(sentence.split()) in words
    for finding in opened["findings"]:
        assert finding["detail"][1:] in words
    assert "No limit Every token" in words
    assert "0.5 native coin" in words
    assert opened["session"]["id"] in words


async def test_a_session_without_limits_is_signed_only_after_a_confirmation(
    stage: Stage, browser: Browser
) -> None:
    """The button rests until the owner says that they have read what stands out."""
    opened = await ask(stage, permission=unwise(stage))
    wallet = owner_wallet(stage)
    async with tab(browser, wallets=(wallet,)) as at:
        await visit(at.page, opened["consent_url"])
        await connect(at.page)
        assert await at.page.get_by_role("button", name=SIGN).is_disabled()
        await at.page.get_by_role("checkbox").check()
        await press(at.page, SIGN)
        await at.page.get_by_text("The permission is signed").wait_for()
    assert len(wallet.signed) == 1


async def test_many_rules_are_signed_as_the_root_that_the_page_works_out(
    stage: Stage, browser: Browser
) -> None:
    """The wallet shows a root alone; the page says so, and has made it from the rules itself."""
    token = "0x" + stage.deployment.token.hex()
    rules: list[dict[str, Any]] = [
        {"target": f"0x{number:040x}", "selector": f"0x{number:08x}"} for number in range(100, 112)
    ]
    rules.append({"target": token, "function": "transfer(address,uint256)"})
    opened = await ask(stage, permission=stage.permission(rules=rules, recipients="anything"))
    wallet = owner_wallet(stage, is_legacy=True)
    async with tab(browser, wallets=(wallet,)) as at:
        await visit(at.page, opened["consent_url"])
        await press(at.page, "Connect Browser wallet")
        await at.page.get_by_role("checkbox").check()
        await sign_both(at.page)
        await finish(at.page)
        await at.page.get_by_role("heading", name="The session is open").wait_for()
        assert at.seen.wrongs == []
    assert wallet.signed[0]["message"]["rules"] == []
    assert int(wallet.signed[0]["message"]["rulesRoot"], 16)
    assert await state_of(stage, opened) == "open"


async def test_the_owner_picks_one_of_several_wallets(stage: Stage, browser: Browser) -> None:
    """Each that announces itself (EIP-6963) is offered by its name, and only one is asked."""
    opened = await ask(stage)
    other, own = Wallet(b"\x07" * 32, 1, "Other"), owner_wallet(stage, name="Mine")
    async with tab(browser, wallets=(other, own)) as at:
        await visit(at.page, opened["consent_url"])
        await press(at.page, "Mine")
        await at.page.get_by_role("button", name=SIGN).wait_for()
        assert at.seen.wrongs == []
    assert other.asked == []
    assert "eth_requestAccounts" in own.asked


async def test_the_kill_note_that_the_page_made_ends_the_session_with_the_server_aside(
    stage: Stage, browser: Browser
) -> None:
    """Anybody sends its calldata to the account: the chain then knows the grant as revoked."""
    rpc, payer = stage.node.rpc, dev_keys()[3]
    delegate(rpc, payer, _OWNER, stage.deployment.implementation)
    opened = await ask(stage)
    async with tab(browser, wallets=(owner_wallet(stage),)) as at:
        await visit(at.page, opened["consent_url"])
        await connect(at.page)
        await sign_both(at.page)
        note = await finish(at.page)
    chain = stage.world.chain(stage.chain)
    account, grant_id, data = (
        bytes.fromhex(note[name][2:]) for name in ("account", "grant_id", "calldata")
    )
    before = await chain.grant_state(account, grant_id, counters=1)
    transact(rpc, payer, account, data=data)
    after = await chain.grant_state(account, grant_id, counters=1)
    assert (before.stage, after.stage) == (GrantStage.UNKNOWN, GrantStage.REVOKED)
