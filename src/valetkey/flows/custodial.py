"""Calls of accounts whose owner's key is here: signed as soon as a backend asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.activity import Activity, ActivityState
from valetkey.core.plan import with_v
from valetkey.core.scope import Scope
from valetkey.core.wallet import Account, SealedKey, Wallet
from valetkey.flows.executions import sign_execution
from valetkey.flows.gate import expect_scope, present

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import View


async def sign_if_kept(world: World, principal: Principal, activity: Activity) -> Activity:
    """
    Return an execution, signed by its owner if that key is here; else as it is.

    Raises:
        Forbidden: The principal has not the scope ``wallets:sign``.
    """
    plan = activity.execution
    if activity.state is not ActivityState.AWAITING or plan is None:
        return activity

    def body(view: View) -> SealedKey | None:
        account = present(view.get(Account, activity.account_id or ""), "account")
        wallet = present(view.get(Wallet, account.wallet_id), "account")
        return view.get(SealedKey, wallet.key_id) if wallet.key_id else None

    owner = await world.store.read(body)
    if owner is None:
        return activity
    expect_scope(principal, Scope.WALLETS_SIGN)
    signature = with_v(await world.vault.sign(owner, plan.digest))
    return await sign_execution(world, principal, activity_id=activity.id, signature=signature)
