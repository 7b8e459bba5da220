"""Clients' shares on their way to the server, and from there to a second device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import msgspec
from msgspec import Meta, Struct

from valetkey.core.errors import Code, Malformed, NotFound
from valetkey.flows.kept_shares import keep_share, kept_shares
from valetkey.flows.own_secret import own_secret
from valetkey.http.dialects.para.sealing import (
    new_key,
    open_sealed,
    public_pem,
    read_device_key,
    seal_for_device,
)
from valetkey.http.dialects.para.session import ANYBODY
from valetkey.http.dialects.para.visitor import Visitor, client_of, expect_own
from valetkey.http.dialects.vendor import AnyQuery
from valetkey.http.routes import SESSION, Ask, Route, Write

if TYPE_CHECKING:
    from valetkey.http.admitted import Admitted

SECRET_NAME: Final = "para-ecies"  # noqa: S105 - what the secret is called
ALGORITHM: Final = "ECIES-P256-AES256-SHA256"
MOST: Final = 16


class PublicPem(Struct, frozen=True, rename="camel"):
    """What clients seal their shares for."""

    public_key: str


class KeepShares(Struct, frozen=True, rename="camel"):
    """Shares, sealed; see `Sealed`."""

    encrypted_payload: Annotated[str, Meta(max_length=65_536)]


class Sealed(Struct, frozen=True, rename="camel"):
    """What is in the text of a payload."""

    encrypted_data: str
    ephemeral: str
    algorithm: str


class Share(Struct, frozen=True, rename="camel"):
    """A share of one wallet."""

    user_id: str
    wallet_id: str
    signer: str

    def __repr__(self) -> str:
        """Say nothing of the share."""
        return f"Share({self.wallet_id!r})"


class Shares(Struct, frozen=True):
    """What was sealed."""

    shares: Annotated[list[Share], Meta(max_length=MOST)]


class Kept(Struct, frozen=True):
    """How many shares were kept, as text."""

    payload: str


class ForDevice(Struct, frozen=True):
    """Which client asks."""

    session_lookup_id: Annotated[str, Meta(max_length=64)] = msgspec.field(name="sessionLookupId")


class TemporaryShare(Struct, frozen=True, rename="camel"):
    """A share, sealed for the device that has just logged in."""

    user_id: str
    wallet_id: str
    encrypted_share: str
    encrypted_key: str


class TemporaryShares(Struct, frozen=True, rename="camel"):
    """The shares of a user."""

    temporary_shares: list[TemporaryShare]


async def _public_key(admitted: Admitted, _ask: Ask[None, AnyQuery]) -> PublicPem:
    return PublicPem(public_pem(await own_secret(admitted.world, SECRET_NAME, new_key)))


async def _keep(admitted: Admitted, ask: Ask[KeepShares, AnyQuery]) -> Kept:
    world, principal = admitted.world, admitted.principal
    seen = client_of(principal)
    try:
        sealed = msgspec.json.decode(ask.body.encrypted_payload, type=Sealed)
        if sealed.algorithm != ALGORITHM:
            detail = f"algorithm: expected {ALGORITHM}, got {sealed.algorithm[:40]!r}"
            raise Malformed(Code.MALFORMED_BODY, detail)
        secret = await own_secret(world, SECRET_NAME, new_key)
        opened = open_sealed(secret, ephemeral=sealed.ephemeral, encrypted=sealed.encrypted_data)
        shares = msgspec.json.decode(opened, type=Shares).shares
    except msgspec.MsgspecError as error:
        detail = f"encryptedPayload: {error}" if "$" in str(error) else "encryptedPayload: no JSON"
        raise Malformed(Code.MALFORMED_BODY, detail) from None
    for one in shares:
        if seen.session is None or one.user_id != seen.session.user_id:
            raise NotFound(Code.NOT_FOUND, "there is no such user, or it is not yours")
        await keep_share(world, principal, wallet_id=one.wallet_id, share=one.signer)
    return Kept(str(len(shares)))


async def _for_device(admitted: Admitted, ask: Ask[None, ForDevice]) -> TemporaryShares:
    """Shares are for the client that has just logged in, and for the key of its device alone."""
    world, principal = admitted.world, admitted.principal
    user_id = expect_own(principal, ask.names)
    visit = client_of(principal).visit
    is_own = isinstance(principal, Visitor) and principal.lookup == ask.query.session_lookup_id
    if not is_own or visit.device_key is None:
        return TemporaryShares([])
    key = read_device_key(visit.device_key)
    sealed = [
        (wallet_id, seal_for_device(share, key, world.entropy))
        for wallet_id, share in await kept_shares(world, principal)
    ]
    return TemporaryShares(
        [TemporaryShare(user_id, wallet_id, *both) for wallet_id, both in sealed]
    )


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="GET",
        path="/enclave/public-key",
        who=ANYBODY,
        summary="Show the key that shares are sealed for",
        query=AnyQuery,
        answer=PublicPem,
        is_new_each_time=True,
        carried_by=ANYBODY,
        handle=_public_key,
    ),
    Write(
        method="POST",
        path="/enclave/key-shares",
        who=SESSION,
        summary="Keep shares for the user's next device",
        body=KeepShares,
        query=AnyQuery,
        answer=Kept,
        is_new_each_time=True,
        handle=_keep,
    ),
    Write(
        method="GET",
        path="/users/{user_id}/temporary-shares",
        who=SESSION,
        summary="Give the shares of a user to the device that has just logged in",
        query=ForDevice,
        answer=TemporaryShares,
        is_new_each_time=True,
        handle=_for_device,
    ),
)
