"""What can go wrong, as exceptions: the server's own kinds, and the refusal to sign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from valetkey.core.errors import (
    ChainRejected,
    Code,
    Conflict,
    Forbidden,
    Limited,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
    ValetkeyError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "ChainRejected",
    "Code",
    "Conflict",
    "Forbidden",
    "Limited",
    "Malformed",
    "NotFound",
    "RateLimited",
    "RefusedToSign",
    "Unauthenticated",
    "Unavailable",
    "ValetkeyError",
    "known_code",
    "problem",
    "unreachable",
]

_KINDS: Final[dict[int, type[ValetkeyError]]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: ChainRejected,
    429: Limited,
}
_SERVER_FAULT: Final = 500
_DETAILS: Final = ("detail", "error_description")  # RFC 9457, and token endpoints (RFC 6749, 5.2)
_FRAME: Final = frozenset({*_DETAILS, "type", "title", "code", "self", "unknown_code"})


class RefusedToSign(Exception):
    """
    What was to be signed is not what was asked for. Nothing was signed.

    It is no `ValetkeyError`: code that goes on after an ordinary refusal must not go on after
    this one, for it says that the server, or something before it, lies.

    Args:
        what: The first thing that differs, such as ``deadline`` or ``grant.caps[0].limit``.
        expected: What was asked for.
        got: What came.
    """

    def __init__(self, what: str, *, expected: object, got: object) -> None:
        self.what = what
        self.expected = _shown(expected)
        self.got = _shown(got)
        super().__init__(f"{what}: expected {self.expected}, got {self.got}; nothing was signed")


class RateLimited(Limited):
    """
    Too many requests of this caller, or from this address; nothing was done.

    The client has waited and asked again already, where the wait was short.
    """

    @property
    def retry_after_s(self) -> int:
        """How long to wait before asking again."""
        told = self.facts.get("retry_after_s")
        return told if isinstance(told, int) else 1


def _shown(value: object) -> str:
    return f"0x{value.hex()}" if isinstance(value, bytes) else str(value)


def problem(status: int, content: bytes, headers: Mapping[str, str]) -> ValetkeyError:
    """
    Return the exception that an RFC 9457 answer stands for, or one of a token endpoint (RFC 6749).

    Facts of the answer are in ``facts``, ``status`` and ``request_id`` among them. A code that
    this version does not know yet is ``internal``, its text in ``facts["unknown_code"]``.

    Args:
        status: 400 or above.
        headers: Of the answer; any case.
    """
    try:
        body = msgspec.json.decode(content, type=dict[str, Any])
    except msgspec.DecodeError:
        body = {}
    text = body.get("code")
    if not isinstance(text, str):
        # Not from a valetkey server: something on the way answered.
        return _foreign(status, headers)
    facts = {name: value for name, value in body.items() if name not in _FRAME}
    facts = {"request_id": headers.get("x-request-id"), **facts, "status": status}
    code, unknown = known_code(text)
    detail = next((str(body[name]) for name in _DETAILS if name in body), _vendors_detail(body))
    if code is Code.RATE_LIMITED:
        return RateLimited(code, detail, **facts)
    fallback = Unavailable if status >= _SERVER_FAULT else Malformed
    return _KINDS.get(status, fallback)(code, detail, **facts, **unknown)


def _vendors_detail(body: Mapping[str, Any]) -> str:
    """Return what Openfort's form of an error says."""
    error = body.get("error")
    return str(error.get("message", "")) if isinstance(error, dict) else ""


def known_code(text: str) -> tuple[Code, dict[str, object]]:
    """Return the code that *text* is, or ``internal`` and *text* as the fact ``unknown_code``."""
    try:
        return Code(text), {}
    except ValueError:
        return Code.INTERNAL, {"unknown_code": text}


def _foreign(status: int, headers: Mapping[str, str]) -> ValetkeyError:
    kind = headers.get("content-type", "no content type")[:60]
    return unreachable(f"expected an answer of a valetkey server, got {status} with {kind}")


def unreachable(detail: str) -> Unavailable:
    """Return the error for a server that does not answer, or something else that does."""
    return Unavailable(Code.SERVER_UNREACHABLE, detail)
