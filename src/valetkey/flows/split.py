"""Split wallets are made: the client has one share of the key, this server the other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import Activity, ActivityState
from valetkey.core.custody import Purpose, SealedShare, SigningPlan, SplitKey
from valetkey.core.errors import Code, Forbidden, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.organization import User
from valetkey.core.principal import PrincipalKind
from valetkey.core.quota import Quota
from valetkey.core.scope import Scope
from valetkey.core.session import Session
from valetkey.core.split_share import client_share
from valetkey.core.wallet import Account, Curve, OwnerKey, Wallet, address_of
from valetkey.flows.counts import count_one
from valetkey.flows.gate import expect_reach, expect_scope, present
from valetkey.flows.joining import (
    Joining,
    carry_out,
    end_joining,
    expect_may_renew,
    plan_joining,
)
from valetkey.flows.record import expect_still

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.core.activity import Request
    from valetkey.core.custody import Carried
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

    Also = Callable[[Tx, Wallet], None]

CURVES: Final = frozenset({Curve.SECP256K1, Curve.ED25519})


@dataclass(frozen=True, slots=True)
class CreateSplit:
    """
    A wallet whose key is split.

    Args:
        curve: secp256k1 or Ed25519.
        chain: CAIP-2, to have an account there at once; only for secp256k1. None has none.
    """

    curve: Curve
    chain: str | None = None
    user_id: str | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class MadeSplit:
    """
    A new wallet.

    Args:
        share: The client's share, shown this once; None for repeats. Nobody can have it again:
            if the answer was lost, make another wallet.
    """

    wallet: Wallet
    account: Account | None
    key: SplitKey
    share: str | None = field(repr=False)


async def create_split(
    world: World,
    principal: Principal,
    request: Request,
    command: CreateSplit,
    *,
    also: Also | None = None,
) -> MadeSplit:
    """
    Return a new wallet whose key was split when it was made, with the client's share.

    Args:
        also: What is looked at and written in the transaction that adds the wallet; what it raises
            undoes that.

    Raises:
        Malformed: The curve has no split keys, or the chain no accounts of it.
        NotFound, Forbidden: The user is not the principal's; or it may not make wallets.
        Unauthenticated: It is let in no more.
    """
    if principal.kind is not PrincipalKind.SESSION:
        expect_scope(principal, Scope.WALLETS_WRITE)
    _check(world, command)
    wallet = _new_wallet(world, principal, command)
    plan = SigningPlan(wallet.id, 0, Purpose.CREATE, makes=1)

    def begin(tx: Tx) -> Activity:
        if principal.kind is PrincipalKind.SESSION:
            _expect_own(tx, principal, command)
        elif command.user_id is not None:
            user = present(tx.get(User, command.user_id), "user")
            expect_reach(tx, principal, user.organization_id, "user", widens=True)
        return plan_joining(world, tx, principal, request, plan)

    activity = await world.store.write(begin)
    if activity.state is ActivityState.DONE:
        return await _made_before(world, activity)
    wallet = replace(wallet, id=activity.subject_id)  # of a repeat, which was planned before
    plan = activity.signing or plan
    carried = await carry_out(world, Joining(activity, plan, command.curve, None))
    made = _made(world, wallet, command.chain, carried)
    write = partial(_write, world, principal, activity, made, also=also)
    is_first = await world.store.write(write)
    return made if is_first else await _made_before(world, activity)


def _expect_own(view: View, principal: Principal, command: CreateSplit) -> None:
    """
    Let pass a vendor's client that makes a wallet for itself.

    Raises:
        Forbidden: It is a session of ours, or it asks for somebody else.
    """
    expect_may_renew(view, principal)
    session = present(view.get(Session, principal.subject_id), "session")
    if session.user_id is None or session.user_id != command.user_id:
        detail = "expected a wallet for the user of the session, got one for another"
        raise Forbidden(Code.NOT_ALLOWED, detail)


def _new_wallet(world: World, principal: Principal, command: CreateSplit) -> Wallet:
    return Wallet(
        id=world.new_id(Prefix.WALLET),
        organization_id=principal.organization_id,
        user_id=command.user_id,
        label=command.label,
        owner_key=OwnerKey.SPLIT,
        curve=command.curve,
        key_id=None,
        created_at=world.clock.now(),
    )


def _write(
    world: World,
    principal: Principal,
    activity: Activity,
    made: MadeSplit,
    tx: Tx,
    *,
    also: Also | None,
) -> bool:
    """Write the wallet down, if who asked still may; say whether it was not there yet."""
    expect_still(world, tx, principal)
    fresh = present(tx.get(Activity, activity.id), "activity")
    if fresh.state is not ActivityState.AWAITING:
        return False
    count_one(world, tx, made.wallet.organization_id, Quota.WALLETS)
    tx.add(made.wallet)
    tx.add(made.key)
    if made.account is not None:
        tx.add(made.account)
    if also is not None:
        also(tx, made.wallet)
    facts = {"account": made.account.caip10} if made.account else {}
    key = made.key.public_key
    facts |= {"owner_key": OwnerKey.SPLIT.value, "public_key": f"0x{key.data.hex()}"}
    end_joining(world, tx, activity.id, "wallet:added", **facts)
    return True


def _check(world: World, command: CreateSplit) -> None:
    if command.curve not in CURVES:
        detail = f"curve: expected one of {', '.join(sorted(CURVES))}, got {command.curve}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    if command.chain is not None:
        world.chain(command.chain)
        if command.curve is not Curve.SECP256K1:
            detail = f"chain: expected none for {command.curve}, got {command.chain}"
            raise Malformed(Code.MALFORMED_BODY, detail)


def _made(world: World, wallet: Wallet, chain: str | None, carried: Carried) -> MadeSplit:
    public_key, point = present(carried.public_key, "key"), present(carried.share, "share")
    key = SplitKey(
        id=wallet.id,
        organization_id=wallet.organization_id,
        public_key=public_key,
        current=SealedShare(1, carried.sealed),
        generations=1,
    )
    account = None
    if chain is not None:
        account = Account(
            id=world.new_id(Prefix.ACCOUNT),
            organization_id=wallet.organization_id,
            wallet_id=wallet.id,
            user_id=wallet.user_id,
            chain=chain,
            address=address_of(public_key),
            created_at=wallet.created_at,
        )
    return MadeSplit(wallet, account, key, client_share(wallet.id, 1, point))


async def _made_before(world: World, activity: Activity) -> MadeSplit:
    """Return the wallet that the same request made before, without its share."""

    def facts(view: View) -> MadeSplit:
        wallet = present(view.get(Wallet, activity.subject_id), "wallet")
        accounts = view.find(Account, wallet_id=wallet.id, limit=1)
        key = present(view.get(SplitKey, wallet.id), "wallet")
        return MadeSplit(wallet, accounts[0] if accounts else None, key, None)

    return await world.store.read(facts)
