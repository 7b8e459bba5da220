"""Where shares are joined."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.adapters.signer.local import LocalSigner
from valetkey.adapters.surroundings import SystemClock, SystemEntropy

if TYPE_CHECKING:
    from valetkey.core.wallet import PublicKey
    from valetkey.ports import Signer, Vault


def open_signer(vault: Vault, approver: PublicKey) -> Signer:
    """Return the signer that takes the approvals of *approver*."""
    return LocalSigner(vault, approver, clock=SystemClock(), entropy=SystemEntropy())
