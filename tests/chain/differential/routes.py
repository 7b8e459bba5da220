"""Under which rule each call of a case is packed: its own, or the nearest thing that there is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.chain.differential.outcome import ROUTED
from valetkey.core.errors import Code
from valetkey.core.permission.contract_errors import CONTRACT_ERRORS
from valetkey.core.permission.cover import rule_for
from valetkey.core.permission.model import SELECTOR_BYTES, Anything
from valetkey.core.permission.verdict import Deny
from valetkey.spec.permission_bytes.value_moving import VALUE_MOVING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chain.differential.case import Case
    from valetkey.core.permission.lower import Lowered
    from valetkey.core.permission.model import Call


@dataclass(frozen=True, slots=True)
class Route:
    """
    Where one call goes.

    Args:
        rule: Index of the rule, as the permission counts; None is one that is not there.
        refusal: What the account says to that, whatever the arguments are.
    """

    rule: int | None
    refusal: str | None = None


def routes_of(case: Case) -> list[Route]:
    """Return the route of each call of *case*."""
    return [_route(case, call) for call in case.calls]


def _route(case: Case, call: Call) -> Route:
    found = rule_for(call, case.permission, account=case.account)
    on_target, any_call = _wide_rules(case, call)
    if not isinstance(found, Deny):
        wider = [index for index in (*on_target, *any_call) if index > found]
        if case.damage.too_wide and wider:
            return Route(wider[0], "SelectorRefused" if _moves_value(call) else "RuleTooWide")
        return Route(found)
    rules = enumerate(case.permission.rules)
    sends = [at for at, rule in rules if (rule.target, rule.selector) == (call.to, None)]
    if found.code is Code.SELECTOR_NOT_ALLOWED and case.damage.arguments_for_sends and sends:
        return Route(sends[0], "Malformed")
    nearest = [*on_target, *any_call] if found.code is Code.SELECTOR_REFUSED else any_call
    if found.code in ROUTED and nearest:
        return Route(nearest[0], CONTRACT_ERRORS[found.code])
    return Route(None, "NoSuchRule")


def _wide_rules(case: Case, call: Call) -> tuple[list[int], list[int]]:
    first = len(case.permission.rules)
    wide = list(enumerate(case.permission.wide_rules, start=first))
    on_target = [index for index, rule in wide if rule.target == call.to]
    return on_target, [index for index, rule in wide if isinstance(rule.target, Anything)]


def _moves_value(call: Call) -> bool:
    return 0 < len(call.data) < SELECTOR_BYTES or call.selector in VALUE_MOVING


def brought(case: Case, routes: Sequence[Route], *, is_tree: bool) -> list[int]:
    """Return the rules that the run brings, in the order that its calls count them."""
    if not is_tree:
        return list(range(len(case.permission.rules) + len(case.permission.wide_rules)))
    return sorted({route.rule for route in routes if route.rule is not None}) or [0]


def packed_calls(
    case: Case, routes: Sequence[Route], rules: Sequence[int], lowered: Lowered
) -> bytes:
    """
    Return the calls of *case* as a run carries them, over the *rules* that it brings.

    Written out, as the codec refuses what an attacker would write: a rule that is not there, and
    arguments for a send. A test holds the two together.
    """
    calls = b"".join(
        _packed(case, call, route, rules, lowered)
        for call, route in zip(case.calls, routes, strict=True)
    )
    return bytes((len(case.calls),)) + calls + case.damage.tail


def _packed(case: Case, call: Call, route: Route, rules: Sequence[int], lowered: Lowered) -> bytes:
    if route.rule is None:
        index = min(len(rules) + case.stray, 255)
        return bytes((index,)) + len(call.arguments).to_bytes(2) + call.arguments
    lowered_rule = lowered.rule(route.rule)
    head = bytes((rules.index(route.rule),))
    if lowered_rule.rule.carries_value():
        head += call.value_wei.to_bytes(16)
    is_exact = route.rule < len(lowered.rules)
    if not is_exact and isinstance(lowered_rule.rule.target, Anything):
        head += call.to
    is_send = is_exact and lowered.rules[route.rule].rule.selector is None
    data = call.arguments if is_exact and not is_send else call.data
    return head + len(data).to_bytes(2) + data
