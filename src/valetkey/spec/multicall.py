"""Many acts on one account in one transaction, all or none."""

from collections.abc import Sequence

from eth_abi.abi import encode

from valetkey.spec.keccak import keccak256

__all__ = ["multicall_calldata"]


def multicall_calldata(acts: Sequence[bytes]) -> bytes:
    """Return the calldata that does *acts*, each calldata for the same account, in order."""
    return keccak256(b"multicall(bytes[])")[:4] + encode(["bytes[]"], [list(acts)])
