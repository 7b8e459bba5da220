"""PINs of wallets: blobs stored, factors given out so many times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.pin import PROOF_BYTES
from valetkey.core.scope import Scope
from valetkey.flows import pins
from valetkey.http.routes import SECRET, Ask, Route, Write
from valetkey.wire import pin as wire
from valetkey.wire.base import Nothing, hexed, read_bytes

if TYPE_CHECKING:
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery


async def _begin(admitted: Admitted, ask: Ask[Nothing, NoQuery]) -> wire.PinFactor:
    factor = await pins.begin_pin(
        admitted.world, admitted.principal, admitted.request, wallet_id=ask.id
    )
    return wire.PinFactor(factor=hexed(factor.reveal()))


async def _set(admitted: Admitted, ask: Ask[wire.SetPin, NoQuery]) -> wire.Pin:
    body = ask.body
    proof_hash = read_bytes(body.proof_hash, "proof_hash", count=PROOF_BYTES)
    wanted = pins.SetPin(body.blob, proof_hash, body.tries)
    made = await pins.set_pin(
        admitted.world, admitted.principal, admitted.request, wallet_id=ask.id, wanted=wanted
    )
    return wire.write_pin(made)


async def _try(admitted: Admitted, ask: Ask[Nothing, NoQuery]) -> wire.TriedPin:
    tried = await pins.try_pin(
        admitted.world, admitted.principal, admitted.request, wallet_id=ask.id
    )
    factor = hexed(tried.factor.reveal())
    return wire.TriedPin(pin=wire.write_pin(tried.pin), blob=tried.pin.blob, factor=factor)


async def _opened(admitted: Admitted, ask: Ask[wire.OpenedPin, NoQuery]) -> wire.Pin:
    proof = read_bytes(ask.body.proof, "proof", count=PROOF_BYTES)
    pin = await pins.note_opened(
        admitted.world, admitted.principal, admitted.request, wallet_id=ask.id, proof=proof
    )
    return wire.write_pin(pin)


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/v1/wallets/{wallet_id}/pin/begin",
        who=SECRET,
        scope=Scope.WALLETS_SIGN,
        summary="Get a factor for a new PIN",
        body=Nothing,
        answer=wire.PinFactor,
        handle=_begin,
    ),
    Write(
        method="POST",
        path="/v1/wallets/{wallet_id}/pin",
        who=SECRET,
        scope=Scope.WALLETS_SIGN,
        summary="Store a blob under a new PIN",
        body=wire.SetPin,
        answer=wire.Pin,
        handle=_set,
    ),
    Write(
        method="POST",
        path="/v1/wallets/{wallet_id}/pin/try",
        who=SECRET,
        scope=Scope.WALLETS_SIGN,
        summary="Use one try: get the blob and its factor",
        body=Nothing,
        answer=wire.TriedPin,
        handle=_try,
    ),
    Write(
        method="POST",
        path="/v1/wallets/{wallet_id}/pin/opened",
        who=SECRET,
        scope=Scope.WALLETS_SIGN,
        summary="Prove that the blob was opened, and have all tries again",
        body=wire.OpenedPin,
        answer=wire.Pin,
        handle=_opened,
    ),
)
