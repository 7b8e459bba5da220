"""A request as it comes: bounded before it is read, its parts parsed strictly."""

from __future__ import annotations

import asyncio
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from valetkey.core.errors import Code, Malformed
from valetkey.http.placed import say_place

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from valetkey.http.settings import Limits

Fields = dict[bytes, bytes]
MAX_PARAMETERS: Final = 32

# A field that decides something must not be there twice: two readers could see different ones.
_ONCE: Final = frozenset(
    {
        b"authorization",
        b"content-digest",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"dpop",
        b"host",
        b"idempotency-key",
        b"signature",
        b"signature-input",
        b"x-idempotency-key",
    }
)
_JSON_TYPE: Final = re.compile(rb'application/json(?:\s*;\s*charset="?utf-8"?)?', re.IGNORECASE)
FORM_TYPE: Final = re.compile(
    rb'application/x-www-form-urlencoded(?:\s*;\s*charset="?utf-8"?)?', re.IGNORECASE
)
# A text that does not end matches as well: looking for its end again and again would take long.
_TOKEN: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")


class Disconnected(Exception):
    """The client went away before its request was there."""


class Incoming(msgspec.Struct, frozen=True):
    """
    A request. A struct: one is made each time, and a frozen dataclass takes twenty times as long.

    Args:
        path: As sent; percent-encoding untouched.
        query: As sent, without the ``?``.
        fields: Header fields by name in lower case; those that came twice are left out.
    """

    method: str
    scheme: str
    path: str
    query: str
    fields: Fields
    body: bytes


def read_target(scope: dict[str, Any], limits: Limits) -> tuple[str, str]:
    """
    Return path and query as they were sent.

    Raises:
        Malformed: They are too long, or not ASCII.
    """
    path, query = scope.get("raw_path") or scope["path"].encode(), scope["query_string"]
    size = len(path) + len(query)
    if size > limits.url_bytes:
        detail = f"expected a path and query of at most {limits.url_bytes} bytes, got {size}"
        raise Malformed(Code.URL_TOO_LONG, detail)
    if not path.isascii() or not query.isascii():
        raise Malformed(Code.MALFORMED_REQUEST, "expected a URL in ASCII, got other bytes")
    return path.decode(), query.decode()


def read_fields(lines: Iterable[tuple[bytes, bytes]], limits: Limits) -> Fields:
    """
    Return the header fields by name.

    Raises:
        Malformed: They are too many or too long, or one that decides something is there twice.
    """
    fields: Fields = {}
    twice: list[bytes] = []
    count = size = 0
    for name, value in lines:
        count += 1
        size += len(name) + len(value)
        if name in fields:
            if name in _ONCE:
                detail = f"expected the header {name.decode()} once, got it twice"
                raise Malformed(Code.MALFORMED_REQUEST, detail)
            twice.append(name)
        fields[name] = value
    if count > limits.header_count or size > limits.header_bytes:
        bounds = f"{limits.header_count} fields and {limits.header_bytes} bytes"
        detail = f"expected headers of at most {bounds}, got {count} and {size}"
        raise Malformed(Code.HEADERS_TOO_LARGE, detail)
    for name in twice:
        fields.pop(name, None)
    return fields


async def read_body(receive: Callable[[], Awaitable[Any]], fields: Fields, limits: Limits) -> bytes:
    """
    Return the body, empty if there is none.

    Raises:
        Malformed: It is too long, takes too long, or is compressed.
        Disconnected: The client went away.
    """
    length = fields.get(b"content-length")
    if length in {None, b"0"} and b"transfer-encoding" not in fields:
        return b""
    if b"content-encoding" in fields:
        detail = "expected a body without Content-Encoding"
        raise Malformed(Code.UNSUPPORTED_MEDIA_TYPE, detail)
    if length is not None and (not length.isdigit() or int(length[:20]) > limits.body_bytes):
        raise _too_large(limits, length[:20].decode(errors="replace"))
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(limits.body_wait_s):
            while True:
                event = await receive()
                if event["type"] == "http.disconnect":
                    raise Disconnected
                part = event.get("body", b"")
                size += len(part)
                if size > limits.body_bytes:
                    raise _too_large(limits, "more")
                parts.append(part)
                if not event.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError:
        detail = f"expected the whole body within {limits.body_wait_s} s"
        raise Malformed(Code.MALFORMED_BODY, detail) from None


def _too_large(limits: Limits, got: str) -> Malformed:
    detail = f"expected a body of at most {limits.body_bytes} bytes, got {got}"
    return Malformed(Code.BODY_TOO_LARGE, detail)


