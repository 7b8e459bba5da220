"""How an account stands on its chain: whether it runs our code, and how its grants are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.errors import Code, Conflict

if TYPE_CHECKING:
    from valetkey.core.chain import GrantState
    from valetkey.core.grant import Grant
    from valetkey.core.wallet import Account
    from valetkey.ports import Chain


async def runs_our_code(chain: Chain, account: Account) -> bool:
    """
    Say whether *account* runs our code, or will from its first act on.

    The address of a clone proves its code, and what comes first makes it.
    """
    if account.clone is not None:
        return True
    return await chain.delegate_of(account.address) == chain.implementation


async def grant_state_of(
    chain: Chain, account: Account, grant: Grant, *, counters: int = 0
) -> GrantState:
    """Return how *grant* is on its chain, with *counters* of its caps (0 to 8)."""
    epoch = grant.epoch if account.clone is not None else None
    return await chain.grant_state(account.address, grant.grant_id, counters=counters, epoch=epoch)


async def epoch_of(chain: Chain, account: Account) -> int:
    """
    Return the epoch that a grant of *account* is signed over now.

    Raises:
        Conflict: It is a clone and belongs to somebody else by now, whose key nobody here knows.
    """
    if account.clone is None:
        return await chain.epoch(account.address)
    state = await chain.clone_state(account.address)
    if state is None:
        return 0
    if state.owner != account.owner:
        detail = f"expected {account.caip10} to belong to 0x{account.owner.hex()}"
        raise Conflict(Code.CONFLICT, f"{detail}, got 0x{state.owner.hex()}: it was handed on")
    return state.epoch


def expect_delegable(account: Account) -> None:
    """
    Let pass an account that runs our code by delegation (EIP-7702), or may.

    Raises:
        Conflict: It is a clone.
    """
    if account.clone is not None:
        detail = f"expected an account at its owner's own address, got the clone {account.caip10}"
        raise Conflict(Code.CONFLICT, f"{detail}: it has its code without being delegated")
