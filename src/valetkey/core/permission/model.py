"""What a permission says: rules, constraints, caps and the other caveats."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from valetkey.core.errors import Code, Malformed
from valetkey.core.units import UINT256_MAX

ADDRESS_BYTES: Final = 20
SELECTOR_BYTES: Final = 4
MAX_CALLDATA_BYTES: Final = SELECTOR_BYTES + 0xFFFF
ZERO_ADDRESS: Final = bytes(ADDRESS_BYTES)


@dataclass(frozen=True, slots=True)
class Anything:
    """The explicit "no limit here". Never the meaning of an empty list."""


ANYTHING: Final = Anything()


class Operator(StrEnum):
    """How a constraint compares an argument."""

    EQUALS = "equals"
    ONE_OF = "one of"
    AT_MOST = "at most"


@dataclass(frozen=True, slots=True)
class Constraint:
    """
    A limit on one argument of a call.

    Args:
        argument: Index of the 32-byte word behind the selector, 0 to 62.
        values: Words as unsigned integers; exactly one unless the operator is ``ONE_OF``.
    """

    argument: int
    operator: Operator
    values: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """
    One function of one contract that may be called, or a plain payment to *target*.

    Args:
        target: 20 bytes.
        selector: 4 bytes, or None for a payment of native value without calldata.
        function: The signature that *selector* was made from, for people; may be unknown.
        payable: Whether the call may carry native value; a payment always may.
        where: All of them must hold.
    """

    target: bytes
    selector: bytes | None
    function: str | None = None
    payable: bool = False
    where: tuple[Constraint, ...] = ()

    def carries_value(self) -> bool:
        """Say whether a call under this rule may carry native value."""
        return self.payable or self.selector is None


@dataclass(frozen=True, slots=True)
class WideRule:
    """
    Any function of one contract, or any call at all, apart from those that move value.

    It covers a call that no narrower rule speaks of: any function of *target* beside the functions
    that a `Rule` names on it, any call to a target that no other rule names. What never falls
    under it is in docs/reference/value-moving-selectors.md.

    Args:
        target: 20 bytes, or `Anything`.
        payable: Whether the call may carry native value.
    """

    target: bytes | Anything
    payable: bool = False

    @property
    def key(self) -> tuple[bool, bytes]:
        """What wide rules are sorted by: any call stands behind the targets."""
        return (True, b"") if isinstance(self.target, Anything) else (False, self.target)

    def carries_value(self) -> bool:
        """Say whether a call under this rule may carry native value."""
        return self.payable


@dataclass(frozen=True, slots=True)
class Rate:
    """At most *calls* calls in each span of *window_s* seconds counted from ``starts_at``."""

    calls: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Window:
    """At most *limit* in each span of *window_s* seconds counted from ``starts_at``."""

    limit: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Cap:
    """
    How much of one asset may be moved or approved.

    Args:
        asset: 20 bytes of the token, or None for the chain's native coin.
        decimals: Digits behind the point of one whole unit, fixed here.
        per_call, lifetime: In the smallest unit; None is no such limit.
    """

    asset: bytes | None
    decimals: int
    per_call: int | None = None
    lifetime: int | None = None
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class MessageTemplate:
    """
    A text that may be signed (EIP-191), with holes.

    Args:
        text: The fixed pieces, at least one. Between two pieces one or more characters may stand,
            all of them printable: no new line, nothing that changes how the rest is read.
    """

    text: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FieldConstraint:
    """
    A limit on one field of typed data.

    Args:
        field: Names from the message down, such as ``("details", "amount")``.
        values: Words of ``encodeData`` as unsigned integers: a number, an address, or the
            Keccak-256 of a string or of bytes. Exactly one unless the operator is ``ONE_OF``.
            ``AT_MOST`` is for unsigned integers alone.
    """

    field: tuple[str, ...]
    operator: Operator
    values: tuple[int, ...]

    @property
    def key(self) -> tuple[tuple[str, ...], str, tuple[int, ...]]:
        """What constraints of one template are sorted by."""
        return self.field, self.operator.value, self.values


@dataclass(frozen=True, slots=True)
class TypedDataTemplate:
    """
    Typed data that may be signed (EIP-712): one structure of one contract.

    Args:
        name, version: Of the domain; None where the domain has none.
        verifying_contract: 20 bytes. The chain of the domain is the permission's.
        type: ``encodeType`` of the message, such as ``Order(address maker,uint256 amount)``.
        where: All of them must hold.
    """

    name: str | None
    version: str | None
    verifying_contract: bytes
    type: str
    where: tuple[FieldConstraint, ...] = ()

    @property
    def subject(self) -> tuple[bytes, str, tuple[str, ...], tuple[str, ...]]:
        """What it is about: contract, type, name and version. No two templates share it."""
        name = () if self.name is None else (self.name,)
        version = () if self.version is None else (self.version,)
        return self.verifying_contract, self.type, name, version


@dataclass(frozen=True, slots=True)
class Permission:
    """
    What a session may do. No rules, no calls.

    Args:
        chain: CAIP-2, such as ``eip155:31337``.
        starts_at: First valid second.
        expires_at: First invalid second.
        recipients: Who may receive or be approved; an empty tuple is nobody.
        max_calls: None is no count.
        relayer: 20 bytes, the only sender of transactions that may carry a run; None is any.
        fee_budget_wei: The most that the sponsor pays for this session. Only a server can count
            it, so a chain session needs a bound relayer with it.
        wide_rules: Behind the rules, as the chain counts them; any function of a contract in order
            of the targets, then any call.
        rate: Counted by the server alone, so a chain session needs a bound relayer with it.
        messages, typed_data: What may be signed as the account; by the server alone.
        scopes: Names of powers outside the chain that the holder may be given (RFC 6749, 3.3).
    """

    chain: str
    rules: tuple[Rule, ...]
    caps: tuple[Cap, ...]
    starts_at: int
    expires_at: int
    recipients: tuple[bytes, ...] | Anything
    max_calls: int | None = None
    relayer: bytes | None = None
    fee_budget_wei: int | None = None
    wide_rules: tuple[WideRule, ...] = ()
    rate: Rate | None = None
    messages: tuple[MessageTemplate, ...] = ()
    typed_data: tuple[TypedDataTemplate, ...] = ()
    scopes: tuple[str, ...] = ()

    def cap_on(self, asset: bytes | None) -> Cap | None:
        """Return the cap on *asset*, if there is one."""
        return next((cap for cap in self.caps if cap.asset == asset), None)


@dataclass(frozen=True, slots=True)
class Call:
    """
    One call as the account will make it.

    Args:
        to: 20 bytes.
        value_wei: Native value, never negative: an amount can only be booked upwards.
        data: Selector and arguments, or empty; at most `MAX_CALLDATA_BYTES`.
    """

    to: bytes
    value_wei: int
    data: bytes

    def __post_init__(self) -> None:
        """Refuse what no run can carry (`Malformed`)."""
        if len(self.to) != ADDRESS_BYTES:
            detail = f"to: expected {ADDRESS_BYTES} bytes, got {len(self.to)}"
            raise Malformed(Code.MALFORMED_CALL, detail)
        if not 0 <= self.value_wei <= UINT256_MAX:
            detail = f"value_wei: expected 0 to 2^256 - 1, got {self.value_wei}"
            raise Malformed(Code.MALFORMED_CALL, detail)
        if len(self.data) > MAX_CALLDATA_BYTES:
            detail = f"data: expected at most {MAX_CALLDATA_BYTES} bytes, got {len(self.data)}"
            raise Malformed(Code.MALFORMED_CALL, detail)

    @property
    def selector(self) -> bytes | None:
        """The first 4 bytes of the data, or None when there is no data at all."""
        return self.data[:SELECTOR_BYTES] if self.data else None

    @property
    def arguments(self) -> bytes:
        """What follows the selector."""
        return self.data[SELECTOR_BYTES:]
