"""One rule of a grant, as a value and as bytes."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

from valetkey.spec.permission_bytes.reader import Reader
from valetkey.spec.permission_bytes.values import (
    ADDRESS_LENGTH,
    MAX_CHECKS,
    NATIVE_VALUE,
    SELECTOR_LENGTH,
    Constraint,
    GrantFormatError,
    Meter,
    Operator,
    check_length,
)

__all__ = ["Rule", "RuleKind", "decode_rule", "encode_rule"]

_METER: Final = 3
_CARRIES_VALUE: Final = 1 << 5
_CHECKS: Final = 0x1F
_NO_TARGET: Final = bytes(ADDRESS_LENGTH)


class RuleKind(Enum):
    """What a rule lets through. The last two are wide: they name no function."""

    CALL = "call"
    SEND = "send"
    ANY_SELECTOR = "any selector"
    ANY_CALL = "any call"

    @property
    def is_wide(self) -> bool:
        """Whether calls under such a rule bring their selector themselves."""
        return self in (RuleKind.ANY_SELECTOR, RuleKind.ANY_CALL)


_KINDS: Final = (RuleKind.CALL, RuleKind.SEND, RuleKind.ANY_SELECTOR, RuleKind.ANY_CALL)
_OPERATORS: Final = (Operator.EQUALS, Operator.ONE_OF, Operator.AT_MOST)


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One kind of call that the session may make.

    Attributes:
        kind: `RuleKind.CALL` names target and selector, `RuleKind.SEND` and
            `RuleKind.ANY_SELECTOR` the target only, `RuleKind.ANY_CALL` neither.
        target: 20 bytes, zeros under `RuleKind.ANY_CALL` alone.
        selector: 4 bytes for a call, else ``None``.
        meters: Booked in this order. Native value needs one on `NATIVE_VALUE`.
        constraints: Asked in this order, before the meters; both together at most 31. Those of a
            wide rule, meters included, are on `NATIVE_VALUE`: it knows no arguments.
    """

    kind: RuleKind
    target: bytes = _NO_TARGET
    selector: bytes | None = None
    meters: tuple[Meter, ...] = ()
    constraints: tuple[Constraint, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what does not fit."""
        check_length("rule target", self.target, ADDRESS_LENGTH)
        if (self.target == _NO_TARGET) is not (self.kind is RuleKind.ANY_CALL):
            expected = "zeros" if self.kind is RuleKind.ANY_CALL else "an address"
            raise GrantFormatError(f"rule target: expected {expected}, got {self.target.hex()}")
        if self.kind is RuleKind.CALL:
            check_length("rule selector", self.selector or b"", SELECTOR_LENGTH)
        elif self.selector is not None:
            raise GrantFormatError(
                f"{self.kind.value} rule: expected no selector, got {self.selector.hex()}"
            )
        self._check_checks()

    def _check_checks(self) -> None:
        checks: tuple[Constraint | Meter, ...] = (*self.constraints, *self.meters)
        if len(checks) > MAX_CHECKS:
            raise GrantFormatError(
                f"rule: expected at most {MAX_CHECKS} constraints and meters, got {len(checks)}"
            )
        for check in checks:
            if self.kind.is_wide and check.argument != NATIVE_VALUE:
                raise GrantFormatError(
                    f"{self.kind.value} rule: expected native value alone, "
                    f"got argument {check.argument}"
                )

    @property
    def carries_value(self) -> bool:
        """Whether a call under this rule states a native value."""
        return any(meter.argument == NATIVE_VALUE for meter in self.meters)


def encode_rule(rule: Rule) -> bytes:
    """Return *rule* with the length in front; these are also the bytes that a tree hashes."""
    count = len(rule.constraints) + len(rule.meters)
    head = _KINDS.index(rule.kind) << 6 | rule.carries_value << 5 | count
    constraints = b"".join(map(_encode_constraint, rule.constraints))
    meters = b"".join(bytes((_METER << 6 | meter.argument, meter.cap)) for meter in rule.meters)
    body = bytes((head,)) + rule.target + (rule.selector or b"") + constraints + meters
    return len(body).to_bytes(2, "big") + body


def decode_rule(reader: Reader) -> Rule:
    """
    Return the rule that *reader* stands before.

    Raises:
        GrantFormatError: It is not exactly what `encode_rule` writes for some rule.
    """
    body = Reader(reader.take(reader.uint(2)))
    head = body.uint(1)
    kind = _KINDS[head >> 6]
    target = body.take(ADDRESS_LENGTH)
    selector = body.take(SELECTOR_LENGTH) if kind is RuleKind.CALL else None
    checks = tuple(_decode_check(body) for _ in range(head & _CHECKS))
    body.end()
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


def _encode_constraint(constraint: Constraint) -> bytes:
    length = constraint.value_length
    head = bytes((_OPERATORS.index(constraint.operator) << 6 | constraint.argument, length))
    count = bytes((len(constraint.values),)) if constraint.operator is Operator.ONE_OF else b""
    return head + count + b"".join(value.to_bytes(length, "big") for value in constraint.values)


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
