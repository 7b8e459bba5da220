"""Split wallets: made, asked for signatures, their shares renewed and given away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.custody import SplitKey
from valetkey.core.plan import with_v
from valetkey.core.scope import Scope, SessionScope
from valetkey.core.surface import Surface
from valetkey.core.wallet import Curve
from valetkey.flows import reads, split, split_eject, split_shares, split_sign
from valetkey.flows.as_vendor import set_raw_signing
from valetkey.http.routes import SECRET, SECRET_OR_SESSION, Ask, Read, Route, Write
from valetkey.wire import custody as wire
from valetkey.wire.base import Nothing, hexed, read_text
from valetkey.wire.organization import Organization, write_organization
from valetkey.wire.wallet import write_account, write_wallet

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.split_eject import ServerShare
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads

RECOVERABLE_BYTES: Final = 65


async def _create(admitted: Admitted, ask: Ask[wire.CreateSplit, NoQuery]) -> wire.MadeSplit:
    body = ask.body
    command = split.CreateSplit(
        curve=Curve(body.curve),
        chain=body.chain,
        user_id=body.user_id,
        label=read_text(body.label, "label"),
    )
    made = await split.create_split(admitted.world, admitted.principal, admitted.request, command)
    return wire.MadeSplit(
        wallet=write_wallet(made.wallet),
        account=write_account(made.account) if made.account else None,
        custody=wire.write_custody(made.key),
        share=made.share,
    )


async def _custody(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> wire.Custody:
    return wire.write_custody(await reads.owned(see, principal, SplitKey, "wallet", key=ask.id))


async def _sign(admitted: Admitted, ask: Ask[wire.SignSplit, NoQuery]) -> wire.SplitSignature:
    signed = await split_sign.sign_split(
        admitted.world,
        admitted.principal,
        admitted.request,
        wallet_id=ask.id,
        share=ask.body.share,
        wanted=wire.read_wanted(ask.body),
    )
    is_recoverable = len(signed.signature) == RECOVERABLE_BYTES
    return wire.SplitSignature(
        activity_id=signed.activity.id,
        signature=hexed(with_v(signed.signature) if is_recoverable else signed.signature),
        transaction=None if signed.transaction is None else hexed(signed.transaction),
    )


async def _refresh(admitted: Admitted, ask: Ask[wire.ByShare, NoQuery]) -> wire.NewShare:
    made = await split_shares.refresh_split(
        admitted.world,
        admitted.principal,
        admitted.request,
        wallet_id=ask.id,
        share=ask.body.share,
    )
    return wire.NewShare(custody=wire.write_custody(made.key), share=made.share)


async def _confirm(admitted: Admitted, ask: Ask[wire.ByShare, NoQuery]) -> wire.Custody:
    key = await split_shares.confirm_split(
        admitted.world,
        admitted.principal,
        admitted.request,
        wallet_id=ask.id,
        share=ask.body.share,
    )
    return wire.write_custody(key)


async def _back_up(admitted: Admitted, ask: Ask[wire.ByShare, NoQuery]) -> wire.BackedUp:
    made = await split_shares.back_up(
        admitted.world,
        admitted.principal,
        admitted.request,
        wallet_id=ask.id,
        share=ask.body.share,
    )
    return wire.BackedUp(custody=wire.write_custody(made.key), recovery_share=made.share)


async def _recover(admitted: Admitted, ask: Ask[wire.Recover, NoQuery]) -> wire.NewShare:
    made = await split_shares.recover(
        admitted.world,
        admitted.principal,
        admitted.request,
        wallet_id=ask.id,
        recovery=ask.body.recovery_share,
    )
    return wire.NewShare(custody=wire.write_custody(made.key), share=made.share)


async def _enable_eject(admitted: Admitted, ask: Ask[Nothing, NoQuery]) -> wire.Custody:
    key = await split_eject.enable_eject(
        admitted.world, admitted.principal, admitted.request, wallet_id=ask.id
    )
    return wire.write_custody(key)


async def _eject(admitted: Admitted, ask: Ask[Nothing, NoQuery]) -> wire.Ejected:
    ejected = await split_eject.eject(
        admitted.world, admitted.principal, admitted.request, wallet_id=ask.id
    )
    return wire.Ejected(
        custody=wire.write_custody(ejected.key),
        share=_given(ejected.share),
        backup=_given(ejected.backup) if ejected.backup else None,
    )


def _given(share: ServerShare) -> wire.ServerShare:
    point = share.point.reveal()
    return wire.ServerShare(generation=share.generation, x=hexed(point[:32]), y=hexed(point[32:]))


async def _raw_signing(admitted: Admitted, ask: Ask[wire.RawSigning, NoQuery]) -> Organization:
    changed = await set_raw_signing(
        admitted.world,
        admitted.principal,
        admitted.request,
        organization_id=ask.id,
        surfaces=[Surface(one) for one in ask.body.surfaces],
    )
    return write_organization(changed)


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/v1/wallets/split",
        who=SECRET,
        scope=Scope.WALLETS_WRITE,
        summary="Add a wallet whose key is split between its client and this server",
        body=wire.CreateSplit,
        answer=wire.MadeSplit,
        status=201,
        handle=_create,
    ),
    Read(
        method="GET",
        path="/v1/wallets/{wallet_id}/custody",
        who=SECRET,
        scope=Scope.READ,
        summary="Show how the key of a split wallet is kept",
        answer=wire.Custody,
        handle=_custody,
    ),
    Write(
        method="POST",
        path="/v1/wallets/{wallet_id}/sign",
        who=SECRET_OR_SESSION,
        session_scope=SessionScope.RUN,
        scope=Scope.WALLETS_SIGN,
        summary="Sign with a split wallet and the client's share",
        body=wire.SignSplit,
        answer=wire.SplitSignature,
        handle=_sign,
    ),
    Write(
        method="POST",
        path="/v1/wallets/{wallet_id}/refresh",
        who=SECRET,
        scope=Scope.WALLETS_SIGN,
        summary="Make new shares of the same key",
        body=wire.ByShare,
        answer=wire.NewShare,
        handle=_refresh,
    ),
    Write(
        method="POST",
        path="/v1/wallets/{wallet_id}/confirm",
        who=SECRET,
        scope=Scope.WALLETS_SIGN,
        summary="Say that a new share has arrived; older ones are refused from now on",
        body=wire.ByShare,
        answer=wire.Custody,
        handle=_confirm,
    ),
    Write(
        method="POST",
        path="/v1/wallets/{wallet_id}/backup",
        who=SECRET,
        scope=Scope.WALLETS_SIGN,
        summary="Give out the recovery share",
        body=wire.ByShare,
        answer=wire.BackedUp,
        handle=_back_up,
    ),
    Write(
        method="POST",
        path="/v1/wallets/{wallet_id}/recover",
        who=SECRET,
        scope=Scope.WALLETS_SIGN,
        summary="Make a new client's share for who has the recovery share",
        body=wire.Recover,
        answer=wire.NewShare,
        handle=_recover,
    ),
    Write(
        method="POST",
        path="/v1/wallets/{wallet_id}/enable-eject",
        who=SECRET,
        scope=Scope.CUSTODY_WRITE,
        summary="Allow that the server's share is given away, once",
        body=Nothing,
        answer=wire.Custody,
        handle=_enable_eject,
    ),
    Write(
        method="POST",
        path="/v1/wallets/{wallet_id}/eject",
        who=SECRET,
        scope=Scope.WALLETS_SIGN,
        summary="Give the server's share to the client, and sign no more",
        body=Nothing,
        answer=wire.Ejected,
        handle=_eject,
    ),
    Write(
        method="POST",
        path="/v1/organizations/{organization_id}/raw-signing",
        who=SECRET,
        scope=Scope.CUSTODY_WRITE,
        summary="Say on which vendors' surfaces sessions may have raw digests signed",
        body=wire.RawSigning,
        answer=Organization,
        handle=_raw_signing,
    ),
)
