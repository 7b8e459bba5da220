"""Accounts that a factory makes: what their address follows from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.wallet import Clone as CoreClone
from valetkey.wire.base import Address, Asked, Told, Word, hexed, read_address, read_bytes

if TYPE_CHECKING:
    from valetkey.core import wallet as core

_SALT_BYTES = 32


class NewClone(Asked, frozen=True, kw_only=True):
    """
    That an account is a clone, which its owner's key owns.

    Args:
        personal: Whether the owner may sign by `personal_sign` (EIP-191) too.
        salt: Another one is another account of the same owner; zeros when left out.
    """

    personal: bool = False
    salt: Word | None = None


class Clone(Told, frozen=True, kw_only=True):
    """
    What the address of a clone follows from (CREATE2).

    Args:
        implementation: The code that it runs.
        owner: Who it belongs to when it is made.
    """

    factory: Address
    implementation: Address
    owner: Address
    salt: Word
    personal: bool


def read_salt(salt: str | None) -> bytes:
    """
    Return the 32 bytes of *salt*.

    Raises:
        Malformed: It is something else.
    """
    return bytes(_SALT_BYTES) if salt is None else read_bytes(salt, "salt", count=_SALT_BYTES)


def write_clone(clone: core.Clone | None) -> Clone | None:
    """Return *clone* as it is answered."""
    if clone is None:
        return None
    return Clone(
        factory=hexed(clone.factory),
        implementation=hexed(clone.implementation),
        owner=hexed(clone.owner),
        salt=hexed(clone.salt),
        personal=clone.personal,
    )


def read_clone(clone: Clone) -> core.Clone:
    """
    Return what *clone* says.

    Raises:
        Malformed: Something is no address, or the salt is too short or too long.
    """
    return CoreClone(
        factory=read_address(clone.factory, "clone.factory"),
        implementation=read_address(clone.implementation, "clone.implementation"),
        owner=read_address(clone.owner, "clone.owner"),
        salt=read_salt(clone.salt),
        personal=clone.personal,
    )
