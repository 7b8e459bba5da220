"""Requests about credentials, for the table of who gets in where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.http.calls import Key
from valetkey.spec.jwt import jwk_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.http.stage import Stage

    Target = tuple[str, Any]
    Maker = Callable[[Stage, str], Awaitable[Target]]

PROVIDER: Final[dict[str, Any]] = {
    "name": "custom",
    "issuer": "https://login.example",
    "audiences": ["shop"],
    "keys": {"keys": [jwk_of("p256", Key.make("p256", 22).public)]},
}
NEW_KEY: Final = {"key": Key.make("p256", 21).document, "signature": "0x" + "11" * 64}


async def revoke_credential(stage: Stage, principal: str) -> Target:
    """Revoke one that nobody else here needs."""
    del principal
    added = await stage.secret.post("/v1/credentials", {"kind": "secret"})
    return f"/v1/credentials/{added['credential']['id']}/revoke", {}


async def set_role(stage: Stage, principal: str) -> Target:
    """Lessen one that nobody else here needs."""
    del principal
    added = await stage.secret.post("/v1/credentials", {"kind": "secret"})
    return f"/v1/credentials/{added['credential']['id']}/role", {"role": "auditor"}


async def set_terms(stage: Stage, principal: str) -> Target:
    """Set those of a key of a vendor's surface."""
    del principal
    body = {"kind": "publishable", "surface": "para"}
    added = await stage.secret.post("/v1/credentials", body)
    return f"/v1/credentials/{added['credential']['id']}/terms", {"idle_s": 60}


async def terms(stage: Stage, principal: str) -> Target:
    """Look at those of a key."""
    del principal
    return f"/v1/credentials/{stage.keys['credential']}/terms", None


async def set_origins(stage: Stage, principal: str) -> Target:
    """Say whose pages may have a publishable key in a frame."""
    del principal
    body = {"kind": "publishable", "surface": "openfort"}
    added = await stage.secret.post("/v1/credentials", body)
    path = f"/v1/credentials/{added['credential']['id']}/origins"
    return path, {"origins": ["https://app.example"]}


async def key(stage: Stage, principal: str) -> Target:
    """Give one another key, which has signed nothing."""
    del principal
    return f"/v1/credentials/{stage.keys['credential']}/key", NEW_KEY


async def providers(stage: Stage, principal: str) -> Target:
    """List them."""
    del stage, principal
    return "/v1/identity-providers", None


async def set_provider(stage: Stage, principal: str) -> Target:
    """Have one log users in."""
    del stage, principal
    return "/v1/identity-providers", PROVIDER


async def remove_provider(stage: Stage, principal: str) -> Target:
    """Remove one that is there."""
    del principal
    await stage.secret.post("/v1/identity-providers", PROVIDER)
    return f"/v1/identity-providers/{PROVIDER['name']}/remove", {}


ABOUT_CREDENTIALS: Final[dict[str, Maker]] = {
    "POST /v1/credentials/{credential_id}/role": set_role,
    "GET /v1/credentials/{credential_id}/terms": terms,
    "POST /v1/credentials/{credential_id}/terms": set_terms,
    "POST /v1/credentials/{credential_id}/origins": set_origins,
    "GET /v1/identity-providers": providers,
    "POST /v1/identity-providers": set_provider,
    "POST /v1/identity-providers/{name}/remove": remove_provider,
    "POST /v1/credentials/{credential_id}/key": key,
    "POST /v1/credentials/{credential_id}/revoke": revoke_credential,
}
