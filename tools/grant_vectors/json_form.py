"""Values of the format in the JSON of the vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from valetkey.spec.permission_bytes import Constraint, Grant, Rule, RunCall

Json = dict[str, object]

_KEY_TYPES: Final = {20: "secp256k1", 64: "P-256"}


def hexed(data: bytes) -> str:
    """Return *data* with ``0x``, in lower case."""
    return "0x" + data.hex()


def grant_json(grant: Grant) -> Json:
    """Return *grant*; numbers that may exceed 2^53 as decimal strings."""
    return {
        "key_type": _KEY_TYPES[len(grant.key)],
        "key": hexed(grant.key),
        "salt": grant.salt,
        "starts_at": grant.starts_at,
        "expires_at": grant.expires_at,
        "max_calls": grant.max_calls,
        "relayer": None if grant.relayer is None else hexed(grant.relayer),
        "caps": [{"limit": str(cap.limit), "window_s": cap.window_s} for cap in grant.caps],
        "rules": [rule_json(rule) for rule in grant.rules],
        "root": None if grant.root is None else hexed(grant.root),
    }


def rule_json(rule: Rule) -> Json:
    """Return *rule*."""
    return {
        "kind": rule.kind.value,
        "target": hexed(rule.target),
        "selector": None if rule.selector is None else hexed(rule.selector),
        "constraints": [_constraint_json(constraint) for constraint in rule.constraints],
        "meters": [{"argument": meter.argument, "cap": meter.cap} for meter in rule.meters],
    }


def call_json(call: RunCall) -> Json:
    """Return *call*."""
    return {
        "rule": call.rule,
        "value_wei": str(call.value_wei),
        "target": None if call.target is None else hexed(call.target),
        "arguments": hexed(call.arguments),
    }


def _constraint_json(constraint: Constraint) -> Json:
    return {
        "argument": constraint.argument,
        "operator": constraint.operator.value,
        "values": [str(value) for value in constraint.values],
    }
