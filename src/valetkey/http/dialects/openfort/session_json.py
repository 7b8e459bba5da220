"""Sessions as Openfort's clients read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from msgspec import UNSET, Struct, UnsetType

from valetkey.core.activity import SETTLED, Activity
from valetkey.core.permission.whitelist import whitelist_of
from valetkey.core.session import Session, State, Usage, state_of
from valetkey.core.wallet import Account, OwnerKey
from valetkey.flows.gate import present
from valetkey.flows.registered import REGISTER
from valetkey.flows.revocation import asked_of
from valetkey.http.dialects.openfort import ids
from valetkey.http.dialects.openfort.intent_json import is_intent, write_intent
from valetkey.http.dialects.openfort.meaning import limit_of
from valetkey.http.dialects.openfort.named import Named
from valetkey.http.dialects.openfort.next_action import NextAction, to_register, to_revoke
from valetkey.wire.base import hexed

if TYPE_CHECKING:
    from valetkey.flows.sight import Sight
    from valetkey.ports import View

SHOWN: Final = 10  # of a session's intents, the newest
_LOOKED_AT: Final = 100
Expand = Literal["transactionIntents", "account"]


class SessionJson(Struct, frozen=True, rename="camel", kw_only=True):
    """
    A session as it is answered.

    Args:
        is_active: Whether its key can be used, as far as chain and server say now.
        address: Of the session key.
        valid_after, valid_until: First and last valid second, as text.
        limit: How many calls it may make in all, at most what 32 bits say; ours: *remaining_uses*,
            and *unlimited*, which means that there is no such limit.
        next_action: What its owner has to sign now, if anything.
    """

    id: str
    created_at: int
    updated_at: int
    is_active: bool
    address: str
    valid_after: str
    valid_until: str
    account: Named
    whitelist: list[str]
    limit: int
    remaining_uses: int | None
    unlimited: bool
    transaction_intents: list[Any]
    next_action: NextAction | UnsetType = UNSET
    object: Literal["session"] = "session"


@dataclass(frozen=True, slots=True)
class Found:
    """A session with what belongs to it."""

    session: Session
    usage: Usage
    account: Account
    state: State


def found(world: Sight, view: View, session: Session) -> Found:
    """Return *session* with what belongs to it now."""
    usage = present(view.get(Usage, session.id), "session")
    account = present(view.get(Account, session.account_id or ""), "account")
    return Found(session, usage, account, state_of(session, usage, now=world.clock.now()))


def write_session(
    world: Sight, view: View, session: Session, *, expand: bool = False
) -> SessionJson:
    """
    Return *session* as it is answered.

    Args:
        expand: Whether its intents are there in whole.
    """
    one = found(world, view, session)
    permission = present(session.permission, "session")
    grant = present(session.grant, "session")
    used, most = one.usage.spent.calls, permission.max_calls
    return SessionJson(
        id=ids.shown(session.id, ids.SESSION),
        created_at=session.created_at,
        updated_at=max(session.created_at, *(step.at_ms // 1000 for step in session.steps), 0),
        is_active=one.state is State.OPEN,
        address=hexed(grant.session_key),
        valid_after=str(session.starts_at),
        valid_until=str(session.expires_at - 1),
        account=Named(ids.shown(one.account.id, ids.ACCOUNT)),
        whitelist=[hexed(target) for target in whitelist_of(permission)],
        limit=limit_of(permission),
        remaining_uses=None if most is None else max(most - used, 0),
        unlimited=most is None,
        transaction_intents=_intents(view, one, expand=expand),
        next_action=next_action_of(world, view, one) or UNSET,
    )


def next_action_of(world: Sight, view: View, one: Found) -> NextAction | None:
    """Return what the owner of a session has to sign now; None while nothing waits for them."""
    grant = present(one.session.grant, "session")
    if asked_of(world, view, one.session) is not None:
        return to_revoke(grant, one.account)
    is_theirs = one.session.owner_key is OwnerKey.OUTSIDE
    if one.state is not State.PENDING or not is_theirs or is_on_its_way(view, one.session):
        return None
    return to_register(grant, one.account)


def is_on_its_way(view: View, session: Session) -> bool:
    """Say whether the owner has signed *session* and the chain has not said anything yet."""
    governing = view.find(Activity, governs=session.id, newest_first=True)
    return any(one.kind == REGISTER and one.state not in SETTLED for one in governing)


def _intents(view: View, one: Found, *, expand: bool) -> list[Any]:
    newest = view.find(Activity, session_id=one.session.id, limit=_LOOKED_AT, newest_first=True)
    shown = [activity for activity in newest if is_intent(activity)][:SHOWN]
    if expand:
        return [write_intent(activity, one.account) for activity in shown]
    return [Named(ids.shown(activity.id, ids.INTENT)) for activity in shown]
