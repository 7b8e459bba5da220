"""Policies of the first version: sponsorships, with the rules that belong to each."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from msgspec import Meta, Struct, field

from valetkey.core.activity import Activity
from valetkey.core.ids import Prefix
from valetkey.core.scope import Scope
from valetkey.core.sponsoring import Sponsorship
from valetkey.core.wallet import Account
from valetkey.flows.sponsoring import Sponsor, sponsor_of
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
from valetkey.http.dialects.openfort.intent_json import IntentJson, is_intent, write_intent
from valetkey.http.dialects.openfort.lists import Part, Window, part, sifted
from valetkey.http.dialects.openfort.named import Deleted, Named
from valetkey.http.dialects.openfort.players import MAX_SHOWN
from valetkey.http.dialects.openfort.policies_rules import Rule, show_rule
from valetkey.http.dialects.openfort.policies_strategy import Paid, Strategy, check_strategy
from valetkey.http.routes import SECRET, Ask, NoQuery, Read, Route, Write
from valetkey.wire.base import read_text

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads
    from valetkey.ports import View

PATH: Final = "/v1/policies"
Expand = Literal["transactionIntents", "policyRules"]
Name = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_CHARS)]


class Create(Struct, frozen=True, rename="camel"):
    """A policy to add."""

    name: Name
    chain_id: ChainId
    strategy: Strategy
    paymaster: str | None = None
    forwarder_contract: str | None = None


class Update(Struct, frozen=True, rename="camel"):
    """What is to change; what is not there stays."""

    name: Name | None = None
    chain_id: ChainId | None = None
    strategy: Strategy | None = None
    deleted: bool | None = None
    paymaster: str | None = None
    forwarder_contract: str | None = None


class Policies(Window, frozen=True, kw_only=True, rename="camel"):
    """Which policies; deleted ones only where they are asked for."""

    expand: list[Expand] = field(default_factory=list)
    name: str | None = None
    deleted: bool = False
    chain_id: int | None = None
    enabled: bool | None = None


class One(Struct, frozen=True, kw_only=True):
    """What of a policy is shown in whole."""

    expand: list[Expand] = field(default_factory=list)


class Policy(Struct, frozen=True, kw_only=True, rename="camel"):
    """A policy as it is answered; ``chainId`` is null for one that is for any chain."""

    id: str
    created_at: int
    name: str
    deleted: bool
    enabled: bool
    chain_id: int | None
    strategy: Paid
    transaction_intents: list[IntentJson | Named]
    policy_rules: list[Rule | Named]
    object: Literal["policy"] = "policy"


def policy_id(text: str, where: str = "id") -> str:
    """Return our own id of a sponsorship."""
    return ids.native(text, Prefix.SPONSORSHIP, ids.POLICY, field=where)


def show(view: View, sponsor: Sponsor, expand: list[Expand]) -> Policy:
    """Return a sponsorship as it is answered."""
    one = sponsor.sponsorship
    rules: list[Rule | Named] = [
        show_rule(rule) if "policyRules" in expand else Named(ids.shown(rule.id, ids.RULE))
        for rule in sponsor.rules
    ]
    return Policy(
        id=ids.shown(one.id, ids.POLICY),
        created_at=one.created_at,
        name=one.name,
        deleted=one.is_deleted,
        enabled=one.is_enabled,
        chain_id=None if one.chain is None else number_of(one.chain),
        strategy=Paid(depositor=None),
        transaction_intents=_intents(view, one.id, is_whole="transactionIntents" in expand),
        policy_rules=rules,
    )


def _intents(view: View, key: str, *, is_whole: bool) -> list[IntentJson | Named]:
    """Return what the sponsorship was last named for, the newest first."""
    shown: list[IntentJson | Named] = []
    for act in view.find(Activity, sponsorship_id=key, newest_first=True, limit=MAX_SHOWN):
        account = view.get(Account, act.account_id or "") if is_whole else None
        if account is not None and is_intent(act):
            shown.append(write_intent(act, account))
        elif is_intent(act):
            shown.append(Named(ids.shown(act.id, ids.INTENT)))
    return shown


async def _answered(see: Reads, sponsor: Sponsor) -> Policy:
    return await see.store.read(lambda view: show(view, sponsor, []))


async def _create(admitted: Admitted, ask: Ask[Create, NoQuery]) -> Policy:
    body = ask.body
    check_strategy(
        body.strategy, paymaster=body.paymaster, forwarderContract=body.forwarder_contract
    )
    chain = chain_of(admitted.world.chains, body.chain_id)
    promise = Promise(read_text(body.name, "name"), chain)
    asked = (admitted.world, admitted.principal, admitted.request)
    return await _answered(admitted.reads, await add_sponsorship(*asked, promise))


async def _update(admitted: Admitted, ask: Ask[Update, NoQuery]) -> Policy:
    body, asked = ask.body, (admitted.world, admitted.principal, admitted.request)
    check_strategy(
        body.strategy, paymaster=body.paymaster, forwarderContract=body.forwarder_contract
    )
    key = policy_id(ask.id)
    if body.deleted:
        return await _answered(admitted.reads, await remove_sponsorship(*asked, sponsorship_id=key))
    chain = None if body.chain_id is None else chain_of(admitted.world.chains, body.chain_id)
    name = None if body.name is None else read_text(body.name, "name")

    def change(now: Promise) -> Promise:
        return replace(now, name=name or now.name, chain=chain or now.chain)

    changed = await change_sponsorship(*asked, sponsorship_id=key, change=change)
    return await _answered(admitted.reads, changed)


async def _enable(admitted: Admitted, ask: Ask[None, NoQuery]) -> Policy:
    return await _switch(admitted, ask, is_enabled=True)


async def _disable(admitted: Admitted, ask: Ask[None, NoQuery]) -> Policy:
    return await _switch(admitted, ask, is_enabled=False)


async def _switch(admitted: Admitted, ask: Ask[None, NoQuery], *, is_enabled: bool) -> Policy:
    asked = (admitted.world, admitted.principal, admitted.request)
    key = policy_id(ask.id)
    switched = await switch_sponsorship(*asked, sponsorship_id=key, is_enabled=is_enabled)
    return await _answered(admitted.reads, switched)


async def _delete(admitted: Admitted, ask: Ask[None, NoQuery]) -> Deleted:
    asked = (admitted.world, admitted.principal, admitted.request)
    await remove_sponsorship(*asked, sponsorship_id=policy_id(ask.id))
    return Deleted(id=ask.id, object="policy")


async def _get(see: Reads, principal: Principal, ask: Ask[None, One]) -> Policy:
    key, owner = policy_id(ask.id), principal.organization_id
    return await see.store.read(
        lambda view: show(view, sponsor_of(view, owner, key), ask.query.expand)
    )


async def _list(see: Reads, principal: Principal, ask: Ask[None, Policies]) -> Part[Policy]:
    query, owner = ask.query, principal.organization_id
    chain = None if query.chain_id is None else name_of(query.chain_id)

    def keep(one: Sponsorship) -> bool:
        asked = ((query.name, one.name), (chain, one.chain), (query.enabled, one.is_enabled))
        is_shown = query.deleted or not one.is_deleted
        return is_shown and all(wanted in {None, got} for wanted, got in asked)

    def body(view: View) -> Part[Policy]:
        kept, total = sifted(view, Sponsorship, {"organization_id": owner}, query, keep)
        shown = [show(view, sponsor_of(view, owner, one.id), query.expand) for one in kept]
        return part(PATH, shown, query, total)

    return await see.store.read(body)


_ONE: Final = f"{PATH}/{{policy}}"


def _write(method: str, path: str, summary: str, handle: Any, **more: Any) -> Write:  # noqa: ANN401 - as `Write` takes it
    return Write(
        method=method,
        path=path,
        who=SECRET,
        scope=Scope.SPONSORSHIPS_WRITE,
        summary=summary,
        handle=handle,
        **{"answer": Policy, **more},
    )


ROUTES: Final[tuple[Route, ...]] = (
    _write("POST", PATH, "Add a policy", _create, body=Create),
    Read(
        method="GET",
        path=PATH,
        who=SECRET,
        scope=Scope.READ,
        summary="List policies",
        query=Policies,
        answer=Part[Policy],
        handle=_list,
    ),
    Read(
        method="GET",
        path=_ONE,
        who=SECRET,
        scope=Scope.READ,
        summary="Show a policy",
        query=One,
        answer=Policy,
        handle=_get,
    ),
    _write("POST", _ONE, "Change a policy", _update, body=Update),
    _write("DELETE", _ONE, "Delete a policy", _delete, answer=Deleted),
    _write("PUT", f"{_ONE}/enable", "Enable a policy", _enable),
    _write("PUT", f"{_ONE}/disable", "Disable a policy", _disable),
)
