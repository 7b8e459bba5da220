"""What sessions leave behind on an account: approvals, listed and cleared."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec import Struct

from valetkey.core.scope import Scope
from valetkey.core.wallet import Account, Wallet
from valetkey.flows import leftovers, reads
from valetkey.flows.clear_approvals import clear_approvals
from valetkey.http.native.pages import Cursor
from valetkey.http.routes import SECRET, Ask, Read, Route, Write
from valetkey.wire import leftover as wire
from valetkey.wire.activity import write_activity
from valetkey.wire.base import Nothing

if TYPE_CHECKING:
    from collections.abc import Iterable

    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.routes import NoQuery
    from valetkey.http.sight import Reads


def write_approvals(found: Iterable[leftovers.Approval]) -> list[wire.Approval]:
    """Return approvals as they are answered."""
    return [
        wire.write_approval(one.token, one.spender, one.amount, one.clearing()) for one in found
    ]


class AfterQuery(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which page."""

    after: Cursor = ""


async def _approvals(
    see: Reads, principal: Principal, ask: Ask[None, AfterQuery]
) -> wire.Approvals:
    found = await leftovers.approvals_of_account(
        see, principal, account_id=ask.id, after=ask.query.after
    )
    account = await reads.owned(see, principal, Account, "account", key=ask.id)
    wallet = await reads.owned(see, principal, Wallet, "wallet", key=account.wallet_id)
    items = write_approvals(found.items)
    return wire.Approvals(owner_key=wallet.owner_key.value, items=items, next=found.next)


async def _clear(admitted: Admitted, ask: Ask[Nothing, NoQuery]) -> wire.Cleared:
    activity = await clear_approvals(
        admitted.world, admitted.principal, admitted.request, account_id=ask.id
    )
    return wire.Cleared(activity=None if activity is None else write_activity(activity))


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="GET",
        path="/v1/accounts/{account_id}/approvals",
        who=SECRET,
        scope=Scope.READ,
        query=AfterQuery,
        summary="List what is left of what sessions of the account approved, read on its chain",
        answer=wire.Approvals,
        handle=_approvals,
    ),
    Write(
        method="POST",
        path="/v1/accounts/{account_id}/approvals/clear",
        who=SECRET,
        scope=Scope.SESSIONS_STOP,
        summary="Set those approvals to 0, where this server holds the owner's key",
        body=Nothing,
        answer=wire.Cleared,
        handle=_clear,
    ),
)
