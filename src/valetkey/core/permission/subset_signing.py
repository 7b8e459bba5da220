"""A signature or a scope that one permission gives, and another does not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from valetkey.core.permission.decide import holds
from valetkey.core.permission.form import MAX_VALUES
from valetkey.core.permission.model import Operator
from valetkey.core.permission.trace import SignText, SignWords, UseScope, deny_request
from valetkey.core.scope import held
from valetkey.spec.eip712 import parse_type
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.core.permission.model import FieldConstraint, Permission, TypedDataTemplate
    from valetkey.core.permission.trace import Request

_FIXED: Final = re.compile(r"(uint|int|bytes)([0-9]+)")
_WORD_BITS: Final = 256
_ASCII: Final = range(0x21, 0x7F)
_FILLERS: Final = (_ASCII, range(0xA1, 0x800), range(0x800, 0x10000), range(0x10000, 0x110000))
_HEX: Final = frozenset("0123456789abcdefABCDEF")


def requests_beyond(child: Permission, parent: Permission) -> Iterator[tuple[Request, str, str]]:
    """
    Yield what *child* gives and *parent* does not, with the parent's place and in words.

    1. Scopes are names. 2. Of a text, each hole is filled with a character that no template has:
    the parent's can match it only inside their holes, and there as well whatever else may stand in
    its place; so if one of them matches this text, it matches all of the child's. 3. There is one
    template for a kind of typed data, and a field is as free as its constraints and type leave it.
    """
    at = child.starts_at
    for scope in sorted(held(child.scopes)):  # 1
        if scope not in held(parent.scopes):
            yield UseScope(at, scope), "scopes", f"it has the scope {scope}"
    for text in _texts(child, parent):  # 2
        request = SignText(at, text)
        if deny_request(parent, request, account=b"") is not None:
            yield request, "messages", "it may sign a text that no template has"
    others = {template.subject: template for template in parent.typed_data}  # 3
    for template in child.typed_data:
        other = others.get(template.subject)
        words = _words_beyond(template, other)
        if words is None:
            continue
        kind = template.type.partition("(")[0]
        contract = f"0x{template.verifying_contract.hex()}"
        place = "typed_data"
        if other is not None:
            place = f"typed_data[{parent.typed_data.index(other)}]"
        detail = f"it may sign such a {kind} for {contract}"
        yield SignWords(at, template.subject, tuple(sorted(words.items()))), place, detail


def _texts(child: Permission, parent: Permission) -> Iterator[str]:
    """Yield a text for each template of *child* that can be filled at all."""
    taken = {
        character
        for permission in (child, parent)
        for message in permission.messages
        for piece in message.text
        for character in piece
    }
    fillers = [_fresh(characters, taken) for characters in _FILLERS]
    for message in child.messages:
        texts = (filler.join(message.text) for filler in fillers if filler is not None)
        for text in texts:  # a text of 32 bytes is never signed; a longer filler makes it longer
            if deny_request(child, SignText(child.starts_at, text), account=b"") is None:
                yield text
                break


def _fresh(characters: range, taken: set[str]) -> str | None:
    found = (chr(one) for one in characters)
    kept = (one for one in found if one.isprintable() and one not in taken and one not in _HEX)
    return next(kept, None)


def _words_beyond(
    template: TypedDataTemplate, other: TypedDataTemplate | None
) -> dict[tuple[str, ...], int] | None:
    """Return the words of fields that *template* allows and *other* does not; None if none."""
    own, others = _by_field(template), {} if other is None else _by_field(other)
    words: dict[tuple[str, ...], int] = {}
    beyond = other is None
    for field in {**own, **others}:
        kind = _kind_of(template, field)
        allowed = _allowed(kind, own.get(field, []))
        if not allowed:
            return None
        outside = [word for word in allowed if not _hold(others.get(field, []), word)]
        words[field] = outside[0] if outside and not beyond else allowed[0]
        beyond = beyond or bool(outside)
    return words if beyond else None


def _by_field(template: TypedDataTemplate) -> dict[tuple[str, ...], list[FieldConstraint]]:
    found: dict[tuple[str, ...], list[FieldConstraint]] = {}
    for constraint in template.where:
        found.setdefault(constraint.field, []).append(constraint)
    return found


def _kind_of(template: TypedDataTemplate, field: tuple[str, ...]) -> str:
    kind, types = parse_type(template.type)
    for name in field:
        kind = next(one.type for one in types[kind] if one.name == name)
    return kind


def _hold(constraints: Sequence[FieldConstraint], word: int) -> bool:
    return all(holds(one.operator, one.values, word) for one in constraints)


def _allowed(kind: str, constraints: Sequence[FieldConstraint]) -> list[int]:
    """
    Return words that *constraints* leave a field: all, or so many that a list cannot have them all.

    The largest number is among them, so that a lower bound on it is passed by that one.
    """
    lists = [set(one.values) for one in constraints if one.operator is not Operator.AT_MOST]
    if lists:
        words = sorted(set.intersection(*lists))
    else:
        words = [_word(kind, number) for number in range(MAX_VALUES + 1)]
        if _greatest(kind):
            words.insert(0, min([_greatest(kind), *(one.values[0] for one in constraints)]))
    return [word for word in words if _is_word(kind, word) and _hold(constraints, word)]


def _greatest(kind: str) -> int:
    """Return the largest number of a type; 0 if it has no numbers that are never negative."""
    if kind == "bool":
        return 1
    if kind == "address":
        return 2**160 - 1
    found = _FIXED.fullmatch(kind)
    return 2 ** int(found[2]) - 1 if found and found[1] == "uint" else 0


def _word(kind: str, number: int) -> int:
    """Return word *number* of a type, counted from 0; of a small one some are none of its words."""
    found = _FIXED.fullmatch(kind)
    if found and found[1] == "bytes":
        return number << (_WORD_BITS - 8 * int(found[2]))
    if kind in ("string", "bytes"):
        return int.from_bytes(keccak256(str(number).encode()))
    return number


def _is_word(kind: str, word: int) -> bool:
    found = _FIXED.fullmatch(kind)
    if found is None:
        return kind in ("string", "bytes") or word <= _greatest(kind)
    size: int = int(found[2])
    if found[1] == "uint":
        return word < 1 << size
    if found[1] == "int":
        half = 1 << (size - 1)
        return word < half or word >= (1 << _WORD_BITS) - half
    return word % (1 << (_WORD_BITS - 8 * size)) == 0
