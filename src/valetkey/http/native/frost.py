"""Split wallets sign by FROST: two requests, and no share goes over the line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.scope import Scope, SessionScope
from valetkey.flows import split_frost
from valetkey.http.routes import SECRET_OR_SESSION, Ask, Route, Write
from valetkey.wire import frost as wire
from valetkey.wire.base import hexed, read_bytes
from valetkey.wire.custody import SplitSignature

if TYPE_CHECKING:
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery


async def _begin_frost(admitted: Admitted, ask: Ask[wire.FrostBegin, NoQuery]) -> wire.FrostBegun:
    command = split_frost.BeginFrost(
        wallet_id=ask.id,
        generation=ask.body.generation,
        commitment=wire.read_commitment(ask.body),
        wanted=wire.read_wanted(ask.body),
    )
    begun = await split_frost.begin_frost(
        admitted.world, admitted.principal, admitted.request, command
    )
    return wire.FrostBegun(
        activity_id=begun.activity.id,
        public_key=hexed(begun.key.public_key.data),
        identifier=hexed(begun.commitment[:32]),
        hiding=hexed(begun.commitment[32:64]),
        binding=hexed(begun.commitment[64:]),
    )


async def _finish_frost(admitted: Admitted, ask: Ask[wire.FrostFinish, NoQuery]) -> SplitSignature:
    command = split_frost.FinishFrost(
        wallet_id=ask.id,
        activity_id=ask.body.activity_id,
        signature_share=read_bytes(ask.body.signature_share, "signature_share"),
    )
    signed = await split_frost.finish_frost(
        admitted.world, admitted.principal, admitted.request, command
    )
    return SplitSignature(
        activity_id=signed.activity.id, signature=hexed(signed.signature), transaction=None
    )


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/v1/wallets/{wallet_id}/frost/begin",
        who=SECRET_OR_SESSION,
        session_scope=SessionScope.RUN,
        scope=Scope.WALLETS_SIGN,
        summary="Begin a signature by FROST, for which the client keeps its share",
        body=wire.FrostBegin,
        answer=wire.FrostBegun,
        handle=_begin_frost,
    ),
    Write(
        method="POST",
        path="/v1/wallets/{wallet_id}/frost/finish",
        who=SECRET_OR_SESSION,
        session_scope=SessionScope.RUN,
        scope=Scope.WALLETS_SIGN,
        summary="Finish it with the client's signature share",
        body=wire.FrostFinish,
        answer=SplitSignature,
        handle=_finish_frost,
    ),
)
