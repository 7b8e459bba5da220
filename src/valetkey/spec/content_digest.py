"""RFC 9530, digest fields: ``Content-Digest``."""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Final

from valetkey.spec.structured_fields import (
    StructuredFieldError,
    read_bytes,
    read_dictionary,
    write_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ContentDigestError", "check_content_digest", "content_digest"]


class ContentDigestError(ValueError):
    """A ``Content-Digest`` that cannot be checked."""


def _sha_256(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()


def _sha_512(body: bytes) -> bytes:
    return hashlib.sha512(body).digest()


_ALGORITHMS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "sha-256": _sha_256,
    "sha-512": _sha_512,
}


def content_digest(body: bytes, *, algorithm: str = "sha-256") -> str:
    """
    Return the ``Content-Digest`` of *body*.

    Raises:
        ContentDigestError: *algorithm* is neither ``sha-256`` nor ``sha-512``.
    """
    make = _ALGORITHMS.get(algorithm)
    if make is None:
        raise ContentDigestError(f"expected sha-256 or sha-512, got {algorithm[:40]!r}")
    return f"{algorithm}={write_bytes(make(body))}"


def check_content_digest(header: str, body: bytes) -> bool:
    """
    Say whether every sha-256 and sha-512 in *header* is that of *body*.

    Digests by another algorithm prove nothing here and are passed over.

    Raises:
        ContentDigestError: *header* is malformed, or has neither of the two.

    Spec:
        RFC 9530 section 2; sections 5 and 6.6 on algorithms that are not to be relied on.
    """
    try:
        digests = {name: read_bytes(text) for name, text in read_dictionary(header).items()}
    except StructuredFieldError as error:
        raise ContentDigestError(f"content-digest: {error}") from None
    known = [name for name in digests if name in _ALGORITHMS]
    if not known:
        raise ContentDigestError("content-digest: expected sha-256 or sha-512, got neither")
    same = [hmac.compare_digest(digests[name], _ALGORITHMS[name](body)) for name in known]
    return all(same)
