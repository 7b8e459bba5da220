"""What makes templates and scopes well formed: all that a server alone can keep."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from valetkey.core.permission.form import (
    check_count,
    check_sorted,
    check_target,
    check_values,
    refuse,
    shown,
)
from valetkey.core.permission.model import (
    FieldConstraint,
    MessageTemplate,
    Operator,
    TypedDataTemplate,
)
from valetkey.core.scope import OWN_PREFIX, SessionScope
from valetkey.spec.eip712 import Field, TypedDataError, is_atomic, parse_type

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from valetkey.core.permission.model import Permission

MAX_TEMPLATES: Final = 16  # of each kind
MAX_PIECES: Final = 17
MAX_TEMPLATE_CHARS: Final = 4096
MAX_DOMAIN_CHARS: Final = 128
MAX_TYPE_CHARS: Final = 2048
MAX_FIELD_CONSTRAINTS: Final = 16
MAX_FIELD_DEPTH: Final = 8
MAX_SCOPES: Final = 32
SCOPE: Final = re.compile(r"[a-z0-9][a-z0-9:._/-]{0,63}")

_OWN_DOMAIN: Final = "valetkey"
_OWN_SCOPES: Final = frozenset(scope.value for scope in SessionScope)


def check_signing(permission: Permission, never: Collection[bytes]) -> None:
    """
    Refuse templates and scopes that are not well formed (`Malformed`).

    1. texts; 2. typed data, never of a domain of ours; 3. scopes. Each list ascends.
    """
    check_count("messages", permission.messages, MAX_TEMPLATES)  # 1
    for index, message in enumerate(permission.messages):
        _check_message(f"messages[{index}].text", message)
    check_sorted("messages", [message.text for message in permission.messages])
    check_count("typed_data", permission.typed_data, MAX_TEMPLATES)  # 2
    for index, typed in enumerate(permission.typed_data):
        _check_typed_data(f"typed_data[{index}]", typed, never)
    check_sorted("typed_data", [typed.subject for typed in permission.typed_data])
    check_count("scopes", permission.scopes, MAX_SCOPES)  # 3
    for index, scope in enumerate(permission.scopes):
        if not SCOPE.fullmatch(scope):
            expected = f"{SCOPE.pattern} such as orders:read"
            raise refuse(f"scopes[{index}]", expected, shown(scope))
        if scope.startswith(OWN_PREFIX) and scope not in _OWN_SCOPES:
            raise refuse(f"scopes[{index}]", f"one of {', '.join(SessionScope)}", shown(scope))
    check_sorted("scopes", permission.scopes)


def is_own_domain(name: object) -> bool:
    """Say whether somebody could take *name* for that of our own signed structures."""
    return isinstance(name, str) and name.strip().casefold() == _OWN_DOMAIN


def _check_message(where: str, message: MessageTemplate) -> None:
    pieces = message.text
    if not 1 <= len(pieces) <= MAX_PIECES:
        raise refuse(where, f"1 to {MAX_PIECES} pieces", len(pieces))
    if sum(map(len, pieces)) > MAX_TEMPLATE_CHARS:
        raise refuse(where, f"at most {MAX_TEMPLATE_CHARS} characters", sum(map(len, pieces)))
    for piece in pieces:
        if not piece.replace("\n", "").isprintable():
            raise refuse(where, "printable characters and new lines", shown(piece))
    if not all(pieces[1:-1]):
        raise refuse(where, "something between two holes", "nothing")


def _check_typed_data(where: str, typed: TypedDataTemplate, never: Collection[bytes]) -> None:
    check_target(f"{where}.verifying_contract", typed.verifying_contract, never)
    for name, text in (("name", typed.name), ("version", typed.version)):
        if text is not None and (len(text) > MAX_DOMAIN_CHARS or not text.isprintable()):
            expected = f"at most {MAX_DOMAIN_CHARS} printable characters, or none"
            raise refuse(f"{where}.{name}", expected, shown(text))
    if is_own_domain(typed.name):
        raise refuse(f"{where}.name", "a domain that is not ours", shown(typed.name or ""))
    if len(typed.type) > MAX_TYPE_CHARS:
        raise refuse(f"{where}.type", f"at most {MAX_TYPE_CHARS} characters", len(typed.type))
    try:
        primary, types = parse_type(typed.type)
    except TypedDataError as error:
        raise refuse(f"{where}.type", "encodeType of one structure", error) from None
    check_count(f"{where}.where", typed.where, MAX_FIELD_CONSTRAINTS)
    for index, constraint in enumerate(typed.where):
        _check_field(f"{where}.where[{index}]", constraint, primary, types)
    check_sorted(f"{where}.where", [constraint.key for constraint in typed.where])


def _check_field(
    where: str, constraint: FieldConstraint, primary: str, types: Mapping[str, Sequence[Field]]
) -> None:
    if not 1 <= len(constraint.field) <= MAX_FIELD_DEPTH:
        raise refuse(f"{where}.field", f"1 to {MAX_FIELD_DEPTH} names", len(constraint.field))
    kind = primary
    for name in constraint.field:
        kinds = {field.name: field.type for field in types.get(kind, ())}
        if name not in kinds:
            raise refuse(f"{where}.field", f"a field of {kind}", shown(name))
        kind = kinds[name]
    if kind in types or not is_atomic(kind):
        raise refuse(f"{where}.field", "a field with a single value", f"one of type {kind}")
    if constraint.operator is Operator.AT_MOST and not kind.startswith("uint"):
        expected = "equals or one of, for only unsigned integers have an order"
        raise refuse(f"{where}.operator", expected, constraint.operator.value)
    check_values(f"{where}.values", constraint.operator, constraint.values)
