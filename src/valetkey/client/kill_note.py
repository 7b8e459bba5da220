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
from valetkey.wire.base import hexed, read_bytes

if TYPE_CHECKING:
    from os import PathLike

    from valetkey.client.consent import Verified

_SIGNATURE_AT: Final = 4 + 3 * 32  # behind selector, grant id, offset and length
_SIGNATURE_BYTES: Final = 65


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


def verify_note(content: wire.KillNote, verified: Verified) -> KillNote:
    """
    Return the note that a server gave, if it is one that ends exactly this session.

    Raises:
        RefusedToSign: It would not work: somebody changed it.
    """
    calldata = read_bytes(content.calldata, "calldata")
    signature = calldata[_SIGNATURE_AT : _SIGNATURE_AT + _SIGNATURE_BYTES]
    own = calldata
    if len(signature) == _SIGNATURE_BYTES:
        own = packed.revoke_signed_calldata(verified.grant_id, signature)
    wanted = digest(verified.kill_note())
    if own != calldata or not is_signed_by(wanted, signature, verified.terms.account):
        expected = f"the owner's revocation of 0x{verified.grant_id.hex()}"
        raise RefusedToSign("kill_note", expected=expected, got=content.calldata)
    return make_note(content.session_id, verified, signature)
