"""The world that a flow acts in, and the bounds that the operator set."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from valetkey.core.ids import ID_ENTROPY_BYTES, Prefix, make_id
from valetkey.core.sponsorship import Fund
from valetkey.flows.dpop import Nonces
from valetkey.flows.issuer_keys import Issuers
from valetkey.flows.sight import pick_chain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.config import Bounds
    from valetkey.core.wallet import Clones, SealedKey
    from valetkey.flows.payers import Payers
    from valetkey.ports import (
        Chain,
        Checkpoint,
        Clock,
        Entropy,
        Messenger,
        Outbound,
        Signer,
        Store,
        Vault,
    )


@dataclass(slots=True)
class Forgotten:
    """Up to which second this process has dropped nonces that are too old; None before any."""

    until: int | None = None


@dataclass(frozen=True, slots=True)
class World:
    """
    Everything outside a flow.

    Args:
        chains: By CAIP-2 name.
        outbound: The way to URLs that callers chose.
        messenger: Hands one-time codes on.
        payers: The keys that pay, the same on every chain: the relayer for runs, the stopper for
            stops. The stopper's nonces and money are nobody else's, so that no stop is mined behind
            a run.
        signer: Where the shares of split wallets are joined.
        approver: The key whose word the signer takes for what is planned (Ed25519).
        auditor: The key that signs the heads of the audit logs (Ed25519).
        clones: What makes accounts for users who are to have clones; None if nothing does.
        nonces: What proofs of keys must have, as far as it is known.
        forgotten: How far this process has dropped what was kept to refuse replays.
        issuers: Keys of those who vouch for users, as far as they were looked up.
    """

    store: Store
    vault: Vault
    signer: Signer
    approver: SealedKey
    chains: Mapping[str, Chain]
    outbound: Outbound
    messenger: Messenger
    clock: Clock
    entropy: Entropy
    checkpoint: Checkpoint
    payers: Payers
    auditor: SealedKey
    bounds: Bounds
    clones: Clones | None = None
    nonces: Nonces = field(default_factory=Nonces)
    forgotten: Forgotten = field(default_factory=Forgotten)
    issuers: Issuers = field(default_factory=Issuers)

    @property
    def relayer_address(self) -> bytes:
        """The 20 bytes that new sessions bind, and that runs come from unless bound otherwise."""
        return self.payers.current(Fund.RUNS).address

    @property
    def stopper_address(self) -> bytes:
        """The 20 bytes that stops come from; they need money of their own."""
        return self.payers.current(Fund.STOPS).address

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
