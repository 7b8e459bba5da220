"""Rules of policies of the first version: what is paid for, and how much of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from valetkey.core.ids import Prefix
from valetkey.core.scope import Scope
from valetkey.core.sponsor_limit import MAX_INTERVALS, Interval, Limit, LimitKind
from valetkey.core.sponsoring import About, Clause
from valetkey.flows.contracts import shown_contract
from valetkey.flows.sponsoring import sponsor_of
from valetkey.flows.sponsorship_rules import Says, add_rule, change_rule, remove_rule
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.abi import functions_of, selectors_of
from valetkey.http.dialects.openfort.contracts import Shown, abi_of
from valetkey.http.dialects.openfort.contracts import show as show_contract
from valetkey.http.dialects.openfort.lists import Part, Window, part
from valetkey.http.dialects.openfort.named import Deleted, Named
from valetkey.http.dialects.openfort.policies_strategy import refused
from valetkey.http.routes import SECRET, Ask, NoQuery, Read, Route, Write

if TYPE_CHECKING:
    from valetkey.core.contract import Contract
    from valetkey.core.principal import Principal
    from valetkey.core.sponsoring import SponsorshipRule
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads
    from valetkey.ports import View

PATH: Final = "/v1/policy_rules"
ALL: Final = "All functions"
_WEI: Final = re.compile("[0-9]{1,38}")
Kind = Literal["contract_functions", "account_functions", "rate_limit"]
Text = Annotated[str, Meta(max_length=1024)]
Expand = Literal["contract"]


class Body(Struct, frozen=True, rename="camel"):
    """What a rule is to say."""

    type: Kind
    function_name: Text | None = None
    contract: str | None = None
    wildcard: bool = False
    gas_limit: int | str | None = None
    count_limit: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    time_interval_type: Literal["minute", "hour", "day", "week", "month"] | None = None
    time_interval_value: Annotated[int, Meta(ge=1, le=MAX_INTERVALS)] | None = None


class Create(Body, frozen=True, rename="camel"):
    """A rule to add to a policy; its id may stand in the path instead."""

    policy: str | None = None


class Rules(Window, frozen=True, kw_only=True):
    """Of which policy, and what is shown in whole."""

    policy: str | None = None
    expand: list[Expand] = field(default_factory=list)


class Rule(Struct, frozen=True, kw_only=True, rename="camel"):
    """A rule as it is answered."""

    id: str
    created_at: int
    type: Kind
    contract: Shown | Named | UnsetType | None = UNSET
    function_name: str | UnsetType = UNSET
    wildcard: bool | UnsetType = UNSET
    gas_limit: str | UnsetType = UNSET
    count_limit: int | UnsetType = UNSET
    time_interval_type: str | UnsetType = UNSET
    time_interval_value: int | UnsetType = UNSET
    object: Literal["policyRule"] = "policyRule"


def show_rule(rule: SponsorshipRule, contract: Shown | None = None) -> Rule:
    """Return *rule* as it is answered, with its contract in whole if that is given."""
    made: dict[str, Any] = {"id": ids.shown(rule.id, ids.RULE), "created_at": rule.created_at}
    limit = rule.limit
    if limit is None:
        if rule.clause is not None and rule.clause.about is About.ACCOUNT:
            return Rule(type="account_functions", **made)
        named = None
        if rule.contract_id is not None:
            named = contract or Named(ids.shown(rule.contract_id, ids.CONTRACT))
        return Rule(
            type="contract_functions",
            contract=named,
            function_name=rule.function or ALL,
            wildcard=rule.contract_id is None,
            **made,
        )
    if limit.kind is not LimitKind.GAS_PER_TRANSACTION:
        made["time_interval_type"] = limit.interval.value
        made["time_interval_value"] = limit.intervals
    if limit.kind is LimitKind.COUNT_PER_INTERVAL:
        made["count_limit"] = limit.most
    else:
        made["gas_limit"] = str(limit.most)
    return Rule(type="rate_limit", function_name=limit.kind.value, **made)


def _limit(body: Body) -> Limit:
    kinds = [one.value for one in LimitKind]
    if body.function_name not in kinds:
        raise refused("functionName", f"one of {', '.join(kinds)}", body.function_name)
    kind = LimitKind(body.function_name)
    counts = kind is LimitKind.COUNT_PER_INTERVAL
    if counts and body.count_limit is None:
        raise refused("countLimit", "how many are paid for", "none")
    if not counts and not _WEI.fullmatch(str(body.gas_limit)):
        raise refused("gasLimit", "wei, as at most 38 decimal digits", body.gas_limit)
    most = (body.count_limit or 0) if counts else int(body.gas_limit or 0)
    if kind is LimitKind.GAS_PER_TRANSACTION:
        return Limit(kind, most)
    if body.time_interval_type is None:
        raise refused("timeIntervalType", "minute, hour, day, week or month", "none")
    if body.time_interval_value is None:
        raise refused("timeIntervalValue", "how many of them", "none")
    return Limit(kind, most, Interval(body.time_interval_type), body.time_interval_value)


def _clause(body: Body, contract: Contract | None) -> Clause:
    if contract is None and not body.wildcard:
        raise refused("contract", "the id of one (con_), or wildcard true for any", None)
    if contract is not None and body.wildcard:
        raise refused("wildcard", "false beside a contract", "true")
    if body.function_name is None and contract is not None:
        raise refused("functionName", f"a function, or '{ALL}'", None)
    functions = functions_of(abi_of(contract)) if contract is not None else ()
    is_any = body.function_name in {None, "", ALL}
    selectors = None if is_any else selectors_of(body.function_name or "", functions)
    return Clause(
        pays=True,
        about=About.CALLS,
        chains=None if contract is None else (contract.chain,),
        targets=None if contract is None else (contract.address,),
        selectors=selectors,
    )


async def _says(admitted: Admitted, body: Body) -> Says:
    """Return what a rule is to say; a contract is taken as it is now."""
    if body.type == "rate_limit":
        return Says(limit=_limit(body))
    if body.type == "account_functions":
        return Says(clause=Clause(pays=True, about=About.ACCOUNT))
    contract = None
    if body.contract is not None:
        key = ids.native(body.contract, Prefix.CONTRACT, ids.CONTRACT, field="contract")
        who = admitted.principal
        contract = await admitted.reads.store.read(lambda view: shown_contract(view, who, key))
    return Says(
        clause=_clause(body, contract),
        function=body.function_name or ALL,
        contract_id=contract.id if contract is not None else None,
    )


def _policy(text: str | None, field_name: str = "policy") -> str:
    if text is None:
        raise refused(field_name, "the id of a policy (pol_)", "none")
    return ids.native(text, Prefix.SPONSORSHIP, ids.POLICY, field=field_name)


def _rule(text: str) -> str:
    return ids.native(text, Prefix.SPONSORSHIP_RULE, ids.RULE)


async def _create(admitted: Admitted, ask: Ask[Create, NoQuery]) -> Rule:
    key = _policy(ask.names[0] if ask.names else ask.body.policy)
    asked = (admitted.world, admitted.principal, admitted.request)
    says = await _says(admitted, ask.body)
    return show_rule(await add_rule(*asked, sponsorship_id=key, says=says))


async def _update(admitted: Admitted, ask: Ask[Body, NoQuery]) -> Rule:
    asked = (admitted.world, admitted.principal, admitted.request)
    says = await _says(admitted, ask.body)
    return show_rule(await change_rule(*asked, rule_id=_rule(ask.names[-1]), says=says))


async def _delete(admitted: Admitted, ask: Ask[None, NoQuery]) -> Deleted:
    asked = (admitted.world, admitted.principal, admitted.request)
    await remove_rule(*asked, rule_id=_rule(ask.id))
    return Deleted(id=ask.id, object="policyRule")


async def _list(see: Reads, principal: Principal, ask: Ask[None, Rules]) -> Part[Rule]:
    query = ask.query
    key = _policy(ask.names[0] if ask.names else query.policy)

    def shown(view: View, rule: SponsorshipRule) -> Rule:
        if rule.contract_id is None or "contract" not in query.expand:
            return show_rule(rule)
        return show_rule(rule, show_contract(shown_contract(view, principal, rule.contract_id)))

    def body(view: View) -> Part[Rule]:
        rules = list(sponsor_of(view, principal.organization_id, key).rules)
        if query.order == "desc":
            rules.reverse()
        kept = rules[query.skip : query.skip + query.limit]
        return part(PATH, [shown(view, one) for one in kept], query, len(rules))

    return await see.store.read(body)


def _write(method: str, path: str, summary: str, handle: Any, **more: Any) -> Write:  # noqa: ANN401 - as `Write` takes it
    return Write(
        method=method,
        path=path,
        who=SECRET,
        scope=Scope.SPONSORSHIPS_WRITE,
        summary=summary,
        handle=handle,
        **{"answer": Rule, **more},
    )


def _read(path: str) -> Read:
    return Read(
        method="GET",
        path=path,
        who=SECRET,
        scope=Scope.READ,
        summary="List the rules of a policy",
        query=Rules,
        answer=Part[Rule],
        handle=_list,
    )


_OF_POLICY: Final = "/v1/policies/{policy}/policy_rules"  # as the oldest clients ask
_ONE: Final = f"{PATH}/{{policy_rule}}"
ROUTES: Final[tuple[Route, ...]] = (
    _write("POST", PATH, "Add a rule to a policy", _create, body=Create),
    _read(PATH),
    _write("POST", _ONE, "Change a rule of a policy", _update, body=Body),
    _write("DELETE", _ONE, "Take a rule from a policy", _delete, answer=Deleted),
    _write("POST", _OF_POLICY, "Add a rule to this policy", _create, body=Create),
    _read(_OF_POLICY),
    _write("POST", f"{_OF_POLICY}/{{policy_rule}}", "Change this rule", _update, body=Body),
)
