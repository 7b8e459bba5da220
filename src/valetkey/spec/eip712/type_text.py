"""Types out of the text that ``encodeType`` makes of them."""

import re
from collections.abc import Mapping
from typing import Final

from valetkey.spec.eip712.hashing import encode_type
from valetkey.spec.eip712.values import Field, TypedDataError

__all__ = ["parse_type"]

_STRUCT: Final = re.compile(r"([A-Za-z_$][A-Za-z0-9_$]*)\(([^()]*)\)")
_MEMBER: Final = re.compile(r"([^ ]+) ([^ ]+)")


def parse_type(text: str) -> tuple[str, Mapping[str, tuple[Field, ...]]]:
    """
    Return the struct that *text* is about, and the members of it and of all that it refers to.

    Raises:
        TypedDataError: *text* is not exactly what ``encodeType`` gives for these types.
    """
    found = _STRUCT.findall(text)
    if not found or "".join(f"{name}({members})" for name, members in found) != text:
        raise TypedDataError("expected structs such as Mail(address to,string contents)")
    types = {name: _fields(members) for name, members in found}
    primary: str = found[0][0]
    if encode_type(primary, types) != text:
        raise TypedDataError(f"expected encodeType of {primary} and no other struct")
    return primary, types


def _fields(members: str) -> tuple[Field, ...]:
    fields: list[Field] = []
    for member in members.split(",") if members else ():
        parts = _MEMBER.fullmatch(member)
        if parts is None:
            raise TypedDataError(f"expected a type and a name, got {member[:40]!r}")
        fields.append(Field(name=parts[2], type=parts[1]))
    return tuple(fields)
