"""People who use Para's SDK: they log in, and their backends take their sessions over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httpx
import jwt

from tests.http.calls import unique

if TYPE_CHECKING:
    from tests.vendor.para.sdk import Sdk
    from tests.vendor.para.stage import Stage

EMAIL: Final = "alice@example.org"
DIGEST: Final = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc="


async def log_in(there: Stage, para: Sdk, instance: str, email: str) -> dict[str, Any]:
    """Log *instance* in, and return what its log-in says."""
    await para.ask("make", id=instance, key=there.public)
    await there.enter(await para.ask("login", id=instance, email=email))
    said: dict[str, Any] = await para.ask("loggedIn", id=instance)
    return said


async def imported(there: Stage, para: Sdk, *, slim: bool = False) -> str:
    """Return a new instance with the session of the browser, as a backend makes one a request."""
    instance = unique()
    await para.ask("make", id=instance, key=there.public)
    session = await para.ask("export", id="browser", slim=slim)
    await para.ask("import", id=instance, session=session)
    return instance


async def imported_from(there: Stage, para: Sdk, session: str) -> str:
    """Return a new instance with *session*, wherever that was exported."""
    instance = unique()
    await para.ask("make", id=instance, key=there.public)
    await para.ask("import", id=instance, session=session)
    return instance


async def wallet_of(para: Sdk, instance: str = "browser") -> dict[str, Any]:
    """Return the wallet of *instance*."""
    wallets: dict[str, dict[str, Any]] = await para.ask("wallets", id=instance)
    (wallet,) = wallets.values()
    return wallet


async def checked(there: Stage, token: str, key_id: str) -> dict[str, Any]:
    """Return what *token* says, checked as integrators do; the clock of the test may be ahead."""
    async with httpx.AsyncClient(base_url=there.url) as client:
        keys = jwt.PyJWKSet.from_dict((await client.get("/.well-known/jwks.json")).json())
    assert jwt.get_unverified_header(token)["kid"] == key_id
    claims: dict[str, Any] = jwt.decode(
        token,
        keys[key_id],
        algorithms=["RS256"],
        audience=there.credential.id,
        options={"verify_iat": False},
    )
    return claims
