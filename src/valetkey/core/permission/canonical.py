"""The canonical document of a permission, and its id."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from valetkey.core.permission.model import Anything
from valetkey.spec.jcs import canonical_json

if TYPE_CHECKING:
    from valetkey.core.permission.model import Cap, Constraint, Permission, Rule

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
    fee_budget = permission.fee_budget_wei
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
    }


def _rule(rule: Rule) -> dict[str, object]:
    return {
        "target": _hex(rule.target),
        "selector": None if rule.selector is None else _hex(rule.selector),
        "function": rule.function,
        "payable": rule.payable,
        "where": [_constraint(constraint) for constraint in rule.where],
    }


def _constraint(constraint: Constraint) -> dict[str, object]:
    return {
        "argument": constraint.argument,
        "operator": constraint.operator.value,
        "values": [f"0x{value:064x}" for value in constraint.values],
    }


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