def read_json(
    incoming: Incoming, decoder: msgspec.json.Decoder[T], limits: Limits, *, may_be_empty: bool
) -> T:
    """
    Return the body as the decoder's type.

    1. it says that it is JSON; 2. it is not too deep; 3. it is JSON of that type; 4. no name stands
    twice in an object, for others might read the other one.

    Args:
        may_be_empty: Whether no body at all means an empty object.

    Raises:
        Malformed: The first of the four that fails.
    """
    body = incoming.body
    if not body and may_be_empty:
        return decoder.decode(b"{}")
    kind = incoming.fields.get(b"content-type", b"")
    if not _JSON_TYPE.fullmatch(kind):  # 1
        got = kind[:40].decode(errors="replace") or "none"
        detail = f"expected a body of content type application/json, got {got}"
        raise Malformed(Code.UNSUPPORTED_MEDIA_TYPE, detail)
    _check_depth(body, limits.json_depth)  # 2
    try:
        value = decoder.decode(body)  # 3
        json.loads(body, object_pairs_hook=_refuse_twice)  # 4
    except msgspec.ValidationError as error:
        raise Malformed(Code.MALFORMED_BODY, say_place(error, "body")) from None
    except (msgspec.DecodeError, ValueError) as error:
        detail = f"body: expected JSON, got something else ({error})"
        raise Malformed(Code.MALFORMED_BODY, detail) from None
    return value


def _check_depth(body: bytes, limit: int) -> None:
    if body.count(b"{") + body.count(b"[") <= limit:
        return
    depth = 0
    for found in _TOKEN.finditer(body):
        first = found[0][0]
        if first in b"[{":
            depth += 1
            if depth > limit:
                detail = f"body: expected at most {limit} levels of objects and lists, got more"
                raise Malformed(Code.MALFORMED_BODY, detail)
        elif first in b"]}":
            depth -= 1


def _refuse_twice(pairs: list[tuple[str, object]]) -> None:
    twice = first_twice(name for name, _ in pairs)
    if twice is not None:
        detail = f"body: expected each name once in an object, got {twice[:40]!r} twice"
        raise Malformed(Code.MALFORMED_BODY, detail)


def first_twice(names: Iterable[str]) -> str | None:
    """Return the first of *names* that was there before, if any; each is looked at once."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return None


@lru_cache(maxsize=128)
def _lists_of(kind: type[msgspec.Struct]) -> frozenset[str]:
    """Return the names that may stand more than once: those of lists."""
    fields = msgspec.structs.fields(kind)
    return frozenset(one.name for one in fields if one.default_factory is list)


def read_query(text: str, kind: type[S]) -> S:
    """
    Return the query parameters as *kind*, a struct that forbids unknown fields. Lists may repeat.

    Raises:
        Malformed: One is unknown, twice, or of another form than it must be.
    """
    return _read_parameters(text, kind, _lists_of(kind), "query")


def read_form(incoming: Incoming, kind: type[S]) -> S:
    """
    Return the fields of the form in the body as *kind*.

    Raises:
        Malformed: It is no form, or a field is twice, missing or of another form than it must be.

    Spec:
        RFC 6749, appendix B, and section 3.2: parameters must not stand twice; unknown ones are
        passed over if *kind* lets them.
    """
    media = incoming.fields.get(b"content-type", b"")
    if not FORM_TYPE.fullmatch(media):
        got = media[:40].decode(errors="replace") or "none"
        detail = f"expected a body of content type application/x-www-form-urlencoded, got {got}"
        raise Malformed(Code.UNSUPPORTED_MEDIA_TYPE, detail)
    text = incoming.body.decode("latin-1")  # whatever is not ASCII stands percent-encoded
    return _read_parameters(text, kind, frozenset(), "body")


def _read_parameters(text: str, kind: type[S], lists: frozenset[str], where: str) -> S:
    bad = Code.MALFORMED_REQUEST if where == "query" else Code.MALFORMED_BODY
    values: dict[str, Any] = {}
    try:
        pairs = (
            parse_qsl(
                text,
                keep_blank_values=True,
                strict_parsing=True,
                errors="strict",
                max_num_fields=MAX_PARAMETERS,
            )
            if text
            else []
        )
    except ValueError:
        detail = f"{where}: expected at most {MAX_PARAMETERS} of name=value, got something else"
        raise Malformed(bad, detail) from None
    for name, value in pairs:
        if name in lists:
            values.setdefault(name, []).append(value)
        elif name in values:
            raise Malformed(bad, f"{where}: expected {name[:40]!r} once, got it twice")
        else:
            values[name] = value
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(bad, say_place(error, where)) from None
