"""Grants to bytes and back. Decoding accepts exactly what encoding writes."""

from typing import Final

from valetkey.spec.keccak import keccak256
from valetkey.spec.permission_bytes.reader import Reader
from valetkey.spec.permission_bytes.values import (
    ADDRESS_LENGTH,
    NATIVE_VALUE,
    SELECTOR_LENGTH,
    Cap,
    Constraint,
    Grant,
    GrantFormatError,
    Meter,
    Operator,
    Rule,
    RuleKind,
)

__all__ = ["decode_grant", "encode_grant", "grant_id"]

_VERSION: Final = 1
_KEY_LENGTH_BY_TYPE: Final = {0: 20, 1: 64}
_KEY_TYPE_BY_LENGTH: Final = {length: kind for kind, length in _KEY_LENGTH_BY_TYPE.items()}
_FLAG_RELAYER: Final = 1
_KINDS: Final = (RuleKind.CALL, RuleKind.SEND)
_OPERATORS: Final = (Operator.EQUALS, Operator.ONE_OF, Operator.AT_MOST)
_METER: Final = 3
_CARRIES_VALUE: Final = 1 << 5
_CHECKS: Final = 0x1F


def grant_id(grant: bytes) -> bytes:
    """Return the 32-byte id on chain of the encoded *grant*."""
    return keccak256(grant)


def encode_grant(grant: Grant) -> bytes:
    """Return *grant* as the bytes that each use carries."""
    out = bytearray((_VERSION, _KEY_TYPE_BY_LENGTH[len(grant.key)]))
    out += grant.key + grant.salt.to_bytes(4, "big")
    out += (
        grant.starts_at.to_bytes(5, "big")
        + grant.expires_at.to_bytes(5, "big")
        + grant.max_calls.to_bytes(4, "big")
    )
    out.append(0 if grant.relayer is None else _FLAG_RELAYER)
    out += grant.relayer or b""
    out.append(len(grant.caps))
    for cap in grant.caps:
        out += cap.limit.to_bytes(16, "big") + cap.window_s.to_bytes(4, "big")
    out.append(len(grant.rules))
    for rule in grant.rules:
        body = _encode_rule(rule)
        out += len(body).to_bytes(2, "big") + body
    return bytes(out)


def decode_grant(data: bytes) -> Grant:
    """
    Return the grant that *data* is, all of it.

    Raises:
        GrantFormatError: *data* is not exactly what `encode_grant` writes for some grant.
    """
    reader = Reader(data)
    version, key_type = reader.uint(1), reader.uint(1)
    if version != _VERSION:
        raise GrantFormatError(f"version: expected {_VERSION}, got {version}")
    if key_type not in _KEY_LENGTH_BY_TYPE:
        raise GrantFormatError(f"key type: expected 0 or 1, got {key_type}")
    key = reader.take(_KEY_LENGTH_BY_TYPE[key_type])
    salt, starts_at, expires_at, max_calls, flags = (reader.uint(size) for size in (4, 5, 5, 4, 1))
    if flags & ~_FLAG_RELAYER:
        raise GrantFormatError(f"flags: expected 0 or {_FLAG_RELAYER}, got {flags}")
    relayer = reader.take(ADDRESS_LENGTH) if flags else None
    caps = tuple(Cap(reader.uint(16), reader.uint(4)) for _ in range(reader.uint(1)))
    rules = tuple(_decode_rule(reader.take(reader.uint(2))) for _ in range(reader.uint(1)))
    reader.end()
    return Grant(key, salt, starts_at, expires_at, max_calls, rules, caps, relayer)


def _encode_rule(rule: Rule) -> bytes:
    count = len(rule.constraints) + len(rule.meters)
    head = _KINDS.index(rule.kind) << 6 | rule.carries_value << 5 | count
    constraints = b"".join(map(_encode_constraint, rule.constraints))
    meters = b"".join(bytes((_METER << 6 | meter.argument, meter.cap)) for meter in rule.meters)
    return bytes((head,)) + rule.target + (rule.selector or b"") + constraints + meters


def _encode_constraint(constraint: Constraint) -> bytes:
    length = constraint.value_length
    head = bytes((_OPERATORS.index(constraint.operator) << 6 | constraint.argument, length))
    count = bytes((len(constraint.values),)) if constraint.operator is Operator.ONE_OF else b""
    return head + count + b"".join(value.to_bytes(length, "big") for value in constraint.values)


def _decode_rule(body: bytes) -> Rule:
    reader = Reader(body)
    head = reader.uint(1)
    if head >> 6 >= len(_KINDS):
        raise GrantFormatError(f"rule kind: expected 0 or 1, got {head >> 6}")
    kind = _KINDS[head >> 6]
    target = reader.take(ADDRESS_LENGTH)
    selector = reader.take(SELECTOR_LENGTH) if kind is RuleKind.CALL else None
    checks = tuple(_decode_check(reader) for _ in range(head & _CHECKS))
    reader.end()
    constraints = tuple(check for check in checks if isinstance(check, Constraint))
    meters = tuple(check for check in checks if isinstance(check, Meter))
    if checks != (*constraints, *meters):
        raise GrantFormatError(
            "rule: expected the constraints before the meters, got another order"
        )
    rule = Rule(kind, target, selector, meters, constraints)
    if bool(head & _CARRIES_VALUE) is not rule.carries_value:
        raise GrantFormatError(f"rule value flag: expected {rule.carries_value}, got the opposite")
    return rule


def _decode_check(reader: Reader) -> Constraint | Meter:
    head = reader.uint(1)
    operator, argument = head >> 6, head & NATIVE_VALUE
    return (
        Meter(argument, reader.uint(1))
        if operator == _METER
        else _decode_constraint(reader, operator, argument)
    )


def _decode_constraint(reader: Reader, number: int, argument: int) -> Constraint:
    length = reader.uint(1)
    operator = _OPERATORS[number]
    count = reader.uint(1) if operator is Operator.ONE_OF else 1
    constraint = Constraint(argument, operator, tuple(reader.uint(length) for _ in range(count)))
    if length != constraint.value_length:
        raise GrantFormatError(
            f"constraint length: expected the shortest, {constraint.value_length}, got {length}"
        )
    return constraint
