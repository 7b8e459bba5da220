"""A client's wallets leave: the server's shares are given out, once, and sign no more."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.scope import Scope
from valetkey.core.share_pair import PairKind
from valetkey.flows.clients import client_named, client_of
from valetkey.flows.split_eject import eject, enable_eject
from valetkey.http.answer import NO_CONTENT, Answer
from valetkey.http.dialects.portal.client import ME, nothing
from valetkey.http.dialects.portal.custodian_session import FAMILIES
from valetkey.http.dialects.vendor import AnyQuery
from valetkey.http.routes import SECRET, SESSION, Ask, NoQuery, Route, Write
from valetkey.wire.quiet import quiet

if TYPE_CHECKING:
    from valetkey.flows.clients import ClientWallet
    from valetkey.flows.split_eject import ServerShare
    from valetkey.http.admitted import Admitted

_WORD: Final = 32


class EnableEject(Struct, frozen=True, rename="camel"):
    """Which wallet may leave. Here it may until it has, so an end cannot be named."""

    wallet_id: str
    ejectable_until: str | None = None


class EjectEnabled(Struct, frozen=True, rename="camel"):
    """A wallet that may leave."""

    wallet_id: str
    ejectable_until: str | None = None


class Ejectable(Struct, frozen=True, rename="camel"):
    """
    What the client needs beside its own shares.

    Args:
        encrypted_client_backup_share: What it has had kept, as it was encrypted by it.
        custodian_backup_share: JSON: the server's share (``share``, ``bk``), to the backup share.
        custodian_signing_share: The same, to the share that signs; ours.
    """

    encrypted_client_backup_share: str | None
    custodian_backup_share: str
    custodian_signing_share: str

    __repr__ = quiet(
        "encrypted_client_backup_share", "custodian_backup_share", "custodian_signing_share"
    )


class Ejected(Struct, frozen=True):
    """The same, as clients get it."""

    data: Ejectable


async def _enable(admitted: Admitted, ask: Ask[EnableEject, NoQuery]) -> EjectEnabled:
    if ask.body.ejectable_until is not None:
        detail = "ejectableUntil: expected none, for a wallet may leave until it has"
        raise Malformed(Code.MALFORMED_BODY, detail)
    client = await client_named(admitted.reads, admitted.principal, client_id=ask.id)
    held = client.wallet(ask.body.wallet_id)
    await enable_eject(
        admitted.world, admitted.principal, admitted.request, wallet_id=held.wallet.id
    )
    return EjectEnabled(held.wallet.id)


async def _by_custodian(admitted: Admitted, ask: Ask[None, AnyQuery]) -> Ejectable:
    client_id, wallet_id = ask.names
    client = await client_named(admitted.reads, admitted.principal, client_id=client_id)
    return await _ejected(admitted, client.wallet(wallet_id))


async def _by_client(admitted: Admitted, ask: Ask[None, AnyQuery]) -> Ejected:
    client = await client_of(admitted.reads, admitted.principal)
    return Ejected(await _ejected(admitted, client.wallet(ask.id)))


async def _ejected(admitted: Admitted, held: ClientWallet) -> Ejectable:
    given = await eject(
        admitted.world, admitted.principal, admitted.request, wallet_id=held.wallet.id
    )
    kept = held.pair(PairKind.BACKUP)
    return Ejectable(
        encrypted_client_backup_share=None if kept is None else kept.cipher_text,
        custodian_backup_share=_written(given.backup or given.share),
        custodian_signing_share=_written(given.share),
    )


def _written(share: ServerShare) -> str:
    point = share.point.reveal()
    x, y = (str(int.from_bytes(one)) for one in (point[:_WORD], point[_WORD:]))
    return json.dumps({"share": y, "bk": x})


async def _complete(admitted: Admitted, ask: Ask[None, NoQuery]) -> Answer:
    """Answer that a wallet has left, which it has once the shares were given out."""
    client = await client_of(admitted.reads, admitted.principal)
    if client.wallet(ask.id).key.ejected_at is None:
        raise Conflict(Code.CONFLICT, "expected a wallet whose shares were given out, got another")
    return nothing()


_SHARES: Final = "wallets/{wallet}/ejectable-backup-shares"
# The vendor has it as a GET. It gives out what is given out once, so it is a write.
_gives = partial(
    Write,
    method="GET",
    query=AnyQuery,
    summary="Give out the server's shares of a wallet, and sign no more",
    is_new_each_time=True,
)

ROUTES: Final[tuple[Route, ...]] = (
    *(
        Write(
            method="PATCH",
            path=f"{path}/{{client}}/enable-eject",
            who=SECRET,
            scope=Scope.CUSTODY_WRITE,
            summary="Let a wallet leave",
            body=EnableEject,
            answer=EjectEnabled,
            is_new_each_time=True,
            handle=_enable,
        )
        for path in FAMILIES
    ),
    *(
        _gives(
            path=f"{path}/{{client}}/{_SHARES}",
            who=SECRET,
            scope=Scope.WALLETS_SIGN,
            answer=Ejectable,
            handle=_by_custodian,
        )
        for path in FAMILIES
    ),
    _gives(path=f"{ME}/{_SHARES}", who=SESSION, answer=Ejected, handle=_by_client),
    Write(
        method="PATCH",
        path=f"{ME}/wallets/{{wallet}}/complete-eject",
        who=SESSION,
        summary="Say that a wallet has left",
        answer=None,
        status=NO_CONTENT,
        is_new_each_time=True,
        handle=_complete,
    ),
)
