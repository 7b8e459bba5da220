"""The kill note: a revocation that the owner signed in advance, as a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from valetkey.client.errors import RefusedToSign
from valetkey.core.errors import Code, Malformed
from valetkey.core.grant import Grant, KillBy
from valetkey.core.plan import (
    grant_id_of,
    is_signed_by,
    kill_intent,
    owner_signature_of,
    through_factory,
)
from valetkey.core.wallet import Account
from valetkey.spec import permission_bytes as packed
from valetkey.spec.eip712 import digest
from valetkey.wire import session as wire
from valetkey.wire.base import hexed, read_address, read_bytes
from valetkey.wire.clone import read_clone, write_clone

if TYPE_CHECKING:
    from os import PathLike

    from valetkey.client.consent import Verified
    from valetkey.core.activity import Intent
    from valetkey.core.wallet import Clone

_SIGNATURE_AT: Final = 4 + 3 * 32  # behind selector, grant id, offset and length
_GRANT_AT: Final = 4 + 3 * 32  # behind selector, two offsets and length
_ACT_AT: Final = 4 + 5 * 32  # behind selector, owner, flags, salt, offset and length
_BY_KEY: Final = packed.revoke_by_key_calldata(b"", bytes(65))[:4]
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
        """Whose session it ends."""
        return self.content.account

    @property
    def to(self) -> str:
        """Where the transaction goes: to the account, or to the factory that makes it."""
        clone = self.content.clone
        return self.content.account if clone is None else clone.factory

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


def make_note(
    session_id: str, verified: Verified, signature: bytes, *, kill_by: KillBy = KillBy.OWNER
) -> KillNote:
    """
    Return the note that a *signature* over ``verified.kill_note()`` makes.

    Args:
        signature: 65 bytes, as the account takes them from its owner; or from the relayer that the
            grant binds.
    """
    terms, grant_id = verified.terms, verified.grant_id
    account = _account(terms.permission.chain, terms.account, terms.clone)
    intent = _intent(account, verified.packed, grant_id, signature, kill_by)
    content = wire.KillNote(
        session_id=session_id,
        chain=account.chain,
        chain_id=terms.chain_id,
        account=hexed(account.address),
        grant_id=hexed(grant_id),
        calldata=hexed(intent.data),
        text=f"This ends session {session_id} on chain, whether or not its server runs."
        f" Send the calldata to {hexed(intent.to)} on {account.chain}, from any address, or run:"
        " valetkey kill FILE --rpc URL --payer-key-file KEY.",
        clone=write_clone(terms.clone),
    )
    return KillNote(content)


def _account(chain: str, address: bytes, clone: Clone | None) -> Account:
    return Account("", "", "", None, chain, address, 0, clone)


def _intent(
    account: Account, packed_grant: bytes, grant_id: bytes, signature: bytes, kill_by: KillBy
) -> Intent:
    grant = Grant(packed_grant, grant_id, 0, b"", kill_by=kill_by)
    return through_factory(account, kill_intent(grant, account, signature))


@dataclass(frozen=True, slots=True)
class Checked:
    """
    A note that ends exactly this grant, signed by whoever may.

    Args:
        account: 20 bytes.
        to: 20 bytes: where the transaction goes, the account or what makes it.
        grant_id: 32 bytes.
        signature: 65 bytes.
        kill_by: Whose signature it is.
    """

    session_id: str
    chain_id: int
    account: bytes
    to: bytes
    grant_id: bytes
    calldata: bytes
    signature: bytes
    kill_by: KillBy

    @property
    def is_clone(self) -> bool:
        """Whether the transaction makes the account, if it is not there."""
        return self.to != self.account


def check_note(note: wire.KillNote) -> Checked:
    """
    Return *note* if it does what it says, and nothing else.

    1. its two names of the chain agree; 2. a clone is where it belongs; 3. the calldata is what
    revokes the grant that it names: ``revokeSigned(grant_id, signature)``, or
    ``revokeByKey(grant, signature)``; of a clone as the factory hands it on; 4. the signature is
    the owner's, or of the relayer that the grant binds.

    Raises:
        Malformed: The first of these that fails.
    """
    if note.chain != f"eip155:{note.chain_id}":  # 1
        raise _bad(f"chain eip155:{note.chain_id}", note.chain[:40])
    clone = None if note.clone is None else read_clone(note.clone)
    account = _account(note.chain, read_address(note.account, "account"), clone)
    if clone is not None and clone.address != account.address:  # 2
        raise _bad(f"the clone at 0x{clone.address.hex()}", note.account)
    grant_id = read_bytes(note.grant_id, "grant_id", count=_WORD_BYTES)
    calldata = read_bytes(note.calldata, "calldata")
    act = calldata if clone is None else calldata[_ACT_AT:]
    packed_grant, signature, kill_by = _parts(act)
    intent = _built(account, packed_grant, grant_id, signature, kill_by)
    if intent is None or intent.data != calldata:  # 3
        raise _bad(f"calldata that revokes 0x{grant_id.hex()}", "something else")
    typed = packed.revoke_typed_data(grant_id, chain_id=note.chain_id, account=account.address)
    if not _is_signed(account, digest(typed), signature, packed_grant):  # 4
        raise _bad(f"a signature by 0x{account.owner.hex()}", "another; somebody changed the note")
    ends = (account.address, intent.to, grant_id, calldata, signature, kill_by)
    return Checked(note.session_id, note.chain_id, *ends)


def _parts(act: bytes) -> tuple[bytes, bytes, KillBy]:
    """Return the grant, if it is there, and the signature; whatever *act* is."""
    length = int.from_bytes(act[_GRANT_AT - _WORD_BYTES : _GRANT_AT])
    if act[:4] != _BY_KEY or length > len(act):
        return b"", act[_SIGNATURE_AT : _SIGNATURE_AT + _SIGNATURE_BYTES], KillBy.OWNER
    behind = _GRANT_AT + length + -length % _WORD_BYTES + _WORD_BYTES
    signature = act[behind : behind + _SIGNATURE_BYTES]
    return act[_GRANT_AT : _GRANT_AT + length], signature, KillBy.RELAYER


def _built(
    account: Account, packed_grant: bytes, grant_id: bytes, signature: bytes, kill_by: KillBy
) -> Intent | None:
    is_of_it = kill_by is KillBy.OWNER or grant_id_of(packed_grant) == grant_id
    if len(signature) != _SIGNATURE_BYTES or not is_of_it:
        return None
    return _intent(account, packed_grant, grant_id, signature, kill_by)


def _is_signed(
    account: Account, message_digest: bytes, signature: bytes, packed_grant: bytes
) -> bool:
    if not packed_grant:
        return owner_signature_of(account, message_digest, signature) == signature
    try:
        relayer = packed.decode_grant(packed_grant).relayer
    except packed.GrantFormatError:
        return False
    return relayer is not None and is_signed_by(message_digest, signature, relayer)


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
    return make_note(content.session_id, verified, checked.signature, kill_by=checked.kill_by)
