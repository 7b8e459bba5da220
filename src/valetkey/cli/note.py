"""A kill note as a file says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from valetkey.cli.terminal import where_of
from valetkey.client.kill_note import check_note
from valetkey.core.errors import Code, Malformed
from valetkey.wire.session import KillNote

if TYPE_CHECKING:
    from valetkey.client.kill_note import Checked

MAX_NOTE_BYTES: Final = 65_536


def read_note(content: bytes) -> Checked:
    """
    Return the note in *content* if it does what it says, and nothing else.

    Raises:
        Malformed: It is no note, or `check_note` refuses it.
    """
    if len(content) > MAX_NOTE_BYTES:
        detail = f"kill note: expected at most {MAX_NOTE_BYTES} bytes, got {len(content)}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    try:
        note = msgspec.json.decode(content, type=KillNote)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail = f"expected a kill note: {where_of(error)}"
        raise Malformed(Code.MALFORMED_BODY, detail) from None
    return check_note(note)
