"""ERC-1271: asking a contract whether it, or who owns it, has signed a hash."""

from typing import Final

from eth_abi.abi import encode

from valetkey.spec.keccak import keccak256

__all__ = ["VALID", "is_valid", "is_valid_signature_calldata"]

VALID: Final = bytes.fromhex("1626ba7e")
"""What a contract answers when the signature holds, and the selector of the question."""

_WORD: Final = 32


def is_valid_signature_calldata(hash_: bytes, signature: bytes) -> bytes:
    """Return the calldata that asks whether *signature* is one over the 32 bytes *hash_*."""
    selector = keccak256(b"isValidSignature(bytes32,bytes)")[:4]
    return selector + encode(["bytes32", "bytes"], [hash_, signature])


def is_valid(answer: bytes) -> bool:
    """Say whether the *answer* means yes. Nothing but the one word for yes does."""
    return answer == VALID.ljust(_WORD, b"\0")
