"""
Bodies and queries as Openfort's clients write them: JSON, or a form with brackets in its names.

A form is text alone, so what it means follows from the type that is asked for (`typed`). Forms are
read here and nowhere else, and whatever could be read in two ways is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import inspect

from valetkey.core.errors import Code, Malformed
from valetkey.http.dialects.openfort.typed import OBJECTS, info_of, part_at, parts_of, typed
from valetkey.http.incoming import FORM_TYPE, read_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.http.incoming import Incoming
    from valetkey.http.settings import Limits

MAX_PAIRS: Final = 1024
MAX_INDEX: Final = 100
MAX_DEPTH: Final = 8
_NAME: Final = re.compile(r"[^\[\]]+(?:\[[^\[\]]*\])*+")
_SEGMENT: Final = re.compile(r"[^\[\]]+|\[\]")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,9}")
_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ANY: Final = msgspec.json.Decoder()
_PUSH: Final = "[]"

Tree: TypeAlias = "str | list[Tree] | dict[str, Tree]"


@dataclass(slots=True)
class _Node:
    """What was written under one name: texts at it, texts pushed to it, and what is below it."""

    texts: list[str] = field(default_factory=list)
    pushed: list[str] = field(default_factory=list)
    below: dict[str, _Node] = field(default_factory=dict)


def read_body(incoming: Incoming, kind: type[msgspec.Struct], limits: Limits) -> msgspec.Struct:
    """
    Return the body as *kind*: JSON or a form, as it says; without a body it is empty.

    Raises:
        Malformed: It is neither, or not of that type; the facts have the field.
    """
    if not incoming.body:
        return typed({}, kind, Code.MALFORMED_BODY)
    if FORM_TYPE.fullmatch(incoming.fields.get(b"content-type", b"")):
        tree = _tree(incoming.body, kind, Code.MALFORMED_BODY)
        return typed(tree, kind, Code.MALFORMED_BODY, is_text=True)
    value = read_json(incoming, _ANY, limits, may_be_empty=False)
    return typed(value, kind, Code.MALFORMED_BODY)


def read_query(text: str, kind: type[msgspec.Struct]) -> msgspec.Struct:
    """
    Return the query as *kind*: a list is repeated, in brackets, or one text with commas.

    Raises:
        Malformed: It is not of that type; the facts have the field.
    """
    tree = _tree(text.encode(), kind, Code.MALFORMED_REQUEST)
    for name, value in tree.items():
        if isinstance(value, list) and all(isinstance(one, str) for one in value):
            tree[name] = [one for part in value for one in part.split(",") if one]
    return typed(tree, kind, Code.MALFORMED_REQUEST, is_text=True)


def _tree(body: bytes, kind: type[msgspec.Struct], code: Code) -> dict[str, Any]:
    root = _Node()
    for name, value in _pairs(body, code):
        if not _NAME.fullmatch(name):
            raise _refused(code, name, "expected a name such as a[b][0], got another form")
        segments = _SEGMENT.findall(name)
        if len(segments) > MAX_DEPTH:
            raise _refused(code, name, f"expected at most {MAX_DEPTH} levels, got {len(segments)}")
        node = root
        for at, segment in enumerate(segments):
            if segment != _PUSH:
                node = node.below.setdefault(segment, _Node())
            elif at != len(segments) - 1:
                raise _refused(code, name, "expected an index in brackets, such as [0], got none")
        (node.pushed if segments[-1] == _PUSH else node.texts).append(value)
    whole = info_of(kind)
    return {
        name: _grown(node, name, part_at(whole, name), code) for name, node in root.below.items()
    }


def _pairs(body: bytes, code: Code) -> Iterator[tuple[str, str]]:
    if not body:
        return
    if body.count(b"&") >= MAX_PAIRS:
        detail = f"expected at most {MAX_PAIRS} of name=value, got {body.count(b'&') + 1}"
        raise Malformed(code, f"body: {detail}")
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Malformed(code, "body: expected UTF-8, got other bytes") from None
    for pair in text.split("&"):
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise Malformed(code, f"body: expected name=value, got {pair[:40]!r}")
        yield _decoded(name, name, code), _decoded(value, name, code)


def _decoded(text: str, name: str, code: Code) -> str:
    if _ESCAPE.search(text):
        raise _refused(code, name, "expected two hex digits behind each %, got something else")
    try:
        return unquote_to_bytes(text.replace("+", " ")).decode()
    except UnicodeDecodeError:
        raise _refused(code, name, "expected UTF-8, percent-encoded, got other bytes") from None


def _grown(node: _Node, name: str, kind: inspect.Type, code: Code) -> Tree:
    """Return what *node* means; texts under one name are a list where *kind* is one."""
    if sum(map(bool, (node.texts, node.pushed, node.below))) > 1:
        raise _refused(code, name, "expected a text, a list or an object, got more than one")
    if node.pushed:
        return list(node.pushed)
    if not node.texts:
        return _below(node, name, kind, code)
    if any(isinstance(part, inspect.ListType) for part in parts_of(kind)):
        return list(node.texts)
    if len(node.texts) > 1:
        raise _refused(code, name, f"expected it once, got it {len(node.texts)} times")
    return node.texts[0]


def _below(node: _Node, name: str, kind: inspect.Type, code: Code) -> Tree:
    """Return a list if the names are indices, unless *kind* has names of its own."""
    has_names = any(isinstance(part, OBJECTS) for part in parts_of(kind))
    indices = [] if has_names else [int(key) for key in node.below if _INDEX.fullmatch(key)]
    if not indices:
        return {
            key: _grown(one, f"{name}[{key}]", part_at(kind, key), code)
            for key, one in node.below.items()
        }
    if len(indices) != len(node.below):
        raise _refused(code, name, "expected indices or names in brackets, got both")
    if max(indices) > MAX_INDEX:
        raise _refused(code, name, f"expected indices up to {MAX_INDEX}, got {max(indices)}")
    if sorted(indices) != list(range(len(indices))):
        raise _refused(code, name, "expected indices from 0 on without a gap, got one left out")
    item = part_at(kind, "")
    return [_grown(node.below[str(at)], f"{name}[{at}]", item, code) for at in range(len(indices))]


def _refused(code: Code, name: str, detail: str) -> Malformed:
    where = name[:60]
    return Malformed(code, f"{where}: {detail}", field=where)
