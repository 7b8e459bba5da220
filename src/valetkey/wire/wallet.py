"""Wallets, accounts, their delegation, and budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from valetkey.wire.activity import Activity
from valetkey.wire.base import (
    Address,
    Amount,
    Asked,
    Integer,
    Seconds,
    Signature,
    Text,
    Told,
    Word,
    asset_name,
    hexed,
    read_asset,
)
from valetkey.wire.clone import Clone, NewClone, write_clone
from valetkey.wire.leftover import AliveGrant

if TYPE_CHECKING:
    from valetkey.core import budget as core_budget
    from valetkey.core import wallet as core


class AddWallet(Asked, frozen=True, kw_only=True):
    """
    A wallet with its account on one chain.

    Args:
        address: Of an owner's key that is outside.
        clone: The account is a clone, which that key owns; when left out it is at the address of
            the key itself (EIP-7702).
    """

    chain: str
    owner_key: Literal["outside", "sealed"]
    address: Address | None = None
    user_id: str | None = None
    label: Text = ""
    clone: NewClone | None = None


class Wallet(Told, frozen=True, kw_only=True):
    """Key material of one owner."""

    id: str
    organization_id: str
    user_id: str | None
    label: str
    owner_key: str
    curve: str
    created_at: Seconds


class Account(Told, frozen=True, kw_only=True):
    """
    One address on one chain; ``caip10`` is both in one string.

    Args:
        owner: Whose signatures begin and end its sessions: the address itself, but for a clone.
        clone: What its address follows from, if it is one.
    """

    id: str
    organization_id: str
    wallet_id: str
    user_id: str | None
    chain: str
    address: Address
    caip10: str
    owner: Address
    clone: Clone | None
    created_at: Seconds


class AddedWallet(Told, frozen=True, kw_only=True):
    """A new wallet and its account."""

    wallet: Wallet
    account: Account


class TokenBalance(Told, frozen=True, kw_only=True):
    """What an account holds of one token, in its smallest unit."""

    token: Address
    balance: Amount


class AccountState(Told, frozen=True, kw_only=True):
    """
    An account as its chain shows it.

    Args:
        owner: Who it belongs to now; a clone can be handed on.
        delegate: What code it runs (EIP-7702), if any.
        is_ready: Whether that is the code of this server's contracts. A clone always is: what is
            done first with it makes it.
        is_deployed: Whether it is there: its code, or a delegation.
    """

    account_id: str
    chain: str
    address: Address
    owner: Address
    delegate: Address | None
    is_ready: bool
    is_deployed: bool
    balance_wei: Amount
    tokens: list[TokenBalance]


class Delegation(Told, frozen=True, kw_only=True):
    """
    What the owner signs so that the account runs our code (EIP-7702).

    Args:
        alive: Sessions of earlier delegations that work again from then on.
    """

    chain_id: Integer
    delegate: Address
    nonce: Integer
    digest: Word
    alive: list[AliveGrant]


class Delegate(Asked, frozen=True, kw_only=True):
    """The owner's signature; None when this server holds the owner's key."""

    signature: Signature | None = None


class Undelegation(Told, frozen=True, kw_only=True):
    """
    What the owner signs so that the account runs our code no more (EIP-7702).

    Args:
        delegate: What it runs then; the zero address for nothing.
        alive: Sessions that are not over on chain yet; while there is one, nothing is to sign.
    """

    chain_id: Integer
    delegate: Address
    nonce: Integer | None
    digest: Word | None
    alive: list[AliveGrant]


class Undelegate(Asked, frozen=True, kw_only=True):
    """
    Revoke every session of the account, then take our code from it.

    Args:
        delegate: Other code to run, for an owner whose key is outside; none when left out.
        signature: Of such an owner, when nothing is alive any more.
    """

    delegate: Address | None = None
    signature: Signature | None = None


class Undelegated(Told, frozen=True, kw_only=True):
    """How far it has come; ``alive`` are the sessions that it waits for."""

    activity: Activity
    alive: list[AliveGrant]


class SetBudget(Asked, frozen=True, kw_only=True):
    """
    A limit for a wallet or user, or, with ``org_…:runs`` or ``org_…:stops``, for a child's fund.

    Args:
        asset: ``native``, a token's address, or ``fees`` for what the sponsor pays in wei.
        window_s: 0 for the whole life.
    """

    scope_id: str
    asset: str
    limit: Amount
    window_s: Integer = 0


class Budget(Told, frozen=True, kw_only=True):
    """A limit, and what is booked against it in the window that was last used."""

    id: str
    organization_id: str
    scope_id: str
    asset: str
    limit: Amount
    window_s: Integer
    starts_at: Seconds
    spent: Amount


def write_wallet(wallet: core.Wallet) -> Wallet:
    """Return *wallet* as it is answered."""
    return Wallet(
        id=wallet.id,
        organization_id=wallet.organization_id,
        user_id=wallet.user_id,
        label=wallet.label,
        owner_key=wallet.owner_key.value,
        curve=wallet.curve.value,
        created_at=wallet.created_at,
    )


def write_account(account: core.Account) -> Account:
    """Return *account* as it is answered."""
    return Account(
        id=account.id,
        organization_id=account.organization_id,
        wallet_id=account.wallet_id,
        user_id=account.user_id,
        chain=account.chain,
        address=hexed(account.address),
        caip10=account.caip10,
        owner=hexed(account.owner),
        clone=write_clone(account.clone),
        created_at=account.created_at,
    )


def read_budget_asset(text: str) -> str:
    """
    Return the name under which a budget of *text* is kept: addresses in lower case.

    Raises:
        Malformed: It is neither ``native`` nor ``fees`` nor an address.
    """
    return text if text == "fees" else asset_name(read_asset(text, "asset"))


def write_budget(line: core_budget.BudgetLine) -> Budget:
    """Return *line* as it is answered."""
    return Budget(
        id=line.id,
        organization_id=line.organization_id,
        scope_id=line.scope_id,
        asset=line.asset,
        limit=str(line.limit),
        window_s=line.window_s,
        starts_at=line.starts_at,
        spent=str(line.counter.spent),
    )
