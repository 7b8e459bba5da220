"""A kill note as a file says it, and whether it is what it says it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import msgspec

from valetkey.cli.terminal import where_of
from valetkey.core.errors import Code, Malformed
from valetkey.core.plan import is_signed_by
from valetkey.spec import permission_bytes as packed
from valetkey.spec.eip712 import digest
from valetkey.wire.base import read_address, read_bytes
from valetkey.wire.session import KillNote

MAX_NOTE_BYTES: Final = 65_536
_SIGNATURE_AT: Final = 4 + 3 * 32  # behind selector, grant id, offset and length
_SIGNATURE_BYTES: Final = 65
_WORD_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Checked:
    """
    A note whose signature is the account's, over the revocation of exactly this grant.

    Args:
        account: 20 bytes.
        grant_id: 32 bytes.
    """

    session_id: str
    chain_id: int
    account: bytes
    grant_id: bytes
    calldata: bytes


def check_note(content: bytes) -> Checked:
    """
    Return the note in *content* if it does what it says, and nothing else.

    1. it is a note, and its two names of the chain agree; 2. the calldata is
    ``revokeSigned(grant_id, signature)`` for the grant that it names; 3. the signature is the
    account's.

    Raises:
        Malformed: The first of these that fails.
    """
    if len(content) > MAX_NOTE_BYTES:
        raise _bad(f"at most {MAX_NOTE_BYTES} bytes", f"{len(content)}")
    try:
        note = msgspec.json.decode(content, type=KillNote)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        detail = f"expected a kill note: {where_of(error)}"
        raise Malformed(Code.MALFORMED_BODY, detail) from None
    if note.chain != f"eip155:{note.chain_id}":  # 1
        raise _bad(f"chain eip155:{note.chain_id}", note.chain[:40])
    account = read_address(note.account, "account")
    grant_id = read_bytes(note.grant_id, "grant_id", count=_WORD_BYTES)
    calldata = read_bytes(note.calldata, "calldata")
    signature = calldata[_SIGNATURE_AT : _SIGNATURE_AT + _SIGNATURE_BYTES]
    if (
        len(signature) != _SIGNATURE_BYTES
        or packed.revoke_signed_calldata(grant_id, signature) != calldata
    ):  # 2
        raise _bad(f"calldata that revokes 0x{grant_id.hex()}", "something else")
    typed = packed.revoke_typed_data(grant_id, chain_id=note.chain_id, account=account)
    if not is_signed_by(digest(typed), signature, account):  # 3
        raise _bad(f"a signature by 0x{account.hex()}", "another; somebody changed the note")
    return Checked(note.session_id, note.chain_id, account, grant_id, calldata)


def _bad(expected: str, got: str) -> Malformed:
    return Malformed(Code.MALFORMED_BODY, f"kill note: expected {expected}, got {got}")
