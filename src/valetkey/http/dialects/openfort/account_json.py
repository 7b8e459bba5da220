"""Accounts as Openfort's clients read them first."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from valetkey.core.wallet import OwnerKey
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.chains import number_of
from valetkey.http.dialects.openfort.intent_json import IntentJson
from valetkey.http.dialects.openfort.listed_accounts import CLONE, DELEGATED, Held
from valetkey.http.dialects.openfort.named import Named
from valetkey.wire.base import hexed


class Account(Struct, frozen=True, kw_only=True, rename="camel"):
    """
    An account as it is answered.

    Args:
        deployed: Whether its chain has code for it now.
        custodial: Whether this server has its owner's key, or a share of it.
        player: Its id; all of it where that was asked for, null if it is gone.
    """

    id: str
    created_at: int
    address: str
    owner_address: str
    deployed: bool
    custodial: bool
    embedded_signer: bool
    chain_id: int
    account_type: str
    player: Any
    transaction_intents: list[IntentJson] | UnsetType = UNSET
    object: Literal["account"] = "account"


def write_account(
    held: Held,
    *,
    deployed: bool,
    player: object = UNSET,
    intents: list[IntentJson] | UnsetType = UNSET,
) -> Account:
    """
    Return an account as it is answered.

    Args:
        player: In whole; left out, its id alone.
    """
    wallet, account = held
    if player is UNSET:
        player = Named(ids.shown(account.user_id, ids.PLAYER)) if account.user_id else None
    return Account(
        id=ids.shown(account.id, ids.ACCOUNT),
        created_at=account.created_at,
        address=hexed(account.address),
        owner_address=hexed(account.owner),
        deployed=deployed,
        custodial=wallet.owner_key is not OwnerKey.OUTSIDE,
        embedded_signer=False,
        chain_id=number_of(account.chain),
        account_type=CLONE if account.clone else DELEGATED,
        player=player,
        transaction_intents=intents,
    )
