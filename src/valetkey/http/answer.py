"""What goes back: an answer, an error as one, and the bytes of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from valetkey.core.errors import Code, ValetkeyError
from valetkey.http.problem import CONTENT_TYPE, problem, status_of
from valetkey.http.rates import refused_fields
from valetkey.spec.rfc9449 import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Send = Callable[[dict[str, Any]], Awaitable[None]]
    Receive = Callable[[], Awaitable[dict[str, Any]]]

NO_CONTENT: Final = 204
JSON: Final = b"application/json"
ENCODER: Final = msgspec.json.Encoder()
_DPOP_ERRORS: Final = {
    Code.PROOF_NONCE_NEEDED: "use_dpop_nonce",
    Code.PROOF_TOO_OLD: "invalid_dpop_proof",
    Code.PROOF_REPLAYED: "invalid_dpop_proof",
    Code.PROOF_REFUSED: "invalid_token",
    Code.PROOF_KEY_BOUND: "invalid_token",
}


class Flow(Protocol):
    """A body that is written as it comes to be, until it ends or its reader is gone."""

    async def run(self, send: Send, receive: Receive) -> None:
        """Write it; the head was sent."""

    def close(self) -> None:
        """Let go of it, whether or not it was run."""


@dataclass(slots=True)
class Answer:
    """
    What goes back, and what the log says about it.

    Args:
        why: More of the reason than the caller may know.
        stream: What goes on behind the head, in the place of a body.
    """

    status: int
    body: bytes
    kind: bytes = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    caching: bytes = b"no-store"
    code: str | None = None
    why: str | None = None
    closes: bool = False
    stream: Flow | None = None


def refuse(error: ValetkeyError, request_id: str) -> Answer:
    """Return how *error* is answered (RFC 9457)."""
    status = status_of(error)
    headers: tuple[tuple[bytes, bytes], ...] = ()
    allowed = error.facts.get("allow")
    if error.code is Code.METHOD_NOT_ALLOWED and isinstance(allowed, list):
        headers = ((b"allow", ", ".join(allowed).encode()),)
    elif error.code is Code.RATE_LIMITED:
        headers = refused_fields(error)
    elif status == 401:  # noqa: PLR2004 - the status that asks for a proof
        headers = challenges(error.code)
    return Answer(
        status,
        ENCODER.encode(problem(error, request_id=request_id)),
        CONTENT_TYPE,
        headers,
        code=error.code.value,
        why="; ".join(getattr(error, "__notes__", ())) or None,
        # What comes behind was not read, and is not worth reading.
        closes=error.code in {Code.BODY_TOO_LARGE, Code.HEADERS_TOO_LARGE, Code.URL_TOO_LONG},
    )


def challenges(code: Code) -> tuple[tuple[bytes, bytes], ...]:
    """
    Return the fields that say which proofs are taken, and what was wrong with one by DPoP.

    Spec:
        RFC 6750, section 3; RFC 9449, sections 7.1 and 9.
    """
    names = " ".join(name for names in ALGORITHMS.values() for name in names)
    error = _DPOP_ERRORS.get(code)
    said = f'error="{error}", ' if error else ""
    return (
        (b"www-authenticate", b'Bearer realm="valetkey"'),
        (b"www-authenticate", f'DPoP {said}algs="{names}"'.encode()),
    )


def head_of(answer: Answer, request_id: str, *, length: int | None) -> dict[str, Any]:
    """Return the message that is the head of *answer*; None is a body that ends when it ends."""
    has_body = answer.status != NO_CONTENT
    headers = [
        *(((b"content-type", answer.kind),) if has_body else ()),
        (b"cache-control", answer.caching),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode()),
        *answer.headers,
    ]
    if length is not None and has_body:
        headers.append((b"content-length", b"%d" % length))
    if answer.closes:
        headers.append((b"connection", b"close"))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


async def send_answer(send: Send, answer: Answer, request_id: str, *, is_head: bool) -> None:
    """Send *answer*; only its head if *is_head*."""
    await send(head_of(answer, request_id, length=len(answer.body)))
    await send({"type": "http.response.body", "body": b"" if is_head else answer.body})
