"""A holder's new key in the place of its old one: both have signed for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Malformed
from valetkey.spec.jcs import canonical_json
from valetkey.spec.jwt import jwk_of, thumbprint
from valetkey.spec.keys import verify

if TYPE_CHECKING:
    from valetkey.core.wallet import PublicKey


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to come, and its signature over `key_statement`: 64 bytes."""

    key: PublicKey
    signature: bytes


def thumbprint_of(key: PublicKey) -> str:
    """Return what names *key* in a few characters (RFC 7638)."""
    return thumbprint(jwk_of(key.curve, key.data))


def key_statement(holder_id: str, *, old: PublicKey, new: PublicKey) -> bytes:
    """
    Return what the holder of *new* signs to show that they have it.

    It names whose key it becomes and in whose place, so that it is good for nothing else; that the
    holder of *old* wants it, their signature over the request says.
    """
    document = {
        "purpose": "valetkey key rotation",
        "holder": holder_id,
        "old": thumbprint_of(old),
        "new": thumbprint_of(new),
    }
    return canonical_json(document)


def check_new_key(holder_id: str, new: NewKey, *, old: PublicKey) -> None:
    """
    Let a new key pass: 1. another one than *old*; 2. whoever has it has signed.

    Raises:
        Malformed: The first of the two that fails.
    """
    if new.key == old:  # 1
        raise Malformed(Code.MALFORMED_BODY, "key: expected a new key, got the one in use")
    if not verify(new.key, key_statement(holder_id, old=old, new=new.key), new.signature):  # 2
        detail = "signature: expected one by the new key over holder, old and new key, got another"
        raise Malformed(Code.MALFORMED_SIGNATURE, detail)
