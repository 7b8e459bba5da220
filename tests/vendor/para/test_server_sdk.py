"""Para's server SDK, unmodified, through the steps of its page in their order."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
from typing import TYPE_CHECKING, Any, Final

import jwt
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data

from tests.http.calls import unique
from tests.vendor.para.people import DIGEST, EMAIL, checked, imported, log_in, wallet_of
from tests.vendor.para.sdk import Refused
from valetkey.core.activity import Request
from valetkey.core.terms import DEFAULT_S, Terms
from valetkey.flows.terms import set_terms

if TYPE_CHECKING:
    from tests.vendor.para.sdk import Sdk
    from tests.vendor.para.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAUCET_WEI: Final = 10**18
PAID_WEI: Final = 10**15
BOB: Final = "0x" + "b0" * 20
TYPED: Final[dict[str, Any]] = {
    "domain": {
        "name": "Shop",
        "version": "1",
        "chainId": 31337,
        "verifyingContract": "0x" + "c0" * 20,
    },
    "types": {"Order": [{"name": "what", "type": "string"}, {"name": "price", "type": "uint256"}]},
    "primaryType": "Order",
    "message": {"what": "tea", "price": 3},
}


async def test_step_1_a_user_signs_up_and_has_a_wallet(para: Sdk) -> None:
    """The SDK makes it with our worker script, and has the client's share of its key."""
    wallet = await wallet_of(para)
    assert wallet["address"].startswith("0x")
    assert wallet["signer"]


async def test_step_2_a_session_is_exported_with_and_without_shares(para: Sdk) -> None:
    """The slim one has no ``signer``; the cookie is in both, and is a bearer token."""
    full, slim = [
        json.loads(base64.b64decode(await para.ask("export", id="browser", slim=one)))
        for one in (False, True)
    ]
    assert all("signer" in one for one in full["wallets"].values())
    assert not any("signer" in one for one in slim["wallets"].values())
    assert full["sessionCookie"] == slim["sessionCookie"] != ""


async def test_step_3_what_is_no_session_is_not_imported(there: Stage, para: Sdk) -> None:
    """The branch of the page that answers 500; and none is imported over another."""
    await para.ask("make", id="empty", key=there.public)
    with pytest.raises(Refused):
        await para.ask("import", id="empty", session="garbage")
    backend = await imported(there, para)
    with pytest.raises(Refused, match="already has an active session"):
        await para.ask("import", id=backend, session=await para.ask("export", id="browser"))


async def test_step_4_an_imported_session_is_active(there: Stage, para: Sdk) -> None:
    """In the backend as in the browser."""
    assert await para.ask("active", id=await imported(there, para))


async def test_step_5_a_token_is_checked_by_the_published_keys(there: Stage, para: Sdk) -> None:
    """By PyJWT, and with the session's length, its user and wallet in it; both keys of the ring."""
    wallet, backend = await wallet_of(para), await imported(there, para)
    for index in (0, 1):
        made = await para.ask("jwt", id=backend, keyIndex=index)
        claims = await checked(there, made["token"], made["keyId"])
        assert claims["exp"] - claims["iat"] == DEFAULT_S
        assert claims["sub"] == claims["data"]["userId"]
        assert claims["data"]["identifier"] == EMAIL
        assert [one["address"] for one in claims["data"]["wallets"]] == [wallet["address"]]


async def test_step_5_a_token_is_checked_by_jose(there: Stage, para: Sdk) -> None:
    """With the keys as it fetches them itself; for another audience it is refused."""
    token = (await para.ask("jwt", id=await imported(there, para)))["token"]
    claims = await para.ask("verified", token=token, audience=there.credential.id)
    assert claims["data"]["email"] == EMAIL
    with pytest.raises(Refused, match="aud"):
        await para.ask("verified", token=token, audience="another")


async def test_step_6_a_backend_verifies_a_session_by_its_token(there: Stage, para: Sdk) -> None:
    """With its secret key; not with the public one, and not another token."""
    token = await para.ask("token", id=await imported(there, para))
    answer = await there.backend("/sessions/verify", {"verificationToken": token}, key=there.secret)
    assert (answer.status_code, answer.json()) == (200, {"authType": "email", "identifier": EMAIL})
    refused = [
        (await there.backend("/sessions/verify", {"verificationToken": one}, key=key)).status_code
        for one, key in ((token, there.public), ("nobody", there.secret), (token, "dev_wrong"))
    ]
    assert refused == [401, 403, 401]


async def test_step_7_a_session_is_kept_alive_and_runs_out(there: Stage, para: Sdk) -> None:
    """Each use begins its time anew; unused it is over for all that it could do."""
    await log_in(there, para, "carol", "carol@example.org")
    token = await para.ask("token", id="carol")
    for _ in range(2):
        there.clock.advance(DEFAULT_S - 60)
        assert await para.ask("keepAlive", id="carol")
    there.clock.advance(DEFAULT_S + 1)
    assert not await para.ask("keepAlive", id="carol")
    assert not await para.ask("active", id="carol")
    with pytest.raises(Refused) as refused:
        await para.ask("jwt", id="carol")
    assert refused.value.status == 403
    answer = await there.backend("/sessions/verify", {"verificationToken": token}, key=there.secret)
    assert answer.status_code == 403
    await log_in(there, para, "browser", EMAIL)  # whose time has run out as well


