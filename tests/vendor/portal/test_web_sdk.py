"""`@portal-hq/web` as it is published, in a browser, against our dialect and our own frame."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.http.calls import unique
from tests.http.custodian import Custodian
from tests.http.dialect_stage import SPOKEN, spoken
from tests.http.portal_client import signer_of
from tests.vendor.portal.sdk import application, bundle, sdk_page
from valetkey.core.activity import Request
from valetkey.core.surface import Surface
from valetkey.flows.as_vendor import set_raw_signing
from valetkey.spec.secp256k1 import recover_address

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from tests.http.dialect_stage import Spoken
    from tests.vendor.portal.sdk import SdkPage
    from valetkey.devchain import Deployment

pytestmark = pytest.mark.asyncio(loop_scope="module")

PERSONAL: Final = """(asked) => portal.request({
  chainId: asked[0], method: "personal_sign", params: [asked[1]],
})"""


PERSONAL_OR_WHY: Final = f"(asked) => ({PERSONAL})(asked).catch((error) => error.message)"
BACK_UP: Final = """async (password) => {
  const told = await portal.backupWallet("PASSWORD", undefined, {passwordStorage: {password}});
  await told.storageCallback();
  return told.cipherText;
}"""
RECOVER_OR_WHY: Final = """([cipherText, password]) => portal.recoverWallet(
  cipherText, "PASSWORD", {passwordStorage: {password}},
).catch((error) => error.message)"""
ASK_FROM_BESIDE: Final = """() => new Promise((resolve) => {
  const beside = document.createElement("iframe");
  beside.srcdoc = `<script>
    parent.frames[0].postMessage({type: "portal:getClient", data: {}}, "*");
  </script>`;
  addEventListener("message", ({data}) => {
    if (data.type?.startsWith("portal:getClient")) resolve(data.type);
  });
  document.body.append(beside);
  setTimeout(() => resolve("silence"), 2000);
})"""
HELLO: Final = "0x" + b"hello".hex()
PASSWORD: Final = "correct horse battery staple"  # noqa: S105 - of a test


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the SDK as a script."""
    return bundle(tmp_path_factory.mktemp("portal"))


def host_of(there: Spoken) -> str:
    """Return what the SDK is told as its host: it speaks plain HTTP to ``localhost:`` alone."""
    return f"localhost:{there.own.base_url.port}"


async def ready(page: SdkPage, there: Spoken) -> dict[str, str]:
    """Start the SDK for a new client, and return what its custodian got."""
    made = await Custodian(there.own, there.key).client()
    assert await page.open(made["clientSessionToken"]) == "ready"
    return made


async def test_the_sdk_makes_a_wallet_and_signs(
    there: Spoken, browser: Browser, script: str, portal_deployment: Deployment
) -> None:
    """Ready, createWallet, getEip155Address, personal_sign, rawSign; the key stays with us."""
    chain_id, rpc = portal_deployment.chain_id, portal_deployment.rpc_url
    await set_raw_signing(
        there.world,
        there.founded.principal,
        Request(unique(), ""),
        organization_id=there.founded.organization.id,
        surfaces=[Surface.PORTAL],
    )
    async with (
        application(script, Custodian(there.own, there.key)) as (_, app),
        sdk_page(browser, app, host_of(there), chain_id=chain_id, rpc=rpc) as page,
    ):
        made = await ready(page, there)
        address = await page.run("() => portal.createWallet()")
        assert address == await page.run("() => portal.getEip155Address()")
        signature = await page.run(PERSONAL, [f"eip155:{chain_id}", HELLO])
        assert signer_of(b"hello", signature) == address
        digest = bytes(range(32))
        raw = await page.run("(text) => portal.rawSign('SECP256K1', text)", digest.hex())
        assert f"0x{recover_address(digest, bytes.fromhex(raw)).hex()}" == address
        assert await page.run("() => portal.doesWalletExist()")
        everything = await page.everything()
        assert made["clientSessionToken"].encode() not in everything  # it went the other way
        assert made["clientApiKey"].encode() not in everything
        assert b"SECP256K1" in everything
        assert there.key.encode() not in everything
        assert page.wrongs == []


