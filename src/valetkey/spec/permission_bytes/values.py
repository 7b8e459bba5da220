"""The parts of a grant as values. Each checks itself when it is made."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

__all__ = [
    "MAX_CAPS",
    "MAX_CHECKS",
    "MAX_RULES",
    "NATIVE_VALUE",
    "NEVER_EXPIRES",
    "NONCE_WINDOW",
    "NO_CALL_LIMIT",
    "Cap",
    "Constraint",
    "Grant",
    "GrantFormatError",
    "Meter",
    "Operator",
    "Rule",
    "RuleKind",
    "check_length",
    "check_uint",
]

NATIVE_VALUE: Final = 0x3F
"""The argument index that stands for the native value of the call."""
NO_CALL_LIMIT: Final = 0xFFFFFFFF
"""``max_calls`` of a grant whose calls are not counted down."""
NEVER_EXPIRES: Final = 0xFFFFFFFFFF
"""``expires_at`` of a grant without an end (the year 36812)."""
NONCE_WINDOW: Final = 30
"""How far beyond the nonce base a nonce may lie."""
MAX_CAPS: Final = 8
MAX_CHECKS: Final = 31
"""Constraints and meters of one rule together."""
MAX_RULES: Final = 255

ADDRESS_LENGTH: Final = 20
SELECTOR_LENGTH: Final = 4
_KEY_LENGTHS: Final = (20, 64)
_MAX_ALTERNATIVES: Final = 255


class GrantFormatError(ValueError):
    """Bytes or values that are not of the grant format."""


class Operator(Enum):
    """How a constraint compares an argument with its values."""

    EQUALS = "equals"
    ONE_OF = "one of"
    AT_MOST = "at most"


class RuleKind(Enum):
    """What a rule lets through: one function of a target, or native value without calldata."""

    CALL = "call"
    SEND = "send"


@dataclass(frozen=True, slots=True)
class Cap:
    """
    At most *limit* units, in all or in each window.

    Attributes:
        limit: In the smallest unit of what its meters measure; below 2**128.
        window_s: Length of a window, counted from the grant's ``starts_at``; 0 is the whole life.
    """

    limit: int
    window_s: int = 0

    def __post_init__(self) -> None:
        """Refuse what does not fit."""
        check_uint("cap limit", self.limit, 128)
        check_uint("cap window_s", self.window_s, 32)


@dataclass(frozen=True, slots=True)
class Meter:
    """
    Books the value of one argument to one cap.

    Attributes:
        argument: Word index behind the selector (0 to 62), or `NATIVE_VALUE`.
        cap: Index into the grant's caps.
    """

    argument: int
    cap: int

    def __post_init__(self) -> None:
        """Refuse what does not fit."""
        check_uint("meter argument", self.argument, 6)
        if not 0 <= self.cap < MAX_CAPS:
            raise GrantFormatError(f"meter cap: expected 0 to {MAX_CAPS - 1}, got {self.cap}")


@dataclass(frozen=True, slots=True)
class Constraint:
    """
    Lets a call through when one argument compares well with *values*.

    Attributes:
        argument: Word index behind the selector (0 to 62), or `NATIVE_VALUE`.
        operator: `Operator.ONE_OF` takes 1 to 255 values, the others one.
        values: Whole 256-bit words as integers; an address is its 160-bit number.
    """

    argument: int
    operator: Operator
    values: tuple[int, ...]

    def __post_init__(self) -> None:
        """Refuse what does not fit."""
        check_uint("constraint argument", self.argument, 6)
        most = _MAX_ALTERNATIVES if self.operator is Operator.ONE_OF else 1
        if not 1 <= len(self.values) <= most:
            raise GrantFormatError(
                f"{self.operator.value!r}: expected 1 to {most} values, got {len(self.values)}"
            )
        for value in self.values:
            check_uint("constraint value", value, 256)

    @property
    def value_length(self) -> int:
        """Bytes that each value takes: as few as the largest needs, and at least one."""
        return max(1, (max(self.values).bit_length() + 7) // 8)


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One kind of call that the session may make.

    Attributes:
        kind: `RuleKind.CALL` names target and selector, `RuleKind.SEND` the target only.
        target: 20 bytes, not zero.
        selector: 4 bytes for a call, ``None`` for a send.
        meters: Booked in this order. Native value needs one on `NATIVE_VALUE`.
        constraints: Asked in this order, before the meters; both together at most 31.
    """

    kind: RuleKind
    target: bytes
    selector: bytes | None = None
    meters: tuple[Meter, ...] = ()
    constraints: tuple[Constraint, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what does not fit."""
        check_length("rule target", self.target, ADDRESS_LENGTH)
        if not any(self.target):
            raise GrantFormatError("rule target: expected an address, got zeros")
        if self.kind is RuleKind.SEND and self.selector is not None:
            raise GrantFormatError(f"send rule: expected no selector, got {self.selector.hex()}")
        if self.kind is RuleKind.CALL:
            check_length("rule selector", self.selector or b"", SELECTOR_LENGTH)
        count = len(self.meters) + len(self.constraints)
        if count > MAX_CHECKS:
            raise GrantFormatError(
                f"rule: expected at most {MAX_CHECKS} constraints and meters, got {count}"
            )

    @property
    def carries_value(self) -> bool:
        """Whether a call under this rule states a native value."""
        return any(meter.argument == NATIVE_VALUE for meter in self.meters)


@dataclass(frozen=True, slots=True)
class Grant:
    """
    What one session key may do on one account.

    Attributes:
        key: 20 bytes: the address of a secp256k1 key. 64 bytes: x and y of a P-256 key. Not zero.
        salt: Below 2**32; makes an otherwise equal grant another one.
        starts_at: First valid second.
        expires_at: First invalid second; `NEVER_EXPIRES` for none.
        max_calls: At least 1; `NO_CALL_LIMIT` for none.
        rules: 1 to 255.
        caps: At most 8; the first is the cheapest on chain.
        relayer: 20 bytes of the only account that may submit runs, ``None`` for anyone.
    """

    key: bytes
    salt: int
    starts_at: int
    expires_at: int
    max_calls: int
    rules: tuple[Rule, ...]
    caps: tuple[Cap, ...] = ()
    relayer: bytes | None = None

    def __post_init__(self) -> None:
        """Refuse what does not fit, each part alone and then together."""
        if len(self.key) not in _KEY_LENGTHS:
            raise GrantFormatError(f"key: expected 20 or 64 bytes, got {len(self.key)}")
        if not any(self.key):
            raise GrantFormatError("key: expected a key, got zeros")
        check_uint("salt", self.salt, 32)
        check_uint("starts_at", self.starts_at, 40)
        check_uint("expires_at", self.expires_at, 40)
        if self.starts_at >= self.expires_at:
            raise GrantFormatError(
                f"expires_at: expected more than starts_at {self.starts_at}, got {self.expires_at}"
            )
        check_uint("max_calls", self.max_calls, 32)
        if self.max_calls == 0:
            raise GrantFormatError("max_calls: expected at least 1, got 0")
        self._check_parts()

    def _check_parts(self) -> None:
        if self.relayer is not None:
            check_length("relayer", self.relayer, ADDRESS_LENGTH)
            if not any(self.relayer):
                raise GrantFormatError("relayer: expected an address or none, got the zero address")
        if len(self.caps) > MAX_CAPS:
            raise GrantFormatError(f"grant: expected at most {MAX_CAPS} caps, got {len(self.caps)}")
        if not 1 <= len(self.rules) <= MAX_RULES:
            raise GrantFormatError(f"grant: expected 1 to {MAX_RULES} rules, got {len(self.rules)}")
        highest = max((meter.cap for rule in self.rules for meter in rule.meters), default=-1)
        if highest >= len(self.caps):
            raise GrantFormatError(
                f"meter cap: expected one of {len(self.caps)} caps, got index {highest}"
            )


def check_uint(name: str, value: int, bits: int) -> None:
    """
    Refuse a *value* that *bits* bits do not hold.

    Raises:
        GrantFormatError: It is negative or too large.
    """
    if not 0 <= value < 1 << bits:
        raise GrantFormatError(f"{name}: expected 0 to 2**{bits} - 1, got {value}")


def check_length(name: str, value: bytes, length: int) -> None:
    """
    Refuse bytes of another length than *length*.

    Raises:
        GrantFormatError: It is shorter or longer.
    """
    if len(value) != length:
        raise GrantFormatError(f"{name}: expected {length} bytes, got {len(value)}")
