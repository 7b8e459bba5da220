"""What the linter says: the names of its rules, how bad each finding is, and the fix."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is, the worst first."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class LintRule(StrEnum):
    """What is looked for. Stable; each has its entry in docs/reference/lint.md."""

    SUDO = "sudo"
    NO_CAP = "no-cap"
    OPEN_COUNTERPARTY = "open-counterparty"
    WIDE_TOKEN = "wide-token"  # noqa: S105 - the name of a finding
    TEMPLATE_MOVES_VALUE = "template-moves-value"
    ANY_TEXT = "any-text"
    FEE_BUDGET_UNBOUND = "fee-budget-unbound"
    RATE_UNBOUND = "rate-unbound"
    NO_EXPIRY = "no-expiry"
    AMBIGUOUS_TIME = "ambiguous-time"
    WIDE_RULE = "wide-rule"
    OPAQUE_FORWARDER = "opaque-forwarder"
    OPAQUE_CALL = "opaque-call"
    OPAQUE_TEMPLATE = "opaque-template"
    WRITE_SCOPE = "write-scope"
    LONG_LIVED = "long-lived"
    MANY_WINDOWS = "many-windows"
    NOTHING_ALLOWED = "nothing-allowed"
    UNREACHABLE = "unreachable"
    ZERO_LIMIT = "zero-limit"
    CLOSED_TARGET = "closed-target"
    UNUSED_CAP = "unused-cap"
    CAP_ABOVE_CAP = "cap-above-cap"
    CAP_ABOVE_COUNT = "cap-above-count"
    NO_CALL_COUNT = "no-call-count"
    NO_FEE_BUDGET = "no-fee-budget"
    DECIMALS_UNKNOWN = "decimals-unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that a permission should not say, or does not need to.

    Args:
        place: In the permission, such as ``rules[0]``.
        detail: What was found there.
        fix: What to write instead.
    """

    rule: LintRule
    severity: Severity
    place: str
    detail: str
    fix: str
