"""What a chain is asked to find out whether it checks P-256 signatures."""

from __future__ import annotations

import hashlib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from valetkey.spec.eip7951 import PRECOMPILE, SAMPLE

CONTRACT = Path(__file__).parents[2] / "contracts" / "evm" / "P256.sol"


def test_the_question_is_a_valid_signature() -> None:
    """RFC 6979, A.2.5, checked by another implementation: only yes is right."""
    words = [int.from_bytes(SAMPLE[at : at + 32]) for at in range(0, len(SAMPLE), 32)]
    _, r, s, x, y = words
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    key.verify(encode_dss_signature(r, s), b"sample", ec.ECDSA(SHA256()))
    assert SAMPLE[:32] == hashlib.sha256(b"sample").digest()


def test_the_contract_asks_the_same() -> None:
    """Whom the server says yes to, the account takes."""
    source = CONTRACT.read_text()
    for at in range(32, len(SAMPLE), 32):
        assert f"0x{SAMPLE[at : at + 32].hex()}" in source
    assert f"staticcall(gas(), {int.from_bytes(PRECOMPILE):#x}, " in source
