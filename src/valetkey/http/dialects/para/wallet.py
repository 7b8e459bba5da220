"""Wallets: listed, made, verified, and asked for signatures."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta, Struct

from valetkey.core.errors import Code, Forbidden, Malformed, NotFound
from valetkey.core.permission.signing import SignDigest, SignMessage
from valetkey.core.principal import PrincipalKind
from valetkey.core.scope import Scope
from valetkey.core.signable import read_transaction
from valetkey.core.wallet import Account, Curve
from valetkey.flows.gate import expect_reach, present
from valetkey.flows.own_wallet import make_own_wallet
from valetkey.flows.refused import note_refused
from valetkey.flows.reviews import expect_reviewed
from valetkey.flows.split_sign import sign_split
from valetkey.http.dialects.para.visitor import client_of, expect_own
from valetkey.http.dialects.para.wallet_json import WalletJson, wallets_of
from valetkey.http.dialects.vendor import AnyQuery
from valetkey.http.routes import SECRET, SESSION, Ask, Read, Route, Write
from valetkey.wire.base import read_address

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.core.signable import Wanted
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads
    from valetkey.ports import View

CURVES: Final = {"EVM": Curve.SECP256K1, "SOLANA": Curve.ED25519}
_SECP256K1_BYTES: Final = 65
_V: Final = 27
Base64 = Annotated[str, Meta(max_length=60_000)]
Share = Annotated[str, Meta(max_length=512)]


class Wallets(Struct, frozen=True):
    """The wallets of a user."""

    wallets: list[WalletJson]


class Create(Struct, frozen=True):
    """Which kind of wallet."""

    type: Literal["EVM", "SOLANA"] = "EVM"


class Created(Struct, frozen=True, rename="camel"):
    """A new wallet, and the client's share of its key."""

    wallet_id: str
    signer: str

    def __repr__(self) -> str:
        """Say nothing of the share."""
        return f"Created({self.wallet_id!r})"


class Sign(Struct, frozen=True, rename="camel"):
    """
    What our worker sends: the client's share, and what is to be signed, in base64.

    Args:
        signer: None in a session that was exported without.
    """

    signer: Share | None = None
    message: Base64 | None = None
    transaction: Base64 | None = None

    def __repr__(self) -> str:
        """Say nothing of the share."""
        return "Sign()"


class Signed(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A signature; or the review that it waits for."""

    signature: str | None = None
    pending_transaction_id: str | None = None


class VerifyWallet(Struct, frozen=True):
    """An address."""

    address: Annotated[str, Meta(max_length=128)]


class Verified(Struct, frozen=True, rename="camel"):
    """Whose wallet an address is."""

    wallet_id: str


async def _list(see: Reads, principal: Principal, ask: Ask[None, AnyQuery]) -> Wallets:
    return Wallets(await wallets_of(see, expect_own(principal, ask.names)))


async def _create(admitted: Admitted, ask: Ask[Create, AnyQuery]) -> Created:
    expect_own(admitted.principal, ask.names)
    made = await make_own_wallet(
        admitted.world,
        admitted.principal,
        admitted.request,
        curve=CURVES[ask.body.type],
        label=ask.body.type,
    )
    return Created(made.wallet.id, made.share or "")


async def _sign(admitted: Admitted, ask: Ask[Sign, AnyQuery]) -> Signed:
    """
    Sign for the session of a user, or for a backend with a wallet that it made.

    1. a share came; 2. its user has reviewed it, where that is wanted; 3. signed.
    """
    world, principal = admitted.world, admitted.principal
    is_users = principal.kind is PrincipalKind.SESSION
    if is_users:
        expect_own(principal, ask.names)
    elif ask.names[0] != principal.organization_id:
        raise NotFound(Code.NOT_FOUND, "there is no such organization, or it is not yours")
    wallet_id, wanted = ask.names[1], _wanted(ask.body)
    if not ask.body.signer:  # 1
        await note_refused(world, principal, wallet_id=wallet_id, code=Code.SHARE_MISSING)
        detail = "expected the client's share, got a session that was exported without it"
        raise Forbidden(Code.SHARE_MISSING, f"signer: {detail}")
    if is_users and client_of(principal).terms.reviews:  # 2
        waits = await expect_reviewed(world, principal, wallet_id=wallet_id, wanted=wanted)
        if waits is not None:
            return Signed(pending_transaction_id=waits)
    signed = await sign_split(  # 3
        world,
        principal,
        admitted.request,
        wallet_id=wallet_id,
        share=ask.body.signer,
        wanted=wanted,
    )
    return Signed(_text(signed.signature))


def _wanted(body: Sign) -> Wanted:
    """
    Return what is to be signed.

    A vendor's client hashes messages and typed data itself: 32 bytes are a digest, and anything
    else is a message as it is, which is what Ed25519 signs.
    """
    given = [one for one in (body.message, body.transaction) if one is not None]
    if len(given) != 1:
        detail = f"expected a message or a transaction, got {len(given)} of them"
        raise Malformed(Code.MALFORMED_BODY, detail)
    try:
        data = base64.b64decode(given[0], validate=True)
    except binascii.Error:
        raise Malformed(Code.MALFORMED_BODY, "expected base64, got something else") from None
    if body.transaction is not None:
        return read_transaction(data)
    return SignDigest(data) if len(data) == _DIGEST_BYTES else SignMessage(data)


_DIGEST_BYTES: Final = 32


def _text(signature: bytes) -> str:
    """Return a signature as Para's clients read it: with ``v`` of 27 or 28, without ``0x``."""
    if len(signature) != _SECP256K1_BYTES:
        return base64.b64encode(signature).decode()
    return signature[:-1].hex() + f"{signature[-1] + _V:02x}"


async def _verify(see: Reads, principal: Principal, ask: Ask[VerifyWallet, AnyQuery]) -> Verified:
    address = read_address(ask.body.address.lower(), "address")

    def body(view: View) -> Account:
        found = view.find(Account, address=address, organization_id=principal.organization_id)
        account = present(found[0] if found else None, "wallet")
        expect_reach(view, principal, account.organization_id, "wallet")
        return account

    return Verified((await see.store.read(body)).wallet_id)


_SIGN: Final = "/users/{holder_id}/wallets/{wallet_id}"

ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="GET",
        path="/users/{user_id}/wallets",
        who=SESSION,
        summary="List the wallets of a user",
        query=AnyQuery,
        answer=Wallets,
        handle=_list,
    ),
    Write(
        method="POST",
        path="/users/{user_id}/wallets",
        who=SESSION,
        summary="Make a wallet",
        body=Create,
        query=AnyQuery,
        answer=Created,
        is_new_each_time=True,
        handle=_create,
    ),
    *(
        Write(
            method="POST",
            path=f"{_SIGN}/{what}/sign",
            who=SESSION | SECRET,
            scope=Scope.WALLETS_SIGN,
            summary="Sign with a wallet",
            body=Sign,
            query=AnyQuery,
            answer=Signed,
            is_new_each_time=True,
            handle=_sign,
        )
        for what in ("messages", "transactions")
    ),
    Read(
        method="POST",
        path="/wallets/verify",
        who=SECRET,
        scope=Scope.READ,
        summary="Say which wallet has an address",
        body=VerifyWallet,
        query=AnyQuery,
        answer=Verified,
        handle=_verify,
    ),
)
