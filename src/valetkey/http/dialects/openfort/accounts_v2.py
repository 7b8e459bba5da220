"""Accounts, as Openfort's newer clients know them: of a user, smart or delegated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from valetkey.core.errors import Code, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.scope import Scope
from valetkey.core.wallet import OwnerKey
from valetkey.flows.user_accounts import Wanted, open_account, shown_account
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.accounts import is_clone
from valetkey.http.dialects.openfort.chains import ChainId, chain_of, number_of
from valetkey.http.dialects.openfort.listed_accounts import (
    CLONE,
    DELEGATED,
    SMART,
    Held,
    Which,
    accounts_in,
    are_there,
)
from valetkey.http.dialects.openfort.lists import Part, Window, part
from valetkey.http.routes import SECRET_OR_SESSION, Ask, NoQuery, Read, Route, Write
from valetkey.wire.base import hexed, read_address

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.core.wallet import Account
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads

PATH: Final = "/v2/accounts"
Kind = Literal["Smart Account", "Delegated Account"]


class Create(Struct, frozen=True, rename="camel"):
    """
    An account to open; the same one again is the one that is there.

    Args:
        address: Of its owner; *account* names one with the same owner instead.
        implementation_type: Looked at only where it says another kind than *account_type*.
        user: Whose; the one who asks, if that is a user's own client.
    """

    account_type: Kind
    chain_type: Literal["EVM"] = "EVM"
    chain_id: ChainId | None = None
    address: str | None = None
    account: str | None = None
    implementation_type: str | None = None
    user: str | None = None


class SwitchChain(Struct, frozen=True, rename="camel"):
    """The same owner's account of the same kind on another chain."""

    account: str
    chain_id: ChainId


class Accounts(Window, frozen=True, kw_only=True, rename="camel"):
    """Which accounts."""

    chain_id: ChainId | None = None
    user: str | None = None
    chain_type: str | None = None
    account_type: str | None = None
    custody: str | None = None
    address: str | None = None


class Smart(Struct, frozen=True, kw_only=True, rename="camel"):
    """What an account runs; *salt* in hex."""

    implementation_type: str
    implementation_address: str
    active: bool
    factory_address: str | UnsetType = UNSET
    salt: str | UnsetType = UNSET


class Shown(Struct, frozen=True, kw_only=True, rename="camel"):
    """An account as it is answered; *wallet* and *user* are the player."""

    id: str
    wallet: str
    user: str
    account_type: Kind
    address: str
    owner_address: str
    chain_id: int
    created_at: int
    updated_at: int
    custody: Literal["User", "Developer"]
    smart_account: Smart
    chain_type: Literal["EVM"] = "EVM"
    object: Literal["account"] = "account"


def user_in(text: str, field: str = "user") -> str:
    """Return the user that a client calls *text*: a player, or a user."""
    prefix = ids.USER if text.startswith(ids.USER) else ids.PLAYER
    return ids.native(text, Prefix.USER, prefix, field=field)


def _shown(held: Held, implementation: bytes, *, deployed: bool) -> Shown:
    wallet, account = held
    clone = account.clone
    user = account.user_id and ids.shown(account.user_id, ids.PLAYER)
    return Shown(
        id=ids.shown(account.id, ids.ACCOUNT),
        wallet=user or "",
        user=user or "",
        account_type=SMART if clone else DELEGATED,
        address=hexed(account.address),
        owner_address=hexed(account.owner),
        chain_id=number_of(account.chain),
        created_at=account.created_at,
        updated_at=account.created_at,
        custody="User" if wallet.owner_key is OwnerKey.OUTSIDE else "Developer",
        smart_account=Smart(
            implementation_type=CLONE,
            implementation_address=hexed(clone.implementation if clone else implementation),
            active=deployed,
            factory_address=hexed(clone.factory) if clone else UNSET,
            salt=hexed(clone.salt) if clone else UNSET,
        ),
    )


async def _answered(see: Reads, held: list[Held]) -> list[Shown]:
    there = await are_there(see, [account for _, account in held])
    return [
        _shown(one, see.chain(one[1].chain).implementation, deployed=deployed)
        for one, deployed in zip(held, there, strict=True)
    ]


