"""Keys that our frame makes for players, locked: left here, and given back to who unlocks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct

from valetkey.core.locked_key import MAX_BLOB_CHARS, Lock
from valetkey.flows.locked_keys import LockKey, lock_key, locked_key, unlock_key
from valetkey.http.routes import SESSION, Ask, NoQuery, Read, Route, Write
from valetkey.wire.base import hexed, read_address, read_bytes
from valetkey.wire.quiet import quiet

if TYPE_CHECKING:
    from valetkey.core.locked_key import LockedKey
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads

PATH: Final = "/iam/v2/locked-keys"
Proof = Annotated[str, Meta(max_length=66)]
_PROOF_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 65


class Keep(Struct, frozen=True):
    """A key, encrypted in the frame; *proof* is what later shows that somebody can unlock it."""

    address: Annotated[str, Meta(max_length=42)]
    lock: Lock
    blob: Annotated[str, Meta(max_length=MAX_BLOB_CHARS)]
    proof: Proof
    signature: Annotated[str, Meta(max_length=132)]

    __repr__ = quiet("blob", "proof")


class Unlock(Struct, frozen=True):
    """What shows that somebody knows what unlocks the key."""

    proof: Proof

    __repr__ = quiet("proof")


class Known(Struct, frozen=True):
    """What a key is locked under."""

    address: str
    lock: Lock


class Unlocked(Struct, frozen=True):
    """The key, as the frame encrypted it."""

    address: str
    lock: Lock
    blob: str

    __repr__ = quiet("blob")


def _known(key: LockedKey) -> Known:
    return Known(hexed(key.address), key.lock)


async def _keep(admitted: Admitted, ask: Ask[Keep, NoQuery]) -> Known:
    body = ask.body
    wanted = LockKey(
        address=read_address(body.address, "address"),
        lock=body.lock,
        blob=body.blob,
        proof=read_bytes(body.proof, "proof", count=_PROOF_BYTES),
        signature=read_bytes(body.signature, "signature", count=_SIGNATURE_BYTES),
    )
    return _known(await lock_key(admitted.world, admitted.principal, wanted))


async def _unlock(admitted: Admitted, ask: Ask[Unlock, NoQuery]) -> Unlocked:
    key, blob = await unlock_key(
        admitted.world,
        admitted.principal,
        address=read_address(ask.id, "address"),
        proof=read_bytes(ask.body.proof, "proof", count=_PROOF_BYTES),
    )
    return Unlocked(hexed(key.address), key.lock, blob)


async def _get(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> Known:
    return _known(await locked_key(see, principal, address=read_address(ask.id, "address")))


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path=PATH,
        who=SESSION,
        summary="Keep a key that the player's client has locked",
        body=Keep,
        answer=Known,
        handle=_keep,
    ),
    Read(
        method="GET",
        path=f"{PATH}/{{address}}",
        who=SESSION,
        summary="Say what a key is locked under",
        answer=Known,
        handle=_get,
    ),
    Write(
        method="POST",
        path=f"{PATH}/{{address}}/unlock",
        who=SESSION,
        summary="Give a locked key to who can unlock it",
        body=Unlock,
        answer=Unlocked,
        handle=_unlock,
    ),
)
