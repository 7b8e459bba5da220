"""Entities as a store keeps them: one JSON text each, and the values that they are found by."""

from __future__ import annotations

import re
import sys
from dataclasses import is_dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final, cast, get_args, get_type_hints

import msgspec

from valetkey.core import (
    activity,
    budget,
    chain,
    custody,
    grant,
    one_time_code,
    principal,
    session,
    share_pair,
    sponsor_limit,
    sponsoring,
    sponsorship,
    surface,
    wallet,
    webhook,
)
from valetkey.core.errors import Code, Conflict, Unavailable, ValetkeyError
from valetkey.core.permission import decide, model
from valetkey.ports import INDEXES, MAX_FOUND

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from valetkey.ports import E, Entity, Value

Kind = type[object]  # one of those that `INDEXES` names

INT64_MIN: Final = -(2**63)
INT64_MAX: Final = 2**63 - 1

_MODULES: Final = (
    *(
        activity,
        budget,
        chain,
        custody,
        decide,
        grant,
        model,
        principal,
        session,
        sponsorship,
        surface,
    ),
    *(one_time_code, share_pair, sponsor_limit, sponsoring, wallet, webhook),
)
_NAMES: Final = {name: value for module in _MODULES for name, value in vars(module).items()}


def _resolve_annotations(kind: object, seen: set[object]) -> None:
    """
    Put the classes themselves into the annotations of *kind* and of all that it holds.

    The core imports many of its names for type checkers only; msgspec reads annotations when it
    builds a decoder, and would not find them.
    """
    for part in get_args(kind):
        _resolve_annotations(part, seen)
    if isinstance(kind, type) and is_dataclass(kind) and kind not in seen:
        seen.add(kind)
        own = vars(sys.modules[kind.__module__])
        hints = get_type_hints(kind, localns={**_NAMES, **own})
        kind.__annotations__.update(hints)
        for hint in hints.values():
            _resolve_annotations(hint, seen)


def _make_decoders() -> dict[Kind, msgspec.json.Decoder[object]]:
    seen: set[object] = set()
    for kind in INDEXES:
        _resolve_annotations(kind, seen)
    return {kind: msgspec.json.Decoder(kind) for kind in INDEXES}


def _make_reader(names: tuple[str, ...]) -> Callable[[Entity], tuple[Value, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    name = names[0]
    return lambda entity: (getattr(entity, name),)


# The id first, then what an entity can be found by, in the order of the tables' columns.
COLUMNS: Final[dict[Kind, tuple[str, ...]]] = {
    kind: ("id", *index.by, *index.unique) for kind, index in INDEXES.items()
}
TABLES: Final[dict[Kind, str]] = {
    kind: re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower() for kind in INDEXES
}
_INDEXED: Final[dict[Kind, frozenset[str]]] = {
    kind: frozenset(names[1:]) for kind, names in COLUMNS.items()
}
_READERS: Final = {kind: _make_reader(names) for kind, names in COLUMNS.items()}
_DECODERS: Final = _make_decoders()
_encode: Final = msgspec.json.Encoder().encode


def encode(entity: Entity) -> str:
    """Return *entity* as compact JSON: bytes in base64, integers of any size as they are."""
    return _encode(entity).decode()


def decode(kind: type[E], text: str) -> E:
    """
    Return the entity that `encode` wrote.

    Raises:
        Unavailable: *text* was changed, or cut, or never was one.
    """
    try:
        return cast("E", _DECODERS[kind].decode(text))
    except (msgspec.MsgspecError, UnicodeError, ValetkeyError) as error:
        raise Unavailable(
            Code.STORE_UNAVAILABLE, f"a {TABLES[kind]} in the store is damaged: {error}"
        ) from error


def columns_of(entity: Entity) -> tuple[Value, ...]:
    """
    Return the values of *entity* in the order of `COLUMNS`.

    Raises:
        ValueError: An integer to be found by does not fit 64 bits.
    """
    values = _READERS[type(entity)](entity)
    for value in values:
        if isinstance(value, int) and not INT64_MIN <= value <= INT64_MAX:
            raise ValueError(f"a {TABLES[type(entity)]} cannot be indexed by {value}: over 64 bits")
    return values


def check_find(kind: Kind, where: Mapping[str, Value], limit: int) -> None:
    """
    Leave only what `View.find` may be asked.

    Raises:
        ValueError: An attribute is not indexed, or *limit* is out of range.
    """
    if not _INDEXED[kind].issuperset(where):
        unknown = ", ".join(sorted(where.keys() - _INDEXED[kind]))
        raise ValueError(f"a {TABLES[kind]} cannot be found by {unknown}")
    if not 1 <= limit <= MAX_FOUND:
        raise ValueError(f"expected a limit of 1 to {MAX_FOUND}, got {limit}")


def taken(kind: Kind, attribute: str) -> Conflict:
    """Return the error for an id or a unique value that another entity has."""
    detail = f"there is already a {TABLES[kind]} with this {attribute}"
    return Conflict(Code.CONFLICT, detail, kind=TABLES[kind], attribute=attribute)
