"""Requests that need a session of their own: to be stopped, given back, or opened under."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.http.calls import Form, Token, unique
from tests.http.consents import sign_consent
from valetkey.wire.exchange import ACCESS_TOKEN, GRANT_TYPE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.http.stage import Stage

    Target = tuple[str, Any]
    Maker = Callable[[Stage, str], Awaitable[Target]]

CHILD: Final = {"proof": "bearer", "access": "read", "ttl_s": 60}


async def revoke_child(stage: Stage, principal: str) -> Target:
    """Revoke a session that stands under the one that asks."""
    parent_id = stage.keys[principal]
    opened = await stage.secret.post(f"/v1/sessions/{parent_id}/children", CHILD)
    return f"/v1/session/children/{opened['session']['id']}/revoke", {}


def bring(verb: str) -> Maker:
    """Bring what the owner of a pending session has signed."""

    async def make(stage: Stage, principal: str) -> Target:
        del principal
        opened = await stage.open_pending()
        signed = sign_consent(opened["next_action"])
        return f"/v1/sessions/{opened['session']['id']}/{verb}", signed

    return make


def stop(verb: str, body: object) -> Maker:
    """Stop a session that nothing else here needs."""

    async def make(stage: Stage, principal: str) -> Target:
        del principal
        opened = await stage.open("bearer", "read")
        key = opened["session"]["id"]
        if verb == "unfreeze":
            await stage.secret.post(f"/v1/sessions/{key}/freeze", {})
        return f"/v1/sessions/{key}/{verb}", body

    return make


def token(verb: str) -> Maker:
    """Send the token of a new session."""

    async def make(stage: Stage, principal: str) -> Target:
        del principal
        opened = await stage.open("bearer", "read")
        return f"/v1/tokens/{verb}", Form({"token": opened["token"]})

    return make


async def exchange(stage: Stage, principal: str) -> Target:
    """Exchange the token of a new session for a shorter one."""
    del principal
    opened = await stage.open("bearer", "read")
    form = {
        "grant_type": GRANT_TYPE,
        "subject_token": opened["token"],
        "subject_token_type": ACCESS_TOKEN,
        "ttl_s": "60",
    }
    return "/v1/tokens/exchange", Form(form)


async def revoke_all(stage: Stage, principal: str) -> Target:
    """Revoke the sessions of a new user."""
    del principal
    user = await stage.secret.post("/v1/users", {"reference": unique()})
    await stage.open("bearer", "read", user_id=user["id"])
    return "/v1/sessions/revoke", {"scope": "user", "scope_id": user["id"]}


async def redeem(stage: Stage, principal: str) -> Target:
    """Redeem the code of a new session."""
    del principal
    opened = await stage.open("bearer", "read")
    by = stage.by(Token(opened["token"]))
    given = await by.post("/v1/session/hand-offs", {})
    return "/v1/hand-offs/redeem", {**CHILD, "code": given["code"]}
