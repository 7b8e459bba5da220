"""Lists of transaction intents, by account, player or policy, under both names of each."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from msgspec import field

from valetkey.core.activity import Activity
from valetkey.core.ids import Prefix
from valetkey.core.organization import User
from valetkey.core.wallet import Account
from valetkey.flows.gate import expect_reach, present
from valetkey.flows.reached import account_to_read, own_user
from valetkey.flows.user_accounts import accounts_of
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.chains import number_of
from valetkey.http.dialects.openfort.intent_json import IntentJson, is_intent, write_intent
from valetkey.http.dialects.openfort.lists import SCANNED, Part, Window, part
from valetkey.http.dialects.openfort.sessions import policy_of
from valetkey.ports import MAX_FOUND

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.core.principal import Principal
    from valetkey.ports import View


class Intents(Window, frozen=True, kw_only=True, rename="camel"):
    """
    Which intents: those that have one of each that is named; older clients call them otherwise.

    Args:
        expand: Looked past: what belongs to an intent has its id there.
    """

    account: list[str] = field(default_factory=list)
    account_id: list[str] = field(default_factory=list)
    player: list[str] = field(default_factory=list)
    player_id: list[str] = field(default_factory=list)
    policy: list[str] = field(default_factory=list)
    policy_id: list[str] = field(default_factory=list)
    chain_id: int | None = None
    expand: list[str] = field(default_factory=list)


def list_intents(view: View, principal: Principal, query: Intents, url: str) -> Part[IntentJson]:
    """
    Return the intents that *query* asks for, of the 10,000 newest acts that it is about.

    Raises:
        NotFound: There is no such account or player for *principal*.
    """
    accounts = _accounts(view, principal, query)
    policies = {policy_of(one) for one in (*query.policy, *query.policy_id)}
    if accounts is None:
        walked = _walked(view, organization_id=principal.organization_id)
    else:
        walked = (one for account in accounts for one in _walked(view, account_id=account.id))
    kept = [
        (one, account)
        for one in islice(walked, SCANNED)
        if is_intent(one)
        and (not policies or one.sponsorship_id in policies)
        and (account := view.get(Account, one.account_id or "")) is not None
        and query.chain_id in {None, number_of(account.chain)}
    ]
    kept.sort(key=lambda found: found[0].id, reverse=query.order == "desc")
    shown = kept[query.skip : query.skip + query.limit]
    return part(url, [write_intent(one, account) for one, account in shown], query, len(kept))


def _accounts(view: View, principal: Principal, query: Intents) -> list[Account] | None:
    """Return the accounts that are asked for; None is every one of the organization."""
    named = tuple(dict.fromkeys((*query.account, *query.account_id)))  # each once
    players = [
        ids.native(one, Prefix.USER, ids.PLAYER, field="player")
        for one in (*query.player, *query.player_id)
    ]
    own = None if named else own_user(view, principal)
    if own is not None:
        if any(one != own for one in players):
            return present(None, "player")
        players = [own]
    if not named and not players:
        return None
    found: list[Account] = []
    for text in named:
        account_id = ids.native(text, Prefix.ACCOUNT, ids.ACCOUNT, field="account")
        found.append(account_to_read(view, principal, account_id))
    of_players = {one.id: one for player in players for one in _of_player(view, principal, player)}
    if not named:
        return list(of_players.values())
    return [one for one in found if not players or one.id in of_players]


def _of_player(view: View, principal: Principal, user_id: str) -> list[Account]:
    user = present(view.get(User, user_id), "player")
    expect_reach(view, principal, user.organization_id, "player")
    return [account for _, account in accounts_of(view, user.id)]


def _walked(view: View, **where: str) -> Iterator[Activity]:
    after = ""
    while True:
        page = view.find(Activity, after=after, limit=MAX_FOUND, newest_first=True, **where)
        yield from page
        if len(page) < MAX_FOUND:
            return
        after = page[-1].id
