"""What a client wrote, as the type that is asked for: numbers and truth values may be texts."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import inspect

from valetkey.core.errors import Malformed
from valetkey.http.placed import placed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.errors import Code

_DECIMAL: Final = re.compile(r"-?[0-9]{1,78}")
MAX_INTEGER: Final = 2**53 - 1  # what every reader of JSON takes for the same
OBJECTS: Final = (inspect.StructType, inspect.DictType)
ANYTHING: Final = inspect.AnyType()
_TRUTH: Final = {"true": True, "false": False}
_NO_VALUE: Final = "Invalid enum value "
_STEP: Final = re.compile(r"[^.\[\]]+")
_TYPES: Final = re.compile("`([a-z |]+)`")
_NAMES: Final = {
    "int": "a whole number",
    "float": "a number",
    "str": "a text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
}


def typed(
    value: object, kind: type[msgspec.Struct], code: Code, *, is_text: bool = False
) -> msgspec.Struct:
    """
    Return *value* as *kind*.

    A whole number may be a decimal text: clients write large ones so.

    Args:
        is_text: Whether *value* comes from a form: truth values are texts, too, and what may be
            null and is no text is null where it is empty.

    Raises:
        Malformed: It is none; the facts have the field.
    """
    lowered = _lowered(value, info_of(kind), is_text=is_text)
    try:
        return msgspec.convert(lowered, kind)
    except msgspec.ValidationError as error:
        place, said = placed(error)
        missing = re.search(r"missing required field `([^`]+)`", said)
        name = ".".join(one for one in (place, missing[1] if missing else "") if one)
        detail = "expected it, it is missing" if missing else _in_words(said, kind, place)
        facts: dict[str, object] = {"field": name} if name else {}
        raise Malformed(code, f"{name or 'body'}: {detail}", **facts) from None


def _in_words(said: str, kind: type[msgspec.Struct], place: str) -> str:
    """Return what the decoder says, with the values that it wanted and in plain words."""
    wanted = info_of(kind)
    for name in _STEP.findall(place):
        wanted = part_at(wanted, name)
    values = [one for part in parts_of(wanted) for one in _values(part)]
    if values and said.startswith(_NO_VALUE):
        return f"expected one of {', '.join(values)}, got {said.removeprefix(_NO_VALUE)}"
    named = _TYPES.sub(lambda found: _called(found[1]), said)
    return named[:1].lower() + named[1:]


def _values(kind: inspect.Type) -> list[str]:
    if isinstance(kind, inspect.EnumType):
        return [str(one.value) for one in kind.cls]
    return list(map(str, kind.values)) if isinstance(kind, inspect.LiteralType) else []


def _called(types: str) -> str:
    names = [_NAMES.get(one, one) for one in types.split(" | ") if one != "null"]
    return " or ".join(names) or "null"


@lru_cache(maxsize=256)
def info_of(kind: type[msgspec.Struct]) -> inspect.Type:
    """Return what *kind* holds; worked out once, for it takes long."""
    return inspect.type_info(kind)


def _lowered(value: Any, kind: inspect.Type, *, is_text: bool) -> Any:  # noqa: ANN401 - any JSON value
    """Return *value* with its texts read where *kind* wants something else."""
    parts = parts_of(kind)
    if isinstance(value, str):
        return _text(value, parts, is_text=is_text)
    if isinstance(value, dict):
        return {
            name: _lowered(one, part_at(kind, name), is_text=is_text) for name, one in value.items()
        }
    if isinstance(value, list):
        return [_lowered(one, part_at(kind, ""), is_text=is_text) for one in value]
    if type(value) is int and abs(value) > MAX_INTEGER and _may_be_text(parts):
        return str(value)  # so that it can be hashed, and is nowhere taken for a fraction
    return value


def _may_be_text(parts: Sequence[inspect.Type]) -> bool:
    return any(isinstance(part, inspect.StrType | inspect.AnyType) for part in parts)


def parts_of(kind: inspect.Type) -> tuple[inspect.Type, ...]:
    """Return the types of which *kind* may be any."""
    return tuple(kind.types) if isinstance(kind, inspect.UnionType) else (kind,)


def part_at(kind: inspect.Type, name: str) -> inspect.Type:
    """Return the type of what is called *name* in *kind*: anything where that does not say."""
    for part in parts_of(kind):
        if isinstance(part, inspect.StructType):
            found = [one.type for one in part.fields if one.encode_name == name]
            return found[0] if found else ANYTHING
        if isinstance(part, inspect.DictType):
            return part.value_type
        if isinstance(part, inspect.ListType):
            return part.item_type
    return ANYTHING


def _text(text: str, parts: Sequence[inspect.Type], *, is_text: bool) -> str | int | bool | None:
    if any(isinstance(part, inspect.LiteralType) and text in part.values for part in parts):
        return text
    kinds = {type(part) for part in parts}
    if kinds & {inspect.StrType, inspect.AnyType, inspect.EnumType}:
        return text
    if is_text and not text and inspect.NoneType in kinds:
        return None
    if inspect.IntType in kinds and _DECIMAL.fullmatch(text):
        return int(text)
    if is_text and inspect.BoolType in kinds:
        return _TRUTH.get(text, text)
    return text
