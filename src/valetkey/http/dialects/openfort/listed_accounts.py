"""Which accounts a question means, and whether they are on their chain."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import ChainRejected, Unavailable
from valetkey.core.scope import Scope
from valetkey.core.wallet import Account, OwnerKey, Wallet
from valetkey.flows.gate import expect_scope, present
from valetkey.flows.profiles import shown_user
from valetkey.flows.reached import own_user
from valetkey.flows.user_accounts import accounts_of
from valetkey.http.dialects.openfort.lists import Window, found, sifted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.principal import Principal
    from valetkey.http.sight import Reads
    from valetkey.ports import View

CLONE: Final = "ValetkeyV1"  # not a name of the vendor's: its clients would wrap signatures by it
DELEGATED: Final = "Delegated Account"
SMART: Final = "Smart Account"
# What the vendor's clients ask for, by whether that is a clone here.
KINDS: Final = {
    "": True,
    "UpgradeableV5": True,
    "UpgradeableV6": True,
    CLONE: True,
    SMART: True,
    DELEGATED: False,
    "Calibur": False,
    "CaliburV9": False,
}
Held = tuple[Wallet, Account]


@dataclass(frozen=True, slots=True)
class Which:
    """
    Which accounts: those that are as all that is not None says.

    Args:
        user_id: Of this user; a user's own client gets no others.
        is_custodial: Whether this server has the owner's key.
    """

    user_id: str | None = None
    chain: str | None = None
    address: bytes | None = None
    is_clone: bool | None = None
    is_custodial: bool | None = None

    def has(self, held: Held) -> bool:
        """Say whether an account is one of them, whoever's it is."""
        wallet, account = held
        asked = (
            (self.chain, account.chain),
            (self.address, account.address),
            (self.is_clone, account.clone is not None),
            (self.is_custodial, wallet.owner_key is not OwnerKey.OUTSIDE),
        )
        return all(wanted is None or wanted == got for wanted, got in asked)


async def accounts_in(
    see: Reads, principal: Principal, which: Which, window: Window
) -> tuple[list[Held], int]:
    """
    Return the accounts in *window*, and how many there are in all.

    Raises:
        NotFound: There is no such user, or a user's own client asks for another one's.
    """

    def body(view: View) -> tuple[list[Held], int]:
        own = own_user(view, principal)
        if own is None:
            expect_scope(principal, Scope.READ)
        user_id = which.user_id or own
        if user_id is None:
            return _of_organization(view, principal.organization_id, which, window)
        if own is not None and own != user_id:
            present(None, "player")
        shown_user(view, principal, user_id)
        found = [one for one in accounts_of(view, user_id) if which.has(one)]
        ordered = found if window.order == "asc" else found[::-1]
        return ordered[window.skip :][: window.limit], len(found)

    return await see.store.read(body)


async def are_there(see: Reads, accounts: Sequence[Account]) -> list[bool]:
    """
    Say of each account whether its chain has code for it; what a chain does not say is no.

    Those that are no clones need none. Accounts are written down by then, and answered in any case.
    """
    return list(await asyncio.gather(*(_is_there(see, one) for one in accounts)))


async def _is_there(see: Reads, account: Account) -> bool:
    try:
        return await see.chain(account.chain).has_code(account.address)
    except (ChainRejected, Unavailable):
        return False


def _of_organization(
    view: View, organization_id: str, which: Which, window: Window
) -> tuple[list[Held], int]:
    def held(account: Account) -> Held:
        return present(view.get(Wallet, account.wallet_id), "wallet"), account

    where = {"organization_id": organization_id}
    if which == Which():  # guests open accounts, too: of any number of them the store counts all
        shown = found(view, Account, where, window)
        return [held(one) for one in shown], view.count(Account, **where)
    accounts, total = sifted(view, Account, where, window, lambda one: which.has(held(one)))
    return [held(one) for one in accounts], total
