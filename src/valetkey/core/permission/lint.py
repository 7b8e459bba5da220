"""What is unwise in a permission, or does nothing: named findings, each with its fix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.permission.effects import EFFECTS, selector_of
from valetkey.core.permission.finding import Finding, LintRule, Severity
from valetkey.core.permission.lint_caps import lint_caps
from valetkey.core.permission.lint_wide import lint_wide
from valetkey.core.permission.model import Anything
from valetkey.core.permission.reach import EVERY_WORD, reaches
from valetkey.core.permission.reach_wide import reached_by
from valetkey.core.permission.worst_case import opaque_targets
from valetkey.core.units import DAY_S, format_duration
from valetkey.spec.permission_bytes.value_moving import VALUE_MOVING, VALUE_MOVING_GROUPS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.core.permission.model import Permission
    from valetkey.core.permission.reach import Reach

LONG_LIVED_S: Final = 30 * DAY_S
NO_EXPIRY_S: Final = 366 * DAY_S
_A_TIME: Final = 10**9

# Functions that give power over tokens and that no cap can count: the argument that says to whom.
_GIVE_POWER: Final = {
    selector_of(function): (function, spender)
    for function, spender in (
        ("setApprovalForAll(address,bool)", 0),
        ("setOperator(address,bool)", 0),
        ("authorizeOperator(address)", 0),
        ("increaseApproval(address,uint256)", 0),
        ("approve(address)", 0),
        ("approve(address,uint256,uint256)", 0),
        ("approve(address,address,uint160,uint48)", 1),
        ("approveDelegation(address,uint256)", 0),
        ("permit(address,address,uint256,uint256,uint8,bytes32,bytes32)", 1),
        ("permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)", 1),
        ("permit(address,address,uint256,uint256,bytes)", 1),
        ("permitForAll(address,address,bool,uint256,uint256,bytes)", 1),
    )
}

# Functions that make other calls out of their arguments, as the account or with its approvals.
_FORWARDERS: Final = {
    selector_of(function)
    for group in VALUE_MOVING_GROUPS
    if group.name.startswith(("Calls inside calls", "Accounts under the account"))
    for function in group.functions
}


def lint(permission: Permission) -> tuple[Finding, ...]:
    """
    Return what is unwise in *permission*: errors first, then warnings, then remarks.

    A function without a contract and an empty list that means everything are no findings: the
    language cannot say them.

    Args:
        permission: Well formed (`check_permission`).
    """
    reached = reaches(permission)
    found = [
        *lint_caps(permission, (*reached, *reached_by(permission).wide.values())),
        *lint_wide(permission),
        *_open_counterparty(permission, reached),
        *_opaque_call(permission),
        *_fees(permission),
        *_times(permission),
        *_unreachable(reached, permission),
        *_no_call_count(permission),
    ]
    order = list(Severity)
    return tuple(sorted(found, key=lambda one: order.index(one.severity)))


def _open_counterparty(permission: Permission, reached: tuple[Reach, ...]) -> Iterator[Finding]:
    if not isinstance(permission.recipients, Anything):
        return
    for reach in reached:
        selector = reach.rule.selector or b""
        effect = EFFECTS.get(selector)
        if effect is not None:
            function, argument, gives_power = effect.function, effect.recipient, effect.approves
        elif selector in _GIVE_POWER:
            function, argument = _GIVE_POWER[selector]
            gives_power = True
        else:
            continue
        if reach.words.get(argument, EVERY_WORD).values is not None:
            continue
        yield Finding(
            LintRule.OPEN_COUNTERPARTY,
            Severity.ERROR if gives_power else Severity.WARNING,
            f"rules[{reach.index}]",
            f"{function} may name anybody as argument {argument}",
            f"list the recipients, or let argument {argument} be one of a few addresses",
        )


def _opaque_call(permission: Permission) -> Iterator[Finding]:
    opaque = opaque_targets(permission)
    for index, rule in enumerate(permission.rules):
        if rule.target not in opaque or rule.selector is None or rule.selector in EFFECTS:
            continue
        function = rule.function or f"0x{rule.selector.hex()}"
        name, what = LintRule.OPAQUE_CALL, f"what {function} does is not known"
        if rule.selector in _FORWARDERS:
            name = LintRule.OPAQUE_FORWARDER
            what = f"{VALUE_MOVING[rule.selector]} makes whatever calls its arguments say"
        yield Finding(
            name,
            Severity.WARNING,
            f"rules[{index}]",
            f"loss not bounded: {what}, and 0x{rule.target.hex()} may use the account's approvals",
            "take the account's approvals of this target away, or leave the rule out",
        )


def _fees(permission: Permission) -> Iterator[Finding]:
    if permission.fee_budget_wei is None:
        yield Finding(
            LintRule.NO_FEE_BUDGET,
            Severity.INFO,
            "fee_budget_wei",
            "what the sponsor pays is bounded only by the sponsor's own budgets",
            "bind the relayer and give a fee budget",
        )
    elif permission.relayer is None:
        yield Finding(
            LintRule.FEE_BUDGET_UNBOUND,
            Severity.ERROR,
            "fee_budget_wei",
            "only a server can count fees, and anybody may bring a run to the chain past it",
            "bind the relayer, or leave the fee budget out",
        )


def _times(permission: Permission) -> Iterator[Finding]:
    length_s = permission.expires_at - permission.starts_at
    if length_s > NO_EXPIRY_S:
        yield Finding(
            LintRule.NO_EXPIRY,
            Severity.ERROR,
            "expires_at",
            f"valid for {format_duration(length_s)}: as good as for ever",
            "end earlier and renew",
        )
    elif length_s > LONG_LIVED_S:
        yield Finding(
            LintRule.LONG_LIVED,
            Severity.WARNING,
            "expires_at",
            f"valid for {format_duration(length_s)}, more than {LONG_LIVED_S // DAY_S} days",
            "end earlier and renew",
        )
    for name, at in (("starts_at", permission.starts_at), ("expires_at", permission.expires_at)):
        if at < _A_TIME:
            yield Finding(
                LintRule.AMBIGUOUS_TIME,
                Severity.ERROR,
                name,
                f"{at} is a second of the year 2001 or before: a duration is meant, it seems",
                "give the Unix second, or let the command line add a duration to now",
            )


def _unreachable(reached: tuple[Reach, ...], permission: Permission) -> Iterator[Finding]:
    if not permission.wide_rules and not any(reach.is_usable for reach in reached):
        yield Finding(
            LintRule.NOTHING_ALLOWED,
            Severity.WARNING,
            "rules",
            "no call is allowed, only runs without any",
            "add a rule that can be used",
        )
    for reach in reached:
        if reach.is_usable:
            continue
        argument = next(at for at, words in reach.words.items() if not words)
        yield Finding(
            LintRule.UNREACHABLE,
            Severity.WARNING,
            f"rules[{reach.index}]",
            f"it can never be used: nothing is left for argument {argument} between its"
            " constraints, the recipients and the caps",
            "leave the rule out, or let them overlap",
        )


def _no_call_count(permission: Permission) -> Iterator[Finding]:
    if permission.max_calls is None and permission.rate is None:
        yield Finding(
            LintRule.NO_CALL_COUNT,
            Severity.INFO,
            "max_calls",
            "calls are not counted",
            "count them if the session has a known number of things to do",
        )
