"""Keccak-256 as Ethereum uses it (the padding of the original submission, not FIPS 202)."""

from sha3 import keccak_256  # type: ignore[import-untyped]  # the binding has no types

__all__ = ["keccak256"]


def keccak256(data: bytes) -> bytes:
    """
    Return the 32-byte Keccak-256 hash of *data*.

    Spec:
        Ethereum yellow paper, appendix A (``KEC``).
    """
    digest: bytes = keccak_256(data).digest()
    return digest
