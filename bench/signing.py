"""What the check of a signed request costs beside the bare verification, in one process."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from valetkey.client.keys import StampKey
from valetkey.client.proofs import Sent, Signed
from valetkey.core.stamp import Stamp, check_stamp, is_stamped_by
from valetkey.http.incoming import Incoming
from valetkey.http.proof import read_proof

if TYPE_CHECKING:
    from collections.abc import Callable

REQUESTS: Final = 300
_PATH: Final = "/v1/session"


@dataclass(frozen=True, slots=True)
class Timed:
    """Microseconds for one."""

    bare_us: float
    whole_us: float


def measure() -> Timed:
    """
    Time both, over the same signed requests.

    The bare one gets the parsed key, the bytes that were signed and the signature in DER. The
    whole one gets the request: it parses the fields, builds those bytes, looks at time and nonce,
    and verifies.
    """
    key = StampKey.generate()
    now = int(time.time())
    incoming = [_incoming(key, now) for _ in range(REQUESTS)]
    stamps = [_stamp(one, now) for one in incoming]
    point = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key.public_key.data)
    algorithm = ec.ECDSA(SHA256())
    signed = [(_der(one.signature), one.base) for one in stamps]

    def bare() -> None:
        for signature, message in signed:
            point.verify(signature, message, algorithm)

    def whole() -> None:
        for one in incoming:
            stamp = _stamp(one, now)
            check_stamp(stamp, now=now)
            if not is_stamped_by(stamp, key.public_key):
                raise ValueError("expected a signature of this key")

    whole()  # parses the key, which is kept
    times = [(_seconds(bare), _seconds(whole)) for _ in range(5)]
    bare_s, whole_s = (min(one) for one in zip(*times, strict=True))
    return Timed(bare_s / REQUESTS * 1e6, whole_s / REQUESTS * 1e6)


def _incoming(key: StampKey, now: int) -> Incoming:
    sent = Sent("GET", f"http://127.0.0.1{_PATH}", b"", is_write=False)
    proof = Signed("ses_0123456789abcdef01234567", key, lambda: now)
    fields = proof.headers(sent, request_id=secrets.token_hex(16))
    raw = {name.encode(): value.encode() for name, value in fields.items()}
    return Incoming("GET", "http", _PATH, "", {b"host": b"127.0.0.1", **raw}, b"")


def _stamp(incoming: Incoming, now: int) -> Stamp:
    stamp = read_proof(incoming, origin=None, now=now)
    if not isinstance(stamp, Stamp):
        raise TypeError("expected a signed request")
    return stamp


def _der(signature: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))


def _seconds(run: Callable[[], None]) -> float:
    since = time.process_time()
    run()
    return time.process_time() - since
