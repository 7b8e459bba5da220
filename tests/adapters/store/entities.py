"""Entities of every kind, with every field at its edges, drawn from their annotations."""

from __future__ import annotations

from dataclasses import is_dataclass
from enum import Enum
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Union, get_args, get_origin, get_type_hints

from hypothesis import strategies as st

from valetkey.adapters.store import codec
from valetkey.core.permission.model import Call
from valetkey.ports import INDEXES

if TYPE_CHECKING:
    from valetkey.ports import Entity

EDGES: Final = (0, 1, 2**31, 2**53 + 1, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**128, 2**256 - 1)
INTEGERS: Final = st.one_of(st.sampled_from(EDGES), st.integers(0, 2**256 - 1))
TEXTS: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LEAVES: Final[dict[object, st.SearchStrategy[Any]]] = {
    bool: st.booleans(),
    int: INTEGERS,
    str: TEXTS,
    bytes: st.binary(max_size=40),
    type(None): st.none(),
    # It looks at its own fields.
    Call: st.builds(Call, st.binary(min_size=20, max_size=20), INTEGERS, st.binary(max_size=40)),
}


def entities(kind: type[Entity]) -> st.SearchStrategy[Entity]:
    """Draw an entity of *kind*; what it is found by fits a column, its id is not empty."""
    fields = _fields(kind)
    fields["id"] = TEXTS.filter(bool)
    for name in INDEXES[kind].by:
        if get_type_hints(kind).get(name) is int:
            fields[name] = st.integers(codec.INT64_MIN, codec.INT64_MAX)
    return st.builds(kind, **fields)


def _fields(kind: type) -> dict[str, st.SearchStrategy[Any]]:
    return {name: _values(hint) for name, hint in get_type_hints(kind).items()}


def _values(hint: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - an annotation is anything
    if hint in LEAVES:
        return LEAVES[hint]
    parts = get_args(hint)
    if get_origin(hint) in {Union, UnionType}:
        return st.one_of(*map(_values, parts))
    if get_origin(hint) is tuple:
        return st.lists(_values(parts[0]), max_size=3).map(tuple)
    if get_origin(hint) is dict:
        return st.dictionaries(*map(_values, parts), max_size=3)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        return st.builds(hint, **_fields(hint))
    raise TypeError(f"no entity had a field of type {hint} before")
