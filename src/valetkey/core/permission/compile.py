"""A permission as the chain checks it, or why the chain cannot; and calls as a run carries them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.permission.lower import lower
from valetkey.core.permission.model import Anything
from valetkey.spec import permission_bytes as packed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.permission.lower import Check, Lowered, LoweredRule, LoweredWideRule, Meter
    from valetkey.core.permission.model import Call, Permission

MAX_LISTED_RULES: Final = 8  # beyond, a run is cheaper with proofs of the rules that it uses

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

    Caveats that only a server can keep are left out when the permission binds the relayer: then
    no run reaches the chain past the server. Many rules are in a tree, of which the grant keeps
    the root.

    Args:
        permission: Well formed (`check_permission`).
        key: 20 bytes, the address of a secp256k1 session key; or 64, x and y of a P-256 one.
        salt: Below 2^32; makes an otherwise equal grant another one.

    Spec:
        docs/reference/grant-format.md, version 1.
    """
    lowered = lower(permission)
    problem = _problem(permission, lowered)
    if problem is not None:
        return problem
    tree = _tree(lowered)
    grant = packed.Grant(
        key=key,
        salt=salt,
        starts_at=permission.starts_at,
        expires_at=permission.expires_at,
        max_calls=permission.max_calls or packed.NO_CALL_LIMIT,
        rules=() if tree else _rules(lowered),
        caps=tuple(packed.Cap(limit.limit, limit.window_s) for limit in lowered.limits),
        relayer=permission.relayer,
        root=tree.root if tree else None,
    )
    encoded = packed.encode_grant(grant)
    if len(encoded) > _MAX_GRANT_BYTES:
        detail = f"{len(encoded)} bytes, a run carries at most {_MAX_GRANT_BYTES}"
        return NotOnChain("rules", detail)
    return encoded


def compile_run(
    permission: Permission, grant: bytes, calls: Sequence[Call], rules: Sequence[int]
) -> packed.PackedRun:
    """
    Return *calls* as a run under *grant* carries them, with the rules of a tree that they use.

    Args:
        grant: What `compile_grant` made of *permission*.
        rules: Index of the rule that covers each call, as `decide` found them.

    Raises:
        GrantFormatError: A call, or what they bring together, is too long to be carried.
    """
    lowered = lower(permission)
    runs = [_run_call(lowered, call, index) for call, index in zip(calls, rules, strict=True)]
    run = packed.pack_run(packed.decode_grant(grant), runs, _tree(lowered))
    if len(run.grant) > _MAX_GRANT_BYTES:
        detail = f"the rules that these calls use: expected at most {_MAX_GRANT_BYTES} bytes"
        raise packed.GrantFormatError(f"{detail}, got {len(run.grant)}")
    return run


def _run_call(lowered: Lowered, call: Call, index: int) -> packed.RunCall:
    if index < len(lowered.rules):
        return packed.RunCall(index, call.arguments, call.value_wei)
    names_target = isinstance(lowered.rule(index).rule.target, bytes)
    target = None if names_target else call.to
    return packed.RunCall(index, call.data, call.value_wei, target)


def _tree(lowered: Lowered) -> packed.RuleTree | None:
    # Under a wide rule the account has to see every rule that is more specific.
    if lowered.wide_rules or len(lowered.rules) <= MAX_LISTED_RULES:
        return None
    return packed.RuleTree(_rules(lowered))


def _problem(permission: Permission, lowered: Lowered) -> NotOnChain | None:
    nobody = not isinstance(permission.recipients, Anything) and not permission.recipients
    if nobody or not (lowered.rules or lowered.wide_rules):
        caveat = "recipients" if lowered.rules else "rules"
        return NotOnChain(caveat, "an empty list allows nothing; there is nothing to enforce")
    kept_here = server_only(permission)
    if kept_here and permission.relayer is None:
        detail = "only a server can keep it; bind the relayer or leave it out"
        return NotOnChain(kept_here[0], detail)
    if len(lowered.limits) > packed.MAX_CAPS:
        detail = f"{len(lowered.limits)} counters, the chain keeps at most {packed.MAX_CAPS}"
        return NotOnChain("caps", detail)
    return _problem_in_rules(lowered)


def _problem_in_rules(lowered: Lowered) -> NotOnChain | None:
    checks = [check for rule in lowered.rules for check in rule.checks]
    empty = next((check for check in checks if not check.constraint.values), None)
    return NotOnChain(empty.caveat, "an empty list allows nothing") if empty else None


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


def _rules(lowered: Lowered) -> tuple[packed.Rule, ...]:
    return tuple(map(_rule, lowered.rules)) + tuple(map(_wide_rule, lowered.wide_rules))


def _rule(lowered: LoweredRule) -> packed.Rule:
    rule = lowered.rule
    return packed.Rule(
        kind=packed.RuleKind.SEND if rule.selector is None else packed.RuleKind.CALL,
        target=rule.target,
        selector=rule.selector,
        meters=_meters(lowered.meters),
        constraints=_constraints(lowered.checks),
    )


def _wide_rule(lowered: LoweredWideRule) -> packed.Rule:
    target = lowered.rule.target
    meters, constraints = _meters(lowered.meters), _constraints(lowered.checks)
    if isinstance(target, Anything):
        return packed.Rule(packed.RuleKind.ANY_CALL, meters=meters, constraints=constraints)
    return packed.Rule(packed.RuleKind.ANY_SELECTOR, target, meters=meters, constraints=constraints)


def _meters(meters: Sequence[Meter]) -> tuple[packed.Meter, ...]:
    return tuple(packed.Meter(meter.argument, meter.limit) for meter in meters)


def _constraints(checks: Sequence[Check]) -> tuple[packed.Constraint, ...]:
    return tuple(
        packed.Constraint(
            check.constraint.argument,
            _OPERATORS[check.constraint.operator.value],
            check.constraint.values,
        )
        for check in checks
    )
