"""ERC-6492: signatures of accounts that are not deployed yet."""

from typing import Final

from eth_abi.abi import encode

__all__ = ["MAGIC", "wrap_signature"]

MAGIC: Final = bytes.fromhex("6492" * 16)
"""What such a signature ends with."""


def wrap_signature(signature: bytes, *, factory: bytes, deploys: bytes) -> bytes:
    """
    Return *signature* with what makes the account that it is of.

    Args:
        signature: As the account takes it by ERC-1271.
        factory: 20 bytes: who makes the account.
        deploys: The calldata that has it do so.
    """
    return encode(["address", "bytes", "bytes"], [factory, deploys, signature]) + MAGIC
