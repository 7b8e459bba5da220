"""A client as Portal shows it, to itself and to its custodian: wallets, addresses, share pairs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import UNSET, Struct, UnsetType

from valetkey.core.clone_signature import clone_of
from valetkey.core.share_pair import PairKind
from valetkey.core.wallet import Curve, address_of
from valetkey.http.dialects.vendor import moment
from valetkey.spec.base58 import encode

if TYPE_CHECKING:
    from valetkey.core.share_pair import SharePair
    from valetkey.flows.clients import Client, ClientWallet

CURVES: Final = {Curve.SECP256K1: "SECP256K1", Curve.ED25519: "ED25519"}


class Named(Struct, frozen=True):
    """A custodian."""

    id: str
    name: str


class Environment(Struct, frozen=True, rename="camel"):
    """
    Where a client is.

    Args:
        backup_with_portal_enabled: What a client encrypted may be kept here.
    """

    id: str
    name: str
    backup_with_portal_enabled: bool = True
    is_multi_backup_enabled: bool = True


class Pair(Struct, frozen=True, rename="camel"):
    """A share pair; ``completed`` once the client has said that it stored its share."""

    id: str
    status: str
    created_at: str
    backup_method: str | UnsetType = UNSET


class DetailedWallet(Struct, frozen=True, rename="camel"):
    """A wallet of a client. ``is_ejectable`` is ours: the vendor names an end instead."""

    id: str
    curve: str
    public_key: str
    created_at: str
    is_ejectable: bool
    signing_share_pairs: list[Pair]
    backup_share_pairs: list[Pair]


class Address(Struct, frozen=True):
    """Where a client is on chains of one kind."""

    address: str
    curve: str


class Metadata(Struct, frozen=True):
    """A client's addresses, by the CAIP-2 namespace."""

    namespaces: dict[str, Address]


class Details(Struct, frozen=True, rename="camel"):
    """A client. ``reference`` is ours: what its custodian calls it."""

    id: str
    created_at: str
    custodian: Named
    environment: Environment
    ejected_at: str | None
    is_account_abstracted: bool
    metadata: Metadata
    wallets: list[DetailedWallet]
    reference: str


def write_details(client: Client) -> Details:
    """Return *client* as it is answered."""
    owner = client.organization
    ended = [one.key.ejected_at for one in client.wallets.values() if one.key.ejected_at]
    return Details(
        id=client.user.id,
        created_at=moment(client.user.created_at),
        custodian=Named(owner.id, owner.name),
        environment=Environment(owner.id, owner.name),
        ejected_at=moment(max(ended)) if ended else None,
        is_account_abstracted=client.user.clones is not None,
        metadata=Metadata(_addresses(client)),
        wallets=[_wallet(one) for one in client.wallets.values()],
        reference=client.user.reference,
    )


def evm_address(client: Client, held: ClientWallet) -> str:
    """Return where the client of a wallet on secp256k1 is on EVM chains."""
    owner, clones = address_of(held.key.public_key), client.user.clones
    return f"0x{(owner if clones is None else clone_of(owner, clones)).hex()}"


def _addresses(client: Client) -> dict[str, Address]:
    found = {}
    held = client.wallets.get(Curve.SECP256K1)
    if held is not None and held.is_taken:
        found["eip155"] = Address(evm_address(client, held), CURVES[Curve.SECP256K1])
    held = client.wallets.get(Curve.ED25519)
    if held is not None and held.is_taken:
        found["solana"] = Address(encode(held.key.public_key.data), CURVES[Curve.ED25519])
    return found


def _wallet(held: ClientWallet) -> DetailedWallet:
    return DetailedWallet(
        id=held.wallet.id,
        curve=CURVES[held.wallet.curve],
        public_key=held.key.public_key.data.hex(),
        created_at=moment(held.wallet.created_at),
        is_ejectable=held.key.eject_enabled_at is not None,
        signing_share_pairs=[_pair(one) for one in held.pairs if one.kind is PairKind.SIGNING],
        backup_share_pairs=[_pair(one) for one in held.pairs if one.kind is PairKind.BACKUP],
    )


def _pair(pair: SharePair) -> Pair:
    return Pair(
        id=pair.id,
        status="incomplete" if pair.stored_at is None else "completed",
        created_at=moment(pair.created_at),
        backup_method=(pair.method or "CUSTOM") if pair.kind is PairKind.BACKUP else UNSET,
    )
