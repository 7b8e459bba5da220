"""The permission document, version 1."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, field

from valetkey.core.errors import Code
from valetkey.core.permission.check_signing import MAX_SCOPES, MAX_TEMPLATES
from valetkey.core.permission.check_wide import MAX_WIDE_RULES
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import (
    ANYTHING,
    Anything,
    Cap,
    Permission,
    Rate,
    Rule,
    TypedDataTemplate,
    WideRule,
    Window,
)
from valetkey.wire.base import (
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
from valetkey.wire.constraint import ConstraintDocument, read_constraint, write_constraint
from valetkey.wire.template import (
    MessageDocument,
    TypedDataDocument,
    read_message,
    read_typed_data,
    write_message,
    write_typed_data,
)

_BAD: Final = Code.MALFORMED_PERMISSION
_NATIVE_DECIMALS: Final = 18
_ANYTHING: Final = "anything"

Target = Annotated[str, Meta(description="`anything`, or the address of a contract.")]
Scope = Annotated[str, Meta(max_length=64, description="A name such as `orders:read`.")]


class RuleDocument(Asked, frozen=True, kw_only=True):
    """One function of one contract, or, without ``selector`` and ``function``, a payment."""

    target: Address
    selector: Hex | None = None
    function: str | None = None
    payable: bool = False
    where: Annotated[list[ConstraintDocument], Meta(max_length=5)] = field(default_factory=list)


class WideRuleDocument(Asked, frozen=True, kw_only=True):
    """
    Any function of one contract, or any call at all, apart from functions that move value.

    Args:
        target: ``anything``, or the one contract.
    """

    target: Target
    payable: bool = False


class RateDocument(Asked, frozen=True, kw_only=True):
    """At most ``calls`` calls in each span of ``window_s`` seconds; counted by the server alone."""

    calls: Integer
    window_s: Integer


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
        wide_rules: What no rule names, within bounds.
        messages, typed_data: What may be signed as the account, by a server that holds its key.
        scopes: Names of powers outside the chain.
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
    wide_rules: Annotated[list[WideRuleDocument], Meta(max_length=MAX_WIDE_RULES)] = field(
        default_factory=list
    )
    rate: RateDocument | None = None
    messages: Annotated[list[MessageDocument], Meta(max_length=MAX_TEMPLATES)] = field(
        default_factory=list
    )
    typed_data: Annotated[list[TypedDataDocument], Meta(max_length=MAX_TEMPLATES)] = field(
        default_factory=list
    )
    scopes: Annotated[list[Scope], Meta(max_length=MAX_SCOPES)] = field(default_factory=list)


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
    fees, rate = document.fee_budget_wei, document.rate
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
        wide_rules=_wide_rules(document.wide_rules),
        rate=None if rate is None else Rate(calls=rate.calls, window_s=rate.window_s),
        messages=tuple(sorted(map(read_message, document.messages), key=lambda one: one.text)),
        typed_data=_typed_data(document.typed_data),
        scopes=tuple(sorted(document.scopes)),
    )


def _wide_rules(listed: list[WideRuleDocument]) -> tuple[WideRule, ...]:
    rules = [
        WideRule(_target(f"wide_rules[{index}].target", one.target), payable=one.payable)
        for index, one in enumerate(listed)
    ]
    return tuple(sorted(rules, key=lambda one: one.key))


def _target(where: str, text: str) -> bytes | Anything:
    return ANYTHING if text == _ANYTHING else read_address(text, where, code=_BAD)


def _typed_data(listed: list[TypedDataDocument]) -> tuple[TypedDataTemplate, ...]:
    templates = [read_typed_data(f"typed_data[{i}]", one) for i, one in enumerate(listed)]
    return tuple(sorted(templates, key=lambda one: one.subject))


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
        where=tuple(
            read_constraint(f"{where}.where[{i}]", one) for i, one in enumerate(rule.where)
        ),
    )


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
    rate = permission.rate
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
        wide_rules=[_write_wide_rule(wide) for wide in permission.wide_rules],
        rate=None if rate is None else RateDocument(calls=rate.calls, window_s=rate.window_s),
        messages=[write_message(message) for message in permission.messages],
        typed_data=[write_typed_data(typed) for typed in permission.typed_data],
        scopes=list(permission.scopes),
    )


def _write_wide_rule(wide: WideRule) -> WideRuleDocument:
    target = _ANYTHING if isinstance(wide.target, Anything) else hexed(wide.target)
    return WideRuleDocument(target=target, payable=wide.payable)


def _write_rule(rule: Rule) -> RuleDocument:
    return RuleDocument(
        target=hexed(rule.target),
        selector=None if rule.selector is None else hexed(rule.selector),
        function=rule.function,
        payable=rule.payable,
        where=[write_constraint(one) for one in rule.where],
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
