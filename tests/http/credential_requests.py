"""Requests about credentials, for the table of who gets in where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.http.stage import Stage

    Target = tuple[str, Any]


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
