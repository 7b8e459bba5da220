"""What owners outside read and sign, as requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.http.calls import Token
from tests.http.stage import OWNER, Stage
from valetkey.spec import eip712
from valetkey.spec.secp256k1 import sign_digest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Target = tuple[str, Any]
    Maker = Callable[[Stage, str], Awaitable[Target]]


async def renewing(stage: Stage, principal: str) -> Target:
    """Ask for a new link to a session that waits."""
    del principal
    opened = await stage.open_pending()
    return f"/v1/sessions/{opened['session']['id']}/consent-link", None


def by_link(verb: str | None) -> Maker:
    """Let the caller called ``link`` have one to a new session."""

    async def make(stage: Stage, principal: str) -> Target:
        del principal
        opened = await stage.open_pending()
        stage.callers["link"] = stage.by(Token(token_of(opened)))
        return "/v1/consent", sign_consent(opened["next_action"]) if verb else None

    return make


def token_of(opened: dict[str, Any]) -> str:
    """Return what the consent link of a session that was opened proves."""
    token: str = opened["consent_url"].partition("#")[2]
    return token


def sign_consent(action: dict[str, Any]) -> dict[str, str]:
    """Return what the outside owner answers to *action*."""
    signed = {
        name: sign_digest(eip712.digest(eip712.from_json(action[name])), OWNER.private).hex()
        for name in ("grant", "kill_note")
    }
    return {
        "owner_signature": f"0x{signed['grant']}",
        "kill_note": f"0x{signed['kill_note']}",
    }
