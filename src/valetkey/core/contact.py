"""Where users are reached: an e-mail address that a one-time code proves."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final

from valetkey.core.errors import Code, Limited, Malformed

MAX_CHARS: Final = 254
WINDOW_S: Final = 3600
MOST_CODES: Final = 10  # in a window: neither floods a mailbox nor gives many guesses
_EMAIL: Final = re.compile(r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class Contact:
    """
    One address, as one organization knows it. ``id`` is `contact_id`.

    Args:
        user_id: Whose it is; None until somebody has proven it.
        codes, codes_since: How many codes were sent since when.
    """

    id: str
    organization_id: str
    address: str
    user_id: str | None
    codes: int = 0
    codes_since: int = 0


def read_email(text: str) -> str:
    """
    Return an e-mail address in the one form that it is found by: lower case.

    Raises:
        Malformed: It is none.

    Spec:
        The form of HTML for ``input type=email``, with at least one dot behind the ``@``.
    """
    address = text.strip().lower()
    if len(address) > MAX_CHARS or not _EMAIL.fullmatch(address):
        detail = f"email: expected an e-mail address of at most {MAX_CHARS} characters"
        raise Malformed(Code.MALFORMED_BODY, f"{detail}, got {text[:40]!r}")
    return address


def contact_id(organization_id: str, address: str) -> str:
    """Return what a contact is found by."""
    return f"{organization_id}/email/{address}"


def count_code(contact: Contact, *, now: int) -> Contact:
    """
    Return *contact* with one more code sent to it.

    Raises:
        Limited: As many were sent as may be in one window.
    """
    if now - contact.codes_since >= WINDOW_S:
        return replace(contact, codes=1, codes_since=now)
    if contact.codes >= MOST_CODES:
        detail = f"expected at most {MOST_CODES} codes to one address in {WINDOW_S} s, got one more"
        raise Limited(Code.TOO_MANY_CODES, detail)
    return replace(contact, codes=contact.codes + 1)
