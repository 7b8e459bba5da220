"""Coins and tokens sent in one call: built, signed, brought to the chain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct

from valetkey.core.errors import Code, Malformed
from valetkey.core.wallet import Curve
from valetkey.flows.client_shares import expect_stored
from valetkey.flows.clients import client_of
from valetkey.flows.send_split import Draft, Signing, send_draft
from valetkey.http.dialects.portal import rpc
from valetkey.http.dialects.portal.share import MAX_SHARE_CHARS, read_share
from valetkey.http.routes import SESSION, Ask, NoQuery, Route, Write
from valetkey.wire.quiet import quiet

if TYPE_CHECKING:
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads

NATIVE: Final = "NATIVE"
NATIVE_DECIMALS: Final = 18
_ADDRESS_BYTES: Final = 20
_TRANSFER: Final = bytes.fromhex("a9059cbb")
_AMOUNT: Final = re.compile(r"([0-9]+)(?:\.([0-9]+))?")
_MOST: Final = 2**256 - 1


class SendAssets(Struct, frozen=True):
    """
    What is sent.

    Args:
        chain: CAIP-2; the node is ours for that chain.
        token: ``NATIVE``, the address of a token, or its name in our configuration.
        amount: Decimal, in whole units.
    """

    share: Annotated[str, Meta(max_length=MAX_SHARE_CHARS)]
    chain: str
    to: str
    token: str
    amount: Annotated[str, Meta(max_length=128)]

    __repr__ = quiet("share")


class SentMetadata(Struct, frozen=True, rename="camel"):
    """What was sent, as the chain counts it."""

    amount: str
    raw_amount: str
    token_address: str
    token_decimals: int


class SentAssets(Struct, frozen=True, rename="camel"):
    """A transaction that the chain's node has."""

    transaction_hash: str
    metadata: SentMetadata


async def _send(admitted: Admitted, ask: Ask[SendAssets, NoQuery]) -> SentAssets:
    body, see = ask.body, admitted.reads
    share = read_share(body.share)
    held = await expect_stored(
        admitted.world, admitted.principal, share=share, curve=Curve.SECP256K1
    )
    rpc.expect_sender(await client_of(see, admitted.principal), "assets/send")
    to = _address(body.to, "to")
    token = _token(see, body.token)
    decimals = await _decimals(see, body.chain, token)
    raw = _units(body.amount, decimals)
    draft = Draft(to=to, value_wei=raw)
    if token is not None:
        data = _TRANSFER + to.rjust(32, b"\0") + raw.to_bytes(32)
        draft = Draft(to=token, data=data)
    tx_hash = await send_draft(
        admitted.world,
        admitted.principal,
        admitted.request,
        Signing(held.key, body.chain, share),
        draft,
    )
    told = NATIVE if token is None else f"0x{token.hex()}"
    metadata = SentMetadata(body.amount, str(raw), told, decimals)
    return SentAssets(f"0x{tx_hash.hex()}", metadata)


def _token(see: Reads, text: str) -> bytes | None:
    if text.upper() == NATIVE:
        return None
    named = [address for address, name in see.names.items() if name == text]
    return named[0] if len(named) == 1 else _address(text, "token")


async def _decimals(see: Reads, chain: str, token: bytes | None) -> int:
    if token is None:
        return NATIVE_DECIMALS
    found = await see.chain(chain).token_decimals(token)
    if found is None:
        raise _wrong("token", f"a token on {chain}", f"0x{token.hex()}")
    return found


def _units(amount: str, decimals: int) -> int:
    """Return *amount* in the smallest unit; nothing of it is rounded away."""
    found = _AMOUNT.fullmatch(amount)
    if found is None:
        raise _wrong("amount", "a decimal number", amount)
    whole, rest = found[1], found[2] or ""
    raw = int(whole + rest.ljust(decimals, "0")) if len(rest) <= decimals else 0
    if not 0 < raw <= _MOST:
        raise _wrong("amount", f"more than 0, with at most {decimals} decimals", amount)
    return raw


def _address(text: str, where: str) -> bytes:
    try:
        data = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        data = b""
    if len(data) != _ADDRESS_BYTES:
        raise _wrong(where, "an address", text)
    return data


def _wrong(where: str, expected: str, got: str) -> Malformed:
    return Malformed(Code.MALFORMED_BODY, f"{where}: expected {expected}, got {got[:64]!r}")


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/v1/assets/send",
        who=SESSION,
        summary="Send coins or tokens",
        body=SendAssets,
        answer=SentAssets,
        is_new_each_time=True,
        handle=_send,
    ),
)
