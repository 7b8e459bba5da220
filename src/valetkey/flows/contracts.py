"""Contracts of an organization: noted, looked up by where they are, changed, deleted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.contract import Contract, place_of
from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.scope import Scope
from valetkey.flows.gate import expect_reach, expect_scope, present
from valetkey.flows.record import admit, begin, write_down

if TYPE_CHECKING:
    from valetkey.core.activity import Activity, Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

MAX_CONTRACTS = 1000


@dataclass(frozen=True, slots=True)
class Noted:
    """
    What is to be noted of a contract; None leaves it as it is.

    Args:
        address: 20 bytes.
        abi: A JSON list.
    """

    name: str | None = None
    chain: str | None = None
    address: bytes | None = None
    abi: str | None = None
    is_public: bool | None = None


def contract_at(view: View, organization_id: str, *, chain: str, address: bytes) -> Contract | None:
    """Return what an organization has noted of the contract at *address* (20 bytes), if it has."""
    found = view.find(Contract, place=place_of(organization_id, chain, address), limit=1)
    return found[0] if found else None


def shown_contract(view: View, principal: Principal, contract_id: str) -> Contract:
    """
    Return a contract whom *principal* reaches, also one that is deleted.

    Raises:
        NotFound: There is none.
    """
    contract = present(view.get(Contract, contract_id), "contract")
    expect_reach(view, principal, contract.organization_id, "contract")
    return contract


async def note_contract(
    world: World,
    principal: Principal,
    request: Request,
    *,
    chain: str,
    address: bytes,
    noted: Noted,
) -> Contract:
    """
    Return the contract at *address* of *chain*, with what is noted.

    One that the organization has noted already stays that one, and is changed.

    Args:
        address: 20 bytes.

    Raises:
        Malformed: No contract is there, or this server does not speak to the chain.
        Conflict: The organization has as many as it may.
    """
    expect_scope(principal, Scope.WALLETS_WRITE)
    await _expect_code(world, chain, address)
    owner = principal.organization_id
    fresh = Contract(
        id=world.new_id(Prefix.CONTRACT),
        organization_id=owner,
        name="",
        chain=chain,
        address=address,
        abi="[]",
        created_at=world.clock.now(),
    )

    def body(tx: Tx) -> Contract:
        before = admit(world, tx, principal, request)
        if before is not None:
            return present(tx.get(Contract, before.subject_id), "contract")
        known = contract_at(tx, owner, chain=chain, address=address)
        if known is None:
            _expect_room(tx, owner)
        contract = _changed(known or fresh, noted)
        tx.put(contract)
        made = _activity(world, principal, request, "contract:note", contract)
        write_down(world, tx, made, "contract:noted", name=contract.name)
        return contract

    return await world.store.write(body)


async def change_contract(
    world: World, principal: Principal, request: Request, *, contract_id: str, noted: Noted
) -> Contract:
    """
    Return a contract with what is noted from now on.

    Raises:
        Malformed: No contract is where it is said to be now.
        Conflict: The organization has noted another one there, or this one is deleted.
    """
    expect_scope(principal, Scope.WALLETS_WRITE)

    def facts(view: View) -> Contract:
        return shown_contract(view, principal, contract_id)

    before = _changed(await world.store.read(facts), noted)
    if noted.chain is not None or noted.address is not None:
        await _expect_code(world, before.chain, before.address)

    def body(tx: Tx) -> Contract:
        contract = shown_contract(tx, principal, contract_id)
        expect_reach(tx, principal, contract.organization_id, "contract", widens=True)
        if admit(world, tx, principal, request) is not None:
            return contract
        if contract.deleted_at is not None:
            raise Conflict(Code.CONFLICT, "expected a contract that is there, got a deleted one")
        changed = _changed(contract, noted)
        owner, chain = contract.organization_id, changed.chain
        there = contract_at(tx, owner, chain=chain, address=changed.address)
        if there is not None and there.id != contract_id:
            detail = "address: expected one without a contract noted there, got one with another"
            raise Conflict(Code.CONFLICT, detail)
        tx.put(changed)
        made = _activity(world, principal, request, "contract:note", changed)
        write_down(world, tx, made, "contract:noted", name=changed.name)
        return changed

    return await world.store.write(body)


async def delete_contract(
    world: World, principal: Principal, request: Request, *, contract_id: str
) -> Contract:
    """Return a contract that is looked up by nobody any more; doing it again changes nothing."""
    expect_scope(principal, Scope.WALLETS_WRITE)
    now = world.clock.now()

    def body(tx: Tx) -> Contract:
        contract = shown_contract(tx, principal, contract_id)
        expect_reach(tx, principal, contract.organization_id, "contract", widens=True)
        again = admit(world, tx, principal, request) is not None
        if again or contract.deleted_at is not None:
            return contract
        gone = replace(contract, deleted_at=now)
        tx.put(gone)
        made = _activity(world, principal, request, "contract:delete", gone)
        write_down(world, tx, made, "contract:deleted")
        return gone

    return await world.store.write(body)


def _changed(contract: Contract, noted: Noted) -> Contract:
    return replace(
        contract,
        name=contract.name if noted.name is None else noted.name,
        chain=contract.chain if noted.chain is None else noted.chain,
        address=contract.address if noted.address is None else noted.address,
        abi=contract.abi if noted.abi is None else noted.abi,
        is_public=contract.is_public if noted.is_public is None else noted.is_public,
    )


async def _expect_code(world: World, chain: str, address: bytes) -> None:
    if not await world.chain(chain).has_code(address):
        detail = f"address: expected a contract on {chain}, got 0x{address.hex()}, without code"
        raise Malformed(Code.MALFORMED_BODY, detail)


def _expect_room(tx: Tx, organization_id: str) -> None:
    if tx.count(Contract, organization_id=organization_id) >= MAX_CONTRACTS:
        detail = f"expected at most {MAX_CONTRACTS} contracts, with deleted ones, got one more"
        raise Conflict(Code.CONFLICT, detail)


def _activity(
    world: World, principal: Principal, request: Request, kind: str, contract: Contract
) -> Activity:
    owner = contract.organization_id
    return begin(world, principal, request, kind, organization_id=owner, subject_id=contract.id)
