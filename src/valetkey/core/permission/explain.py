"""A permission in sentences: one text for terminal, consent page and dashboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.explain_signing import explain_rate, explain_signing
from valetkey.core.permission.model import Anything
from valetkey.core.permission.words import HERE, compared, named, short, span
from valetkey.core.permission.worst_case import opaque_targets, windows_touched, worst_case
from valetkey.core.units import format_amount, format_duration, format_moment

if TYPE_CHECKING:
    from valetkey.core.permission.model import Cap, Permission, Rule, WideRule
    from valetkey.core.permission.words import Names
    from valetkey.core.permission.worst_case import Bound, WorstCase


def explain(permission: Permission, *, names: Names) -> tuple[str, ...]:
    """
    Return one sentence for each thing that *permission* says, every caveat among them.

    Args:
        names: What the operator calls an address; others are shown by their address alone.
    """
    sentences = [_rule(rule, names) for rule in permission.rules]
    sentences += [_wide_rule(wide, names) for wide in permission.wide_rules]
    if not sentences:
        sentences.append("It may call nothing.")
    sentences += [_cap(cap, permission, names) for cap in permission.caps]
    sentences.append(_recipients(permission, names))
    if permission.max_calls is not None:
        sentences.append(f"At most {permission.max_calls} calls in all.")
    else:
        sentences.append("Calls are not counted.")
    if permission.rate is not None:
        sentences.append(explain_rate(permission.rate))
    length = format_duration(permission.expires_at - permission.starts_at)
    sentences.append(
        f"Valid for {length}, from {format_moment(permission.starts_at)} until before"
        f" {format_moment(permission.expires_at)}, on {permission.chain}."
    )
    if permission.relayer is not None:
        relayer = named(permission.relayer, names)
        sentences.append(f"Only {relayer} may bring it to the chain.")
    if permission.fee_budget_wei is not None:
        fees = format_amount(permission.fee_budget_wei, decimals=18)
        sentences.append(f"The sponsor pays at most {fees} in fees {HERE}.")
    sentences += explain_signing(permission, names=names)
    sentences.append(f"Worst case: {say_worst_case(worst_case(permission), names=names)}.")
    return tuple(sentences)


def headline(permission: Permission, *, names: Names) -> str:
    """
    Return the permission in one line, such as ``may call transfer on USDC (0x…) · …``.

    Whatever has no bound is said to have none: somebody may read this line alone.
    """
    # The widest first: it is what somebody has to see.
    doings = [_wide_shortly(wide, names) for wide in reversed(permission.wide_rules)]
    doings += [_shortly(rule, names) for rule in permission.rules]
    more = f" and {len(doings) - 1} more" if len(doings) > 1 else ""
    parts = [f"may {doings[0]}{more}" if doings else "may call nothing"]
    if isinstance(permission.recipients, Anything):
        calls = any(rule.selector is not None for rule in permission.rules)
        parts[0] += " to anybody" if calls else ""  # a payment goes to its target
    else:
        count = len(permission.recipients)
        parts[0] += f" to {count} address{'' if count == 1 else 'es'}"
    parts += [_cap_shortly(cap, names) for cap in permission.caps]
    worst = worst_case(permission)
    parts += [
        f"{short(bound.asset, names)} unbounded"
        for bound in worst.bounds
        if bound.amount is None and not (worst.others and bound.asset is not None)
    ]
    if worst.others:
        parts.append("tokens unbounded")
    templates = len(permission.messages) + len(permission.typed_data)
    if templates:
        parts.append(f"signs as the account by {templates} template{'' if templates == 1 else 's'}")
    return " · ".join(parts)


def say_worst_case(worst: WorstCase, *, names: Names) -> str:
    """Return *worst* in words: amounts joined by ``+``, and what is unbounded with its reason."""
    bounds = [bound for bound in worst.bounds if bound.asset is None or not worst.others]
    said = [_bound(bound, names) for bound in bounds]
    said += [f"every token is unbounded, because {reason}" for reason in worst.others]
    return " + ".join(said) if said else "nothing can be moved"


def _function(selector: bytes, rule: Rule) -> str:
    if selector in EFFECTS:
        return EFFECTS[selector].function
    # The name is what somebody says; the selector is what the chain looks at.
    said = f" ({rule.function})" if rule.function else ""
    return f"the function 0x{selector.hex()}{said}"


def _shortly(rule: Rule, names: Names) -> str:
    if rule.selector is None:
        return f"pay {named(rule.target, names)}"
    known = EFFECTS.get(rule.selector)
    function = known.function if known else rule.function or f"0x{rule.selector.hex()}"
    return f"call {function.partition('(')[0]} on {named(rule.target, names)}"


def _wide_shortly(wide: WideRule, names: Names) -> str:
    if isinstance(wide.target, Anything):
        return "call ANYTHING"
    return f"call ANYTHING on {named(wide.target, names)}"


def _wide_rule(wide: WideRule, names: Names) -> str:
    value = ", with native value" if wide.payable else ""
    where = "any contract that no other rule names"
    if not isinstance(wide.target, Anything):
        where = named(wide.target, names)
    return f"It may call ANYTHING on {where}{value}, but functions that are known to move value."


def _rule(rule: Rule, names: Names) -> str:
    if rule.selector is None:
        return f"It may send native value to {named(rule.target, names)}."
    function = _function(rule.selector, rule)
    value = ", with native value" if rule.payable else ""
    where = "".join(
        f"; argument {one.argument} {compared(one.operator, one.values)}" for one in rule.where
    )
    return f"It may call {function} on {named(rule.target, names)}{value}{where}."


def _number(amount: int, cap: Cap | Bound) -> str:
    return format_amount(amount, decimals=cap.decimals or 0)


def _amount(amount: int, cap: Cap | Bound, names: Names) -> str:
    return f"{_number(amount, cap)} {short(cap.asset, names)}"


def _cap(cap: Cap, permission: Permission, names: Names) -> str:
    parts: list[str] = []
    if cap.per_call is not None:
        parts.append(f"{_number(cap.per_call, cap)} in one call")
    if cap.window is not None:
        count = windows_touched(permission, cap.window.window_s)
        parts.append(
            f"{_number(cap.window.limit, cap)} in each {span(cap.window.window_s)}"
            f" counted from the start ({count} window{'' if count == 1 else 's'})"
        )
    if cap.lifetime is not None:
        parts.append(f"{_number(cap.lifetime, cap)} in all")
    said = f"Of {named(cap.asset, names)} at most {', '.join(parts)}"
    if cap.asset is None:
        return f"{said}."
    said += f"; one is 10^{cap.decimals} of its smallest unit; an approval counts as spent"
    targets = [named(target, names) for target in opaque_targets(permission)]
    if targets:
        said += f"; not counted is what {' and '.join(targets)} may take"
    return f"{said}."


def _cap_shortly(cap: Cap, names: Names) -> str:
    if cap.lifetime is not None:
        return f"{_amount(cap.lifetime, cap, names)} at most"
    if cap.window is not None:
        return f"{_amount(cap.window.limit, cap, names)} per {span(cap.window.window_s)}"
    return f"{_amount(cap.per_call or 0, cap, names)} per call"


def _recipients(permission: Permission, names: Names) -> str:
    if isinstance(permission.recipients, Anything):
        return "Anybody may receive or be approved (anything)."
    listed = [named(recipient, names) for recipient in permission.recipients]
    if not listed:
        return "Nobody may receive or be approved."
    return f"Only these may receive or be approved: {', '.join(listed)}."


def _bound(bound: Bound, names: Names) -> str:
    if bound.amount is None:
        return f"{short(bound.asset, names)} is unbounded, because {bound.reason}"
    return _amount(bound.amount, bound, names)
