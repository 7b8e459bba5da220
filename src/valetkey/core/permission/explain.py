"""A permission in sentences: one text for terminal, consent page and dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.model import Anything, Operator
from valetkey.core.permission.worst_case import opaque_targets, windows_touched, worst_case
from valetkey.core.units import DAY_S, HOUR_S, format_amount, format_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.permission.model import Cap, Constraint, Permission, Rule
    from valetkey.core.permission.worst_case import Bound, WorstCase

    Names = Mapping[bytes, str]

_OPERATORS = {
    Operator.EQUALS: "must be",
    Operator.ONE_OF: "must be one of",
    Operator.AT_MOST: "may be at most",
}


def explain(permission: Permission, *, names: Names) -> tuple[str, ...]:
    """
    Return one sentence for each thing that *permission* says, every caveat among them.

    Args:
        names: What the operator calls an address; others are shown by their address alone.
    """
    sentences = [_rule(rule, names) for rule in permission.rules]
    if not permission.rules:
        sentences.append("It may call nothing.")
    sentences += [_cap(cap, permission, names) for cap in permission.caps]
    sentences.append(_recipients(permission, names))
    if permission.max_calls is not None:
        sentences.append(f"At most {permission.max_calls} calls in all.")
    else:
        sentences.append("Calls are not counted.")
    length = format_duration(permission.expires_at - permission.starts_at)
    sentences.append(
        f"Valid for {length}, from second {permission.starts_at}"
        f" until before second {permission.expires_at}, on {permission.chain}."
    )
    if permission.relayer is not None:
        relayer = _named(permission.relayer, names)
        sentences.append(f"Only {relayer} may bring it to the chain.")
    if permission.fee_budget_wei is not None:
        fees = format_amount(permission.fee_budget_wei, decimals=18)
        sentences.append(f"The sponsor pays at most {fees} in fees (enforced by this server).")
    sentences.append(f"Worst case: {say_worst_case(worst_case(permission), names=names)}.")
    return tuple(sentences)


def headline(permission: Permission, *, names: Names) -> str:
    """
    Return the permission in one line, such as ``may call transfer on USDC (0x…) · …``.

    Whatever has no bound is said to have none: somebody may read this line alone.
    """
    rules = permission.rules
    where = "" if not rules else _shortly(rules[0], names)
    more = f" and {len(rules) - 1} more" if len(rules) > 1 else ""
    parts = [f"may {where}{more}" if rules else "may call nothing"]
    if isinstance(permission.recipients, Anything):
        calls = any(rule.selector is not None for rule in rules)  # a payment goes to its target
        parts[0] += " to anybody" if calls else ""
    else:
        count = len(permission.recipients)
        parts[0] += f" to {count} address{'' if count == 1 else 'es'}"
    parts += [_cap_shortly(cap, names) for cap in permission.caps]
    worst = worst_case(permission)
    parts += [
        f"{_short(bound.asset, names)} unbounded"
        for bound in worst.bounds
        if bound.amount is None and not (worst.others and bound.asset is not None)
    ]
    if worst.others:
        parts.append("tokens unbounded")
    return " · ".join(parts)


def say_worst_case(worst: WorstCase, *, names: Names) -> str:
    """Return *worst* in words: amounts joined by ``+``, and what is unbounded with its reason."""
    bounds = [bound for bound in worst.bounds if bound.asset is None or not worst.others]
    said = [_bound(bound, names) for bound in bounds]
    said += [f"every token is unbounded, because {reason}" for reason in worst.others]
    return " + ".join(said) if said else "nothing can be moved"


def _named(address: bytes | None, names: Names) -> str:
    if address is None:
        return "native"
    text = f"0x{address.hex()}"
    return f"{names[address]} ({text})" if address in names else text


def _short(address: bytes | None, names: Names) -> str:
    if address is None:
        return "native"
    return names.get(address) or f"0x{address.hex()[:4]}…{address.hex()[-4:]}"


def _function(selector: bytes, rule: Rule) -> str:
    if selector in EFFECTS:
        return EFFECTS[selector].function
    # The name is what somebody says; the selector is what the chain looks at.
    said = f" ({rule.function})" if rule.function else ""
    return f"the function 0x{selector.hex()}{said}"


def _shortly(rule: Rule, names: Names) -> str:
    if rule.selector is None:
        return f"pay {_named(rule.target, names)}"
    known = EFFECTS.get(rule.selector)
    function = known.function if known else rule.function or f"0x{rule.selector.hex()}"
    return f"call {function.partition('(')[0]} on {_named(rule.target, names)}"


def _rule(rule: Rule, names: Names) -> str:
    if rule.selector is None:
        return f"It may send native value to {_named(rule.target, names)}."
    function = _function(rule.selector, rule)
    value = ", with native value" if rule.payable else ""
    where = "".join(f"; {_constraint(constraint)}" for constraint in rule.where)
    return f"It may call {function} on {_named(rule.target, names)}{value}{where}."


def _constraint(constraint: Constraint) -> str:
    values = [f"0x{value:x}" for value in constraint.values]
    listed = ", ".join(values) if values else "nothing at all"
    return f"argument {constraint.argument} {_OPERATORS[constraint.operator]} {listed}"


def _number(amount: int, cap: Cap | Bound) -> str:
    return format_amount(amount, decimals=cap.decimals or 0)


def _amount(amount: int, cap: Cap | Bound, names: Names) -> str:
    return f"{_number(amount, cap)} {_short(cap.asset, names)}"


def _cap(cap: Cap, permission: Permission, names: Names) -> str:
    parts: list[str] = []
    if cap.per_call is not None:
        parts.append(f"{_number(cap.per_call, cap)} in one call")
    if cap.window is not None:
        count = windows_touched(permission, cap.window.window_s)
        parts.append(
            f"{_number(cap.window.limit, cap)} in each {_span(cap.window.window_s)}"
            f" counted from the start ({count} window{'' if count == 1 else 's'})"
        )
    if cap.lifetime is not None:
        parts.append(f"{_number(cap.lifetime, cap)} in all")
    said = f"Of {_named(cap.asset, names)} at most {', '.join(parts)}"
    if cap.asset is None:
        return f"{said}."
    said += f"; one is 10^{cap.decimals} of its smallest unit; an approval counts as spent"
    targets = [_named(target, names) for target in opaque_targets(permission)]
    if targets:
        said += f"; not counted is what {' and '.join(targets)} may take"
    return f"{said}."


def _cap_shortly(cap: Cap, names: Names) -> str:
    if cap.lifetime is not None:
        return f"{_amount(cap.lifetime, cap, names)} at most"
    if cap.window is not None:
        return f"{_amount(cap.window.limit, cap, names)} per {_span(cap.window.window_s)}"
    return f"{_amount(cap.per_call or 0, cap, names)} per call"


def _span(seconds: int) -> str:
    for unit, name in ((DAY_S, "day"), (HOUR_S, "hour"), (60, "minute")):
        if seconds % unit == 0:
            count = seconds // unit
            return name if count == 1 else f"{count} {name}s"
    return f"{seconds} seconds"


def _recipients(permission: Permission, names: Names) -> str:
    if isinstance(permission.recipients, Anything):
        return "Anybody may receive or be approved (anything)."
    listed = [_named(recipient, names) for recipient in permission.recipients]
    if not listed:
        return "Nobody may receive or be approved."
    return f"Only these may receive or be approved: {', '.join(listed)}."


def _bound(bound: Bound, names: Names) -> str:
    if bound.amount is None:
        return f"{_short(bound.asset, names)} is unbounded, because {bound.reason}"
    return _amount(bound.amount, bound, names)
