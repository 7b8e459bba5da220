"""The world that a flow acts in, and the bounds that the operator set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from valetkey.core.ids import ID_ENTROPY_BYTES, Prefix, make_id
from valetkey.core.sponsorship import Fund
from valetkey.core.wallet import address_of
from valetkey.flows.dpop import Nonces
from valetkey.flows.sight import pick_chain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.config import Bounds
    from valetkey.core.wallet import SealedKey
    from valetkey.ports import Chain, Checkpoint, Clock, Entropy, Outbound, Store, Vault


@dataclass(frozen=True, slots=True)
class World:
    """
    Everything outside a flow.

    Args:
        chains: By CAIP-2 name.
        outbound: The way to URLs that callers chose.
        relayer: The key that pays for runs, the same on every chain.
        stopper: The key that pays for stops: its nonces and its money are nobody else's, so that
            no stop is mined behind a run.
        auditor: The key that signs the heads of the audit logs (Ed25519).
        nonces: What proofs of keys must have, as far as it is known.
    """

    store: Store
    vault: Vault
    chains: Mapping[str, Chain]
    outbound: Outbound
    clock: Clock
    entropy: Entropy
    checkpoint: Checkpoint
    relayer: SealedKey
    stopper: SealedKey
    auditor: SealedKey
    bounds: Bounds
    nonces: Nonces = field(default_factory=Nonces)

    @property
    def relayer_address(self) -> bytes:
        """The 20 bytes that runs of relayer-bound sessions must come from."""
        return address_of(self.relayer.public_key)

    @property
    def stopper_address(self) -> bytes:
        """The 20 bytes that stops come from; they need money of their own."""
        return address_of(self.stopper.public_key)

    def payer(self, fund: Fund) -> SealedKey:
        """Return the key that sends and pays for what is booked to *fund*."""
        return self.stopper if fund is Fund.STOPS else self.relayer

    def new_id(self, prefix: Prefix) -> str:
        """Return an id that nothing has yet."""
        entropy = self.entropy.take(ID_ENTROPY_BYTES)
        return make_id(prefix, entropy, at_ms=self.clock.now_ms())

    def chain(self, name: str) -> Chain:
        """
        Return the chain called *name*.

        Raises:
            Malformed: This server does not speak to it.
        """
        return pick_chain(self.chains, name)
