"""Wallets and accounts: made here or taken in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.organization import User
from valetkey.core.quota import Quota
from valetkey.core.wallet import Account, Clone, Curve, OwnerKey, SealedKey, Wallet, address_of
from valetkey.flows.counts import count_one
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.record import admit, begin, write_down

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

KEY_SUFFIX = "key"
SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class AsClone:
    """
    That the account is a clone, which the owner's key owns (docs/reference/accounts.md, "Clones").

    Args:
        personal: Whether the owner may sign by ``personal_sign`` (EIP-191) too.
        salt: 32 bytes; another one is another account of the same owner.
    """

    personal: bool = False
    salt: bytes = bytes(SALT_BYTES)


@dataclass(frozen=True, slots=True)
class AddWallet:
    """
    A wallet with its account on one chain.

    Args:
        address: 20 bytes for an owner's key that is outside; None to make a sealed one here.
        clone: None for an account at the address of the owner's key (EIP-7702).
    """

    chain: str
    owner_key: OwnerKey
    address: bytes | None
    user_id: str | None
    label: str
    clone: AsClone | None = None


def _no_other(_view: View) -> Account | None:
    return None


async def add_wallet(
    world: World,
    principal: Principal,
    request: Request,
    command: AddWallet,
    *,
    instead: Callable[[View], Account | None] = _no_other,
) -> tuple[Wallet, Account]:
    """
    Return a new wallet and its account.

    Args:
        instead: Looks for the account that is to be returned if it is there: then none is made.

    Raises:
        Malformed: An outside owner's key without an address, or a sealed one with it; or a clone,
            and nothing makes clones here.
        Conflict: The organization has a wallet with that account.
    """
    expect_secret(principal)
    _check_wallet(world, command)
    wallet_id = world.new_id(Prefix.WALLET)
    key = await _make_key(world, principal, wallet_id) if command.address is None else None
    wallet, account = _make(world, principal, command, wallet_id, key)

    def body(tx: Tx) -> tuple[Wallet, Account]:
        before = admit(world, tx, principal, request)
        if before is not None:
            made = tx.find(Account, wallet_id=before.subject_id, limit=1)
            return present(tx.get(Wallet, before.subject_id), "wallet"), made[0]
        if command.user_id is not None:
            user = present(tx.get(User, command.user_id), "user")
            expect_reach(tx, principal, user.organization_id, "user", widens=True)
        there = instead(tx)
        if there is not None:
            return present(tx.get(Wallet, there.wallet_id), "wallet"), there
        _refuse_twice(tx, account)
        if key is not None:
            tx.add(key)
        _write_wallet(world, tx, principal, request, (wallet, account))
        return wallet, account

    return await world.store.write(body)


async def _make_key(world: World, principal: Principal, wallet_id: str) -> SealedKey:
    return await world.vault.create(
        Curve.SECP256K1,
        key_id=f"{wallet_id}/{KEY_SUFFIX}",
        organization_id=principal.organization_id,
        wallet_id=wallet_id,
    )


def _check_wallet(world: World, command: AddWallet) -> None:
    world.chain(command.chain)
    if command.owner_key is OwnerKey.SPLIT:
        detail = "owner_key: expected outside or sealed; a split key is made by create_split"
        raise Malformed(Code.MALFORMED_BODY, detail)
    if (command.owner_key is OwnerKey.OUTSIDE) != (command.address is not None):
        wanted = "an address" if command.owner_key is OwnerKey.OUTSIDE else "no address"
        detail = f"address: expected {wanted} for owner_key {command.owner_key}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    if command.clone is None:
        return
    if world.clones is None:
        detail = "clone: expected none, for no clone_factory is configured here"
        raise Malformed(Code.MALFORMED_BODY, detail)
    if len(command.clone.salt) != SALT_BYTES:
        detail = f"clone.salt: expected {SALT_BYTES} bytes, got {len(command.clone.salt)}"
        raise Malformed(Code.MALFORMED_BODY, detail)


def _make(
    world: World,
    principal: Principal,
    command: AddWallet,
    wallet_id: str,
    key: SealedKey | None,
) -> tuple[Wallet, Account]:
    now = world.clock.now()
    wallet = Wallet(
        id=wallet_id,
        organization_id=principal.organization_id,
        user_id=command.user_id,
        label=command.label,
        owner_key=command.owner_key,
        curve=Curve.SECP256K1,
        key_id=key.id if key else None,
        created_at=now,
    )
    owner = address_of(key.public_key) if key else command.address or b""
    clone = _clone(world, command, owner)
    account = Account(
        id=world.new_id(Prefix.ACCOUNT),
        organization_id=principal.organization_id,
        wallet_id=wallet_id,
        user_id=command.user_id,
        chain=command.chain,
        address=clone.address if clone else owner,
        created_at=now,
        clone=clone,
    )
    return wallet, account


def _clone(world: World, command: AddWallet, owner: bytes) -> Clone | None:
    asked, by = command.clone, world.clones
    if asked is None or by is None:
        return None
    return Clone(by.factory, by.implementation, owner, asked.salt, personal=asked.personal)


def _write_wallet(
    world: World, tx: Tx, principal: Principal, request: Request, made: tuple[Wallet, Account]
) -> None:
    wallet, account = made
    count_one(world, tx, wallet.organization_id, Quota.WALLETS)
    tx.add(wallet)
    tx.add(account)
    owner = wallet.organization_id
    activity = begin(
        world, principal, request, "wallet:add", organization_id=owner, subject_id=wallet.id
    )
    facts = {"account": account.caip10, "owner_key": wallet.owner_key.value}
    write_down(world, tx, activity, "wallet:added", **facts)


def _refuse_twice(tx: Tx, account: Account) -> None:
    same = tx.find(Account, organization_id=account.organization_id, address=account.address)
    if any(other.chain == account.chain for other in same):
        detail = f"expected a new account, got {account.caip10}, which is here already"
        raise Conflict(Code.CONFLICT, detail)
