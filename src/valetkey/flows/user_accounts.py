"""Accounts of users on a vendor's surface: one for each chain, owner and kind."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Limited, Malformed
from valetkey.core.locked_key import LockedKey, locked_key_id
from valetkey.core.permission.model import ZERO_ADDRESS
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.scope import Scope
from valetkey.core.wallet import Account, OwnerKey, Wallet
from valetkey.flows.accounts import AddWallet, AsClone, add_wallet
from valetkey.flows.gate import expect_known, expect_reach, expect_scope, present
from valetkey.flows.profiles import Notes, add_noted_user, shown_user
from valetkey.flows.reached import own_user
from valetkey.flows.record import part_of

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import View

MOST: Final = 20  # of one user whose own client asks


@dataclass(frozen=True, slots=True)
class Wanted:
    """
    An account.

    Args:
        user_id: Whose; None is a new user, or the one whose session asks.
        owner: 20 bytes; None is whoever owns the one that is there, else a key that is sealed here.
        is_clone: Whether it is a clone, whose owner signs by ``personal_sign``; else it is at its
            owner's address (EIP-7702).
    """

    chain: str
    user_id: str | None
    owner: bytes | None
    is_clone: bool


async def open_account(
    world: World, principal: Principal, request: Request, wanted: Wanted
) -> tuple[Wallet, Account]:
    """
    Return the account of a user that is *wanted*: the one that is there, or a new one.

    A client can name anybody's address as the owner's. So what it opens takes no account away from
    others: a clone has a salt that nobody else's has, and for an account at its owner's address the
    owner's key must have signed that it is this user's (`lock_key`).

    Raises:
        Malformed: The owner is nobody, or missing where a user's own client asks; or such a key
            has not signed.
        NotFound: There is no such user, or it is another than the one who asks.
        Conflict: The organization has that very account already, as another user's.
        Limited: The user has as many as there may be.
    """
    if wanted.owner == ZERO_ADDRESS:
        raise Malformed(Code.MALFORMED_BODY, "owner: expected an address that signs, got zero")
    own = await world.store.read(lambda view: own_user(view, principal))
    if own is not None and wanted.owner is None:
        detail = "owner: expected the address of the player's key, for none is made here, got none"
        raise Malformed(Code.MALFORMED_BODY, detail)
    acting = principal if own is None else _for_organization(principal)
    user_id = wanted.user_id or own or await _new_user(world, acting, request)
    if own is not None and user_id != own:
        present(None, "player")

    def there(view: View) -> Account | None:
        shown_user(view, acting, user_id)
        found = _there(view, user_id, wanted)
        if found is None and own is not None:
            _expect_at_most(view, user_id)
            _expect_proven(view, acting.organization_id, user_id, wanted)
        return found

    command = AddWallet(
        chain=wanted.chain,
        owner_key=OwnerKey.SEALED if wanted.owner is None else OwnerKey.OUTSIDE,
        address=wanted.owner,
        user_id=user_id,
        label="",
        clone=_as_clone(own) if wanted.is_clone else None,
    )
    known = await world.store.read(there)  # so that no key is made for nothing
    if known is not None:
        return await world.store.read(lambda view: (_wallet_of(view, known), known))
    return await add_wallet(world, acting, request, command, instead=there)


def accounts_of(view: View, user_id: str) -> list[tuple[Wallet, Account]]:
    """Return the accounts of a user with their wallets, oldest first."""
    return [
        (wallet, account)
        for wallet in view.find(Wallet, user_id=user_id)
        for account in view.find(Account, wallet_id=wallet.id)
    ]


async def shown_account(
    world: Sight, principal: Principal, *, account_id: str
) -> tuple[Wallet, Account]:
    """
    Return one account: of the organization, or of the user whose client asks.

    Raises:
        NotFound: There is none, or it is another user's.
    """
    expect_known(principal)

    return await world.store.read(lambda view: _account_here(view, principal, account_id))


def _account_here(view: View, principal: Principal, account_id: str) -> tuple[Wallet, Account]:
    """Return one account as *view* has it; see `shown_account`."""
    account = present(view.get(Account, account_id), "account")
    expect_reach(view, principal, account.organization_id, "account")
    own = own_user(view, principal)
    if own is None:
        expect_scope(principal, Scope.READ)
    elif account.user_id != own:
        present(None, "account")
    return _wallet_of(view, account), account


def _there(view: View, user_id: str, wanted: Wanted) -> Account | None:
    for _, one in accounts_of(view, user_id):
        is_kind = one.chain == wanted.chain and (one.clone is not None) is wanted.is_clone
        if is_kind and wanted.owner in {None, one.owner}:
            return one
    return None


def _wallet_of(view: View, account: Account) -> Wallet:
    return present(view.get(Wallet, account.wallet_id), "wallet")


async def _new_user(world: World, principal: Principal, request: Request) -> str:
    user, _ = await add_noted_user(world, principal, part_of(request, "player"), Notes())
    return user.id


def _expect_at_most(view: View, user_id: str) -> None:
    if view.count(Wallet, user_id=user_id) >= MOST:
        detail = f"expected at most {MOST} accounts of one player, got one more"
        raise Limited(Code.QUOTA_EXCEEDED, detail, quota="wallets", limit=MOST, current=MOST)


def _as_clone(client_of: str | None) -> AsClone:
    """Return what the account is; *client_of* is the user, if their own client asks."""
    if client_of is None:
        return AsClone(personal=True)
    return AsClone(personal=True, salt=hashlib.sha256(client_of.encode()).digest())


def _expect_proven(view: View, organization_id: str, user_id: str, wanted: Wanted) -> None:
    if wanted.is_clone:
        return
    id_ = locked_key_id(organization_id, user_id, wanted.owner or b"")
    if view.get(LockedKey, id_) is None:
        detail = (
            "owner: expected the address of a key that the player has locked here, for the account"
            " is at that address, got another"
        )
        raise Malformed(Code.MALFORMED_BODY, detail)


def _for_organization(principal: Principal) -> Principal:
    """Return who adds a wallet when a user's session asks: the log names the session."""
    return Principal(
        PrincipalKind.SECRET,
        principal.organization_id,
        principal.subject_id,
        Access.WRITE,
        scopes=frozenset({Scope.WALLETS_WRITE}),
        key=principal.key,  # what is asked again is whether the session goes on
    )
