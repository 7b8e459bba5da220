"""Errors as OAuth 2 has them, for the routes whose clients know no others."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Forbidden, Limited, Unauthenticated, Unavailable
from valetkey.http.answer import ENCODER, JSON, Answer, refuse
from valetkey.wire.exchange import OauthError

if TYPE_CHECKING:
    from valetkey.core.errors import ValetkeyError

_BAD_REQUEST: Final = 400
_UNSAID: Final = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
_OF_CLIENT: Final = frozenset({Code.NOT_ALLOWED, Code.READ_ONLY})


def refuse_oauth(error: ValetkeyError, request_id: str) -> Answer:
    """
    Return how *error* is answered by a token endpoint.

    Whoever could not be proven is told so with 401, and limits and outages keep their status;
    anything else is 400.

    Spec:
        RFC 6749, section 5.2, with the characters that it allows; RFC 8693, section 2.2.2: a
        subject token that is not good enough is an ``invalid_request``.
    """
    answer = refuse(error, request_id)
    told = OauthError(
        error=_name_of(error),
        error_description=_UNSAID.sub("'", error.detail),
        code=error.code.value,
        request_id=request_id,
    )
    answer.body, answer.kind = ENCODER.encode(told), JSON
    if not isinstance(error, Unauthenticated | Limited | Unavailable):
        answer.status = _BAD_REQUEST
    return answer


def _name_of(error: ValetkeyError) -> str:
    named = error.facts.get("error")
    if isinstance(named, str):
        return named
    if isinstance(error, Unauthenticated):
        return "invalid_client"
    if isinstance(error, Limited | Unavailable):
        return "temporarily_unavailable"
    if error.facts.get("caveat") == "scopes":
        return "invalid_scope"
    if isinstance(error, Forbidden) and error.code in _OF_CLIENT and not error.facts:
        return "unauthorized_client"
    return "invalid_request"