async def test_step_8_the_length_of_sessions_is_the_keys(there: Stage, para: Sdk) -> None:
    """From the next log-in on."""
    terms = Terms(there.credential.id, "", idle_s=60, most_s=3600)
    await set_terms(there.world, there.founded.principal, Request(unique(), ""), terms)
    await log_in(there, para, "dave", "dave@example.org")
    made = await para.ask("jwt", id="dave")
    claims = jwt.decode(made["token"], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 60
    again = Terms(there.credential.id, "")
    await set_terms(there.world, there.founded.principal, Request(unique(), ""), again)


async def test_step_9_a_backend_verifies_a_wallet_by_its_address(there: Stage, para: Sdk) -> None:
    """In whatever case it is written; others are not there."""
    wallet = await wallet_of(para)
    for address in (wallet["address"], wallet["address"].lower()):
        answer = await there.backend("/wallets/verify", {"address": address}, key=there.secret)
        assert (answer.status_code, answer.json()) == (200, {"walletId": wallet["id"]})
    answer = await there.backend("/wallets/verify", {"address": BOB}, key=there.secret)
    assert answer.status_code == 404


async def test_step_14_a_backend_without_any_sdk_asks_with_curl(there: Stage, para: Sdk) -> None:
    """As on the page, for servers that are not written for Node: steps 6 and 9."""
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed")
    wallet, token = await wallet_of(para), await para.ask("token", id="browser")
    asked = {
        "/sessions/verify": ({"verificationToken": token}, {"identifier": EMAIL}),
        "/wallets/verify": ({"address": wallet["address"]}, {"walletId": wallet["id"]}),
    }
    for path, (body, expected) in asked.items():
        process = await asyncio.create_subprocess_exec(
            *(curl, "--silent", "--fail", "--request", "POST", f"{there.url}{path}"),
            *("--header", "content-type: application/json", "--data", json.dumps(body)),
            *("--header", f"x-external-api-key: {there.secret}"),
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
        assert expected.items() <= json.loads(said).items()


async def test_step_10_an_imported_session_signs(there: Stage, para: Sdk) -> None:
    """A message and typed data that others check, and a transaction that is mined."""
    wallet, backend = await wallet_of(para), await imported(there, para)
    signature = await para.ask("message", id=backend, text="hello")
    assert (
        Account.recover_message(encode_defunct(text="hello"), signature=signature)
        == (wallet["address"])
    )
    typed = await para.ask("typedData", id=backend, data=TYPED)
    signable = encode_typed_data(full_message={**TYPED, "types": TYPED["types"]})
    assert Account.recover_message(signable, signature=typed) == wallet["address"]
    there.give(wallet["address"], FAUCET_WEI)
    mined = await para.ask(
        "send",
        id=backend,
        rpc=there.node.rpc_url,
        chainId=there.chain_id,
        to=BOB,
        value=str(PAID_WEI),
    )
    assert (mined["status"], mined["from"].lower()) == ("success", wallet["address"].lower())
    assert there.balance(BOB) == PAID_WEI


async def test_step_10_a_slim_session_does_not_sign(there: Stage, para: Sdk) -> None:
    """It does all else; the audit log says who was refused, and why."""
    slim, wallet = await imported(there, para, slim=True), await wallet_of(para)
    assert await para.ask("active", id=slim)
    assert await para.ask("jwt", id=slim)
    with pytest.raises(Refused, match="403"):
        await para.ask("raw", id=slim, walletId=wallet["id"], messageBase64=DIGEST)
    lines = (await there.native("GET", "/v1/audit?order=newest&limit=5")).json()["items"]
    refused = [one for one in lines if one["event"] == "wallet:signature_refused"]
    assert refused[0]["subject_id"] == wallet["id"]
    assert refused[0]["facts"]["code"] == "share_missing"


async def test_step_11_two_users_do_not_mix(there: Stage, para: Sdk) -> None:
    """Interleaved, in one process: each signs with their own wallet."""
    await log_in(there, para, "erin", "erin@example.org")
    mine, hers = await wallet_of(para), await wallet_of(para, "erin")
    for instance, wallet in (("browser", mine), ("erin", hers), ("browser", mine)):
        signature = await para.ask("message", id=instance, text="who")
        who = Account.recover_message(encode_defunct(text="who"), signature=signature)
        assert who == wallet["address"]
    assert mine["address"] != hers["address"]


async def test_the_second_device_of_a_user_has_the_same_share(there: Stage, para: Sdk) -> None:
    """It comes sealed for the key of that device, once its user has logged in there."""
    said = await log_in(there, para, "phone", EMAIL)
    assert not said["hasCreatedWallets"]
    first, second = await wallet_of(para), await wallet_of(para, "phone")
    assert (second["id"], second["signer"]) == (first["id"], first["signer"])


async def test_step_12_a_signature_waits_for_its_user(there: Stage, para: Sdk) -> None:
    """Approved with a code it is made, for that digest alone; denied it is not."""
    wallet = await wallet_of(para)
    await there.review(on=True)
    asked = {"id": "browser", "walletId": wallet["id"]}
    url = await para.ask("review", **asked, messageBase64=DIGEST)
    await there.decide(url, approve=True)
    assert (await para.ask("reviewed", id="browser"))["signature"]
    url = await para.ask("review", **asked, messageBase64=DIGEST)  # the approval is used up
    await there.decide(url, approve=False)
    with pytest.raises(Refused) as refused:
        await para.ask("reviewed", id="browser")
    assert refused.value.kind == "TransactionReviewDenied"
    await there.review(on=False)
