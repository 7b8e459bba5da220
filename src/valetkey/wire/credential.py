"""Credentials, and public keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta

from valetkey.core import wallet as core_wallet
from valetkey.core.errors import Code, Malformed
from valetkey.core.scope import Role, Scope, Standing
from valetkey.core.surface import Surface
from valetkey.spec.keys import PublicKeyError, canonical_public_key
from valetkey.wire.base import Asked, Hex, Seconds, Text, Told, hexed, read_bytes
from valetkey.wire.quiet import quiet

if TYPE_CHECKING:
    from valetkey.core import credential as core


Scopes = Annotated[list[Scope], Meta(max_length=len(Scope))]


class PublicKey(Asked, frozen=True, kw_only=True):
    """A public key: a point in either form of SEC 1, or the 32 bytes of an Ed25519 key."""

    curve: Literal["p256", "secp256k1", "ed25519"]
    public_key: Hex


class AddCredential(Asked, frozen=True, kw_only=True):
    """
    A credential to add.

    Args:
        public_key: Of kind ``p256`` alone.
        role: Who it is: an operator unless said. A publishable key has none.
        scopes: What of its role it is held to; null is all of it.
        surface: Where it works, and nowhere else: the native API, or a vendor's wire format.
    """

    kind: Literal["secret", "publishable", "p256"]
    label: Text = ""
    public_key: Hex | None = None
    role: Role | None = None
    scopes: Scopes | None = None
    surface: Surface = Surface.NATIVE


class SetRole(Asked, frozen=True, kw_only=True):
    """Who a credential is from now on; ``scopes`` hold it to a part of the role."""

    role: Role
    scopes: Scopes | None = None


class SetOrigins(Asked, frozen=True, kw_only=True):
    """
    Whose pages may have a publishable key in a frame of ours, from now on; none if it is empty.

    Args:
        origins: Each such as ``https://app.example``, or for development ``http://localhost:*``.
    """

    origins: Annotated[list[Text], Meta(max_length=64)]


class RotateKey(Asked, frozen=True, kw_only=True):
    """
    A new key in the place of the one that signs this request.

    Args:
        signature: By the new key, r and s or that of Ed25519, 64 bytes, over the JSON of RFC 8785
            with ``purpose`` ``valetkey key rotation``, ``holder`` (the id of session or
            credential), and the thumbprints ``old`` and ``new`` (RFC 7638).
    """

    key: PublicKey
    signature: Hex


class Credential(Told, frozen=True, kw_only=True):
    """
    A long-lived proof of an organization, on the one surface that it was issued for.

    Args:
        role: None for a publishable key.
        scopes: All that it may do, whether its role says so or a list of its own.
        origins: Of pages that may have it in a frame of ours; of a publishable key alone.
    """

    id: str
    organization_id: str
    surface: str
    kind: str
    label: str
    public_key: Hex | None
    role: str | None
    scopes: list[str]
    origins: list[str]
    created_at: Seconds
    revoked_at: Seconds | None


class AddedCredential(Told, frozen=True, kw_only=True):
    """A new credential; ``token`` is its API key, shown this once."""

    credential: Credential
    token: str | None

    __repr__ = quiet("token")


def read_public_key(key: PublicKey, where: str) -> core_wallet.PublicKey:
    """
    Return *key* with its point compressed.

    Raises:
        Malformed: It is not a key on its curve.
    """
    return _canonical(key.curve, key.public_key, f"{where}.public_key")


def read_p256(text: str | None, where: str) -> core_wallet.PublicKey | None:
    """Return the P-256 key that *text* writes, if there is one."""
    return None if text is None else _canonical("p256", text, where)


def _canonical(curve: str, text: str, where: str) -> core_wallet.PublicKey:
    try:
        data = canonical_public_key(curve, read_bytes(text, where))
    except PublicKeyError as error:
        raise Malformed(Code.MALFORMED_BODY, f"{where}: {error}") from None
    return core_wallet.PublicKey(core_wallet.Curve(curve), data)


def read_standing(role: Role, scopes: list[Scope] | None) -> Standing:
    """Return what a credential of *role* is, held to *scopes* if there are any."""
    return Standing(role, None if scopes is None else tuple(sorted(set(scopes))))


def read_new_standing(body: AddCredential) -> Standing | None:
    """
    Return what the new credential is to be.

    Raises:
        Malformed: A publishable key with a role or scopes.
    """
    if body.kind != "publishable":
        return read_standing(body.role or Role.OPERATOR, body.scopes)
    if body.role is None and body.scopes is None:
        return None
    detail = "role: expected none for kind publishable, which does nothing by itself"
    raise Malformed(Code.MALFORMED_BODY, detail)


_CURVES: Final[dict[core_wallet.Curve, Literal["p256", "secp256k1", "ed25519"]]] = {
    core_wallet.Curve.P256: "p256",
    core_wallet.Curve.SECP256K1: "secp256k1",
    core_wallet.Curve.ED25519: "ed25519",
}


def write_public_key(key: core_wallet.PublicKey) -> PublicKey:
    """Return *key* as it is answered."""
    return PublicKey(curve=_CURVES[key.curve], public_key=hexed(key.data))


def write_credential(credential: core.Credential) -> Credential:
    """Return *credential* as it is answered: never its API key."""
    key = credential.public_key
    return Credential(
        id=credential.id,
        organization_id=credential.organization_id,
        surface=credential.surface.value,
        kind=credential.kind.value,
        label=credential.label,
        public_key=None if key is None else hexed(key.data),
        role=None if credential.standing is None else credential.standing.role.value,
        scopes=sorted(credential.granted),
        origins=list(credential.origins),
        created_at=credential.created_at,
        revoked_at=credential.revoked_at,
    )
