"""A permission as the chain checks it, or why the chain cannot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.permission.lower import lower
from valetkey.core.permission.model import Anything
from valetkey.spec import permission_bytes as packed

if TYPE_CHECKING:
    from valetkey.core.permission.lower import Lowered, LoweredRule
    from valetkey.core.permission.model import Permission

_MAX_CONSTRAINTS: Final = 7
_MAX_GRANT_BYTES: Final = 0x7FFF  # what the length in a run can say
_OPERATORS: Final = {operator.value: operator for operator in packed.Operator}


@dataclass(frozen=True, slots=True)
class NotOnChain:
    """What the chain cannot enforce. ``caveat`` is its place in the permission."""

    caveat: str
    detail: str


def compile_grant(permission: Permission, *, key: bytes, salt: int) -> bytes | NotOnChain:
    """
    Return the packed grant of *permission* for one session key, or what does not compile.

    Caveats that only a server can count are left out when the permission binds the relayer: then
    no run reaches the chain past the server.

    Args:
        permission: Well formed (`check_permission`).
        key: 20 bytes, the address of a secp256k1 session key.
        salt: Below 2^32; makes an otherwise equal grant another one.

    Spec:
        docs/reference/grant-format.md, version 1.
    """
    lowered = lower(permission)
    problem = _problem(permission, lowered)
    if problem is not None:
        return problem
    grant = packed.Grant(
        key=key,
        salt=salt,
        starts_at=permission.starts_at,
        expires_at=permission.expires_at,
        max_calls=permission.max_calls or packed.NO_CALL_LIMIT,
        rules=tuple(_rule(rule) for rule in lowered.rules),
        caps=tuple(packed.Cap(limit.limit, limit.window_s) for limit in lowered.limits),
        relayer=permission.relayer,
    )
    encoded = packed.encode_grant(grant)
    if len(encoded) > _MAX_GRANT_BYTES:
        detail = f"{len(encoded)} bytes, a run carries at most {_MAX_GRANT_BYTES}"
        return NotOnChain("rules", detail)
    return encoded


def _problem(permission: Permission, lowered: Lowered) -> NotOnChain | None:
    nobody = not isinstance(permission.recipients, Anything) and not permission.recipients
    if nobody or not (lowered.rules or lowered.wide_rules):
        caveat = "recipients" if lowered.rules else "rules"
        return NotOnChain(caveat, "an empty list allows nothing; there is nothing to enforce")
    kept_here = server_only(permission)
    if kept_here and permission.relayer is None:
        detail = "only a server can keep it; bind the relayer or leave it out"
        return NotOnChain(kept_here[0], detail)
    if permission.wide_rules:
        return NotOnChain("wide_rules", "they are not packed yet")
    if len(lowered.limits) > packed.MAX_CAPS:
        detail = f"{len(lowered.limits)} counters, the chain keeps at most {packed.MAX_CAPS}"
        return NotOnChain("caps", detail)
    return _problem_in_rules(lowered)


def _problem_in_rules(lowered: Lowered) -> NotOnChain | None:
    for index, rule in enumerate(lowered.rules):
        if len(rule.checks) > _MAX_CONSTRAINTS:
            detail = f"{len(rule.checks)} constraints, the chain checks at most {_MAX_CONSTRAINTS}"
            return NotOnChain(f"rules[{index}]", detail)
        for check in rule.checks:
            if not check.constraint.values:
                return NotOnChain(check.caveat, "an empty list allows nothing")
    return None


def server_only(permission: Permission) -> tuple[str, ...]:
    """Return the caveats of *permission* that no chain can keep, by their names."""
    caveats: dict[str, object] = {
        "fee_budget_wei": permission.fee_budget_wei,
        "rate": permission.rate,
        "messages": permission.messages or None,
        "typed_data": permission.typed_data or None,
        "scopes": permission.scopes or None,
    }
    return tuple(name for name, value in caveats.items() if value is not None)


def _rule(lowered: LoweredRule) -> packed.Rule:
    rule = lowered.rule
    return packed.Rule(
        kind=packed.RuleKind.SEND if rule.selector is None else packed.RuleKind.CALL,
        target=rule.target,
        selector=rule.selector,
        meters=tuple(packed.Meter(meter.argument, meter.limit) for meter in lowered.meters),
        constraints=tuple(
            packed.Constraint(
                check.constraint.argument,
                _OPERATORS[check.constraint.operator.value],
                check.constraint.values,
            )
            for check in lowered.checks
        ),
    )
