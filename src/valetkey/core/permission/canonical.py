"""The canonical document of a permission, and its id."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from valetkey.core.permission.model import Anything
from valetkey.spec.jcs import canonical_json

if TYPE_CHECKING:
    from valetkey.core.permission.model import (
        Cap,
        Constraint,
        Permission,
        Rule,
        TypedDataTemplate,
        WideRule,
    )

DOCUMENT_VERSION = 1


def permission_id(permission: Permission) -> str:
    """
    Return ``0x`` and the SHA-256 of the canonical form: equal documents, equal ids.

    Spec:
        RFC 8785 over `document`.
    """
    return "0x" + hashlib.sha256(canonical_json(document(permission))).hexdigest()


def document(permission: Permission) -> dict[str, object]:
    """Return *permission* as JSON values: amounts as decimal strings, bytes as lower-case hex."""
    recipients: object = "anything"
    if not isinstance(permission.recipients, Anything):
        recipients = [_hex(recipient) for recipient in permission.recipients]
    fee_budget, rate = permission.fee_budget_wei, permission.rate
    return {
        "version": DOCUMENT_VERSION,
        "chain": permission.chain,
        "starts_at": permission.starts_at,
        "expires_at": permission.expires_at,
        "max_calls": permission.max_calls,
        "relayer": None if permission.relayer is None else _hex(permission.relayer),
        "recipients": recipients,
        "rules": [_rule(rule) for rule in permission.rules],
        "caps": [_cap(cap) for cap in permission.caps],
        "fee_budget_wei": None if fee_budget is None else str(fee_budget),
        "wide_rules": [_wide_rule(wide) for wide in permission.wide_rules],
        "rate": None if rate is None else {"calls": rate.calls, "window_s": rate.window_s},
        "messages": [{"text": list(message.text)} for message in permission.messages],
        "typed_data": [_typed_data(typed) for typed in permission.typed_data],
        "scopes": list(permission.scopes),
    }


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "target": _hex(rule.target),
        "selector": None if rule.selector is None else _hex(rule.selector),
        "function": rule.function,
        "payable": rule.payable,
        "where": [_constraint(constraint) for constraint in rule.where],
    }


def _wide_rule(wide: WideRule) -> dict[str, object]:
    target = "anything" if isinstance(wide.target, Anything) else _hex(wide.target)
    return {"target": target, "payable": wide.payable}


def _typed_data(typed: TypedDataTemplate) -> dict[str, object]:
    return {
        "name": typed.name,
        "version": typed.version,
        "verifying_contract": _hex(typed.verifying_contract),
        "type": typed.type,
        "where": [
            {
                "field": list(constraint.field),
                "operator": constraint.operator.value,
                "values": _words(constraint.values),
            }
            for constraint in typed.where
        ],
    }


def _constraint(constraint: Constraint) -> dict[str, object]:
    return {
        "argument": constraint.argument,
        "operator": constraint.operator.value,
        "values": _words(constraint.values),
    }


def _words(values: tuple[int, ...]) -> list[str]:
    return [f"0x{value:064x}" for value in values]


def _cap(cap: Cap) -> dict[str, object]:
    window = cap.window
    return {
        "asset": "native" if cap.asset is None else _hex(cap.asset),
        "decimals": cap.decimals,
        "per_call": None if cap.per_call is None else str(cap.per_call),
        "lifetime": None if cap.lifetime is None else str(cap.lifetime),
        "window": None
        if window is None
        else {"limit": str(window.limit), "window_s": window.window_s},
    }


def _hex(value: bytes) -> str:
    return "0x" + value.hex()
