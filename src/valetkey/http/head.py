"""The head of a request: one that everybody on its way reads as we do, or none is smuggled in."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote

import httptools

Lines = list[tuple[bytes, bytes]]
_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}
_VERSIONS: Final = frozenset({"1.0", "1.1"})
_ABSOLUTE: Final = re.compile(rb"[a-z]+://([^/?]*)", re.IGNORECASE)
_TRANSFER: Final = b"transfer-encoding"


def read_head(
    method: str, target: bytes, version: str, fields: Lines, *, is_offer: bool
) -> dict[str, Any]:
    """
    Return a head as ASGI has it, without addresses, if it can be read in one way.

    What the parser lets pass is held to this: 1. it knows versions that have no heads; 2. a target
    has no fragment; 3. a target that names a host is at the one that ``Host`` names, for some look
    at one and some at the other; 4. a body has one coding, which is ``chunked``, and which HTTP/1.0
    has not; 5. a body behind the offer of another protocol would be lost.

    Args:
        target: As it was sent.
        version: As the parser reads it.
        fields: With names in lower case.
        is_offer: Whether the client offers to go on in another protocol.

    Raises:
        ValueError: The first of these that it is not.

    Spec:
        RFC 9112, sections 2.3, 3.2 and 6.1; RFC 9110, section 7.8.
    """
    if version not in _VERSIONS:  # 1
        raise ValueError(f"expected HTTP/1.0 or HTTP/1.1, got {version}")
    if b"#" in target:  # 2
        raise ValueError("expected a target without fragment, got one")
    named = dict(fields)
    if not target.startswith(b"/"):  # 3
        found = _ABSOLUTE.match(target)
        if found is not None and found[1].lower() != named.get(b"host", found[1]).lower():
            raise ValueError("expected the host that Host names, got a target at another")
    codings = [value for name, value in fields if name == _TRANSFER] if _TRANSFER in named else []
    if codings and (len(codings) > 1 or codings[0].lower() != b"chunked" or version == "1.0"):
        raise ValueError("expected one transfer coding, chunked, of HTTP/1.1, got another")  # 4
    if is_offer and (codings or named.get(b"content-length", b"0").strip(b"0")):  # 5
        raise ValueError("expected no body behind the offer of another protocol, got one")
    parts = httptools.parse_url(target)
    raw = parts.path or b""  # an absolute target may have none
    path = raw.decode("ascii")
    return {
        "type": "http",
        "asgi": _ASGI,
        "http_version": version,
        "method": method,
        "scheme": "http",
        "root_path": "",
        "path": unquote(path) if "%" in path else path,
        "raw_path": raw,
        "query_string": parts.query or b"",
        "headers": fields,
    }
