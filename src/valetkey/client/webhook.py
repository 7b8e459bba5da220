"""For receivers: whether a message is from the server that its secret is shared with."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Final

import msgspec

from valetkey.core.errors import Code, Malformed, Unauthenticated
from valetkey.spec.standard_webhooks import (
    ID_FIELD,
    SIGNATURE_FIELD,
    TIME_FIELD,
    is_signed,
    read_secret,
)
from valetkey.wire.webhook import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Event", "verify"]

TOLERANCE_S: Final = 300
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


def verify(
    body: bytes, headers: Mapping[str, str], secret: str, *, now: float | None = None
) -> Event:
    """
    Return the event that a message tells, once it is certain who sent it, and when.

    1. all three fields are there; 2. it was sent within five minutes of now; 3. it is signed with
    *secret*. A message may come more than once: pass over an ``id`` that was handled already.

    Args:
        body: As it came, before anything has parsed it.
        headers: Names in any case.
        secret: ``whsec_…``, as the webhook was added or its secret rotated.
        now: Unix seconds; None is this machine's clock.

    Raises:
        Unauthenticated: It is not to be believed: ``proof_missing``, ``proof_too_old``,
            ``proof_refused``.
        Malformed: *secret* is none, or the message tells no event.

    Spec:
        Standard Webhooks 1.0.0.
    """
    try:
        key = read_secret(secret)
    except ValueError as error:
        raise Malformed(Code.MALFORMED_BODY, f"secret: {error}, got another") from None
    fields = {name.lower(): value for name, value in headers.items()}
    missing = [one for one in (ID_FIELD, TIME_FIELD, SIGNATURE_FIELD) if not fields.get(one)]
    if missing:  # 1
        raise Unauthenticated(Code.PROOF_MISSING, f"expected the field {missing[0]}, got none")
    sent_at = fields[TIME_FIELD]
    if not _is_near(sent_at, time.time() if now is None else now):  # 2
        detail = f"{TIME_FIELD}: expected within {TOLERANCE_S} s of now, got {sent_at[:20]!r}"
        raise Unauthenticated(Code.PROOF_TOO_OLD, detail)
    if not is_signed(key, fields[ID_FIELD], int(sent_at), body, fields[SIGNATURE_FIELD]):  # 3
        raise Unauthenticated(Code.PROOF_REFUSED, "expected a signature by the secret, got none")
    try:
        return msgspec.json.decode(body, type=Event)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise Malformed(Code.MALFORMED_BODY, f"expected an event, got: {error}") from None


def _is_near(sent_at: str, now: float) -> bool:
    return bool(_SECONDS.fullmatch(sent_at)) and abs(now - int(sent_at)) <= TOLERANCE_S