async def test_a_token_that_is_refused_is_an_invalid_api_key(
    there: Spoken, browser: Browser, script: str
) -> None:
    """Never issued, or revoked since: the SDK says so, and is not ready."""
    custodian = Custodian(there.own, there.key)
    made = await custodian.client()
    await custodian.ask("DELETE", f"/{made['id']}/sessions/{made['sessionId']}")
    async with (
        application(script, custodian) as (_, app),
        sdk_page(browser, app, host_of(there), chain_id=1, rpc=app) as page,
    ):
        for token in ("vk_cst_" + "A" * 43, made["clientSessionToken"], there.key):
            told = await page.open(token)
            assert told in {"INVALID_API_KEY", "expected a session, got a secret key"}
            assert not await page.run("() => portal.ready")


async def test_a_backup_by_password_brings_the_wallet_back(
    there: Spoken, browser: Browser, script: str
) -> None:
    """The server keeps nothing that opens it; another password gives an error, and no share."""
    custodian = Custodian(there.own, there.key)
    async with (
        application(script, custodian) as (_, app),
        sdk_page(browser, app, host_of(there), chain_id=1, rpc=app) as page,
    ):
        await ready(page, there)
        address = await page.run("() => portal.createWallet()")
        cipher = await page.run(BACK_UP, PASSWORD)
        assert await page.run("() => portal.clearLocalWallet()")
        refused = await page.run(PERSONAL_OR_WHY, ["eip155:1", HELLO])
        assert "no share of this client" in refused
        wrong = await page.run(RECOVER_OR_WHY, [cipher, "another password"])
        assert "expected the password" in wrong
        assert await page.run(RECOVER_OR_WHY, [cipher, PASSWORD]) == address
        signature = await page.run(PERSONAL, ["eip155:1", HELLO])
        assert signer_of(b"hello", signature) == address
        told = await page.run("() => portal.mpc.getClient()")
        pairs = [pair for one in told["wallets"] for pair in one["backupSharePairs"]]
        assert {(one["status"], one["backupMethod"]) for one in pairs} == {
            ("completed", "PASSWORD")
        }


async def test_the_frame_is_shown_to_pages_of_named_origins_alone(
    browser: Browser, script: str
) -> None:
    """A page elsewhere gets no frame, so nobody there is asked for shares."""
    config = replace(SPOKEN, origins=["https://app.example"])
    async with spoken(config) as there, AsyncExitStack() as stack:
        custodian = Custodian(there.own, there.key)
        made = await custodian.client()
        _, app = await stack.enter_async_context(application(script, custodian))
        opened = sdk_page(browser, app, host_of(there), chain_id=1, rpc=app)
        page = await stack.enter_async_context(opened)
        assert await page.open(made["clientSessionToken"]) == "silence"
        assert any("frame-ancestors" in one for one in page.wrongs)
        answer = await there.own.get("/3.4.1/iframe/index.html?parentOrigin=https://evil.example")
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors https://app.example;" in f"{policy};"
        assert "x-frame-options" not in answer.headers
        assert 'data-origins="https://app.example"' in answer.text


async def test_the_frame_answers_its_parent_alone(
    there: Spoken, browser: Browser, script: str
) -> None:
    """Not a frame beside it, though that is of the same origin as its parent."""
    async with (
        application(script, Custodian(there.own, there.key)) as (_, app),
        sdk_page(browser, app, host_of(there), chain_id=1, rpc=app) as page,
    ):
        await ready(page, there)
        assert await page.run(ASK_FROM_BESIDE) == "silence"
        assert await page.run("() => portal.getEip155Address()") == ""
