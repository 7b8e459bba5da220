"""FROST through the SDK, in both forms: the share stays here, and so does each pair of nonces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import pytest
from nacl.signing import VerifyKey

from tests.client.both import Client, done
from valetkey import Conflict, Forbidden, Malformed
from valetkey.client import frost
from valetkey.client.asks import write
from valetkey.core.errors import Code
from valetkey.wire.base import hexed
from valetkey.wire.frost import FrostBegun

if TYPE_CHECKING:
    from valetkey.wire.custody import MadeSplit


async def make(vk: Client) -> MadeSplit:
    """Return an Ed25519 wallet."""
    made: MadeSplit = await done(vk.split.create("ed25519"))
    return made


async def begin(vk: Client) -> tuple[MadeSplit, frost.Half, FrostBegun]:
    """Begin a round by hand."""
    made = await make(vk)
    body, half = frost.begin(made.share or "", message=b"hello", digest=None)
    path = f"/v1/wallets/{made.wallet.id}/frost/begin"
    begun = await done(vk.split._line.send(write(FrostBegun, path, body)))  # noqa: SLF001 - one of its two requests
    return made, half, begun


async def test_it_signs_messages_and_digests(vk: Client) -> None:
    """As libsodium takes them; with the noted key or without."""
    made = await make(vk)
    key = bytes.fromhex(made.custody.public_key[2:])
    signed = await done(vk.split.sign_apart(made.wallet.id, made.share, message=b"hello"))
    VerifyKey(key).verify(b"hello", bytes.fromhex(signed.signature[2:]))
    given = {"digest": b"\xff\x00", "public_key": key}
    signed = await done(vk.split.sign_apart(made.wallet.id, made.share, **given))
    VerifyKey(key).verify(b"\xff\x00", bytes.fromhex(signed.signature[2:]))
    assert signed.transaction is None


async def test_what_is_wrong_does_not_leave_the_process(vk: Client) -> None:
    """A share that was cut, one of no Ed25519 key, nothing to sign, two things to sign."""
    made, other = await make(vk), await done(vk.split.create())
    wallet_id, share = made.wallet.id, made.share or ""
    for given, fields, code in (
        (share[:-3], {"message": b"x"}, Code.MALFORMED_SHARE),
        (share, {}, Code.MALFORMED_BODY),
        (share, {"message": b"x", "digest": b"y"}, Code.MALFORMED_BODY),
    ):
        with pytest.raises(Malformed) as told:
            await done(vk.split.sign_apart(wallet_id, given, **fields))
        assert told.value.code is code
    with pytest.raises(Malformed):
        await done(vk.split.sign_apart(other.wallet.id, other.share, message=b"x"))


async def test_the_share_of_another_wallet_is_refused(vk: Client) -> None:
    """The server finds the signature share to be wrong."""
    made, other = await make(vk), await make(vk)
    with pytest.raises(Forbidden) as told:
        await done(vk.split.sign_apart(made.wallet.id, other.share, message=b"x"))
    assert told.value.code is Code.SIGNATURE_SHARE_REFUSED


async def test_a_signature_that_does_not_verify_is_not_given_on(vk: Client) -> None:
    """Neither of other nonces nor with another sum."""
    made, half, begun = await begin(vk)
    finish = frost.finish(half, begun, public_key=None)
    good = await done(vk.split.sign_apart(made.wallet.id, made.share, message=b"hello"))
    bad = msgspec.structs.replace(good, signature=hexed(finish.commitment + bytes(31) + b"\x01"))
    for one in (good, bad):
        with pytest.raises(Forbidden) as told:
            finish.checked(one)
        assert told.value.code is Code.SIGNATURE_SHARE_REFUSED


async def test_the_clients_nonces_are_used_once(vk: Client) -> None:
    """Whoever makes a client answer twice with one pair has its share: the second is refused."""
    _, half, begun = await begin(vk)
    frost.finish(half, begun, public_key=None)
    with pytest.raises(Conflict) as told:
        frost.finish(half, begun, public_key=None)
    assert told.value.code is Code.NONCE_SPENT


async def test_a_client_does_not_sign_for_another_key_or_no_commitment(vk: Client) -> None:
    """What the server says is held against what was noted, and its points against the group."""
    made, half, begun = await begin(vk)
    with pytest.raises(Forbidden) as told:
        frost.finish(half, begun, public_key=bytes(32))
    assert told.value.code is Code.SIGNATURE_SHARE_REFUSED
    for name, bad in (("hiding", b"\xff" * 32), ("identifier", bytes(32))):
        lying = type(begun)(
            **{
                field: hexed(bad) if field == name else getattr(begun, field)
                for field in begun.__struct_fields__
            }
        )
        with pytest.raises(Malformed):
            frost.finish(half, lying, public_key=None)
    known = frost.finish(half, begun, public_key=bytes.fromhex(made.custody.public_key[2:]))
    assert known.body.activity_id == begun.activity_id