async def _create(admitted: Admitted, ask: Ask[Create, NoQuery]) -> Shown:
    body, asked_is_clone = ask.body, ask.body.account_type == SMART
    if body.implementation_type and is_clone(body.implementation_type, "implementationType") is (
        not asked_is_clone
    ):
        got = body.implementation_type
        detail = f"implementationType: expected one of a {body.account_type}, got {got}"
        raise Malformed(Code.MALFORMED_BODY, detail, field="implementationType")
    linked = None if body.account is None else await _account(admitted, body.account)
    owner = None if body.address is None else read_address(body.address, "address")
    if linked is not None and owner not in {None, linked.owner}:
        detail = "address: expected the owner of account, or none, got another"
        raise Malformed(Code.MALFORMED_BODY, detail, field="address")
    if body.chain_id is None and linked is None:
        detail = "chainId: expected it, it is missing"
        raise Malformed(Code.MALFORMED_BODY, detail, field="chainId")
    wanted = Wanted(
        chain=linked.chain
        if body.chain_id is None and linked is not None
        else chain_of(admitted.world.chains, body.chain_id or 0),
        user_id=_user_of(body.user, linked),
        owner=owner if linked is None else linked.owner,
        is_clone=asked_is_clone,
    )
    return await _opened(admitted, wanted)


def _user_of(text: str | None, linked: Account | None) -> str | None:
    if text is not None:
        return user_in(text)
    return None if linked is None else linked.user_id


async def _switch(admitted: Admitted, ask: Ask[SwitchChain, NoQuery]) -> Shown:
    linked = await _account(admitted, ask.body.account)
    wanted = Wanted(
        chain=chain_of(admitted.world.chains, ask.body.chain_id),
        user_id=linked.user_id,
        owner=linked.owner,
        is_clone=linked.clone is not None,
    )
    return await _opened(admitted, wanted)


async def _opened(admitted: Admitted, wanted: Wanted) -> Shown:
    held = await open_account(admitted.world, admitted.principal, admitted.request, wanted)
    return (await _answered(admitted.reads, [held]))[0]


async def _account(admitted: Admitted, text: str) -> Account:
    account_id = ids.native(text, Prefix.ACCOUNT, ids.ACCOUNT, field="account")
    asked = (admitted.reads, admitted.principal)
    return (await shown_account(*asked, account_id=account_id))[1]


async def _get(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> Shown:
    account_id = ids.native(ask.id, Prefix.ACCOUNT, ids.ACCOUNT)
    held = await shown_account(see, principal, account_id=account_id)
    return (await _answered(see, [held]))[0]


async def _list(see: Reads, principal: Principal, ask: Ask[None, Accounts]) -> Part[Shown]:
    query = ask.query
    which = Which(
        user_id=None if query.user is None else user_in(query.user),
        chain=None if query.chain_id is None else chain_of(see.chains, query.chain_id),
        address=None if query.address is None else read_address(query.address, "address"),
        is_clone={None: None, SMART: True, DELEGATED: False}.get(query.account_type),
        is_custodial=None if query.custody is None else query.custody == "Developer",
    )
    is_other = query.account_type not in {None, SMART, DELEGATED}
    if is_other or query.chain_type not in {None, "EVM"}:
        return part(PATH, [], query, 0)  # kinds that the vendor has, and of which there are none
    held, total = await accounts_in(see, principal, which, query)
    return part(PATH, await _answered(see, held), query, total)


ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path=PATH,
        who=SECRET_OR_SESSION,
        scope=Scope.WALLETS_WRITE,
        summary="Open an account, or find the one that is there",
        body=Create,
        answer=Shown,
        handle=_create,
    ),
    Write(
        method="POST",
        path=f"{PATH}/switch-chain",
        who=SECRET_OR_SESSION,
        scope=Scope.WALLETS_WRITE,
        summary="Open the account of the same owner on another chain",
        body=SwitchChain,
        answer=Shown,
        handle=_switch,
    ),
    Read(
        method="GET",
        path=PATH,
        who=SECRET_OR_SESSION,
        scope=Scope.READ,
        summary="List accounts",
        query=Accounts,
        answer=Part[Shown],
        handle=_list,
    ),
    Read(
        method="GET",
        path=f"{PATH}/{{account}}",
        who=SECRET_OR_SESSION,
        scope=Scope.READ,
        summary="Show an account",
        answer=Shown,
        handle=_get,
    ),
)
