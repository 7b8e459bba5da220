"""The permission document as JSON Schema: what the types say, and what the language adds."""

from __future__ import annotations

from typing import Any, Final

from msgspec.json import schema_components

from valetkey.core.permission.check_signing import SCOPE
from valetkey.core.permission.checks import (
    CAIP2,
    FUNCTION,
    MAX_ARGUMENT,
    MAX_DECIMALS,
    MAX_FUNCTION_CHARS,
)
from valetkey.core.permission.form import MIN_WINDOW_S
from valetkey.core.units import UINT32_MAX, UINT40_MAX
from valetkey.wire.permission import PermissionDocument

Schema = dict[str, Any]

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_ADDRESS: Final = "0x[0-9a-fA-F]{40}"
_WINDOW: Final = {"minimum": MIN_WINDOW_S, "maximum": UINT32_MAX}
_UINT128: Final = {"pattern": "^(0|[1-9][0-9]{0,38})$"}
_NOT_EMPTY: Final = {"type": "array", "minItems": 1}

# What `check_permission` asks beyond the types, as far as one place can say it.
_PLACES: Final[dict[str, dict[str, Schema]]] = {
    "PermissionDocument": {
        "chain": {"pattern": f"^{CAIP2.pattern}$"},
        "starts_at": {"maximum": UINT40_MAX - 1},
        "expires_at": {"minimum": 1, "maximum": UINT40_MAX},
        "max_calls": {"minimum": 1, "maximum": UINT32_MAX - 1},
        "fee_budget_wei": _UINT128,
        "scopes": {
            "uniqueItems": True,
            "items": {"type": "string", "pattern": f"^{SCOPE.pattern}$"},
        },
    },
    "RuleDocument": {
        "selector": {"pattern": "^0x[0-9a-fA-F]{8}$"},
        "function": {"maxLength": MAX_FUNCTION_CHARS, "pattern": f"^{FUNCTION.pattern}$"},
    },
    "WideRuleDocument": {"target": {"pattern": f"^(anything|{_ADDRESS})$"}},
    "RateDocument": {"calls": {"minimum": 1, "maximum": UINT32_MAX}, "window_s": _WINDOW},
    "WindowDocument": {"limit": _UINT128, "window_s": _WINDOW},
    "CapDocument": {
        "asset": {"pattern": f"^(native|{_ADDRESS})$"},
        "decimals": {"maximum": MAX_DECIMALS},
        "per_call": _UINT128,
        "lifetime": _UINT128,
    },
    "ConstraintDocument": {"argument": {"maximum": MAX_ARGUMENT}},
}

_ONE_VALUE: Final[Schema] = {
    "if": {"properties": {"operator": {"const": "one of"}}},
    "else": {"properties": {"values": {"minItems": 1, "maxItems": 1}}},
}

# What several places say together.
_TOGETHER: Final[dict[str, Schema]] = {
    "PermissionDocument": {
        "if": {"required": ["wide_rules"], "properties": {"wide_rules": _NOT_EMPTY}},
        "then": {"properties": {"recipients": {"const": "anything"}}},
    },
    "CapDocument": {
        "anyOf": [
            {"required": ["per_call"], "properties": {"per_call": {"type": "string"}}},
            {"required": ["lifetime"], "properties": {"lifetime": {"type": "string"}}},
            {"required": ["window"], "properties": {"window": {"type": "object"}}},
        ]
    },
    "ConstraintDocument": _ONE_VALUE,
    "FieldConstraintDocument": _ONE_VALUE,
}


def permission_schema() -> Schema:
    """
    Return the schema of the permission document: every permission that is well formed has it.

    Not all that has it is well formed: what rules and caps say of each other, and which selector
    a function has, no schema can say.

    Spec:
        JSON Schema, draft 2020-12.
    """
    _, parts = schema_components([PermissionDocument], ref_template="#/$defs/{name}")
    for name, places in _PLACES.items():
        for place, limits in places.items():
            _value_of(parts[name]["properties"][place]).update(limits)
    for name, together in _TOGETHER.items():
        parts[name].update(together)
    whole = parts.pop("PermissionDocument")
    return {
        "$schema": DIALECT,
        "$id": "urn:valetkey:permission:1",
        **whole,
        "$defs": dict(sorted(parts.items())),
    }


def _value_of(place: Schema) -> Schema:
    """Return the part of *place* that is about its value when it is not null."""
    found: Schema = next(
        (one for one in place.get("anyOf", ()) if one.get("type") != "null"), place
    )
    return found
