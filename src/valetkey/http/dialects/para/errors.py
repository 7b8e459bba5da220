"""Errors as Para says them: plain text, or JSON where the client asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code
from valetkey.http.dialects.vendor import say
from valetkey.http.problem import status_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.errors import ValetkeyError
    from valetkey.http.answer import Answer
    from valetkey.http.traced import Noted

STRUCTURED: Final = b"x-para-structured-errors"
TEXT: Final = b"text/plain; charset=utf-8"

# What Para's clients look at is the status. It has 403 for a session that is over or unknown, and
# for whatever may not be signed.
STATUSES: Final[Mapping[Code, int]] = {
    Code.SESSION_EXPIRED: 403,
    Code.SESSION_REVOKED: 403,
    Code.SESSION_CLOSED: 403,
    Code.SESSION_EXHAUSTED: 403,
    Code.CODE_REFUSED: 403,
}


def refuse(error: ValetkeyError, request_id: str, noted: Noted) -> Answer:
    """Return how *error* is answered; the text is all that older clients show."""
    status = STATUSES.get(error.code) or status_of(error)
    message = f"{error.detail} ({error.code.value}, {request_id})"
    body = {
        "message": message,
        "code": error.code.value,
        "data": {"requestId": request_id},
    }
    answer = say(error, body, status=status)
    if noted.fields.get(STRUCTURED) != b"1":
        answer.body, answer.kind = message.encode(), TEXT
    return answer
