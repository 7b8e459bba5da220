"""Secrets that the server draws for itself once, and has the same in every process."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from valetkey.core.errors import Conflict
from valetkey.core.kept_secret import KeptSecret, context_of
from valetkey.flows.gate import present
from valetkey.flows.issue_token import SERVER

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.core.secret_bytes import SecretBytes
    from valetkey.flows.world import World


async def own_secret(world: World, name: str, make: Callable[[], SecretBytes]) -> SecretBytes:
    """Return the secret called *name*, made with *make* when it is asked for the first time."""
    secret_id = f"{SERVER}/{name}"
    context = context_of(secret_id, SERVER)
    found = await world.store.read(lambda view: view.get(KeptSecret, secret_id))
    if found is None:
        fresh = KeptSecret(secret_id, SERVER, None, await world.vault.seal(make(), context=context))
        with suppress(Conflict):  # another process was faster
            await world.store.write(lambda tx: tx.add(fresh))
        found = await world.store.read(lambda view: view.get(KeptSecret, secret_id))
    return await world.vault.open(present(found, "secret").sealed, context=context)
