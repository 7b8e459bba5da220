"""What a client asks for with its shares: wallets made, signatures, transactions, backups."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.signing import SignDigest
from valetkey.core.plan import with_v
from valetkey.core.wallet import Curve
from valetkey.flows import client_shares
from valetkey.flows.clients import client_of
from valetkey.flows.send_split import Signing, send_draft, sign_draft
from valetkey.flows.sign_as_clone import sign_as_clone
from valetkey.flows.split_sign import sign_split
from valetkey.http.dialects.portal import rpc
from valetkey.http.dialects.portal.details import CURVES, evm_address
from valetkey.http.dialects.portal.share import MAX_SHARE_CHARS, read_share, write_share
from valetkey.http.routes import SESSION, Ask, NoQuery, Route, Write
from valetkey.wire.quiet import quiet

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from valetkey.flows.client_shares import GivenShare
    from valetkey.flows.clients import ClientWallet
    from valetkey.http.admitted import Admitted

    Renew = Callable[..., Awaitable[list[GivenShare]]]

Share = Annotated[str, Meta(max_length=MAX_SHARE_CHARS)]
_RECOVERABLE_BYTES: Final = 65
_BY_NAME: Final = {name: curve for curve, name in CURVES.items()}


class Given(Struct, frozen=True):
    """A share, shown this once, and the id of its pair."""

    share: str
    id: str

    __repr__ = quiet("share")


class Sign(Struct, frozen=True, rename="camel"):
    """
    A call of Ethereum's JSON-RPC.

    Args:
        chain_id: CAIP-2. The node is ours for that chain: a client's own ``rpcUrl`` is not used.
    """

    method: str
    share: Share
    params: Any = None
    chain_id: str = ""

    __repr__ = quiet("share")


class RawSign(Struct, frozen=True):
    """A digest in hex, as ``params`` or, in the vendor's tables, ``param``."""

    share: Share
    params: str = ""
    param: str = ""

    __repr__ = quiet("share")


class BackUp(Struct, frozen=True, rename="camel"):
    """What `generate` answered, as JSON in a text."""

    generate_response: str

    __repr__ = quiet("generate_response")


class Recover(Struct, frozen=True, rename="camel"):
    """What `backup` answered, as JSON in a text."""

    backup_response: str

    __repr__ = quiet("backup_response")


class Signed(Struct, frozen=True):
    """What came of it."""

    data: Any


class _Shares(Struct, frozen=True):
    """A text of JSON with a share for each curve; some guides write the curves small."""

    SECP256K1: Given | None = None
    ED25519: Given | None = None
    secp256k1: Given | None = None
    ed25519: Given | None = None


_SHARES: Final = msgspec.json.Decoder(_Shares)


async def _generate(admitted: Admitted, ask: Ask[None, NoQuery]) -> dict[str, Given]:
    del ask
    given = await client_shares.generate(admitted.world, admitted.principal, admitted.request)
    return await _written(admitted, given)


async def _written(admitted: Admitted, given: list[GivenShare]) -> dict[str, Given]:
    client = await client_of(admitted.reads, admitted.principal)
    return {
        CURVES[one.key.public_key.curve]: Given(
            write_share(one, client_id=client.user.id), one.pair.id
        )
        for one in given
    }


def _read_shares(text: str) -> dict[Curve, str]:
    try:
        told = _SHARES.decode(text)
    except msgspec.DecodeError:
        detail = "expected the shares as they were given out, as JSON in a text"
        raise Malformed(Code.MALFORMED_SHARE, detail) from None
    found = {
        Curve.SECP256K1: told.SECP256K1 or told.secp256k1,
        Curve.ED25519: told.ED25519 or told.ed25519,
    }
    return {curve: read_share(one.share) for curve, one in found.items() if one is not None}


async def _back_up(admitted: Admitted, ask: Ask[BackUp, NoQuery]) -> dict[str, Given]:
    return await _renewed(admitted, client_shares.back_up_each, ask.body.generate_response)


async def _recover(admitted: Admitted, ask: Ask[Recover, NoQuery]) -> dict[str, Given]:
    return await _renewed(admitted, client_shares.recover_each, ask.body.backup_response)


async def _renewed(admitted: Admitted, renew: Renew, text: str) -> dict[str, Given]:
    shares = _read_shares(text)
    given = await renew(admitted.world, admitted.principal, admitted.request, shares=shares)
    return await _written(admitted, given)


