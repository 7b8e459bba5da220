"""Fee sponsorships: sponsorships that follow policies of the second version."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, Literal

from msgspec import Meta, Struct

from valetkey.core.sponsoring import Sponsorship
from valetkey.flows.sponsoring import sponsor_of
from valetkey.flows.sponsorships import (
    MAX_TEXT_CHARS,
    Promise,
    add_sponsorship,
    change_sponsorship,
    remove_sponsorship,
    switch_sponsorship,
)
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.chains import ChainId, chain_of, name_of, number_of
from valetkey.http.dialects.openfort.lists import Part, Window, part, sifted
from valetkey.http.dialects.openfort.named import Deleted
from valetkey.http.dialects.openfort.policies import policy_id as sponsorship_id
from valetkey.http.dialects.openfort.policies_strategy import Paid, Strategy, check_strategy
from valetkey.http.dialects.openfort.policies_v2 import policy_id
from valetkey.http.dialects.openfort.policy_routes import policy_route
from valetkey.http.routes import Ask, NoQuery, Read, Route, Write
from valetkey.wire.base import read_text

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads
    from valetkey.ports import View

PATH: Final = "/v2/fee-sponsorship"
OBJECT: Final = "feeSponsorship"
Name = Annotated[str, Meta(max_length=MAX_TEXT_CHARS)]


class Create(Struct, frozen=True, rename="camel"):
    """A fee sponsorship to add; without a chain it is for any."""

    strategy: Strategy
    policy_id: str
    name: Name | None = None
    chain_id: ChainId | None = None
    paymaster: str | None = None
    forwarder_contract_id: str | None = None


class Update(Struct, frozen=True, rename="camel"):
    """What is to change; what is not there stays."""

    name: Name | None = None
    strategy: Strategy | None = None
    chain_id: ChainId | None = None
    forwarder_contract_id: str | None = None
    policy_id: str | None = None


class Sponsorships(Window, frozen=True, kw_only=True, rename="camel"):
    """Which fee sponsorships; by a part of the name, deleted ones only where they are asked for."""

    name: str | None = None
    chain_id: int | None = None
    enabled: bool | None = None
    deleted: bool = False


class Shown(Struct, frozen=True, kw_only=True, rename="camel"):
    """A fee sponsorship as it is answered."""

    id: str
    created_at: int
    name: str | None
    chain_id: int | None
    enabled: bool
    strategy: Paid
    policy_id: str | None
    description: None = None
    paymaster_id: None = None
    forwarder_contract_id: None = None
    object: Literal["feeSponsorship"] = "feeSponsorship"


def show(one: Sponsorship) -> Shown:
    """Return a sponsorship as it is answered."""
    return Shown(
        id=ids.shown(one.id, ids.POLICY),
        created_at=one.created_at,
        name=one.name or None,
        chain_id=None if one.chain is None else number_of(one.chain),
        enabled=one.is_enabled,
        strategy=Paid(),
        policy_id=None if one.rulebook_id is None else ids.shown(one.rulebook_id, ids.POLICY_V2),
    )


def _changes(admitted: Admitted, body: Create | Update) -> dict[str, str]:
    """Return what is asked for, by the names that a promise has for it."""
    paymaster = body.paymaster if isinstance(body, Create) else None
    check_strategy(
        body.strategy, paymaster=paymaster, forwarderContractId=body.forwarder_contract_id
    )
    made = {}
    if body.name is not None:
        made["name"] = read_text(body.name, "name")
    if body.chain_id is not None:
        made["chain"] = chain_of(admitted.world.chains, body.chain_id)
    if body.policy_id is not None:
        made["rulebook_id"] = policy_id(body.policy_id, "policyId")
    return made


async def _create(admitted: Admitted, ask: Ask[Create, NoQuery]) -> Shown:
    promise = replace(Promise(""), **_changes(admitted, ask.body))
    asked = (admitted.world, admitted.principal, admitted.request)
    return show((await add_sponsorship(*asked, promise)).sponsorship)


async def _update(admitted: Admitted, ask: Ask[Update, NoQuery]) -> Shown:
    changes = _changes(admitted, ask.body)
    asked = (admitted.world, admitted.principal, admitted.request)
    changed = await change_sponsorship(
        *asked, sponsorship_id=sponsorship_id(ask.id), change=lambda now: replace(now, **changes)
    )
    return show(changed.sponsorship)


async def _enable(admitted: Admitted, ask: Ask[None, NoQuery]) -> Shown:
    return await _switch(admitted, ask, is_enabled=True)


async def _disable(admitted: Admitted, ask: Ask[None, NoQuery]) -> Shown:
    return await _switch(admitted, ask, is_enabled=False)


async def _switch(admitted: Admitted, ask: Ask[None, NoQuery], *, is_enabled: bool) -> Shown:
    asked = (admitted.world, admitted.principal, admitted.request)
    key = sponsorship_id(ask.id)
    switched = await switch_sponsorship(*asked, sponsorship_id=key, is_enabled=is_enabled)
    return show(switched.sponsorship)


async def _delete(admitted: Admitted, ask: Ask[None, NoQuery]) -> Deleted:
    asked = (admitted.world, admitted.principal, admitted.request)
    await remove_sponsorship(*asked, sponsorship_id=sponsorship_id(ask.id))
    return Deleted(id=ask.id, object=OBJECT)


async def _get(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> Shown:
    key, owner = sponsorship_id(ask.id), principal.organization_id
    return show((await see.store.read(lambda view: sponsor_of(view, owner, key))).sponsorship)


async def _list(see: Reads, principal: Principal, ask: Ask[None, Sponsorships]) -> Part[Shown]:
    query, where = ask.query, {"organization_id": principal.organization_id}
    chain = None if query.chain_id is None else name_of(query.chain_id)

    def keep(one: Sponsorship) -> bool:
        asked = ((chain, one.chain), (query.enabled, one.is_enabled))
        is_shown = (query.deleted or not one.is_deleted) and (query.name or "") in one.name
        return is_shown and all(wanted in {None, got} for wanted, got in asked)

    def body(view: View) -> Part[Shown]:
        kept, total = sifted(view, Sponsorship, where, query, keep)
        return part(PATH, [show(one) for one in kept], query, total)

    return await see.store.read(body)


_ONE: Final = f"{PATH}/{{sponsorship}}"
_route: Final = partial(policy_route, answer=Shown)
ROUTES: Final[tuple[Route, ...]] = (
    _route(Write, "POST", PATH, "Add a fee sponsorship", _create, body=Create, status=201),
    _route(
        Read, "GET", PATH, "List fee sponsorships", _list, query=Sponsorships, answer=Part[Shown]
    ),
    _route(Read, "GET", _ONE, "Show a fee sponsorship", _get),
    _route(Write, "PUT", _ONE, "Change a fee sponsorship", _update, body=Update),
    _route(Write, "DELETE", _ONE, "Delete a fee sponsorship", _delete, answer=Deleted),
    _route(Write, "PUT", f"{_ONE}/enable", "Enable a fee sponsorship", _enable),
    _route(Write, "PUT", f"{_ONE}/disable", "Disable a fee sponsorship", _disable),
)
