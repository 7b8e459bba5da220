"""Ten keys with money on every local chain. Everybody knows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import address_of_key

_COUNT = 10
DEV_BALANCE_WEI = 10_000 * 10**18


@dataclass(frozen=True, slots=True)
class DevKey:
    """A key of 32 bytes and its address of 20."""

    secret: bytes = field(repr=False)
    address: bytes


@cache
def dev_keys() -> tuple[DevKey, ...]:
    """Return the keys that hold 10,000 ETH each on a new local chain, always the same."""
    secrets = (keccak256(b"valetkey devchain key %d" % index) for index in range(_COUNT))
    return tuple(DevKey(secret, address_of_key(secret)) for secret in secrets)
