"""
A client's share as Portal's clients carry it: base64 of a JSON object that they do not look into.

``ssid`` holds our own text of the share; the rest is what the vendor's tools read when a key is
put together from two shares (x and y of a line through it).
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from valetkey.core.errors import Code, Malformed
from valetkey.core.split_share import about_share
from valetkey.core.wallet import Curve
from valetkey.spec.points import ed25519_point, secp256k1_point
from valetkey.wire.quiet import quiet

if TYPE_CHECKING:
    from valetkey.core.wallet import PublicKey
    from valetkey.flows.client_shares import GivenShare

MAX_SHARE_CHARS: Final = 4096
_WORD: Final = 32


class Point(Struct, frozen=True, rename="pascal"):
    """Where something stands; decimal, as texts."""

    x: str
    y: str = "0"


class Place(Struct, frozen=True, rename="pascal"):
    """Where on its line a share stands."""

    x: str
    rank: int = 0


class Places(Struct, frozen=True):
    """Where the client's share stands."""

    client: Place


class Blob(Struct, frozen=True, rename="camel"):
    """What is in a share."""

    client_id: str
    share: str
    ssid: str
    pubkey: Point
    bks: Places
    signing_share_pair_id: str = ""
    backup_share_pair_id: str = ""

    __repr__ = quiet("share", "ssid")


_DECODER: Final = msgspec.json.Decoder(Blob)


def write_share(given: GivenShare, *, client_id: str) -> str:
    """Return a share as it is given out."""
    point = about_share(given.share).point.reveal()
    blob = Blob(
        client_id=client_id,
        share=str(int.from_bytes(point[_WORD:])),
        ssid=given.share,
        pubkey=_pubkey(given.key.public_key),
        bks=Places(Place(str(int.from_bytes(point[:_WORD])))),
        signing_share_pair_id=given.pair.id if given.pair.kind == "signing" else "",
        backup_share_pair_id=given.pair.id if given.pair.kind == "backup" else "",
    )
    return base64.b64encode(msgspec.json.encode(blob)).decode()


def read_share(text: str) -> str:
    """
    Return our text of the share that *text* is.

    Raises:
        Malformed: ``malformed_share``: it is none, or a part of it was changed.
    """
    try:
        blob = _DECODER.decode(base64.b64decode(text[: MAX_SHARE_CHARS + 1], validate=True))
    except (binascii.Error, ValueError, msgspec.DecodeError):
        detail = "share: expected one as it was given out, got another text"
        raise Malformed(Code.MALFORMED_SHARE, detail) from None
    point = about_share(blob.ssid).point.reveal()
    told = (blob.bks.client.x, blob.share)
    if told != tuple(str(int.from_bytes(one)) for one in (point[:_WORD], point[_WORD:])):
        detail = "share: expected one as it was given out, got one that was changed"
        raise Malformed(Code.MALFORMED_SHARE, detail)
    return blob.ssid


def _pubkey(key: PublicKey) -> Point:
    find = secp256k1_point if key.curve is Curve.SECP256K1 else ed25519_point
    x, y = find(key.data)
    return Point(str(x), str(y))
