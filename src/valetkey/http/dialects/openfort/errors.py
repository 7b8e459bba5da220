"""Errors as Openfort says them, so that every generation of its clients shows what we say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Conflict, Limited
from valetkey.http.dialects.vendor import say
from valetkey.http.problem import INTERNAL_STATUS, status_of

if TYPE_CHECKING:
    from valetkey.core.errors import ValetkeyError
    from valetkey.http.answer import Answer
    from valetkey.http.traced import Noted

_READABLE: Final = 400
# Their own meaning, or what the vendor's clients act on. Everything else is a 400: with any other
# status one generation of them or another puts a sentence of its own in the place of ours.
_KEPT: Final = frozenset({401, 404})
_FIELD: Final = re.compile(r"([A-Za-z_][\w.\[\]]{0,59}): ")
# What to do about it, where that lies outside of this format.
_HINTS: Final = {
    Code.SELECTOR_REFUSED: "whitelists cover no such function unless an owner of the organization"
    " turns the vendor's meaning on (valetkey organization vendor-meaning)",
}


def refuse(error: ValetkeyError, request_id: str, _noted: Noted) -> Answer:
    """Return how *error* is answered; our code and request id stand beside the vendor's member."""
    status = status_of(error)
    is_ours = status >= INTERNAL_STATUS
    hint = _HINTS.get(error.code)
    message = f"{error.detail}; {hint}" if hint else error.detail
    said: dict[str, object] = {
        "type": "api_error" if is_ours else "invalid_request_error",
        "message": message,
    }
    field = _field_of(error)
    if field is not None:
        told = {"message": message}
        value = error.facts.get("value")
        said["details"] = {field: told if value is None else {**told, "value": value}}
    body = {"error": said, "code": error.code.value, "request_id": request_id}
    return say(error, body, status=status if is_ours else _status(error, status))


def _status(error: ValetkeyError, status: int) -> int:
    if isinstance(error, Limited):
        return status if error.code is Code.RATE_LIMITED else _READABLE
    if isinstance(error, Conflict):
        return status if error.code is Code.REQUEST_ID_REUSED else _READABLE
    return status if status in _KEPT else _READABLE


def _field_of(error: ValetkeyError) -> str | None:
    """Return which field of the request it is about, if it is about one."""
    named = error.facts.get("field")
    if isinstance(named, str):
        return named
    if error.code is Code.NOT_SPONSORED:
        return "policy"
    found = _FIELD.match(error.detail) if _status(error, status_of(error)) == _READABLE else None
    return found[1] if found else None
