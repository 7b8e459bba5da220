"""Wallets as Para's clients read them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from valetkey.core.custody import SplitKey
from valetkey.core.wallet import Curve, Wallet, address_of
from valetkey.spec import base58
from valetkey.wire.base import checksummed

if TYPE_CHECKING:
    from valetkey.http.sight import Reads
    from valetkey.ports import View

TYPES: Final = {Curve.SECP256K1: "EVM", Curve.ED25519: "SOLANA"}
SCHEMES: Final = {Curve.SECP256K1: "DKLS", Curve.ED25519: "ED25519"}
MOST: Final = 100


class WalletJson(Struct, frozen=True, rename="camel"):
    """
    One wallet.

    Args:
        scheme: What its clients choose their worker's function by: ours is Shamir's, whatever it
            says.
        shares_persisted: Without it they ignore the wallet.
    """

    id: str
    user_id: str | None
    type: str
    scheme: str
    address: str
    public_key: str
    created_at: str
    key_gen_complete: bool = True
    shares_persisted: bool = True


class PregenJson(WalletJson, frozen=True, rename="camel", kw_only=True):
    """A wallet that was made for somebody who has not come yet."""

    partner_id: str
    pregen_identifier: str
    pregen_identifier_type: str
    is_pregen: bool = True


def write_wallet(wallet: Wallet, key: SplitKey) -> WalletJson:
    """Return *wallet* as it is answered."""
    curve, data = key.public_key.curve, key.public_key.data
    address = base58.encode(data)
    if curve is Curve.SECP256K1:
        address = f"0x{checksummed(address_of(key.public_key))}"
    return WalletJson(
        id=wallet.id,
        user_id=wallet.user_id,
        type=TYPES[curve],
        scheme=SCHEMES[curve],
        address=address,
        public_key=f"0x{data.hex()}",
        created_at=moment(wallet.created_at),
    )


async def wallets_of(see: Reads, user_id: str) -> list[WalletJson]:
    """Return the split wallets of a user, oldest first."""

    def body(view: View) -> list[WalletJson]:
        found = view.find(Wallet, user_id=user_id, limit=MOST)
        keys = [(one, view.get(SplitKey, one.id)) for one in found]
        return [write_wallet(one, key) for one, key in keys if key is not None]

    return await see.store.read(body)


def current_ids(wallets: list[WalletJson]) -> dict[str, list[str]]:
    """Return the ids of *wallets* by their types."""
    ids: dict[str, list[str]] = {}
    for one in wallets:
        ids.setdefault(one.type, []).append(one.id)
    return ids


def moment(at: int) -> str:
    """Return the Unix second *at* as JavaScript reads dates."""
    return datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
