"""Step 13: the package that the page names takes the sessions of the newer one, steps 3 to 7."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.http.calls import unique
from tests.vendor.para.people import DIGEST, EMAIL, checked, imported_from, log_in, wallet_of
from tests.vendor.para.sdk import ALPHA_SDK, Refused, Sdk, sdk
from valetkey.core.terms import DEFAULT_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.vendor.para.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def alpha(there: Stage) -> AsyncIterator[Sdk]:
    """Give the backend's package."""
    async with sdk(there.url, ALPHA_SDK) as made:
        yield made


async def taken(there: Stage, para: Sdk, alpha: Sdk, *, slim: bool = False) -> str:
    """Return an instance of the backend with the session of the browser."""
    session = await para.ask("export", id="browser", slim=slim)
    return await imported_from(there, alpha, session)


async def test_step_3_what_is_no_session_is_not_imported(there: Stage, alpha: Sdk) -> None:
    """It throws, which the page answers with 500."""
    instance = unique()
    await alpha.ask("make", id=instance, key=there.public)
    with pytest.raises(Refused):
        await alpha.ask("import", id=instance, session="garbage")


async def test_step_4_an_imported_session_is_active(there: Stage, para: Sdk, alpha: Sdk) -> None:
    """With its shares and without."""
    for slim in (False, True):
        assert await alpha.ask("active", id=await taken(there, para, alpha, slim=slim))


async def test_step_5_a_token_is_checked_by_the_published_keys(
    there: Stage, para: Sdk, alpha: Sdk
) -> None:
    """It says who the user is and which wallets are theirs, for as long as the session lasts."""
    wallet, backend = await wallet_of(para), await taken(there, para, alpha)
    made = await alpha.ask("jwt", id=backend)
    claims = await checked(there, made["token"], made["keyId"])
    assert claims["exp"] - claims["iat"] == DEFAULT_S
    assert claims["data"]["email"] == EMAIL
    assert [one["address"] for one in claims["data"]["wallets"]] == [wallet["address"]]


async def test_step_6_a_backend_verifies_a_session_by_its_token(
    there: Stage, para: Sdk, alpha: Sdk
) -> None:
    """With the secret key while it is in use; with the public one, or after the log-out, not."""
    await log_in(there, para, "kim", "kim@example.org")
    session = await para.ask("export", id="kim", slim=True)
    backend = await imported_from(there, alpha, session)
    asked = {"verificationToken": await alpha.ask("token", id=backend)}
    answer = await there.backend("/sessions/verify", asked, key=there.secret)
    assert answer.json() == {"authType": "email", "identifier": "kim@example.org"}
    assert (await there.backend("/sessions/verify", asked, key=there.public)).status_code == 401
    await para.ask("logout", id="kim")
    assert (await there.backend("/sessions/verify", asked, key=there.secret)).status_code == 403


async def test_step_7_a_session_is_kept_alive_and_runs_out(
    there: Stage, para: Sdk, alpha: Sdk
) -> None:
    """Kept alive by the backend it goes on for the browser; unused it is over for both."""
    await log_in(there, para, "lou", "lou@example.org")
    session = await para.ask("export", id="lou", slim=True)
    backend = await imported_from(there, alpha, session)
    asked = {"verificationToken": await alpha.ask("token", id=backend)}
    for _ in range(2):
        there.clock.advance(DEFAULT_S - 60)
        assert await alpha.ask("keepAlive", id=backend)
    assert await para.ask("active", id="lou")
    there.clock.advance(DEFAULT_S + 1)
    assert not await alpha.ask("keepAlive", id=backend)
    assert not await alpha.ask("active", id=backend)
    with pytest.raises(Refused) as refused:
        await alpha.ask("jwt", id=backend)
    assert "403" in json.dumps([refused.value.status, refused.value.message])
    answer = await there.backend("/sessions/verify", asked, key=there.secret)
    assert answer.status_code == 403
    assert not await alpha.ask("active", id=await imported_from(there, alpha, session))
    await log_in(there, para, "browser", EMAIL)  # whose time has run out as well


async def test_the_share_of_the_newer_package_signs(there: Stage, para: Sdk, alpha: Sdk) -> None:
    """The same bytes as there; a slim session is refused here too."""
    wallet, backend = await wallet_of(para), await taken(there, para, alpha)
    asked = {"walletId": wallet["id"], "messageBase64": DIGEST}
    here = await alpha.ask("raw", id=backend, **asked)
    assert here["signature"] == (await para.ask("raw", id="browser", **asked))["signature"]
    slim = await taken(there, para, alpha, slim=True)
    with pytest.raises(Refused):
        await alpha.ask("raw", id=slim, **asked)
