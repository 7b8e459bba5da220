"""Whom no session may call, whatever its permission says."""

from __future__ import annotations

from typing import Final

from valetkey.core.permission.model import ZERO_ADDRESS

ENTRY_POINTS: Final = frozenset(
    bytes.fromhex(address)
    for address in (
        "5ff137d4b0fdcd49dca30c7cf57e578a026d2789",  # ERC-4337 v0.6
        "0000000071727de22e5e9d8baf0edac6f37da032",  # v0.7
        "4337084d9e255ff0702461cf8895ce9e3b5ff108",  # v0.8
        "433709009b8330fda32311df1c2afa402ed8d009",  # v0.9
    )
)

# The account's contract refuses the same, and the account itself (grant-format.md).
NEVER_TARGETS: Final = ENTRY_POINTS | {ZERO_ADDRESS}
