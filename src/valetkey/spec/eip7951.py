"""The precompiled contract that checks ECDSA over P-256 (EIP-7951, RIP-7212)."""

from typing import Final

__all__ = ["PRECOMPILE", "SAMPLE", "VALID"]

PRECOMPILE: Final = (0x100).to_bytes(20)
SAMPLE: Final = bytes.fromhex(
    "af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf"
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)
"""
A valid question: hash32, r32, s32, x32, y32. The account's contract asks the same one.

Spec:
    RFC 6979, A.2.5: P-256, SHA-256, message "sample".
"""
VALID: Final = (1).to_bytes(32)
"""The one answer that means yes; a chain without the precompile answers nothing."""
