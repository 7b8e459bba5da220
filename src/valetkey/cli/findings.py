"""What `valetkey doctor` looks at, one finding for each thing."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from valetkey.cli.submit import runs_our_code
from valetkey.config import read_config
from valetkey.core.errors import Code, Unavailable, ValetkeyError
from valetkey.core.session import Watch
from valetkey.core.units import format_amount
from valetkey.core.wallet import address_of
from valetkey.ports import MAX_FOUND
from valetkey.wire.base import hexed
from valetkey.wiring import (
    OWN_KEYS,
    RELAYER_KEY,
    STOPPER_KEY,
    open_chain,
    open_store,
    open_vault,
    own_key,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from valetkey.config import ChainConfig, Config
    from valetkey.core.wallet import SealedKey
    from valetkey.ports import Chain

MIN_FREE_BYTES: Final = 256 * 1024 * 1024
MAX_AHEAD_S: Final = 15
MAX_BEHIND_S: Final = 120
MIN_TRANSACTIONS: Final = 20
_GAS: Final = 200_000
_PAYERS: Final = {"relayer": RELAYER_KEY, "stopper": STOPPER_KEY}
_PAYS: Final = {"relayer": "runs", "stopper": "stops"}
_NATIVE_DECIMALS: Final = 18
_NOBODY: Final = b"\1" * 20
_NAMED: Final = 5
_MIB: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Finding:
    """
    One thing that was looked at.

    Args:
        said: What was found.
        todo: What to do; empty if it is well.
    """

    name: str
    said: str
    todo: str = ""

    @property
    def is_ok(self) -> bool:
        """Whether nothing has to be done."""
        return not self.todo


@dataclass(slots=True)
class _Known:
    """What earlier findings found."""

    folder: Path
    config: Config
    keys: dict[str, SealedKey] = field(default_factory=dict)
    watched: int = 0
    alive: list[str] = field(default_factory=list)

    def payers(self) -> dict[str, bytes]:
        """Return the addresses that pay for gas, by their names."""
        return {
            name: address_of(self.keys[key_id].public_key)
            for name, key_id in _PAYERS.items()
            if key_id in self.keys
        }


async def examine(folder: Path) -> AsyncIterator[Finding]:
    """Yield one finding after the other; one that others need comes before them."""
    try:
        config = read_config(folder, os.environ)
    except ValetkeyError as error:
        yield Finding("configuration", error.detail, "run valetkey init, or mend the file")
        return
    yield Finding("configuration", f"{folder} is well formed")
    known = _Known(folder, config)
    yield _key(known)
    yield await _store(known)
    yield await _vault(known)
    if known.keys:
        yield _sessions(known)
    yield _disk(folder)
    if not config.chains:
        yield Finding("chains", "none is configured", "name one in valetkey.toml, under [chains]")
    for name, one in config.chains.items():
        async for finding in _chain(known, name, one):
            yield finding


def _key(known: _Known) -> Finding:
    name, variable = "key-encryption key", known.config.key_variable
    try:
        open_vault(known.folder, known.config, os.environ)
    except ValetkeyError as error:
        todo = "do that; until then nothing in the store can sign"
        if variable or not (known.folder / known.config.key_file).exists():
            todo = "bring the key back from its copy: without it nothing in the store can sign"
        return Finding(name, error.detail, todo)
    where = f"in {variable}" if variable else f"{known.config.key_file}, for its owner only"
    return Finding(name, where)


async def _store(known: _Known) -> Finding:
    path = known.folder / known.config.store
    todo = "bring back a copy of the store"
    if not path.is_file():
        return Finding("store", f"{path} is not there", todo)
    try:
        schema, problem = await asyncio.to_thread(_look_into, path)
        if problem != "ok":
            return Finding("store", f"{path} is damaged: {problem}", todo)
        store = open_store(known.folder, known.config)
        await store.open()
        try:
            for key_id in OWN_KEYS:
                known.keys[key_id] = await own_key(store, key_id)
            watched, alive = await store.read(
                lambda view: (view.find(Watch), view.find(Watch, alive=1))
            )
            known.watched, known.alive = len(watched), [one.session_id for one in alive]
        finally:
            await store.close()
    except (sqlite3.Error, OSError) as error:
        return Finding("store", f"{path} cannot be read: {error}", todo)
    except ValetkeyError as error:
        return Finding("store", error.detail, todo)
    return Finding("store", f"{path} is whole, schema {schema}")


def _look_into(path: Path) -> tuple[int, str]:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        problem = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        return int(connection.execute("PRAGMA user_version").fetchone()[0]), problem


async def _vault(known: _Known) -> Finding:
    try:
        vault = open_vault(known.folder, known.config, os.environ)
    except ValetkeyError:
        return Finding("vault", "it has no key-encryption key", "mend that first")
    if not known.keys:
        return Finding("vault", "there is no key to sign with", "mend the store first")
    try:
        for key in known.keys.values():
            await vault.sign(key, bytes(32))
    except ValetkeyError as error:
        todo = "the key-encryption key and the store do not belong together: bring back the pair"
        return Finding("vault", error.detail, todo)
    return Finding("vault", "signs with the server's own keys")


def _sessions(known: _Known) -> Finding:
    if known.alive:
        names = ", ".join(known.alive[:_NAMED])
        said = f"{len(known.alive)} over here and open on chain: {names}"
        todo = "revoke each again, or submit the owner's kill note (valetkey kill)"
        return Finding("sessions", said, todo)
    count = f"{known.watched} or more" if known.watched == MAX_FOUND else f"{known.watched}"
    return Finding("sessions", f"{count} are watched on chain, none is over here and open there")


def _disk(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    said = f"{free // _MIB} MiB free"
    if free < MIN_FREE_BYTES:
        return Finding("disk", said, f"make room: at least {MIN_FREE_BYTES // _MIB} MiB")
    return Finding("disk", said)


async def _chain(known: _Known, name: str, config: ChainConfig) -> AsyncIterator[Finding]:
    try:
        async with open_chain(name, config) as chain:
            head = await chain.head()
            yield Finding(f"{name} node", f"answers, at block {head.number}")
            yield _clock(name, int(time.time()) - head.at, is_quiet=config.allow_private)
            payers = known.payers()
            yield await _contract(chain, next(iter(payers.values()), _NOBODY))
            yield await _curves(chain)
            for payer_name, payer in payers.items():
                yield await _balance(chain, payer, payer_name)
    except ValetkeyError as error:
        todo = "name a node of this chain that can be reached, in rpc_url"
        if error.code is Code.WRONG_CHAIN:
            todo = f"name a node of {name} in rpc_url, or the node's chain in [chains]"
        elif not isinstance(error, Unavailable):
            todo = "look at what the node says"
        yield Finding(f"{name} node", error.detail, todo)


def _clock(name: str, behind_s: int, *, is_quiet: bool) -> Finding:
    """
    Compare the machine's clock with the newest block.

    Args:
        behind_s: How far the block is behind the clock.
        is_quiet: A development chain makes blocks only when something happens.
    """
    said = f"the newest block is {abs(behind_s)} s {'old' if behind_s >= 0 else 'ahead of us'}"
    if behind_s < -MAX_AHEAD_S:
        return Finding(f"{name} clock", said, "set this machine's clock: it is late")
    if behind_s > MAX_BEHIND_S and not is_quiet:
        todo = "set this machine's clock, or name a node that keeps up with its chain"
        return Finding(f"{name} clock", said, todo)
    return Finding(f"{name} clock", said)


async def _contract(chain: Chain, sender: bytes) -> Finding:
    name, where = f"{chain.chain} contract", hexed(chain.implementation)
    if await runs_our_code(chain, chain.implementation, sender=sender):
        return Finding(name, f"the account contract is at {where}")
    todo = "name where the account contract is deployed, in implementation"
    return Finding(name, f"the account contract is not at {where}", todo)


async def _curves(chain: Chain) -> Finding:
    """Say which session keys the chain can check: to have secp256k1 alone is no fault."""
    checked = "secp256k1 and P-256" if await chain.checks_p256() else "secp256k1 only, not P-256"
    return Finding(f"{chain.chain} keys", f"session keys are checked on {checked}")


async def _balance(chain: Chain, payer: bytes, payer_name: str) -> Finding:
    balance, fees = await asyncio.gather(chain.balance(payer), chain.fees())
    lasts = balance // (fees.max_fee_wei * _GAS)
    has = format_amount(balance, decimals=_NATIVE_DECIMALS)
    said = f"{hexed(payer)} has {has} native, enough for about {lasts} {_PAYS[payer_name]}"
    name = f"{chain.chain} {payer_name}"
    if lasts < MIN_TRANSACTIONS:
        return Finding(name, said, f"send some of the chain's coin to {hexed(payer)}")
    return Finding(name, said)
