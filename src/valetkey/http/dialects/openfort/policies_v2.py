"""Policies of the second version: clauses that fee sponsorships follow."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType, field

from valetkey.core.ids import Prefix
from valetkey.core.sponsoring import MAX_RULES, Rulebook
from valetkey.flows.rulebooks import (
    MAX_TEXT_CHARS,
    Draft,
    add_rulebook,
    change_rulebook,
    own_rulebook,
    remove_rulebook,
)
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.lists import Part, Window, part, sifted
from valetkey.http.dialects.openfort.named import Deleted
from valetkey.http.dialects.openfort.policies_criteria import (
    OPERATION,
    RuleBody,
    clause_of,
    text_of,
)
from valetkey.http.dialects.openfort.policies_strategy import refused
from valetkey.http.dialects.openfort.policy_routes import policy_route
from valetkey.http.routes import Ask, NoQuery, Read, Route, Write
from valetkey.wire.base import read_text

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.core.sponsoring import Clause
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads
    from valetkey.ports import View

PATH: Final = "/v2/policies"
OBJECT: Final = "policyV2"
Scoped = Literal["project", "account", "transaction"]
Description = Annotated[str, Meta(max_length=MAX_TEXT_CHARS)]
Priority = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
Rules = Annotated[list[RuleBody], Meta(max_length=MAX_RULES)]


class Create(Struct, frozen=True, rename="camel"):
    """A policy to add."""

    scope: Scoped
    rules: Rules
    description: Description | None = None
    account_id: str | None = None
    enabled: bool = True
    priority: Priority = 0


class Update(Struct, frozen=True, rename="camel"):
    """What is to change; what is not there stays, rules are replaced together."""

    description: Description | UnsetType | None = UNSET
    enabled: bool | None = None
    priority: Priority | None = None
    rules: Rules | None = None


class Policies(Window, frozen=True, kw_only=True, rename="camel"):
    """Which policies: those that have all that is asked for."""

    scope: list[Scoped] = field(default_factory=list)
    enabled: bool | None = None
    account_id: str | None = None
    operation: list[str] = field(default_factory=list)
    operation_not_in: list[str] = field(default_factory=list)


class Rule(Struct, frozen=True, kw_only=True, rename="camel"):
    """A rule as it is answered."""

    id: str
    created_at: int
    action: str
    operation: str
    criteria: list[dict[str, Any]]
    object: Literal["policyV2Rule"] = "policyV2Rule"


class Policy(Struct, frozen=True, kw_only=True, rename="camel"):
    """A policy as it is answered."""

    id: str
    created_at: int
    scope: str
    description: str | None
    account_id: str | None
    enabled: bool
    priority: int
    rules: list[Rule]
    object: Literal["policyV2"] = "policyV2"


def policy_id(text: str, where: str = "id") -> str:
    """Return our own id of a rulebook."""
    return ids.native(text, Prefix.RULEBOOK, ids.POLICY_V2, field=where)


def show(one: Rulebook) -> Policy:
    """Return a rulebook as it is answered."""
    rules = [
        Rule(
            id=ids.shown(rule.id, ids.RULE_V2),
            created_at=one.created_at,
            **msgspec.json.decode(rule.text),
        )
        for rule in one.clauses
    ]
    return Policy(
        id=ids.shown(one.id, ids.POLICY_V2),
        created_at=one.created_at,
        scope=one.scope,
        description=one.description,
        account_id=None if one.account_id is None else ids.shown(one.account_id, ids.ACCOUNT),
        enabled=one.is_enabled,
        priority=one.priority,
        rules=rules,
    )


def _clauses(rules: list[RuleBody]) -> tuple[tuple[Clause, str], ...]:
    return tuple((clause_of(one, f"rules[{at}]"), text_of(one)) for at, one in enumerate(rules))


def _account(body: Create) -> str | None:
    if (body.scope == "account") != (body.account_id is not None):
        expected = "an account (acc_) for scope account, and none for others"
        raise refused("accountId", expected, body.account_id)
    if body.account_id is None:
        return None
    return ids.native(body.account_id, Prefix.ACCOUNT, ids.ACCOUNT, field="accountId")


async def _create(admitted: Admitted, ask: Ask[Create, NoQuery]) -> Policy:
    body = ask.body
    draft = Draft(
        scope=body.scope,
        clauses=_clauses(body.rules),
        account_id=_account(body),
        description=None
        if body.description is None
        else read_text(body.description, "description"),
        priority=body.priority,
        is_enabled=body.enabled,
    )
    asked = (admitted.world, admitted.principal, admitted.request)
    return show(await add_rulebook(*asked, draft))


async def _update(admitted: Admitted, ask: Ask[Update, NoQuery]) -> Policy:
    body, asked = ask.body, (admitted.world, admitted.principal, admitted.request)
    clauses = None if body.rules is None else _clauses(body.rules)
    if isinstance(body.description, str):
        read_text(body.description, "description")

    def change(now: Draft) -> Draft:
        return replace(
            now,
            clauses=clauses,
            description=now.description if body.description is UNSET else body.description,
            priority=now.priority if body.priority is None else body.priority,
            is_enabled=now.is_enabled if body.enabled is None else body.enabled,
        )

    return show(await change_rulebook(*asked, rulebook_id=policy_id(ask.id), change=change))


async def _delete(admitted: Admitted, ask: Ask[None, NoQuery]) -> Deleted:
    asked = (admitted.world, admitted.principal, admitted.request)
    await remove_rulebook(*asked, rulebook_id=policy_id(ask.id))
    return Deleted(id=ask.id, object=OBJECT)


async def _get(see: Reads, principal: Principal, ask: Ask[None, NoQuery]) -> Policy:
    key = policy_id(ask.id)
    return show(await see.store.read(lambda view: own_rulebook(view, principal, key)))


async def _list(see: Reads, principal: Principal, ask: Ask[None, Policies]) -> Part[Policy]:
    query, account = ask.query, None
    if query.account_id is not None:
        account = ids.native(query.account_id, Prefix.ACCOUNT, ids.ACCOUNT, field="accountId")
    # Every rule here is for one operation.
    is_asked = not query.operation or OPERATION in query.operation
    is_asked = is_asked and OPERATION not in query.operation_not_in

    def keep(one: Rulebook) -> bool:
        asked = ((query.enabled, one.is_enabled), (account, one.account_id))
        is_scope = not query.scope or one.scope in query.scope
        is_shown = is_asked and is_scope and not one.is_deleted
        return is_shown and all(wanted in {None, got} for wanted, got in asked)

    def body(view: View) -> Part[Policy]:
        where = {"organization_id": principal.organization_id}
        kept, total = sifted(view, Rulebook, where, query, keep)
        return part(PATH, [show(one) for one in kept], query, total)

    return await see.store.read(body)


_ONE: Final = f"{PATH}/{{policy}}"
_route: Final = partial(policy_route, answer=Policy)
ROUTES: Final[tuple[Route, ...]] = (
    _route(Write, "POST", PATH, "Add a policy with criteria", _create, body=Create, status=201),
    _route(
        Read, "GET", PATH, "List policies with criteria", _list, query=Policies, answer=Part[Policy]
    ),
    _route(Read, "GET", _ONE, "Show a policy with criteria", _get),
    _route(Write, "POST", _ONE, "Change a policy with criteria", _update, body=Update),
    _route(Write, "DELETE", _ONE, "Delete a policy with criteria", _delete, answer=Deleted),
)
