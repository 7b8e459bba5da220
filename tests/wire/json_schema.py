"""JSON Schema as far as our own schema uses it; a keyword that is not here is an error."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

Schema = dict[str, Any]
Check = Callable[[Any, Any, Schema, Schema], bool]

_TYPES: Final[dict[str, Callable[[object], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}
_SAID_ONLY: Final = {"$schema", "$id", "$defs", "title", "description", "default", "then", "else"}


def is_valid(value: object, schema: Schema, root: Schema) -> bool:
    """
    Say whether *value* has *schema*.

    Args:
        root: What ``$ref`` points into.

    Raises:
        KeyError: *schema* uses a keyword that is not known here.
    """
    return all(
        _CHECKS[word](value, limit, schema, root)
        for word, limit in schema.items()
        if word not in _SAID_ONLY
    )


def _ref(value: Any, limit: str, _: Schema, root: Schema) -> bool:  # noqa: ANN401 - any JSON
    found: Any = root
    for name in limit.removeprefix("#/").split("/"):
        found = found[name]
    return is_valid(value, found, root)


def _properties(value: Any, limit: Schema, _: Schema, root: Schema) -> bool:  # noqa: ANN401
    if not isinstance(value, dict):
        return True
    return all(is_valid(value[name], part, root) for name, part in limit.items() if name in value)


def _additional(value: Any, limit: object, schema: Schema, _: Schema) -> bool:  # noqa: ANN401
    assert limit is False
    return not isinstance(value, dict) or value.keys() <= schema["properties"].keys()


def _items(value: Any, limit: Schema, _: Schema, root: Schema) -> bool:  # noqa: ANN401
    return not isinstance(value, list) or all(is_valid(one, limit, root) for one in value)


def _if(value: Any, limit: Schema, schema: Schema, root: Schema) -> bool:  # noqa: ANN401
    branch = schema.get("then" if is_valid(value, limit, root) else "else", {})
    return is_valid(value, branch, root)


def _pattern(value: Any, limit: str, _: Schema, __: Schema) -> bool:  # noqa: ANN401
    assert (limit[0], limit[-1]) == ("^", "$")
    return not isinstance(value, str) or bool(re.fullmatch(limit[1:-1], value))


def _length(kind: type[Any], word: str) -> Check:
    def check(value: Any, limit: int, _: Schema, __: Schema) -> bool:  # noqa: ANN401
        if not isinstance(value, kind):
            return True
        return len(value) >= limit if word == "min" else len(value) <= limit

    return check


def _number(word: str) -> Check:
    def check(value: Any, limit: int, _: Schema, __: Schema) -> bool:  # noqa: ANN401
        if not isinstance(value, int) or isinstance(value, bool):
            return True
        return value >= limit if word == "min" else value <= limit

    return check


_CHECKS: Final[dict[str, Check]] = {
    "$ref": _ref,
    "type": lambda value, limit, _, __: _TYPES[limit](value),
    "enum": lambda value, limit, _, __: any(_is_same(value, one) for one in limit),
    "const": lambda value, limit, _, __: _is_same(value, limit),
    "anyOf": lambda value, limit, _, root: any(is_valid(value, one, root) for one in limit),
    "if": _if,
    "properties": _properties,
    "additionalProperties": _additional,
    "required": lambda value, limit, _, __: not isinstance(value, dict) or {*limit} <= {*value},
    "items": _items,
    "uniqueItems": lambda value, _, __, ___: (
        not isinstance(value, list) or all(one not in value[:at] for at, one in enumerate(value))
    ),
    "minItems": _length(list, "min"),
    "maxItems": _length(list, "max"),
    "minLength": _length(str, "min"),
    "maxLength": _length(str, "max"),
    "minimum": _number("min"),
    "maximum": _number("max"),
    "pattern": _pattern,
}


def _is_same(value: object, other: object) -> bool:
    return type(value) is type(other) and value == other
