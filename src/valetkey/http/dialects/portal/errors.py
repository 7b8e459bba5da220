"""Errors as Portal says them: ``{"error": …}``, and ids where it is about shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Forbidden, Unauthenticated
from valetkey.http.dialects.vendor import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.errors import ValetkeyError
    from valetkey.http.answer import Answer
    from valetkey.http.traced import Noted

MPC: Final = "/portal/v1/"
_BAD_REQUEST: Final = 400

# What the vendor calls what; anything else keeps our code, in capitals.
IDS: Final[Mapping[Code, str]] = {
    Code.MALFORMED_SHARE: "SHARE_PARSING_FAILED",
    Code.SHARE_OF_ANOTHER_WALLET: "SIGN_SHARE_MISMATCH",
    Code.SHARE_REFUSED: "SIGN_SHARE_MISMATCH",
    Code.NOT_FOUND: "SIGN_SHARE_MISMATCH",
    Code.SHARE_STALE: "STATE_INVALID",
    Code.CONFLICT: "STATE_INVALID",
    Code.WALLET_EJECTED: "STATE_INVALID",
    Code.WALLET_NOT_SPLIT: "STATE_INVALID",
}


def refuse(error: ValetkeyError, request_id: str, noted: Noted) -> Answer:
    """
    Return how *error* is answered; our code and request id stand beside the vendor's members.

    Where shares are about, whoever is not proven gets a text, as the vendor's clients expect, and
    what the vendor has an id for is a bad request.
    """
    ours = {"code": error.code.value, "request_id": request_id}
    if not noted.route.startswith(MPC):
        return say(error, {"error": error.detail, **ours})
    if isinstance(error, Unauthenticated):
        return say(error, error.detail)
    named = error.facts.get("id") or IDS.get(error.code)
    if named is not None:
        return say(error, {"id": named, "message": error.detail, **ours}, status=_BAD_REQUEST)
    named = "AUTH_FAILED" if isinstance(error, Forbidden) else error.code.value.upper()
    return say(error, {"id": named, "message": error.detail, **ours})
