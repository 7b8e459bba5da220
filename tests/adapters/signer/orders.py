"""Orders as a server gives them, to signers of both kinds under one key-encryption key."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from valetkey.adapters.signer.local import LocalSigner
from valetkey.adapters.surroundings import SystemClock, SystemEntropy
from valetkey.adapters.vault.key_encryption_key import make_key_file
from valetkey.adapters.vault.key_ring import FileRing
from valetkey.adapters.vault.sealed import SealedVault
from valetkey.config import Config
from valetkey.core.custody import Approval, Order, Purpose, SigningPlan, plan_digest
from valetkey.core.wallet import Curve, PublicKey, SealedKey
from valetkey.wiring.signing import open_signer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from valetkey.core.secret_bytes import SecretBytes
    from valetkey.ports import Signer

ORGANIZATION = "org_1"
WALLET = "wal_1"
KINDS = ("local", "process")


@dataclass(slots=True)
class Bench:
    """A signer, and the server's half: what approves."""

    signer: Signer
    vault: SealedVault
    approver: SealedKey

    async def order(
        self,
        purpose: Purpose,
        *,
        curve: Curve = Curve.SECP256K1,
        message: bytes = b"",
        plan: dict[str, Any] | None = None,
        approval: dict[str, Any] | None = None,
        **more: Any,  # noqa: ANN401 - fields of an order
    ) -> Order:
        """Return an approved order; *plan* and *approval* change fields of those."""
        await self.signer.check()
        clock = SystemClock()
        planned = SigningPlan(WALLET, 1, purpose, "digest", plan_digest(message))
        given = Approval(
            id=SystemEntropy().take(16).hex(),
            activity_id="act_1",
            organization_id=ORGANIZATION,
            plan=replace(planned, **(plan or {})),
            issued_at_ms=clock.now_ms(),
            expires_at=clock.now() + 30,
        )
        given = replace(given, **(approval or {}))
        signature = await self.vault.sign(self.approver, given.message)
        return Order(
            approval=given, approval_signature=signature, curve=curve, message=message, **more
        )

    async def make(self, curve: Curve = Curve.SECP256K1) -> Made:
        """Return a new key."""
        order = await self.order(Purpose.CREATE, curve=curve, plan={"generation": 0, "makes": 1})
        made = await self.signer.carry_out(order)
        assert made.public_key is not None
        assert made.share is not None
        return Made(made.public_key, made.sealed, made.share)

    async def sign(self, made: Made, message: bytes, **more: Any) -> bytes:  # noqa: ANN401
        """Return a signature by that key."""
        given = made.order_facts | more
        order = await self.order(Purpose.SIGN, message=message, **given)
        return (await self.signer.carry_out(order)).signature


@dataclass(frozen=True, slots=True)
class Made:
    """A key: the server's share sealed, the client's open."""

    public_key: PublicKey
    sealed: bytes
    share: SecretBytes

    @property
    def order_facts(self) -> dict[str, Any]:
        """What an order about it says."""
        return {
            "curve": self.public_key.curve,
            "public_key": self.public_key,
            "sealed": self.sealed,
            "share": self.share,
        }


@asynccontextmanager
async def bench(kind: str, folder: Path, environment: dict[str, str]) -> AsyncIterator[Bench]:
    """Give a signer of that *kind*."""
    entropy, path = SystemEntropy(), folder / "kek"
    make_key_file(path, entropy)
    vault = SealedVault(FileRing(path), entropy)
    approver = await vault.create(
        Curve.ED25519, key_id="approver", organization_id="server", wallet_id="approver"
    )
    signer: Signer
    if kind == "local":
        signer = LocalSigner(vault, approver.public_key, clock=SystemClock(), entropy=entropy)
    else:
        config = Config(chains={}, key_file="kek")
        signer = open_signer(folder, config, environment, approver.public_key)
    try:
        await signer.check()
        yield Bench(signer, vault, approver)
    finally:
        await signer.close()
