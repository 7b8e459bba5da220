"""Pick the adapters, and put a world together from a configuration."""

from __future__ import annotations

import os
import secrets
import signal
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.adapters.chain.evm import EvmChain
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.adapters.vault.key_encryption_key import (
    KeyEncryptionKey,
    make_key_file,
    read_key_file,
)
from valetkey.adapters.vault.sealed import SealedVault
from valetkey.config import CONFIG_NAME, Config, read_config
from valetkey.core.errors import Code, Conflict, Malformed, Unavailable
from valetkey.core.plan import chain_id_of
from valetkey.core.wallet import Curve, SealedKey
from valetkey.flows.world import World

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from valetkey.ports import Chain, Store, Vault

SERVER: Final = "server"  # the organization of the server's own keys
RELAYER_KEY: Final = "server/relayer"
AUDIT_KEY: Final = "server/audit"


class SystemClock:
    """The machine's clock."""

    def now(self) -> int:
        """Return Unix seconds."""
        return int(time.time())

    def now_ms(self) -> int:
        """Return Unix milliseconds."""
        return time.time_ns() // 1_000_000


class SystemEntropy:
    """The operating system's randomness."""

    def take(self, count: int) -> bytes:
        """Return *count* bytes that nobody can predict."""
        return secrets.token_bytes(count)


class NoCheckpoint:
    """Lets every flow pass."""

    def reached(self, name: str) -> None:
        """Do nothing."""


class CrashPoint:
    """
    Kills this process where a crash test says so: at the n-th time that a flow passes a name.

    Args:
        text: ``name:n``, such as ``relay:before_send:3``.
    """

    def __init__(self, text: str) -> None:
        self._name, _, count = text.rpartition(":")
        if not self._name or not count.isdigit():
            detail = f"VALETKEY_CRASH_AT: expected name:count, got {text[:80]!r}"
            raise Malformed(Code.MALFORMED_CONFIG, detail)
        self._left = int(count)

    def reached(self, name: str) -> None:
        """Count, and end the process without any farewell when the count is full."""
        if name == self._name:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Wired:
    """A world, and the configuration that it was made from."""

    config: Config
    folder: Path
    world: World


async def init(folder: Path, config_text: str, environment: Mapping[str, str]) -> Config:
    """
    Make a server in *folder*: configuration, key-encryption key, store, relayer and audit keys.

    Raises:
        Conflict: There is one already; nothing is changed.
        Malformed: *config_text* is no configuration.
    """
    config = _write_files(folder, config_text, environment)
    store, vault = _store(folder, config), _vault(folder, config, environment)
    await store.open()
    try:
        for key_id, curve in ((RELAYER_KEY, Curve.SECP256K1), (AUDIT_KEY, Curve.ED25519)):
            key = await vault.create(curve, key_id=key_id, organization_id=SERVER, wallet_id=key_id)
            await store.write(lambda tx, key=key: tx.add(key))  # type: ignore[misc]
    finally:
        await store.close()
    return config


def _write_files(folder: Path, config_text: str, environment: Mapping[str, str]) -> Config:
    path = folder / CONFIG_NAME
    if path.exists():
        raise Conflict(Code.CONFLICT, f"expected no server in {folder}, got {path}")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_text(config_text)
    try:
        config = read_config(folder, environment)
    except Malformed:
        path.unlink()
        raise
    if not config.key_variable:
        make_key_file(folder / config.key_file, SystemEntropy())
    return config


@asynccontextmanager
async def wire(folder: Path, environment: Mapping[str, str]) -> AsyncIterator[Wired]:
    """
    Give the world that the configuration in *folder* describes, and close it afterwards.

    Raises:
        Malformed, Unavailable: What is missing or wrong, and where.
    """
    config = read_config(folder, environment)
    crash_at = environment.get("VALETKEY_CRASH_AT")
    checkpoint = CrashPoint(crash_at) if crash_at else NoCheckpoint()
    async with AsyncExitStack() as stack:
        store = _store(folder, config, checkpoint)
        await store.open()
        stack.push_async_callback(store.close)
        chains: dict[str, Chain] = {}
        for name, one in config.chains.items():
            chain = EvmChain(
                one.rpc_url,
                chain_id=chain_id_of(name),
                implementation=bytes.fromhex(one.implementation[2:]),
                allow_private=one.allow_private,
            )
            stack.push_async_callback(chain.close)
            chains[name] = chain
        world = World(
            store=store,
            vault=_vault(folder, config, environment),
            chains=chains,
            clock=SystemClock(),
            entropy=SystemEntropy(),
            checkpoint=checkpoint,
            relayer=await _own_key(store, RELAYER_KEY),
            auditor=await _own_key(store, AUDIT_KEY),
            bounds=config.bounds,
        )
        yield Wired(config, folder, world)


def _store(
    folder: Path, config: Config, checkpoint: NoCheckpoint | CrashPoint | None = None
) -> SqliteStore:
    return SqliteStore(folder / config.store, checkpoint=checkpoint or NoCheckpoint())


def _vault(folder: Path, config: Config, environment: Mapping[str, str]) -> Vault:
    if not config.key_variable:
        return SealedVault(read_key_file(folder / config.key_file), SystemEntropy())
    text = environment.get(config.key_variable)
    if text is None:
        detail = f"expected the key-encryption key in {config.key_variable}, which is not set"
        raise Unavailable(Code.VAULT_REFUSED, detail)
    return SealedVault(KeyEncryptionKey.from_text(text), SystemEntropy())


async def _own_key(store: Store, key_id: str) -> SealedKey:
    key = await store.read(lambda view: view.get(SealedKey, key_id))
    if key is None:
        detail = f"expected the server's key {key_id} in the store, got none; run `valetkey init`"
        raise Unavailable(Code.STORE_UNAVAILABLE, detail)
    return key
