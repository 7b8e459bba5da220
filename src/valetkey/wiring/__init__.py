"""Pick the adapters, and put a world together from a configuration."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.adapters.chain.evm import EvmChain
from valetkey.adapters.messenger.choice import open_messenger
from valetkey.adapters.moving import Moving
from valetkey.adapters.outbound.web import WebOutbound
from valetkey.adapters.store.migrations import scripts
from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.adapters.surroundings import (
    CrashPoint,
    NoCheckpoint,
    SystemClock,
    SystemEntropy,
)
from valetkey.adapters.vault.key_encryption_key import make_key_file
from valetkey.adapters.vault.key_ring import KeyChange
from valetkey.adapters.vault.sealed import SealedVault
from valetkey.config import CONFIG_NAME, Config, read_config, read_config_text
from valetkey.core.errors import Code, Conflict, Malformed, Unavailable
from valetkey.core.plan import chain_id_of
from valetkey.core.sponsorship import Fund
from valetkey.core.wallet import Clones
from valetkey.flows.change_payer import add_first_payer
from valetkey.flows.issue_token import ensure_token_key
from valetkey.flows.payers import Payers, load_payers
from valetkey.flows.world import World
from valetkey.wiring.own_keys import APPROVER_KEY, AUDIT_KEY, make_own_keys, own_key
from valetkey.wiring.rings import ring_of
from valetkey.wiring.signing import open_signer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from valetkey.adapters.vault.key_ring import KeyRing
    from valetkey.config import ChainConfig
    from valetkey.ports import Chain, Vault

    OnCommit = Callable[[int, float], None]

IMPORT_KEY_NAME: Final = "import-key"


@dataclass(frozen=True, slots=True)
class Wired:
    """A world, and the configuration that it was made from."""

    config: Config
    folder: Path
    world: World


@asynccontextmanager
async def make(
    folder: Path, config_text: str, environment: Mapping[str, str]
) -> AsyncIterator[Wired]:
    """
    Make a server in *folder* and give its world: key-encryption key, store, own keys.

    The configuration is written last. Whatever goes wrong before that, also in the body of this
    context, leaves nothing behind that was made here.

    Raises:
        Conflict: There is one already, or a file of it; nothing is changed.
        Malformed: *config_text* is no configuration, or *folder* cannot be written.
        Unavailable: The key-encryption key or the store cannot be made.
    """
    config = read_config_text(config_text, environment)
    path, store_path = folder / CONFIG_NAME, folder / config.store
    for one in (path, store_path):
        if one.exists():
            raise Conflict(Code.CONFLICT, f"expected no server in {folder}, got {one}")
    made: list[Path] = []
    try:
        made += _make_folder(folder)
        if not config.key_variable:
            make_key_file(folder / config.key_file, SystemEntropy())
            made.append(folder / config.key_file)
        made += (store_path.with_name(f"{store_path.name}{end}") for end in ("", "-wal", "-shm"))
        await _make_keys(folder, config, environment)
        async with _wire(folder, config, environment) as wired:
            await ensure_token_key(wired.world)
            yield wired
        made.append(path)
        path.touch(mode=0o600, exist_ok=False)  # a node's URL may hold a provider's secret
        path.write_text(config_text)
    except BaseException as error:
        _remove(made)
        if isinstance(error, OSError):
            detail = f"expected a folder to write to, got {folder}: {error.strerror}"
            raise Malformed(Code.MALFORMED_CONFIG, detail) from None
        raise


def _make_folder(folder: Path) -> list[Path]:
    """Return the folders that were made, the outermost first."""
    missing = [one for one in (*reversed(folder.parents), folder) if not one.exists()]
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return missing


def _remove(made: list[Path]) -> None:
    for one in reversed(made):
        with suppress(OSError):  # a folder may have got something else in the meantime
            if one.is_dir():
                one.rmdir()
            else:
                one.unlink()


async def _make_keys(folder: Path, config: Config, environment: Mapping[str, str]) -> None:
    store, vault = open_store(folder, config), open_vault(folder, config, environment)
    await store.open()
    try:
        await make_own_keys(store, vault)
        for fund in Fund:
            await add_first_payer(store, vault, fund, now=SystemClock().now())
    finally:
        await store.close()


async def init(folder: Path, config_text: str, environment: Mapping[str, str]) -> Config:
    """Make a server in *folder*, as `make` does, and return its configuration."""
    async with make(folder, config_text, environment) as wired:
        return wired.config


@asynccontextmanager
async def wire(
    folder: Path, environment: Mapping[str, str], *, on_commit: OnCommit | None = None
) -> AsyncIterator[Wired]:
    """
    Give the world that the configuration in *folder* describes, and close it afterwards.

    Args:
        on_commit: Told of each commit of the store how many writes shared it, and its seconds.

    Raises:
        Malformed, Unavailable: What is missing or wrong, and where.
    """
    config = read_config(folder, environment)
    store = folder / config.store
    if not store.exists():
        detail = f"expected the store {store}, got no such file; bring back a copy of it"
        raise Unavailable(Code.STORE_UNAVAILABLE, detail)
    async with _wire(folder, config, environment, on_commit) as wired:
        yield wired


@asynccontextmanager
async def _wire(
    folder: Path,
    config: Config,
    environment: Mapping[str, str],
    on_commit: OnCommit | None = None,
) -> AsyncIterator[Wired]:
    crash_at = environment.get("VALETKEY_CRASH_AT")
    checkpoint = CrashPoint(crash_at) if crash_at else NoCheckpoint()
    async with AsyncExitStack() as stack:
        store = open_store(folder, config, checkpoint, on_commit)
        await store.open()
        stack.push_async_callback(store.close)
        payers = Payers(await load_payers(store))
        for fund in Fund:
            payers.current(fund)
        outbound = WebOutbound(allow_private=config.webhooks_allow_private)
        stack.push_async_callback(outbound.close)
        vault = open_vault(folder, config, environment)
        approver = await own_key(store, APPROVER_KEY)
        signer = open_signer(folder, config, environment, approver.public_key)
        stack.push_async_callback(signer.close)
        clock = SystemClock()
        world = World(
            store=store,
            vault=vault,
            signer=signer,
            approver=approver,
            chains=await _open_chains(stack, config),
            outbound=outbound,
            messenger=open_messenger(config.codes_to, environment, outbound, clock),
            clock=clock,
            entropy=SystemEntropy(),
            checkpoint=checkpoint,
            payers=payers,
            auditor=await own_key(store, AUDIT_KEY),
            bounds=config.bounds,
            clones=clones_of(config),
        )
        yield Wired(config, folder, world)


def clones_of(config: Config) -> Clones | None:
    """Return what makes clones, if *config* names it."""
    if not config.clone_factory:
        return None
    return Clones(
        factory=bytes.fromhex(config.clone_factory[2:]),
        implementation=bytes.fromhex(config.clone_implementation[2:]),
    )


async def _open_chains(stack: AsyncExitStack, config: Config) -> dict[str, Chain]:
    return {
        name: await stack.enter_async_context(open_chain(name, one))
        for name, one in config.chains.items()
    }


def open_store(
    folder: Path,
    config: Config,
    checkpoint: NoCheckpoint | CrashPoint | None = None,
    on_commit: OnCommit | None = None,
) -> SqliteStore:
    """Return the store that *config* names, not yet opened."""
    return SqliteStore(
        folder / config.store, checkpoint=checkpoint or NoCheckpoint(), on_commit=on_commit
    )


def open_vault(folder: Path, config: Config, environment: Mapping[str, str]) -> Vault:
    """
    Return the vault under the key-encryption key that *config* names, and the next one if any.

    Raises:
        Unavailable: The key is missing, malformed or not protected; the detail says what to do.
    """
    return SealedVault(_open_ring(folder, config, environment), SystemEntropy())


def moving(folder: Path, config: Config, environment: Mapping[str, str]) -> Moving:
    """Return what carries organizations to and from the server in *folder*."""
    ring = _open_ring(folder, config, environment)
    return Moving(ring, folder / IMPORT_KEY_NAME, SystemEntropy())


def _open_ring(folder: Path, config: Config, environment: Mapping[str, str]) -> KeyRing:
    file = None if config.key_variable else folder / config.key_file
    return ring_of(file, config.key_variable, environment)


def changing_key(folder: Path, config: Config) -> AbstractContextManager[KeyChange]:
    """Give the change of the key-encryption key in its file (`KeyChange.changing`)."""
    return KeyChange.changing(folder / config.key_file)


def begin_key_change(change: KeyChange) -> tuple[str, str]:
    """Make the new key of *change*, unless that was done; return the old id and the new one."""
    return change.begin(SystemEntropy())


def newest_schema() -> int:
    """Return the number of the schema that this version reads."""
    return len(scripts())


@asynccontextmanager
async def open_chain(name: str, config: ChainConfig) -> AsyncIterator[Chain]:
    """Give the chain called *name*, and close it afterwards. Nothing is asked yet."""
    chain = EvmChain(
        config.rpc_url,
        chain_id=chain_id_of(name),
        implementation=bytes.fromhex(config.implementation[2:]),
        allow_private=config.allow_private,
    )
    try:
        yield chain
    finally:
        await chain.close()


@asynccontextmanager
async def connect(rpc_url: str, *, chain_id: int) -> AsyncIterator[Chain]:
    """
    Give a chain without a server, through a node that a person named, wherever it is.

    A node of another chain is refused (`ChainRejected`, ``wrong_chain``) at the first question.
    """
    chain = EvmChain(rpc_url, chain_id=chain_id, implementation=bytes(20), allow_private=True)
    try:
        yield chain
    finally:
        await chain.close()
