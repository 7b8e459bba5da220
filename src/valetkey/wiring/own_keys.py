"""The server's own keys: what signs the heads of its audit logs, and what approves signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Unavailable
from valetkey.core.wallet import Curve, SealedKey

if TYPE_CHECKING:
    from valetkey.ports import Store, Tx, Vault

SERVER: Final = "server"  # their organization
AUDIT_KEY: Final = "server/audit"
APPROVER_KEY: Final = "server/approver"


async def make_own_keys(store: Store, vault: Vault) -> None:
    """Make the keys of a new server, both Ed25519."""
    keys = [
        await vault.create(Curve.ED25519, key_id=name, organization_id=SERVER, wallet_id=name)
        for name in (AUDIT_KEY, APPROVER_KEY)
    ]

    def body(tx: Tx) -> None:
        for key in keys:
            tx.add(key)

    await store.write(body)


async def own_key(store: Store, key_id: str) -> SealedKey:
    """
    Return one of the server's own keys, sealed.

    Raises:
        Unavailable: The store has none.
    """
    key = await store.read(lambda view: view.get(SealedKey, key_id))
    if key is None:
        detail = f"expected the server's key {key_id} in the store, got none; run `valetkey init`"
        raise Unavailable(Code.STORE_UNAVAILABLE, detail)
    return key
