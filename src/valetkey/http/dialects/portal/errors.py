"""Errors as Portal says them: ``{"error": …}``, and what of it its clients look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.http.dialects.vendor import say

if TYPE_CHECKING:
    from valetkey.core.errors import ValetkeyError
    from valetkey.http.answer import Answer
    from valetkey.http.traced import Noted


def refuse(error: ValetkeyError, request_id: str, _noted: Noted) -> Answer:
    """Return how *error* is answered; our code and request id stand beside the vendor's member."""
    body = {"error": error.detail, "code": error.code.value, "request_id": request_id}
    return say(error, body)
