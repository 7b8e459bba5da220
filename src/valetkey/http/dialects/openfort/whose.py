"""Which account a request is about: one that it names, or the one of a player on a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from valetkey.core.errors import Code, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.organization import User
from valetkey.core.principal import PrincipalKind
from valetkey.core.wallet import Account, OwnerKey, Wallet
from valetkey.flows.gate import expect_reach, present
from valetkey.flows.reached import account_to_read, own_user
from valetkey.flows.record import part_of
from valetkey.flows.user_accounts import Wanted, accounts_of, open_account
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.chains import number_of
from valetkey.wire.base import read_address

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.ports import View


class Whose(NamedTuple):
    """
    What a request says of whose account it is about.

    Args:
        chain: CAIP-2.
        owner: Address of the owner, for a player with several accounts there; or with none yet.
    """

    chain: str
    account: str | None
    player: str | None
    owner: str | None = None

    @property
    def owner_address(self) -> bytes | None:
        """The 20 bytes of *owner*; `Malformed` if it is none."""
        return read_address(self.owner, "externalOwnerAddress") if self.owner else None


def account_of(view: View, principal: Principal, whose: Whose) -> Account | None:
    """
    Return the account that *whose* says; None if its player has none on that chain.

    A client that names neither means its own. Of several of a player it is the newest.

    Raises:
        NotFound: There is no such account or player for *principal*.
        Malformed: It is on another chain, of another player, or none is named.
    """
    player = _player(view, principal, whose)
    if whose.account:
        account_id = ids.native(whose.account, Prefix.ACCOUNT, ids.ACCOUNT, field="account")
        account = account_to_read(view, principal, account_id)
        if account.chain != whose.chain:
            known, got = number_of(account.chain), number_of(whose.chain)
            detail = f"chainId: expected {known}, where {whose.account} is, got {got}"
            raise Malformed(Code.WRONG_CHAIN, detail, field="chainId")
        if whose.player and account.user_id != player:
            detail = f"player: expected the one of {whose.account}, or none, got {whose.player}"
            raise Malformed(Code.MALFORMED_BODY, detail, field="player")
        return account
    if player is None:
        detail = "account: expected the id of an account, or of a player in player, got neither"
        raise Malformed(Code.MALFORMED_BODY, detail, field="account")
    owner = whose.owner_address
    has = [one for _, one in accounts_of(view, player) if one.chain == whose.chain]
    return next((one for one in reversed(has) if owner in {None, one.owner}), None)


def no_account(whose: Whose) -> Malformed:
    """Return the error that says that a player has no account where it needs one."""
    number = number_of(whose.chain)
    detail = (
        f"player: expected one with an account on chain {number}, got one without;"
        " create one with POST /v1/accounts, or give externalOwnerAddress"
    )
    return Malformed(Code.MALFORMED_BODY, detail, field="player")


def _player(view: View, principal: Principal, whose: Whose) -> str | None:
    if not whose.player:
        return own_user(view, principal)
    user_id = ids.native(whose.player, Prefix.USER, ids.PLAYER, field="player")
    user = present(view.get(User, user_id), "player")
    expect_reach(view, principal, user.organization_id, "player")
    return present(user_id if own_user(view, principal) in {None, user_id} else None, "player")


async def account_for(admitted: Admitted, whose: Whose) -> Account:
    """
    Return the account that *whose* says; a new one if its player has none, and its owner is named.

    Raises:
        Malformed, NotFound: As `account_of`; or there is none and nobody is said to own it.
    """
    world, principal = admitted.world, admitted.principal
    found = await world.store.read(lambda view: account_of(view, principal, whose))
    if found is not None:
        return found
    if whose.owner_address is None:
        raise no_account(whose)
    user_id = None
    if whose.player:
        user_id = ids.native(whose.player, Prefix.USER, ids.PLAYER, field="player")
    wanted = Wanted(chain=whose.chain, user_id=user_id, owner=whose.owner_address, is_clone=True)
    part = part_of(admitted.request, "account")
    return (await open_account(world, principal, part, wanted))[1]


def expect_not_kept(view: View, principal: Principal, account: Account) -> None:
    """
    Let no client act for an account whose owner's key is here: nobody but its backend signs there.

    Raises:
        Malformed: One would.
    """
    wallet = present(view.get(Wallet, account.wallet_id), "account")
    if principal.kind is PrincipalKind.SESSION and wallet.owner_key is not OwnerKey.OUTSIDE:
        detail = "account: expected one that the player owns, got one whose key the server has"
        raise Malformed(Code.NOT_ALLOWED, detail, field="account")
