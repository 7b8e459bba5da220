"""The permission document, version 1."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, field

from valetkey.core.errors import Code
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import (
    ANYTHING,
    Anything,
    Cap,
    Constraint,
    Operator,
    Permission,
    Rule,
    Window,
)
from valetkey.wire.base import (
    ADDRESS_BYTES,
    Address,
    Amount,
    Asked,
    Asset,
    Hex,
    Integer,
    Seconds,
    asset_name,
    hexed,
    malformed,
    read_address,
    read_amount,
    read_asset,
    read_bytes,
)

_BAD: Final = Code.MALFORMED_PERMISSION
_NATIVE_DECIMALS: Final = 18
_WORD_DIGITS: Final = 66
_ADDRESS_DIGITS: Final = 2 + 2 * ADDRESS_BYTES


class ConstraintDocument(Asked, frozen=True, kw_only=True):
    """A limit on one argument: ``values`` are 32-byte words, addresses or decimal integers."""

    argument: Integer
    operator: Literal["equals", "one of", "at most"]
    values: Annotated[list[str], Meta(max_length=64)]


class RuleDocument(Asked, frozen=True, kw_only=True):
    """One function of one contract, or, without ``selector`` and ``function``, a payment."""

    target: Address
    selector: Hex | None = None
    function: str | None = None
    payable: bool = False
    where: Annotated[list[ConstraintDocument], Meta(max_length=5)] = field(default_factory=list)


class WindowDocument(Asked, frozen=True, kw_only=True):
    """At most ``limit`` in each span of ``window_s`` seconds, counted from ``starts_at``."""

    limit: Amount
    window_s: Integer


class CapDocument(Asked, frozen=True, kw_only=True):
    """How much of one asset. ``decimals`` may be left out for ``native`` alone."""

    asset: Asset
    decimals: Integer | None = None
    per_call: Amount | None = None
    lifetime: Amount | None = None
    window: WindowDocument | None = None


class PermissionDocument(Asked, frozen=True, kw_only=True):
    """
    What a session may do.

    Args:
        starts_at, expires_at: May be left out where a session is opened: then they are the
            session's.
        recipients: ``anything``, or who may receive and be approved; an empty list is nobody.
    """

    version: Literal[1] = 1
    chain: str
    starts_at: Seconds | None = None
    expires_at: Seconds | None = None
    max_calls: Integer | None = None
    relayer: Address | None = None
    recipients: Literal["anything"] | Annotated[list[Address], Meta(max_length=64)]
    rules: Annotated[list[RuleDocument], Meta(max_length=64)]
    caps: Annotated[list[CapDocument], Meta(max_length=8)] = field(default_factory=list)
    fee_budget_wei: Amount | None = None


def read_permission(
    document: PermissionDocument, *, starts_at: int | None = None, expires_at: int | None = None
) -> Permission:
    """
    Return the permission that *document* writes, its lists sorted; `check_permission` is not asked.

    Args:
        starts_at, expires_at: What to take when the document leaves them out.

    Raises:
        Malformed: A field is not what it must be, or a time is missing.
    """
    start = starts_at if document.starts_at is None else document.starts_at
    end = expires_at if document.expires_at is None else document.expires_at
    if start is None or end is None:
        raise malformed(_BAD, "permission", "starts_at and expires_at", "none")
    relayer = document.relayer
    fees = document.fee_budget_wei
    return Permission(
        chain=document.chain,
        rules=tuple(_rule(f"rules[{i}]", rule) for i, rule in enumerate(document.rules)),
        caps=tuple(_cap(f"caps[{i}]", cap) for i, cap in enumerate(document.caps)),
        starts_at=start,
        expires_at=end,
        recipients=_recipients(document.recipients),
        max_calls=document.max_calls,
        relayer=None if relayer is None else read_address(relayer, "relayer", code=_BAD),
        fee_budget_wei=None if fees is None else read_amount(fees, "fee_budget_wei", code=_BAD),
    )


def _recipients(listed: str | list[str]) -> tuple[bytes, ...] | Anything:
    if isinstance(listed, str):
        return ANYTHING
    places = enumerate(listed)
    return tuple(sorted(read_address(one, f"recipients[{i}]", code=_BAD) for i, one in places))


def _rule(where: str, rule: RuleDocument) -> Rule:
    selector = None
    if rule.selector is not None:
        selector = read_bytes(rule.selector, f"{where}.selector", count=4, code=_BAD)
    elif rule.function is not None:
        if not rule.function.isascii():
            raise malformed(_BAD, f"{where}.function", "a signature in ASCII", rule.function)
        selector = selector_of(rule.function)
    return Rule(
        target=read_address(rule.target, f"{where}.target", code=_BAD),
        selector=selector,
        function=rule.function,
        payable=rule.payable,
        where=tuple(_constraint(f"{where}.where[{i}]", one) for i, one in enumerate(rule.where)),
    )


def _constraint(where: str, constraint: ConstraintDocument) -> Constraint:
    words = [_word(f"{where}.values[{i}]", text) for i, text in enumerate(constraint.values)]
    return Constraint(
        argument=constraint.argument,
        operator=Operator(constraint.operator),
        values=tuple(sorted(words)),
    )


def _word(where: str, text: str) -> int:
    if not text.startswith("0x"):
        return read_amount(text, where, code=_BAD)
    if len(text) == _ADDRESS_DIGITS:
        return int.from_bytes(read_address(text, where, code=_BAD))
    if len(text) != _WORD_DIGITS:
        raise malformed(_BAD, where, "32 bytes, an address or a decimal integer", text)
    return int.from_bytes(read_bytes(text, where, code=_BAD))


def _cap(where: str, cap: CapDocument) -> Cap:
    asset = read_asset(cap.asset, f"{where}.asset", code=_BAD)
    decimals = cap.decimals
    if decimals is None:
        if asset is not None:
            raise malformed(_BAD, f"{where}.decimals", "the decimals of the token", "none")
        decimals = _NATIVE_DECIMALS
    window = cap.window
    return Cap(
        asset=asset,
        decimals=decimals,
        per_call=_amount(cap.per_call, f"{where}.per_call"),
        lifetime=_amount(cap.lifetime, f"{where}.lifetime"),
        window=None
        if window is None
        else Window(
            limit=read_amount(window.limit, f"{where}.window.limit", code=_BAD),
            window_s=window.window_s,
        ),
    )


def _amount(text: str | None, where: str) -> int | None:
    return None if text is None else read_amount(text, where, code=_BAD)


def write_permission(permission: Permission) -> PermissionDocument:
    """Return the document of *permission*: read again, it is equal."""
    relayer, fees = permission.relayer, permission.fee_budget_wei
    recipients: Literal["anything"] | list[str] = "anything"
    if not isinstance(permission.recipients, Anything):
        recipients = [hexed(one) for one in permission.recipients]
    return PermissionDocument(
        chain=permission.chain,
        starts_at=permission.starts_at,
        expires_at=permission.expires_at,
        max_calls=permission.max_calls,
        relayer=None if relayer is None else hexed(relayer),
        recipients=recipients,
        rules=[_write_rule(rule) for rule in permission.rules],
        caps=[_write_cap(cap) for cap in permission.caps],
        fee_budget_wei=None if fees is None else str(fees),
    )


def _write_rule(rule: Rule) -> RuleDocument:
    return RuleDocument(
        target=hexed(rule.target),
        selector=None if rule.selector is None else hexed(rule.selector),
        function=rule.function,
        payable=rule.payable,
        where=[
            ConstraintDocument(
                argument=one.argument,
                operator=one.operator.value,
                values=[f"0x{value:064x}" for value in one.values],
            )
            for one in rule.where
        ],
    )


def _write_cap(cap: Cap) -> CapDocument:
    window = cap.window
    return CapDocument(
        asset=asset_name(cap.asset),
        decimals=cap.decimals,
        per_call=None if cap.per_call is None else str(cap.per_call),
        lifetime=None if cap.lifetime is None else str(cap.lifetime),
        window=None
        if window is None
        else WindowDocument(limit=str(window.limit), window_s=window.window_s),
    )
