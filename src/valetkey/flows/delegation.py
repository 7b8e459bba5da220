"""Accounts delegated to our code (EIP-7702), by their owners or with the keys that are here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.activity import Activity, ActivityState
from valetkey.core.chain import Authorization
from valetkey.core.errors import Code, Malformed
from valetkey.core.plan import delegate_intent, delegation_digest, is_signed_by, without_v
from valetkey.core.wallet import Account, SealedKey, Wallet
from valetkey.flows.counts import add_activity
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.leaving import expect_staying
from valetkey.flows.record import admit, begin, earlier
from valetkey.flows.relay import drive
from valetkey.flows.settle import DELEGATE
from valetkey.flows.standing import expect_delegable

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


@dataclass(frozen=True, slots=True)
class DelegationRequest:
    """What an owner signs so that the account runs our code (EIP-7702)."""

    chain_id: int
    delegate: bytes
    nonce: int
    digest: bytes


async def delegation_request(
    world: Sight, principal: Principal, *, account_id: str
) -> DelegationRequest:
    """Return the authorization that the owner of the account has to sign now."""
    expect_secret(principal)

    def facts(view: View) -> Account:
        account = present(view.get(Account, account_id), "account")
        expect_reach(view, principal, account.organization_id, "account")
        expect_delegable(account)
        return account

    return await authorization_request(world, await world.store.read(facts))


async def authorization_request(world: Sight, account: Account) -> DelegationRequest:
    """Return what lets the account run our code, if its owner signs it now."""
    chain = world.chain(account.chain)
    nonce = await chain.transaction_count(account.address)
    digest = delegation_digest(chain=account.chain, delegate=chain.implementation, nonce=nonce)
    return DelegationRequest(chain.chain_id, chain.implementation, nonce, digest)


def accepted(wanted: DelegationRequest, account: Account, signature: bytes | None) -> Authorization:
    """
    Return the authorization that the owner has signed, whose key is outside.

    Raises:
        Malformed: There is no signature, or it is another's or over something else.
    """
    if signature is None or not is_signed_by(wanted.digest, signature, account.address):
        detail = (
            f"signature: expected 65 bytes by the account's owner over"
            f" 0x{wanted.digest.hex()} (nonce {wanted.nonce})"
        )
        raise Malformed(Code.MALFORMED_SIGNATURE, detail)
    bare = without_v(signature)
    return Authorization(wanted.chain_id, wanted.delegate, wanted.nonce, bare)


async def delegate(
    world: World,
    principal: Principal,
    request: Request,
    *,
    account_id: str,
    signature: bytes | None,
) -> Activity:
    """
    Return the activity that makes the account run our code.

    Args:
        signature: 65 bytes by the owner; None when this server holds the owner's key.

    Raises:
        Malformed: No signature and no key here, or a signature that is not the owner's.
    """
    expect_secret(principal)

    def facts(view: View) -> tuple[Account, SealedKey | None, Activity | None]:
        account = present(view.get(Account, account_id), "account")
        expect_reach(view, principal, account.organization_id, "account", widens=True)
        expect_delegable(account)
        return account, _owner_of(view, account), earlier(view, principal, request)

    account, key, before = await world.store.read(facts)
    if before is not None:
        return await _carry(world, before)
    wanted = await authorization_request(world, account)
    if key is None:
        state, authorization = ActivityState.READY, accepted(wanted, account, signature)
    else:
        state = ActivityState.AWAITING
        authorization = Authorization(wanted.chain_id, wanted.delegate, 0, b"")
    planned = _planned(world, principal, request, account)
    intent = delegate_intent(account, authorization)
    planned = replace(planned, state=state, intent=intent)

    def body(tx: Tx) -> Activity:
        again = admit(world, tx, principal, request)
        if again is None:
            expect_staying(tx, account_id)
            add_activity(world, tx, planned)
        return again or planned

    world.checkpoint.reached("delegate:before_plan")
    planned = await world.store.write(body)
    world.checkpoint.reached("delegate:after_plan")
    return await _carry(world, planned)


def _planned(world: World, principal: Principal, request: Request, account: Account) -> Activity:
    owner = account.organization_id
    activity = begin(
        world, principal, request, DELEGATE, organization_id=owner, subject_id=account.id
    )
    return replace(activity, account_id=account.id)


async def _carry(world: World, activity: Activity) -> Activity:
    if activity.state is ActivityState.AWAITING:
        activity = await sign_delegation(world, activity)
    return await drive(world, activity.id)


def _owner_of(view: View, account: Account) -> SealedKey | None:
    wallet = present(view.get(Wallet, account.wallet_id), "wallet")
    return view.get(SealedKey, wallet.key_id) if wallet.key_id else None


async def sign_delegation(world: World, activity: Activity) -> Activity:
    """Return a planned delegation, ready for the chain, signed with the owner's key here."""

    def facts(view: View) -> tuple[Account, SealedKey]:
        account = present(view.get(Account, activity.account_id or ""), "account")
        return account, present(_owner_of(view, account), "owner's key")

    account, key = await world.store.read(facts)
    wanted = await authorization_request(world, account)
    world.checkpoint.reached("delegate:before_sign")
    signature = await world.vault.sign(key, wanted.digest)
    world.checkpoint.reached("delegate:after_sign")
    signed = Authorization(wanted.chain_id, wanted.delegate, wanted.nonce, signature)

    def body(tx: Tx) -> Activity:
        fresh = present(tx.get(Activity, activity.id), "activity")
        if fresh.state is not ActivityState.AWAITING:
            return fresh
        intent = delegate_intent(account, signed)
        ready = replace(fresh, state=ActivityState.READY, intent=intent)
        tx.put(ready)
        return ready

    return await world.store.write(body)
