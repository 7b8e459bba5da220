"""What a look-up and a durable write cost in the SQLite store. Use the ratios."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from valetkey.adapters.store.sqlite import SqliteStore
from valetkey.core.credential import Credential, CredentialKind

if TYPE_CHECKING:
    from valetkey.ports import Tx, View

ENTITIES: Final = 5_000
LOOK_UPS: Final = 30_000
ALONE: Final = 1_000
CALLERS: Final = 64


def credential(number: int) -> Credential:
    """Return the credential with that fingerprint."""
    id_ = f"crd_{number:024}"
    return Credential(id_, "org", CredentialKind.SECRET, "key", f"{number:064x}", None, 1)


def add(tx: Tx, number: int) -> None:
    """Write one credential."""
    tx.add(credential(number))


def look_up(view: View, number: int) -> None:
    """Find one credential by its fingerprint."""
    if not view.find(Credential, fingerprint=f"{number:064x}", limit=1):
        raise LookupError(number)


async def write_some(store: SqliteStore, numbers: range) -> None:
    """Write one after the other."""
    for number in numbers:
        await store.write(partial(add, number=number))


async def measure(store: SqliteStore) -> None:
    """Print rates and their ratio."""
    start = time.perf_counter()
    share = ENTITIES // CALLERS + 1
    await asyncio.gather(
        *(write_some(store, range(n * share, (n + 1) * share)) for n in range(CALLERS))
    )
    together = CALLERS * share / (time.perf_counter() - start)
    start = time.perf_counter()
    await write_some(store, range(10**6, 10**6 + ALONE))
    alone = ALONE / (time.perf_counter() - start)
    start = time.perf_counter()
    for number in range(LOOK_UPS):
        await store.read(partial(look_up, number=number % ENTITIES))
    found = LOOK_UPS / (time.perf_counter() - start)
    print(f"find by unique index     {found:10,.0f}/s   {1e6 / found:.1f} us each")
    print(f"durable write, alone     {alone:10,.0f}/s")
    print(
        f"durable write, {CALLERS} callers {together:8,.0f}/s   {together / alone:.1f} times alone"
    )


async def main() -> None:
    """Measure in a new file."""
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "store.db")
        await store.open()
        await measure(store)
        await store.close()


if __name__ == "__main__":
    asyncio.run(main())
