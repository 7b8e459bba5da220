"""Ids as Openfort's clients know them: a prefix and a UUID, which carries our own id both ways."""

from __future__ import annotations

import re
import uuid
from typing import Final

from valetkey.core.errors import Code, Malformed, NotFound
from valetkey.core.ids import BODY_LETTERS, Prefix

PLAYER: Final = "pla_"
USER: Final = "usr_"
ACCOUNT: Final = "acc_"
SESSION: Final = "ses_"
INTENT: Final = "tin_"
CONTRACT: Final = "con_"
POLICY: Final = "pol_"
RULE: Final = "afu_"
POLICY_V2: Final = "ply_"
RULE_V2: Final = "plr_"

_UUID: Final = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LETTERS: Final = 24  # of an id, five bits each: 120 of the 122 bits that a UUID has room for
_HIGH, _MIDDLE, _LOW = 48, 12, 60  # bits of a UUID before its version, behind it, and at its end
_VERSION: Final = 8
_VARIANT: Final = 0b10


def shown(native_id: str, prefix: str) -> str:
    """
    Return *native_id* as the vendor's clients are shown it.

    Spec:
        RFC 9562, section 5.8: version 8 is for what a vendor puts there.
    """
    bits = 0
    for letter in native_id.partition("_")[2]:
        bits = bits << 5 | BODY_LETTERS.index(letter)
    low = bits & ((1 << _LOW) - 1)
    middle = bits >> _LOW & ((1 << _MIDDLE) - 1)
    high = bits >> _LOW + _MIDDLE
    whole = high << 80 | _VERSION << 76 | middle << 64 | _VARIANT << 62 | low
    return f"{prefix}{uuid.UUID(int=whole)}"


def native(text: str, native_prefix: Prefix, prefix: str, *, field: str = "id") -> str:
    """
    Return our own id of what the vendor's clients call *text*.

    Args:
        field: Where it stood, for the answer.

    Raises:
        Malformed: It is not *prefix* and a UUID.
        NotFound: It is, and none that was ever made here.
    """
    body = text.removeprefix(prefix)
    if not text.startswith(prefix) or not _UUID.fullmatch(body):
        detail = f"{field}: expected an id such as {prefix} and a UUID, got {text[:60]!r}"
        raise Malformed(Code.MALFORMED_ID, detail, field=field)
    whole = int(body.replace("-", ""), 16)
    if (whole >> 76 & 15, whole >> 60 & 15) != (_VERSION, _VARIANT << 2):
        raise NotFound(Code.NOT_FOUND, f"{field}: there is nothing with the id {text}", field=field)
    bits = (whole >> 80) << _MIDDLE | whole >> 64 & ((1 << _MIDDLE) - 1)
    bits = bits << _LOW | whole & ((1 << _LOW) - 1)
    letters = (BODY_LETTERS[bits >> 5 * at & 31] for at in reversed(range(_LETTERS)))
    return f"{native_prefix}_{''.join(letters)}"