async def _sign(admitted: Admitted, ask: Ask[Sign, NoQuery]) -> Signed:
    method = ask.body.method
    if method not in rpc.METHODS:
        expected = ", ".join(rpc.METHODS)
        detail = f"method: expected one of {expected}, got {method[:40]!r}"
        raise Malformed(Code.MALFORMED_BODY, detail, id=rpc.UNSUPPORTED)
    share = read_share(ask.body.share)
    held = await _held(admitted, share, Curve.SECP256K1)
    client = await client_of(admitted.reads, admitted.principal)
    if method == rpc.CHAIN_ID:
        return Signed(hex(admitted.reads.chain(ask.body.chain_id).chain_id))
    if method in rpc.ACCOUNTS:
        return Signed([evm_address(client, held)])
    params = rpc.read_params(ask.body.params)
    signing = Signing(held.key, ask.body.chain_id, share)
    if method in {rpc.SENDS, rpc.SIGNS}:
        rpc.expect_sender(client, method)
        return await _transact(admitted, ask.body, signing)
    typed = method in rpc.TYPED
    wanted = rpc.read_typed(params) if typed else rpc.read_message(method, params)
    clones = client.user.clones
    if clones is not None:
        asked = (admitted.world, admitted.principal, admitted.request, signing)
        signature = await sign_as_clone(*asked, clones=clones, wanted=wanted)
        return Signed(f"0x{signature.hex()}")
    return Signed(f"0x{await _signature(admitted, held, share, wanted)}")


async def _held(admitted: Admitted, share: str, curve: Curve) -> ClientWallet:
    world, principal = admitted.world, admitted.principal
    return await client_shares.expect_stored(world, principal, share=share, curve=curve)


async def _transact(admitted: Admitted, body: Sign, signing: Signing) -> Signed:
    draft = rpc.read_draft(rpc.read_params(body.params))
    asked = (admitted.world, admitted.principal, admitted.request, signing, draft)
    if body.method == rpc.SENDS:
        return Signed(f"0x{(await send_draft(*asked)).hex()}")
    signed = await sign_draft(*asked)
    return Signed(f"0x{(signed.transaction or b'').hex()}")


async def _raw_sign(admitted: Admitted, ask: Ask[RawSign, NoQuery]) -> Signed:
    """Sign a digest, where the owner of the organization lets this surface have that."""
    curve = _BY_NAME.get(ask.id.upper())
    if curve is None:
        detail = f"curve: expected one of {', '.join(_BY_NAME)}, got {ask.id[:20]!r}"
        raise Malformed(Code.MALFORMED_BODY, detail, id=rpc.UNSUPPORTED)
    share = read_share(ask.body.share)
    held = await _held(admitted, share, curve)
    text = ask.body.params or ask.body.param
    try:
        digest = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise Malformed(Code.MALFORMED_BODY, "params: expected hex digits") from None
    return Signed(await _signature(admitted, held, share, SignDigest(digest)))


async def _signature(admitted: Admitted, held: ClientWallet, share: str, wanted: Any) -> str:  # noqa: ANN401 - what `sign_split` takes
    signed = await sign_split(
        admitted.world,
        admitted.principal,
        admitted.request,
        wallet_id=held.wallet.id,
        share=share,
        wanted=wanted,
    )
    is_recoverable = len(signed.signature) == _RECOVERABLE_BYTES
    return (with_v(signed.signature) if is_recoverable else signed.signature).hex()


_asks = partial(Write, method="POST", who=SESSION, is_new_each_time=True)

ROUTES: Final[tuple[Route, ...]] = (
    _asks(
        path="/v1/generate",
        summary="Make the wallets of a client",
        answer=dict[str, Given],
        handle=_generate,
    ),
    _asks(
        path="/v1/sign",
        summary="Sign, and send",
        body=Sign,
        answer=Signed,
        handle=_sign,
    ),
    _asks(
        path="/v1/raw/sign/{curve}",
        summary="Sign a digest",
        body=RawSign,
        answer=Signed,
        handle=_raw_sign,
    ),
    _asks(
        path="/v1/backup",
        summary="Give out backup shares",
        body=BackUp,
        answer=dict[str, Given],
        handle=_back_up,
    ),
    _asks(
        path="/v1/recover",
        summary="Give out new signing shares for backup shares",
        body=Recover,
        answer=dict[str, Given],
        handle=_recover,
    ),
)
