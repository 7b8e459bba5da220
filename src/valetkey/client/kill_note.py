"""The kill note: a revocation that the owner signed in advance, as a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from valetkey.client.errors import RefusedToSign
from valetkey.core.errors import Code, Malformed
from valetkey.core.plan import is_signed_by
from valetkey.spec import permission_bytes as packed
from valetkey.spec.eip712 import digest
from valetkey.wire import session as wire
from valetkey.wire.base import hexed, read_address, read_bytes

if TYPE_CHECKING:
    from os import PathLike

    from valetkey.client.consent import Verified

_SIGNATURE_AT: Final = 4 + 3 * 32  # behind selector, grant id, offset and length
_SIGNATURE_BYTES: Final = 65
_WORD_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class KillNote:
    """
    What ends a session on chain with the server dead: anybody may submit it, through any node.

    >>> session.kill_note.save("session.kill.json")  # then: valetkey kill session.kill.json
    """

    content: wire.KillNote

    @property
    def account(self) -> str:
        """Where the transaction goes."""
        return self.content.account

    @property
    def calldata(self) -> str:
        """What the transaction carries; it needs no value and no particular sender."""
        return self.content.calldata

    def save(self, path: str | PathLike[str]) -> Path:
        """
        Write the note to *path*, as JSON that `valetkey kill` reads, and return the path.

        The file is for its owner only: whoever reads it can end the session.
        """
        file = Path(path)
        file.touch(mode=0o600)
        file.chmod(0o600)  # it may have been there already
        file.write_bytes(msgspec.json.format(msgspec.json.encode(self.content)) + b"\n")
        return file

    @classmethod
    def load(cls, path: str | PathLike[str]) -> KillNote:
        """
        Return the note that `save` wrote.

        Raises:
            Malformed: The file is no kill note.
        """
        try:
            return cls(msgspec.json.decode(Path(path).read_bytes(), type=wire.KillNote))
        except msgspec.MsgspecError as error:
            raise Malformed(Code.MALFORMED_BODY, f"expected a kill note, got {error}") from None


def make_note(session_id: str, verified: Verified, signature: bytes) -> KillNote:
    """Return the note that the owner's *signature* over ``verified.kill_note()`` makes."""
    terms = verified.terms
    account = hexed(terms.account)
    calldata = packed.revoke_signed_calldata(verified.grant_id, signature)
    content = wire.KillNote(
        session_id=session_id,
        chain=terms.permission.chain,
        chain_id=terms.chain_id,
        account=account,
        grant_id=hexed(verified.grant_id),
        calldata=hexed(calldata),
        text=f"This ends session {session_id} on chain, whether or not its server runs."
        f" Send the calldata to {account} on {terms.permission.chain}, from any address, or run:"
        " valetkey kill FILE --rpc URL --payer-key-file KEY.",
    )
    return KillNote(content)


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
    signature: bytes


def check_note(note: wire.KillNote) -> Checked:
    """
    Return *note* if it does what it says, and nothing else.

    1. its two names of the chain agree; 2. the calldata is ``revokeSigned(grant_id, signature)``
    for the grant that it names; 3. the signature is the account's.

    Raises:
        Malformed: The first of these that fails.
    """
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
    return Checked(note.session_id, note.chain_id, account, grant_id, calldata, signature)


def _bad(expected: str, got: str) -> Malformed:
    return Malformed(Code.MALFORMED_BODY, f"kill note: expected {expected}, got {got}")


def verify_note(content: wire.KillNote, verified: Verified) -> KillNote:
    """
    Return the note that a server gave, if it is one that ends exactly this session.

    Raises:
        RefusedToSign: It would not work: somebody changed it.
    """
    expected = f"the owner's revocation of 0x{verified.grant_id.hex()}"
    try:
        checked = check_note(content)
    except Malformed as error:
        raise RefusedToSign("kill_note", expected=expected, got=error.detail) from None
    terms = verified.terms
    ends = (checked.chain_id, checked.account, checked.grant_id)
    if ends != (terms.chain_id, terms.account, verified.grant_id):
        got = f"one of 0x{checked.grant_id.hex()}"
        raise RefusedToSign("kill_note", expected=expected, got=got)
    return make_note(content.session_id, verified, checked.signature)
