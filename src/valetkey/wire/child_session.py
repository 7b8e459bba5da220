"""Sessions opened under others."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from valetkey.wire.base import Asked, Integer, Seconds, Text, Told
from valetkey.wire.credential import PublicKey
from valetkey.wire.permission import PermissionDocument
from valetkey.wire.quiet import quiet


class OpenChild(Asked, frozen=True, kw_only=True):
    """
    A session to open under another: never more than that one, whose user and account it has.

    Args:
        key: What the holder will sign with; none for proof ``bearer``.
        permission: What it may do, for access ``write``: within its parent's.
        starts_at: The permission's, or its parent's: windows are counted from it.
        expires_at, ttl_s: The end, or seconds from now or a later start; the permission's or its
            parent's when left out.
        idle_s: It also ends when unused for so long.
        bound_token: Whether it also gets a token that is bound to ``key``: good for reads, with a
            proof by the key beside it (DPoP, RFC 9449).
    """

    proof: Literal["bearer", "stamp"]
    access: Literal["read", "write"]
    key: PublicKey | None = None
    permission: PermissionDocument | None = None
    starts_at: Seconds | None = None
    expires_at: Seconds | None = None
    ttl_s: Annotated[int, Meta(ge=1, le=2**32)] | None = None
    idle_s: Integer | None = None
    label: Text = ""
    device: Text = ""
    bound_token: bool = False


class HandOff(Asked, frozen=True, kw_only=True):
    """
    What a backend is to be let have.

    Args:
        scope: The most that its session may be.
        ttl_s: How long the code may be used, once.
    """

    scope: Literal["read", "write"] = "read"
    ttl_s: Annotated[int, Meta(ge=1, le=600)] = 120


class HandedOff(Told, frozen=True, kw_only=True):
    """
    A code for one use.

    Args:
        code: Shown this once.
        expires_at: First second at which it is refused.
    """

    code: str
    expires_at: Seconds

    __repr__ = quiet("code")


class Redeem(OpenChild, frozen=True, kw_only=True):
    """A session to open under the one that was handed off, for the *code* of that."""

    code: Annotated[str, Meta(max_length=128)]

    __repr__ = quiet("code")
