"""A new key in the place of the one that proves a session or a credential."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.rotation import key_statement
from valetkey.wire.base import hexed
from valetkey.wire.credential import RotateKey, write_public_key

if TYPE_CHECKING:
    from valetkey.client.keys import HolderKey


def rotate_body(holder_id: str, *, old: HolderKey, new: HolderKey) -> RotateKey:
    """Return the request that puts *new* in the place of *old*, which signs the request itself."""
    statement = key_statement(holder_id, old=old.public_key, new=new.public_key)
    return RotateKey(
        key=write_public_key(new.public_key), signature=hexed(new.sign_message(statement))
    )
