"""Which account a request is about: one that it names, or the one of a player on a chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from valetkey.core.errors import Code, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.organization import User
from valetkey.core.principal import PrincipalKind
from valetkey.core.wallet import Account
from valetkey.flows.gate import expect_reach, present
from valetkey.flows.reached import client_user
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.players import accounts_of
from valetkey.wire.base import read_address

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
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
        account = present(view.get(Account, account_id), "account")
        expect_reach(view, principal, account.organization_id, "account")
        if account.chain != whose.chain:
            known = account.chain.removeprefix("eip155:")
            got = whose.chain.removeprefix("eip155:")
            detail = f"chainId: expected {known}, where {whose.account} is, got {got}"
            raise Malformed(Code.WRONG_CHAIN, detail, field="chainId")
        if whose.player and account.user_id != player:
            detail = f"player: expected the one of {whose.account}, or none, got {whose.player}"
            raise Malformed(Code.MALFORMED_BODY, detail, field="player")
        return account
    if player is None:
        detail = "account: expected the id of an account, or of a player in player, got neither"
        raise Malformed(Code.MALFORMED_BODY, detail, field="account")
    found = [one for one in accounts_of(view, player) if one.chain == whose.chain]
    owner = whose.owner_address
    return next((one for one in found if owner in {None, one.owner}), None)


def no_account(whose: Whose) -> Malformed:
    """Return the error that says that a player has no account where it needs one."""
    number = whose.chain.removeprefix("eip155:")
    detail = (
        f"player: expected one with an account on chain {number}, got one without;"
        " create one with POST /v1/accounts, or give externalOwnerAddress"
    )
    return Malformed(Code.MALFORMED_BODY, detail, field="player")


def _player(view: View, principal: Principal, whose: Whose) -> str | None:
    if whose.player:
        user_id = ids.native(whose.player, Prefix.USER, ids.PLAYER, field="player")
        user = present(view.get(User, user_id), "player")
        expect_reach(view, principal, user.organization_id, "player")
        if principal.kind is PrincipalKind.SESSION and client_user(view, principal) != user_id:
            return present(None, "player")
        return user_id
    is_client = principal.kind is PrincipalKind.SESSION
    return client_user(view, principal) if is_client else None
