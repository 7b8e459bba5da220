"""What opening a session asks for, and what must come back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

import msgspec
from msgspec import Struct

from valetkey.client.consent import Terms, Verified, verify_consent, verify_packed
from valetkey.client.errors import RefusedToSign
from valetkey.client.keys import RunKey, SessionKey
from valetkey.client.permission import Draft
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.checks import check_permission
from valetkey.core.wallet import Curve, PublicKey, grant_key_of
from valetkey.spec.keys import PublicKeyError, canonical_public_key
from valetkey.wire import session as wire
from valetkey.wire.base import hexed, read_address, read_bytes
from valetkey.wire.clone import read_clone
from valetkey.wire.credential import write_public_key
from valetkey.wire.permission import PermissionDocument, read_permission, write_permission

if TYPE_CHECKING:
    from typing import Unpack

    from valetkey.client.keys import HolderKey
    from valetkey.client.owner import Owner
    from valetkey.core.permission.model import Permission
    from valetkey.wire.server import Server
    from valetkey.wire.wallet import Account

KeyProof: TypeAlias = Literal["chain", "stamp"]
KeyCurve: TypeAlias = Literal["secp256k1", "p256"]


def whole(permission: Draft | Permission, *, chain: str, now: int) -> Permission:
    """Return *permission* for *chain*, well formed; a draft starts *now* unless it says."""
    if isinstance(permission, Draft):
        return permission.on(chain, now=now)
    return check_permission(permission)


def bound(permission: Permission, server: Server) -> Permission:
    """
    Return *permission* bound to the server's relayer, as a ``stamp`` session must be.

    Raises:
        Malformed: The server does not speak to the permission's chain.
    """
    for chain in server.chains:
        if chain.chain == permission.chain:
            return replace(permission, relayer=read_address(chain.relayer, "relayer"))
    known = ", ".join(chain.chain for chain in server.chains)
    raise Malformed(Code.WRONG_CHAIN, f"expected one of {known}, got {permission.chain}")


@dataclass(frozen=True, slots=True)
class Holder:
    """
    Who will hold a session.

    Args:
        proof: ``chain``: the key signs requests and runs; ``stamp``: requests, and the chain key is
            the server's to make.
    """

    public_key: PublicKey
    proof: KeyProof

    @property
    def grant_key(self) -> bytes | None:
        """The key that the grant has to name; None for one that the server makes."""
        return grant_key_of(self.public_key) if self.proof == "chain" else None


def holder_of(key: HolderKey) -> Holder:
    """Return who holds a session with *key*, which is here."""
    return Holder(key.public_key, "chain" if isinstance(key, RunKey) else "stamp")


def public_key_of(key: PublicKey | str, *, curve: KeyCurve) -> PublicKey:
    """
    Return *key*.

    Args:
        key: Text is a point in hex, in either form of SEC 1.
        curve: What the text is on.

    Raises:
        Malformed: The text is no such point.
    """
    if isinstance(key, PublicKey):
        return key
    try:
        point = canonical_public_key(curve, read_bytes(key, "key"))
    except PublicKeyError as error:
        raise Malformed(Code.MALFORMED_BODY, f"key: {error}") from None
    return PublicKey(Curve(curve), point)


def terms_of(account: Account, permission: Permission, holder: Holder) -> Terms:
    """
    Return what the grant has to say.

    Raises:
        RefusedToSign: The account is said to be a clone, and is at another address than that.
    """
    address = read_address(account.address, "address")
    clone = None if account.clone is None else read_clone(account.clone)
    if clone is not None and clone.address != address:
        raise RefusedToSign("account", expected=clone.address, got=address)
    return Terms(address, permission, holder.grant_key, clone)


class Options(TypedDict, total=False):
    """What else a session may be given; see `Sessions.open`."""

    user_id: str | None
    idle_s: int | None
    label: str
    device: str


class ChildOptions(TypedDict, total=False):
    """What else a session under another may be given."""

    idle_s: int | None
    label: str
    device: str


def open_body(
    account: Account, permission: Permission, holder: Holder, **options: Unpack[Options]
) -> wire.OpenSession:
    """Return the request that opens a session which writes."""
    return wire.OpenSession(
        proof=holder.proof,
        access="write",
        account_id=account.id,
        key=write_public_key(holder.public_key),
        permission=write_permission(permission),
        starts_at=permission.starts_at,
        expires_at=permission.expires_at,
        **options,
    )


def verified_session(session: wire.Session, terms: Terms) -> Verified:
    """
    Return the grant of *session*, if it is the one that was asked for.

    Raises:
        RefusedToSign: It is not, or there is none.
    """
    if session.grant is None:
        raise RefusedToSign("grant", expected="the grant of the session", got="none")
    verified = verify_packed(read_bytes(session.grant, "grant"), terms)
    if session.grant_id != hexed(verified.grant_id):
        raise RefusedToSign("grant_id", expected=verified.grant_id, got=session.grant_id)
    return verified


@dataclass(frozen=True, slots=True)
class Opened:
    """What the server answered, and the grant in it, compared with what was asked for."""

    answer: wire.OpenedSession
    verified: Verified

    def accept(self, asked: wire.SignConsent, owner: Owner) -> wire.AcceptGrant:
        """
        Return *owner*'s signatures over grant and kill note.

        Raises:
            RefusedToSign: The server wants something else signed.
        """
        both = {"grant": asked.grant, "kill_note": asked.kill_note}
        consent = verify_consent(both, self.verified.terms)
        signature, kill_note = owner.sign_consent(consent)
        return wire.AcceptGrant(owner_signature=hexed(signature), kill_note=hexed(kill_note))


def holder_terms(key: HolderKey, account: str, permission: Permission | None) -> Terms:
    """
    Return what the grant of a session has to say whose *key* is here.

    Raises:
        Malformed: There is no permission: the session only reads.
    """
    if permission is None:
        detail = "expected a session with a permission, got one that only reads"
        raise Malformed(Code.MALFORMED_PERMISSION, detail)
    return Terms(read_address(account, "account"), permission, holder_of(key).grant_key)


def verified_of_owner(session: wire.Session, account: Account, address: bytes) -> Verified:
    """
    Return the grant of *session* on the account of the owner with *address*.

    Where the account is follows from that address, also if it is a clone: only what else a clone is
    made of is taken from *account*.

    Raises:
        RefusedToSign: The grant does not say what the session is said to be.
        Malformed: The session has none.
    """
    if session.permission is None or session.session_key is None:
        detail = "expected a session with a permission, got one that only reads"
        raise Malformed(Code.MALFORMED_PERMISSION, detail)
    key = read_bytes(session.session_key, "session_key")
    clone = None
    if account.clone is not None:
        clone = replace(read_clone(account.clone), owner=address)
        address = clone.address
    terms = Terms(address, read_permission(session.permission), key, clone)
    return verified_session(session, terms)


class _Exported(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    session_id: str
    account: str
    permission: PermissionDocument
    key: str


@dataclass(frozen=True, slots=True)
class Exported:
    """A session that another process takes up."""

    session_id: str
    account: str
    permission: Permission
    key: SessionKey


def export_text(session_id: str, verified: Verified, key: SessionKey) -> str:
    """Return everything that another process needs to be the session, its private key included."""
    parts = _Exported(
        session_id=session_id,
        account=hexed(verified.terms.account),
        permission=write_permission(verified.terms.permission),
        key=key.export(),
    )
    return msgspec.json.encode(parts).decode()


def exported(text: str) -> Exported:
    """
    Return what `export_text` wrote.

    Raises:
        Malformed: The text is something else; nothing of it is repeated.
    """
    try:
        parts = msgspec.json.decode(text, type=_Exported)
    except msgspec.MsgspecError:
        raise Malformed(
            Code.MALFORMED_BODY, "expected an exported session, got another text"
        ) from None
    return Exported(
        session_id=parts.session_id,
        account=parts.account,
        permission=read_permission(parts.permission),
        key=SessionKey.load(parts.key),
    )
