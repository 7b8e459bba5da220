"""A web app whose backend takes sessions over, as Para's page writes it: with both its packages."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
import pytest_asyncio

from tests.vendor.para.app import web_app
from tests.vendor.para.people import EMAIL, checked, log_in, wallet_of
from tests.vendor.para.sdk import ALPHA_SDK, SERVER_SDK
from valetkey.core.terms import DEFAULT_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.vendor.para.sdk import Sdk
    from tests.vendor.para.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHER: Final = "henry@example.org"


@pytest_asyncio.fixture(
    scope="module", loop_scope="module", params=[SERVER_SDK, ALPHA_SDK], ids=["newest", "page"]
)
async def app(
    there: Stage, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of the app, as its page in the browser is one."""
    folder: Path = tmp_path_factory.mktemp("page")
    async with (
        web_app(there, folder, request.param) as url,
        httpx.AsyncClient(base_url=url, timeout=60) as client,
    ):
        yield client


async def used(app: httpx.AsyncClient, session: str) -> dict[str, Any]:
    """Return what the backend does with a session in one request."""
    answer = await app.post("/api/use-session", json={"session": session})
    assert answer.status_code == 200, answer.text
    said: dict[str, Any] = answer.json()
    return said


async def test_step_3_a_backend_imports_a_session(app: httpx.AsyncClient, para: Sdk) -> None:
    """With and without shares, and the same one again: each request has a client of its own."""
    for slim in (False, True, False):
        session = await para.ask("export", id="browser", slim=slim)
        answer = await app.post("/api/import-session", json={"session": session})
        assert (answer.status_code, answer.json()) == (200, {"success": True})


@pytest.mark.parametrize("session", ["garbage", "", "e30=", None, 7])
async def test_step_3_what_is_no_session_is_answered_as_the_page_does(
    app: httpx.AsyncClient, session: object
) -> None:
    """By its branch for errors."""
    answer = await app.post("/api/import-session", json={"session": session})
    assert (answer.status_code, answer.json()) == (500, {"error": "Failed to import session"})


async def test_steps_4_5_and_7_a_backend_uses_sessions_of_many_users(
    app: httpx.AsyncClient, there: Stage, para: Sdk
) -> None:
    """At the same time: each request acts for the user whose session it was sent."""
    await log_in(there, para, "henry", OTHER)
    sessions = [await para.ask("export", id=one, slim=True) for one in ("browser", "henry")]
    told = await asyncio.gather(*(used(app, one) for one in sessions * 4))
    assert all(one["active"] and one["success"] for one in told)
    claims = [await checked(there, one["token"], one["keyId"]) for one in told]
    assert [one["data"]["email"] for one in claims] == [EMAIL, OTHER] * 4


async def test_step_6_a_backend_verifies_by_http_alone(
    app: httpx.AsyncClient, there: Stage, para: Sdk
) -> None:
    """The page's two routes without an SDK, a log-out and addresses of nobody included."""
    await log_in(there, para, "ivan", "ivan@example.org")
    asked = {"verificationToken": await para.ask("token", id="ivan")}
    answer = await app.post("/api/verify-session", json=asked)
    assert answer.json() == {"authType": "email", "identifier": "ivan@example.org"}
    wallet = await wallet_of(para, "ivan")
    answer = await app.post("/api/verify-wallet", json={"address": wallet["address"]})
    assert answer.json() == {"walletId": wallet["id"]}
    await para.ask("logout", id="ivan")
    assert (await app.post("/api/verify-session", json=asked)).status_code == 403
    answer = await app.post("/api/verify-wallet", json={"address": "0x" + "b0" * 20})
    assert answer.status_code == 404


async def test_step_7_a_session_that_ran_out_is_imported_and_does_nothing(
    app: httpx.AsyncClient, there: Stage, para: Sdk
) -> None:
    """An import asks nobody; the first word after it is refused."""
    await log_in(there, para, "judy", "judy@example.org")
    session = await para.ask("export", id="judy", slim=False)
    asked = {"verificationToken": await para.ask("token", id="judy")}
    there.clock.advance(DEFAULT_S + 1)
    answer = await app.post("/api/import-session", json={"session": session})
    assert answer.status_code == 200
    assert await used(app, session) == {"active": False, "success": False}
    assert (await app.post("/api/verify-session", json=asked)).status_code == 403
    await log_in(there, para, "browser", EMAIL)  # whose time has run out as well
