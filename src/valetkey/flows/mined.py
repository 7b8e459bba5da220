"""Whether a mined transaction did what it was for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.errors import ChainRejected, Code

if TYPE_CHECKING:
    from valetkey.core.activity import Activity, Attempt, Intent
    from valetkey.core.chain import Receipt, Transaction
    from valetkey.core.wallet import Account
    from valetkey.ports import Chain


async def why_failed(
    chain: Chain, account: Account, activity: Activity, attempt: Attempt, receipt: Receipt
) -> tuple[Code, str] | None:
    """Return why a mined transaction did not do what it was for, or None if it did."""
    if activity.intent is None or not _is_for(account, activity.intent, attempt.transaction):
        return Code.DEADLINE_PASSED, "it was cancelled before it was mined"
    if not receipt.succeeded:
        try:
            await chain.simulate(attempt.transaction)
        except ChainRejected as rejected:
            if rejected.code is not Code.CHAIN_REJECTED:
                return rejected.code, rejected.detail
            # It cannot be asked why: a target decides what a node can simulate.
        return Code.CALL_REVERTED, "the transaction was mined and reverted"
    is_taken = account.clone is None and not activity.intent.authorizations
    if activity.is_act and is_taken:  # a clone may be gone with the block that made it
        return None
    refused = await _why_other(chain, account, _code_after(chain, activity.intent))
    return (refused.code, refused.detail) if refused else None


async def why_no_code(chain: Chain, account: Account, intent: Intent) -> ChainRejected | None:
    """Return why *account* could not do what *intent* is for: it runs other code than ours."""
    if account.clone is not None or intent.authorizations:
        return None
    return await _why_other(chain, account, chain.implementation)


def _is_for(account: Account, intent: Intent, transaction: Transaction) -> bool:
    """Say whether *transaction* carries *intent*, and does not use up a nonce by nothing at all."""
    is_made = account.clone is not None and transaction.to == account.clone.factory
    return is_made or transaction.to == intent.to


async def _why_other(chain: Chain, account: Account, wanted: bytes | None) -> ChainRejected | None:
    if account.clone is not None:
        if await chain.has_code(account.address):
            return None
        detail = f"expected the account at 0x{account.address.hex()} to be made, it is not there"
        return ChainRejected(Code.CHAIN_REJECTED, detail)
    got = await chain.delegate_of(account.address)
    return None if got == wanted else _not_delegated(got, wanted)


def _not_delegated(got: bytes | None, wanted: bytes | None) -> ChainRejected:
    """Return what is said of an account that runs other code than it has to."""
    told = [f"0x{one.hex()}" if one else "no code" for one in (wanted, got)]
    detail = f"expected the account to run {told[0]}, got {told[1]}; have its owner delegate anew"
    return ChainRejected(Code.NOT_DELEGATED, detail)


def _code_after(chain: Chain, intent: Intent) -> bytes | None:
    """Return what the account runs when *intent* has happened; None for no code."""
    if not intent.authorizations:
        return chain.implementation
    delegate = intent.authorizations[-1].delegate
    return delegate if any(delegate) else None
