"""What a signed request (RFC 9421) must show before its signature is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Unauthenticated
from valetkey.spec.keys import verify
from valetkey.spec.rfc9421 import ALGORITHMS

if TYPE_CHECKING:
    from valetkey.core.wallet import PublicKey

CLOCK_BOUND_S: Final = 60
MIN_NONCE_CHARS: Final = 16
MAX_NONCE_CHARS: Final = 128


@dataclass(frozen=True, slots=True)
class Stamp:
    """
    A signed request, taken apart.

    Args:
        key_id: The session or credential whose key signed.
        algorithm: As stated in the request, or None.
        base: The bytes that were signed.
        has_body: Whether the request has a body; its digest was compared already.
    """

    key_id: str
    algorithm: str | None
    components: frozenset[str]
    created: int | None
    nonce: str | None
    base: bytes
    signature: bytes
    has_body: bool


def check_stamp(stamp: Stamp, *, now: int) -> str:
    """
    Return the nonce of a stamp that covers enough and is fresh.

    1. method, target and, with a body, Content-Digest are covered; 2. ``created`` is within 60 s
    of now, either way; 3. there is a nonce of 16 to 128 characters.

    Raises:
        Unauthenticated: The first of the three that fails.
    """
    target = "@target-uri" in stamp.components or {"@path", "@query"} <= stamp.components
    if not target or "@method" not in stamp.components:  # 1
        detail = "expected a signature over @method and @target-uri (or @path and @query)"
        raise Unauthenticated(Code.PROOF_REFUSED, detail)
    if stamp.has_body and "content-digest" not in stamp.components:
        detail = "expected a signature over content-digest, for the request has a body"
        raise Unauthenticated(Code.PROOF_REFUSED, detail)
    if stamp.created is None or abs(now - stamp.created) > CLOCK_BOUND_S:  # 2
        detail = f"expected created within {CLOCK_BOUND_S} s of {now}, got {stamp.created}"
        raise Unauthenticated(Code.PROOF_TOO_OLD, detail)
    nonce = stamp.nonce
    if nonce is None or not MIN_NONCE_CHARS <= len(nonce) <= MAX_NONCE_CHARS:  # 3
        detail = f"expected a nonce of {MIN_NONCE_CHARS} to {MAX_NONCE_CHARS} characters"
        raise Unauthenticated(Code.PROOF_REFUSED, detail)
    return nonce


def is_stamped_by(stamp: Stamp, key: PublicKey) -> bool:
    """
    Say whether *key* made the signature of *stamp*.

    Spec:
        RFC 9421, section 3.2.
    """
    if stamp.algorithm not in {None, ALGORITHMS[key.curve]}:
        return False
    return verify(key, stamp.base, stamp.signature)
