"""What is unwise in wide rules, in what may be signed, in scopes, and in what a server counts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.finding import Finding, LintRule, Severity
from valetkey.core.permission.model import Anything
from valetkey.core.permission.typed_effects import moves_value, primary_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.core.permission.model import Permission

_WRITES: Final = frozenset(
    (
        *("admin", "write", "manage", "create", "update", "delete", "edit", "all"),
        *("sign", "send", "transfer", "trade", "withdraw", "approve", "pay", "export"),
    )
)


def lint_wide(permission: Permission) -> Iterator[Finding]:
    """Yield what is unwise in *permission* beside its rules and caps."""
    yield from _wide_rules(permission)
    yield from _closed_targets(permission)
    yield from _rate(permission)
    yield from _messages(permission)
    yield from _typed_data(permission)
    yield from _scopes(permission)


def _wide_rules(permission: Permission) -> Iterator[Finding]:
    tokens = {rule.target for rule in permission.rules if rule.selector in EFFECTS}
    for index, wide in enumerate(permission.wide_rules):
        place = f"wide_rules[{index}]"
        if isinstance(wide.target, Anything):
            yield Finding(
                LintRule.SUDO,
                Severity.ERROR,
                place,
                "loss not bounded: any contract may be called, with whatever the account has"
                " approved to it; this needs the owner's explicit acknowledgement",
                "name the targets, or record what is done and propose rules for it",
            )
            continue
        name = f"0x{wide.target.hex()}"
        yield Finding(
            LintRule.WIDE_RULE,
            Severity.WARNING,
            place,
            f"loss not bounded: every function of {name} may be called but those on the list of"
            " value-moving selectors, and it may use the account's approvals",
            "name the functions, or take the account's approvals of this target away",
        )
        if wide.target in tokens:
            yield Finding(
                LintRule.WIDE_TOKEN,
                Severity.ERROR,
                place,
                f"{name} is a token, and a token may move value by functions that nobody lists",
                "name the functions of the token, and cap it",
            )


def _closed_targets(permission: Permission) -> Iterator[Finding]:
    """Yield what a rule takes away from any call: whoever deletes that rule gives it back."""
    opened = {wide.target for wide in permission.wide_rules}
    closed = sorted({rule.target for rule in permission.rules} - opened)
    for index, wide in enumerate(permission.wide_rules):
        if isinstance(wide.target, Anything) and closed:
            names = ", ".join(f"0x{target.hex()}" for target in closed)
            yield Finding(
                LintRule.CLOSED_TARGET,
                Severity.INFO,
                f"wide_rules[{index}]",
                f"any call does not reach {names}, but for what rules name there; without these"
                " rules it does",
                "take the last rule on a target away only if all of its functions may be called",
            )


def _rate(permission: Permission) -> Iterator[Finding]:
    if permission.rate is not None and permission.relayer is None:
        yield Finding(
            LintRule.RATE_UNBOUND,
            Severity.ERROR,
            "rate",
            "only a server counts calls by the window, and anybody may bring a run to the chain"
            " past it",
            "bind the relayer, or leave the rate out",
        )


def _messages(permission: Permission) -> Iterator[Finding]:
    for index, message in enumerate(permission.messages):
        if len(message.text) > 1 and not "".join(message.text).strip():
            yield Finding(
                LintRule.ANY_TEXT,
                Severity.ERROR,
                f"messages[{index}]",
                "any line of text may be signed, a log-in anywhere or an order among them",
                "write down what the text says, with holes only for what changes",
            )


def _typed_data(permission: Permission) -> Iterator[Finding]:
    for index, template in enumerate(permission.typed_data):
        contract = f"0x{template.verifying_contract.hex()}"
        kind = primary_type(template)
        if moves_value(template):
            yield Finding(
                LintRule.TEMPLATE_MOVES_VALUE,
                Severity.ERROR,
                f"typed_data[{index}]",
                f"a signed {kind} moves or approves tokens through {contract}, and no cap counts"
                " signatures",
                "use a rule with a cap, or constrain whom it names and how much",
            )
        else:
            yield Finding(
                LintRule.OPAQUE_TEMPLATE,
                Severity.WARNING,
                f"typed_data[{index}]",
                f"loss not bounded: what {contract} does on a signed {kind} is not known",
                "take the account's approvals of this contract away, or leave the template out",
            )


def _scopes(permission: Permission) -> Iterator[Finding]:
    for index, scope in enumerate(permission.scopes):
        words = scope.translate(str.maketrans(":._/-", "     ")).split()
        if _WRITES.intersection(words):
            yield Finding(
                LintRule.WRITE_SCOPE,
                Severity.WARNING,
                f"scopes[{index}]",
                f"by its name {scope} gives power to change things, which no cap here counts",
                "give a scope that only reads, if that is enough",
            )
