"""What Para's clients open are ordinary sessions: listed, audited, frozen and revoked."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

import httpx
import jwt
import pytest

from tests.vendor.para.people import DIGEST, imported, log_in
from tests.vendor.para.sdk import Refused
from valetkey import AsyncValetkey
from valetkey.core.errors import Unauthenticated

if TYPE_CHECKING:
    from tests.vendor.para.sdk import Sdk
    from tests.vendor.para.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_wrong_key_is_said_to_be_wrong(para: Sdk) -> None:
    """In the vendor's own words."""
    await para.ask("begin", id="stranger", key="dev_vk_public_wrong")
    with pytest.raises(Refused, match="Invalid API Key"):
        await para.ask("touch", id="stranger")


async def test_a_session_is_an_ordinary_one(there: Stage, para: Sdk) -> None:
    """Natively listed, audited, frozen and revoked: over for the SDK at its next word."""
    await log_in(there, para, "frank", "frank@example.org")
    made = jwt.decode(
        (await para.ask("jwt", id="frank"))["token"], options={"verify_signature": False}
    )
    path = f"/v1/sessions?user_id={made['sub']}"
    (session,) = (await there.native("GET", path)).json()["items"]
    assert (session["state"], session["surface"]) == ("open", "para")
    frozen = f"/v1/sessions/{session['id']}/freeze"
    assert (await there.native("POST", frozen)).status_code == 200
    assert not await para.ask("active", id="frank")
    assert (await there.native("POST", f"{frozen[:-6]}unfreeze")).status_code == 200
    assert await para.ask("active", id="frank")
    assert (await there.native("POST", f"{frozen[:-6]}revoke")).status_code == 200
    assert not await para.ask("active", id="frank")
    lines = (await there.native("GET", "/v1/audit?order=newest&limit=20")).json()["items"]
    events = [one["event"] for one in lines if one["subject_id"] == session["id"]]
    assert events[-4:] == [
        "session:revoked",
        "session:unfrozen",
        "session:frozen",
        "session:opened",
    ]


async def test_a_backend_makes_wallets_before_people_come(there: Stage, para: Sdk) -> None:
    """With its secret key, whose alone they are; the share that it keeps signs in a new process."""
    await para.ask("make", id="maker", key=there.secret)
    whose = {"customId": "player-7"}
    made = await para.ask("pregenerate", id="maker", pregenId=whose)
    (listed,) = await para.ask("pregenerated", id="maker", pregenId=whose)
    assert (listed["id"], listed["pregenIdentifier"]) == (made["id"], "player-7")
    assert await para.ask("pregenerated", id="maker", pregenId={"customId": "player-8"}) == []
    share = await para.ask("share", id="maker")
    await para.ask("make", id="signer", key=there.secret)
    await para.ask("setShare", id="signer", share=share)
    signed = await para.ask("raw", id="signer", walletId=made["id"], messageBase64=DIGEST)
    assert len(signed["signature"]) == 130
    await para.ask("make", id="public", key=there.public)
    assert await para.ask("pregenerated", id="public", pregenId=whose) == []
    await para.ask("setShare", id="public", share=share)
    with pytest.raises(Refused, match="403"):
        await para.ask("raw", id="public", walletId=made["id"], messageBase64=DIGEST)


async def test_a_session_is_handed_off_by_a_code_for_one_use(there: Stage, para: Sdk) -> None:
    """The backend gets a native session that reads, of the same user, over with the client's."""
    await log_in(there, para, "olga", "olga@example.org")
    blob = json.loads(base64.b64decode(await para.ask("export", id="olga", slim=True)))
    fields = {"x-external-api-key": there.public, "x-capsule-sid": blob["sessionCookie"]}
    async with httpx.AsyncClient(base_url=there.url, headers=fields) as page:
        too_long = await page.post("/session/hand-offs", json={"ttlS": 601})
        given = (await page.post("/session/hand-offs", json={"ttlS": 60})).json()
    assert too_long.status_code == 400
    async with AsyncValetkey(there.native_url, api_key=there.founded.secret) as vk:
        opened = await vk.sessions.redeem(given["code"])
        assert opened.session.user_id == blob["userId"]
        assert opened.session.surface == "native"
        with pytest.raises(Unauthenticated):
            await vk.sessions.redeem(given["code"])
    bearer = {"authorization": f"Bearer {opened.token}"}
    async with httpx.AsyncClient(base_url=there.native_url, headers=bearer) as backend:
        assert (await backend.get("/v1/session")).status_code == 200
        await para.ask("logout", id="olga")
        assert (await backend.get("/v1/session")).status_code == 401


async def test_a_cookie_of_a_vendor_is_nothing_natively(there: Stage, para: Sdk) -> None:
    """A credential works on the surface that it was issued for, and nowhere else."""
    await log_in(there, para, "pia", "pia@example.org")
    blob = json.loads(base64.b64decode(await para.ask("export", id="pia", slim=True)))
    bearer = {"authorization": f"Bearer {blob['sessionCookie']}"}
    async with httpx.AsyncClient(base_url=there.native_url, headers=bearer) as stranger:
        answer = await stranger.post("/v1/session/hand-offs", json={})
    assert answer.status_code == 401


async def test_a_log_out_ends_the_session(there: Stage, para: Sdk) -> None:
    """For the browser, and for every backend that has imported it; its token is refused."""
    backend = await imported(there, para)
    token = await para.ask("token", id="browser")
    await para.ask("logout", id="browser")
    assert not await para.ask("active", id=backend)
    answer = await there.backend("/sessions/verify", {"verificationToken": token}, key=there.secret)
    assert answer.status_code == 403
