"""What may be signed with a split wallet: all by a credential, less under a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.budget import FEES, BudgetLine, book, line_id
from valetkey.core.child_session import decide_in_line
from valetkey.core.clone_signature import clone_of
from valetkey.core.errors import Code, Forbidden, Limited
from valetkey.core.organization import Organization, User
from valetkey.core.permission.decide import Deny
from valetkey.core.permission.signing import (
    SignMessage,
    SignTypedData,
    decide_signature,
)
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Session
from valetkey.core.signable import SignAsClone, SignTransaction, call_of, refuse_under_session
from valetkey.core.surface import Surface
from valetkey.core.wallet import Account, Curve, Wallet, address_of
from valetkey.flows.book import book_budgets, book_line
from valetkey.flows.gate import forbid, present
from valetkey.flows.line import line_of

if TYPE_CHECKING:
    from valetkey.core.child_session import Line
    from valetkey.core.custody import SplitKey
    from valetkey.core.principal import Principal
    from valetkey.core.signable import Wanted
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


def expect_permitted(
    world: World, tx: Tx, principal: Principal, key: SplitKey, wanted: Wanted, *, counts: bool
) -> None:
    """
    Let pass what *principal* may have signed with *key*; count it in the same transaction.

    A credential of the organization signs as the owner. Under a session: 1. never what gives it
    more power, nor what nobody can read, unless the organization has its surface do so; 2. without
    a permission only for a vendor's surface, whose sessions are the client; 3. else what each
    permission of its line allows. A transaction is spent when it is signed: whoever has it can
    send it.

    Args:
        counts: Whether this is the first time that it is asked for.

    Raises:
        Forbidden: ``signing_forbidden``, ``signing_not_allowed``, or what the permission says.
        Limited: A budget above the session is used up.
    """
    if principal.kind is not PrincipalKind.SESSION:
        return
    line = line_of(tx, present(tx.get(Session, principal.subject_id), "session"))
    session, is_bare = line[0][0], all(one.permission is None for one, _ in line)
    owner = present(tx.get(Organization, session.organization_id), "organization")
    curve = key.public_key.curve
    denied = refuse_under_session(  # 1
        wanted,
        curve,
        accounts=_accounts_of_ours(world, tx, key, wanted),
        raw_allowed=is_bare and session.surface in owner.raw_signing,
    )
    if denied is not None:
        raise forbid(denied)
    if is_bare:  # 2
        if session.surface is Surface.NATIVE:
            detail = "expected a session with a permission, got one without"
            raise Forbidden(Code.SIGNING_NOT_ALLOWED, detail)
        return
    if isinstance(wanted, SignTransaction):  # 3
        _spend(world, tx, line, key, wanted, counts=counts)
    else:
        _expect_template(world, line, key, wanted)


def _accounts_of_ours(world: World, view: View, key: SplitKey, wanted: Wanted) -> set[bytes]:
    """Return accounts and executors of ours, as far as *wanted* could name them."""
    found = {chain.implementation for chain in world.chains.values()}
    if key.public_key.curve is Curve.SECP256K1:
        owner = address_of(key.public_key)
        found.add(owner)
        wallet = view.get(Wallet, key.id)
        user = view.get(User, wallet.user_id) if wallet and wallet.user_id else None
        if user is not None and user.clones is not None:
            found.add(clone_of(owner, user.clones))
    inner = wanted.wanted if isinstance(wanted, SignAsClone) else wanted
    if isinstance(inner, SignTypedData):
        contract = inner.typed.domain.get("verifyingContract")
        if isinstance(contract, bytes) and view.find(Account, address=contract, limit=1):
            found.add(contract)
    return found


def _expect_template(world: World, line: Line, key: SplitKey, wanted: Wanted) -> None:
    if key.public_key.curve is not Curve.SECP256K1 or not isinstance(
        wanted, SignMessage | SignTypedData
    ):
        detail = "expected a message or typed data that a template of the permission has"
        raise Forbidden(Code.SIGNING_NOT_ALLOWED, detail)
    for session, _ in line:
        if session.permission is None:
            raise Forbidden(Code.SIGNING_NOT_ALLOWED, "a session above it has no permission")
        decided = decide_signature(wanted, session.permission, now=world.clock.now(), accounts=())
        if isinstance(decided, Deny):
            raise forbid(decided)


def _spend(
    world: World, tx: Tx, line: Line, key: SplitKey, wanted: SignTransaction, *, counts: bool
) -> None:
    """Book what the transaction moves to the line and to the budgets above it, for good."""
    if not counts:
        return
    root, usage = line[-1]
    chain = f"eip155:{wanted.transaction.chain_id}"
    if root.permission is None or root.permission.chain != chain:
        expected = root.permission.chain if root.permission else "a permission"
        detail = f"expected a transaction on {expected}, got {chain}"
        raise Forbidden(Code.WRONG_CHAIN, detail)
    call = call_of(wanted.transaction)
    if isinstance(call, Deny):
        raise forbid(call)
    now = world.clock.now()
    allowed = decide_in_line(
        (call,), line, usage.spent, now=now, account=address_of(key.public_key)
    )
    if isinstance(allowed, Deny):
        raise forbid(allowed)
    book_budgets(tx, root, (call,), now=now)
    book_line(tx, line, (call,), allowed, now=now)
    _book_fee(tx, root, wanted.transaction.most_fee_wei, now=now)


def _book_fee(tx: Tx, root: Session, fee_wei: int, *, now: int) -> None:
    """Book what the account itself may pay for gas: the sender of a transaction chooses it."""
    fees = tx.get(BudgetLine, line_id(root.id, FEES))
    if fees is None:
        detail = "expected a permission with a fee budget: the account pays for the transaction"
        raise Forbidden(Code.SIGNING_NOT_ALLOWED, detail)
    booked = book(fees, fee_wei, now=now)
    if isinstance(booked, Deny):
        raise Limited(booked.code, booked.detail, caveat=booked.caveat)
    tx.put(booked[0])
