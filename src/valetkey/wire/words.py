"""What a permission says, in words and numbers: worked out once for those that are asked often."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from valetkey.core.permission.explain import explain, headline
from valetkey.core.permission.worst_case import worst_case
from valetkey.wire.explain import WorstCase, write_worst_case
from valetkey.wire.permission import PermissionDocument, write_permission

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.permission.model import Permission

KEPT: Final = 1024


class Words(NamedTuple):
    """A permission as it is answered; nobody changes any of it."""

    document: PermissionDocument
    headline: str
    sentences: tuple[str, ...]
    worst: WorstCase


class _Known(NamedTuple):
    permission: Permission
    names: dict[bytes, str]
    words: Words


_KNOWN: Final[OrderedDict[str, _Known]] = OrderedDict()  # by permission id, last asked last


def words_of(permission: Permission, key: str, *, names: Mapping[bytes, str]) -> Words:
    """
    Return *permission* in words and numbers.

    Args:
        key: Its id: where the words are kept. What is kept is of an equal permission, whatever
            the id says.
        names: What the operator calls addresses.
    """
    known = _KNOWN.get(key)
    if known is not None and known.permission == permission and known.names == names:
        _KNOWN.move_to_end(key)
        return known.words
    words = Words(
        write_permission(permission),
        headline(permission, names=names),
        tuple(explain(permission, names=names)),
        write_worst_case(worst_case(permission), names=names),
    )
    _KNOWN[key] = _Known(permission, dict(names), words)
    if len(_KNOWN) > KEPT:
        _KNOWN.popitem(last=False)
    return words
