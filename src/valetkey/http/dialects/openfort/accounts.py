"""Accounts, as Openfort's clients know them first: of a player on a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import UNSET, Struct, field

from valetkey.core.errors import Code, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.scope import Scope
from valetkey.flows.user_accounts import Wanted, open_account, shown_account
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.account_json import Account, write_account
from valetkey.http.dialects.openfort.chains import ChainId, chain_of
from valetkey.http.dialects.openfort.listed_accounts import (
    KINDS,
    Held,
    Which,
    accounts_in,
    are_there,
)
from valetkey.http.dialects.openfort.lists import Part, Window, part
from valetkey.http.dialects.openfort.players import intents_of, shown_player
from valetkey.http.routes import SECRET_OR_SESSION, Ask, NoQuery, Read, Route, Write
from valetkey.wire.base import read_address

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads
    from valetkey.ports import View

PATH: Final = "/v1/accounts"
Expand = Literal["player", "transactionIntents"]


class Create(Struct, frozen=True, rename="camel"):
    """
    An account to open; the same one again is the one that is there.

    Args:
        player: Whose; a new one if it is not there.
        external_owner_address: Who owns it; a key that this server makes if it is not there.
        account_type: What it is; a clone if it is not there.
        default_guardian: Looked past: there are no guardians.
    """

    chain_id: ChainId
    player: str | None = None
    external_owner_address: str | None = None
    account_type: str | None = None
    default_guardian: bool | None = None


class Accounts(Window, frozen=True, kw_only=True, rename="camel"):
    """Which accounts."""

    expand: list[Expand] = field(default_factory=list)
    chain_id: ChainId | None = None
    player: str | None = None
    address: str | None = None


class One(Struct, frozen=True, kw_only=True):
    """What of an account is shown in whole."""

    expand: list[Expand] = field(default_factory=list)


def is_clone(account_type: str | None, name: str = "accountType") -> bool:
    """
    Return whether that type of the vendor's is a clone here.

    Raises:
        Malformed: There is no such type here.
    """
    found = KINDS.get(account_type or "")
    if found is None:
        known = ", ".join(one for one in KINDS if one)
        detail = f"{name}: expected one of {known}, got {(account_type or '')[:40]!r}"
        raise Malformed(Code.MALFORMED_BODY, detail, field=name)
    return found


def _shown(view: View, held: Held, expand: list[Expand], *, deployed: bool) -> Account:
    _, account = held
    user_id = account.user_id
    return write_account(
        held,
        deployed=deployed,
        player=shown_player(view, user_id) if user_id and "player" in expand else UNSET,
        intents=intents_of(view, [account]) if "transactionIntents" in expand else UNSET,
    )


async def _answered(see: Reads, held: list[Held], expand: list[Expand]) -> list[Account]:
    there = await are_there(see, [account for _, account in held])
    return await see.store.read(
        lambda view: [
            _shown(view, one, expand, deployed=deployed)
            for one, deployed in zip(held, there, strict=True)
        ]
    )


async def _create(admitted: Admitted, ask: Ask[Create, NoQuery]) -> Account:
    body, owner, player = ask.body, ask.body.external_owner_address, ask.body.player
    wanted = Wanted(
        chain=chain_of(admitted.world.chains, body.chain_id),
        user_id=None
        if player is None
        else ids.native(player, Prefix.USER, ids.PLAYER, field="player"),
        owner=None if owner is None else read_address(owner, "externalOwnerAddress"),
        is_clone=is_clone(body.account_type),
    )
    held = await open_account(admitted.world, admitted.principal, admitted.request, wanted)
    return (await _answered(admitted.reads, [held], []))[0]


async def _get(see: Reads, principal: Principal, ask: Ask[None, One]) -> Account:
    account_id = ids.native(ask.id, Prefix.ACCOUNT, ids.ACCOUNT)
    held = await shown_account(see, principal, account_id=account_id)
    return (await _answered(see, [held], ask.query.expand))[0]


async def _list(see: Reads, principal: Principal, ask: Ask[None, Accounts]) -> Part[Account]:
    query = ask.query
    which = Which(
        user_id=query.player and ids.native(query.player, Prefix.USER, ids.PLAYER, field="player"),
        chain=None if query.chain_id is None else chain_of(see.chains, query.chain_id),
        address=None if query.address is None else read_address(query.address, "address"),
    )
    held, total = await accounts_in(see, principal, which, query)
    return part(PATH, await _answered(see, held, query.expand), query, total)


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path=PATH,
        who=SECRET_OR_SESSION,
        scope=Scope.WALLETS_WRITE,
        summary="Open an account, or find the one that is there",
        body=Create,
        answer=Account,
        handle=_create,
    ),
    Read(
        method="GET",
        path=PATH,
        who=SECRET_OR_SESSION,
        scope=Scope.READ,
        summary="List accounts",
        query=Accounts,
        answer=Part[Account],
        handle=_list,
    ),
    Read(
        method="GET",
        path=f"{PATH}/{{account}}",
        who=SECRET_OR_SESSION,
        scope=Scope.READ,
        summary="Show an account",
        query=One,
        answer=Account,
        handle=_get,
    ),
)
