"""Wallets that a backend makes for people before they come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from valetkey.core.custody import SplitKey
from valetkey.core.pregenerated import KINDS, MAX_CHARS
from valetkey.core.principal import PrincipalKind
from valetkey.core.scope import Scope
from valetkey.core.wallet import Wallet
from valetkey.flows.gate import present
from valetkey.flows.pregenerate import pregenerate, pregenerated
from valetkey.http.dialects.para.session import ANYBODY
from valetkey.http.dialects.para.wallet import CURVES, Created
from valetkey.http.dialects.para.wallet_json import PregenJson, write_wallet
from valetkey.http.dialects.vendor import AnyQuery
from valetkey.http.routes import SECRET, Ask, Read, Route, Write

if TYPE_CHECKING:
    from valetkey.core.pregenerated import Pregenerated
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads
    from valetkey.ports import View

Identifier = Annotated[str, Meta(max_length=MAX_CHARS)]


class Pregenerate(Struct, frozen=True, rename="camel"):
    """For whom, and which kind of wallet."""

    pregen_identifier: Identifier
    pregen_identifier_type: Annotated[str, Meta(max_length=32)]
    type: Literal["EVM", "SOLANA"] = "EVM"


class Whose(Struct, frozen=True):
    """Whose wallets, as the SDK's HTTP client writes lists; one identifier at a time."""

    email: Identifier = msgspec.field(name="ids[EMAIL][0]", default="")
    custom_id: Identifier = msgspec.field(name="ids[CUSTOM_ID][0]", default="")


class Wallets(Struct, frozen=True):
    """Wallets that were made for somebody."""

    wallets: list[PregenJson]


async def _make(admitted: Admitted, ask: Ask[Pregenerate, AnyQuery]) -> Created:
    body = ask.body
    made = await pregenerate(
        admitted.world,
        admitted.principal,
        admitted.request,
        kind=body.pregen_identifier_type,
        identifier=body.pregen_identifier,
        curve=CURVES[body.type],
    )
    return Created(made.wallet.id, made.share or "")


async def _list(see: Reads, principal: Principal, ask: Ask[None, Whose]) -> Wallets:
    """
    Only a backend is told: its own keys sign with them, and no client claims them.

    A client asks for those of its user at each sign-up, and would not get past one that it cannot
    claim.
    """
    if principal.kind is not PrincipalKind.SECRET:
        return Wallets([])
    named = zip(KINDS, (ask.query.email, ask.query.custom_id), strict=True)
    found: list[Pregenerated] = []
    for kind, identifier in named:
        if identifier:
            found += await pregenerated(see, principal, kind=kind, identifier=identifier)
    return Wallets(await see.store.read(lambda view: [_write(view, one) for one in found]))


def _write(view: View, one: Pregenerated) -> PregenJson:
    wallet = present(view.get(Wallet, one.wallet_id), "wallet")
    shown = write_wallet(wallet, present(view.get(SplitKey, wallet.id), "wallet"))
    return PregenJson(
        **msgspec.structs.asdict(shown),
        partner_id=one.organization_id,
        pregen_identifier=one.identifier,
        pregen_identifier_type=one.kind,
    )


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path="/wallets/pregen",
        who=SECRET,
        scope=Scope.WALLETS_WRITE,
        summary="Make a wallet for somebody who has not come yet",
        body=Pregenerate,
        query=AnyQuery,
        answer=Created,
        is_new_each_time=True,
        handle=_make,
    ),
    Read(
        method="GET",
        path="/wallets/pregen",
        who=ANYBODY | SECRET,
        scope=Scope.READ,
        summary="List the wallets that were made for somebody",
        query=Whose,
        answer=Wallets,
        handle=_list,
    ),
)
