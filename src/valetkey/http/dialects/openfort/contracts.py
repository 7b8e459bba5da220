"""Contracts: where they are, and what can be called on them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from valetkey.core.contract import Contract
from valetkey.core.ids import Prefix
from valetkey.core.scope import Scope
from valetkey.flows.contracts import (
    Noted,
    change_contract,
    contract_at,
    delete_contract,
    note_contract,
    shown_contract,
)
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.abi import functions_of
from valetkey.http.dialects.openfort.chains import ChainId, chain_of, number_of
from valetkey.http.dialects.openfort.lists import Part, Window, part, sifted
from valetkey.http.dialects.openfort.named import Deleted
from valetkey.http.routes import SECRET, Ask, NoQuery, Read, Route, Write
from valetkey.wire.base import hexed, read_address, read_text

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.dialects.openfort.abi import Function
    from valetkey.http.sight import Reads
    from valetkey.ports import View

PATH: Final = "/v1/contracts"
MAX_ENTRIES: Final = 500
Name = Annotated[str, Meta(min_length=1, max_length=256)]
Abi = Annotated[list[dict[str, Any]], Meta(max_length=MAX_ENTRIES)]


class Create(Struct, frozen=True, rename="camel"):
    """A contract to note."""

    name: Name
    chain_id: ChainId
    address: str
    abi: Abi | None = None
    public_verification: bool | None = None


class Update(Struct, frozen=True, rename="camel"):
    """What is to change; what is not there stays."""

    name: Name | None = None
    chain_id: ChainId | None = None
    address: str | None = None
    abi: Abi | None = None
    public_verification: bool | None = None
    deleted: bool | None = None


class Contracts(Window, frozen=True, kw_only=True, rename="camel"):
    """Which contracts: those that have all that is asked for."""

    name: str | None = None
    deleted: bool = False
    chain_id: int | None = None
    address: str | None = None


class Shown(Struct, frozen=True, kw_only=True, rename="camel"):
    """A contract as it is answered."""

    id: str
    created_at: int
    name: str
    chain_id: int
    address: str
    deleted: bool
    abi: list[dict[str, Any]]
    public_verification: bool
    object: Literal["contract"] = "contract"


def functions_at(
    view: View, organization_id: str, *, chain: str, address: bytes
) -> tuple[Function, ...]:
    """Return what an organization has noted that can be called at *address* (20 bytes)."""
    known = contract_at(view, organization_id, chain=chain, address=address)
    return functions_of(abi_of(known)) if known is not None else ()


def abi_of(contract: Contract) -> list[dict[str, Any]]:
    """Return the ABI as it was noted."""
    return msgspec.json.decode(contract.abi, type=list[dict[str, Any]])


def show(contract: Contract) -> Shown:
    """Return *contract* as it is answered."""
    return Shown(
        id=ids.shown(contract.id, ids.CONTRACT),
        created_at=contract.created_at,
        name=contract.name,
        chain_id=number_of(contract.chain),
        address=hexed(contract.address),
        deleted=contract.deleted_at is not None,
        abi=abi_of(contract),
        public_verification=contract.is_public,
    )


def _id(ask: Ask[Any, Any]) -> str:
    return ids.native(ask.id, Prefix.CONTRACT, ids.CONTRACT)


def _noted(admitted: Admitted, body: Create | Update) -> Noted:
    if body.abi is not None:
        functions_of(body.abi)  # what could not be called later is refused now
    chain_id, address = body.chain_id, body.address
    return Noted(
        name=None if body.name is None else read_text(body.name, "name"),
        chain=None if chain_id is None else chain_of(admitted.world.chains, chain_id),
        address=None if address is None else read_address(address, "address"),
        abi=None if body.abi is None else msgspec.json.encode(body.abi).decode(),
        is_public=body.public_verification,
    )


async def _create(admitted: Admitted, ask: Ask[Create, NoQuery]) -> Shown:
    noted = _noted(admitted, ask.body)
    made = await note_contract(
        admitted.world,
        admitted.principal,
        admitted.request,
        chain=noted.chain or "",
        address=noted.address or b"",
        noted=noted,
    )
    return show(made)


async def _update(admitted: Admitted, ask: Ask[Update, NoQuery]) -> Shown:
    asked = (admitted.world, admitted.principal, admitted.request)
    if ask.body.deleted:
        return show(await delete_contract(*asked, contract_id=_id(ask)))
    noted = _noted(admitted, ask.body)
    return show(await change_contract(*asked, contract_id=_id(ask), noted=noted))


async def _delete(admitted: Admitted, ask: Ask[None, NoQuery]) -> Deleted:
    asked = (admitted.world, admitted.principal, admitted.request)
    await delete_contract(*asked, contract_id=_id(ask))
    return Deleted(id=ask.id, object="contract")


async def _get(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> Shown:
    contract_id = _id(ask)
    return show(await see.store.read(lambda view: shown_contract(view, principal, contract_id)))


async def _list(see: Reads, principal: Principal, ask: Ask[None, Contracts]) -> Part[Shown]:
    query = ask.query
    address = None if query.address is None else read_address(query.address, "address")
    where = {"organization_id": principal.organization_id}

    def keep(one: Contract) -> bool:
        asked = (
            (query.name, one.name),
            (query.chain_id, number_of(one.chain)),
            (address, one.address),
            (query.deleted, one.deleted_at is not None),
        )
        return all(wanted in {None, got} for wanted, got in asked)

    def body(view: View) -> Part[Shown]:
        contracts, total = sifted(view, Contract, where, query, keep)
        return part(PATH, [show(one) for one in contracts], query, total)

    return await see.store.read(body)


_ONE: Final = f"{PATH}/{{contract}}"
ROUTES: Final[tuple[Route, ...]] = (
    Write(
        method="POST",
        path=PATH,
        who=SECRET,
        scope=Scope.WALLETS_WRITE,
        summary="Note a contract",
        body=Create,
        answer=Shown,
        handle=_create,
    ),
    Read(
        method="GET",
        path=PATH,
        who=SECRET,
        scope=Scope.READ,
        summary="List contracts",
        query=Contracts,
        answer=Part[Shown],
        handle=_list,
    ),
    Read(
        method="GET",
        path=_ONE,
        who=SECRET,
        scope=Scope.READ,
        summary="Show a contract",
        answer=Shown,
        handle=_get,
    ),
    Write(
        method="POST",
        path=_ONE,
        who=SECRET,
        scope=Scope.WALLETS_WRITE,
        summary="Change what is noted of a contract",
        body=Update,
        answer=Shown,
        handle=_update,
    ),
    Write(
        method="DELETE",
        path=_ONE,
        who=SECRET,
        scope=Scope.WALLETS_WRITE,
        summary="Delete a contract",
        answer=Deleted,
        handle=_delete,
    ),
)
