"""The linter: each rule has an entry, a permission that it is for, and one that it is not for."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import (
    BOB,
    SWAP_SELECTOR,
    TOKEN,
    permission_with,
)
from tests.core.lint_table import FOUND, NOT_FOUND, OPEN, E, I, W, wide
from tests.core.strategies import permissions
from tests.core.whole import whole_permissions
from valetkey.core.errors import Code
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.cover import rule_for
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.finding import LintRule
from valetkey.core.permission.lint import lint
from valetkey.core.permission.model import (
    ANYTHING,
    Call,
    Permission,
    Rule,
    WideRule,
)
from valetkey.core.permission.verdict import Deny
from valetkey.core.permission.worst_case import worst_case

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "lint.md"
ROW = re.compile(r"^\| `([a-z-]+)` \| ([a-z, ]+) \| (\S.*\S) \| (\S.*\S) \|$", re.MULTILINE)

# What a permission alone shows; the others need a chain.
PURE: Final = [one for one in LintRule if one is not LintRule.DECIMALS_UNKNOWN]


def test_every_rule_is_documented_once_and_in_order() -> None:
    """Whoever meets a finding reads on the page what it means and what to do."""
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert [name for name, *_ in rows] == [rule.value for rule in LintRule]
    for _, _, means, fix in rows:
        assert means.endswith(".")
        assert fix.endswith(".")


@pytest.mark.parametrize("rule", PURE)
def test_every_rule_finds_what_it_is_for(rule: LintRule) -> None:
    """With its place, and with the severity that the page gives."""
    documented = {name: severity for name, severity, *_ in ROW.findall(PAGE.read_text())}
    for permission, place, severity in FOUND[rule]:
        found = [one for one in lint(check_permission(permission)) if one.rule is rule]
        assert [(one.place, one.severity) for one in found] == [(place, severity)]
        assert severity in documented[rule].split(", ")
        assert all(one.detail and one.fix for one in found)


@pytest.mark.parametrize("rule", PURE)
def test_no_rule_finds_what_it_is_not_for(rule: LintRule) -> None:
    """A finding that is none teaches to look away."""
    for permission in NOT_FOUND[rule]:
        found = [one.rule for one in lint(check_permission(permission))]
        assert rule not in found


def test_targets_that_are_closed_to_any_call_are_named_and_open_without_their_rule() -> None:
    """What the finding says is what the rules do: removing one of them widens."""
    narrow = replace(wide(WideRule(ANYTHING)), caps=())
    (found,) = [one for one in lint(narrow) if one.rule is LintRule.CLOSED_TARGET]
    assert f"0x{TOKEN.hex()}" in found.detail
    call = Call(TOKEN, 0, SWAP_SELECTOR)
    refused = rule_for(call, narrow, account=BOB)
    assert isinstance(refused, Deny)
    assert refused.code is Code.SELECTOR_NOT_ALLOWED
    assert rule_for(call, replace(narrow, rules=()), account=BOB) == 0


def test_the_worst_comes_first() -> None:
    """A person may stop reading after the errors."""
    found = lint(replace(OPEN, caps=(), recipients=ANYTHING, fee_budget_wei=1))
    assert [one.severity for one in found] == [E, E, W, I]


def test_a_token_without_a_cap_is_said_once() -> None:
    """However many functions it has."""
    rules = tuple(Rule(TOKEN, selector) for selector in sorted(EFFECTS))
    found = lint(permission_with(rules=rules, caps=()))
    assert [one.rule for one in found].count(LintRule.NO_CAP) == 1


UNBOUNDED = {
    LintRule.SUDO,
    LintRule.NO_CAP,
    LintRule.TEMPLATE_MOVES_VALUE,
    LintRule.WIDE_RULE,
    LintRule.OPAQUE_FORWARDER,
    LintRule.OPAQUE_CALL,
    LintRule.OPAQUE_TEMPLATE,
}


@given(st.one_of(permissions(), whole_permissions()))
def test_a_loss_is_not_bounded_only_if_a_finding_says_so(permission: Permission) -> None:
    """For every permission there is an answer, and these findings are what unbounds a loss."""
    rules = {one.rule for one in lint(permission)}
    assert worst_case(permission).is_bounded() is not bool(rules & UNBOUNDED)
