"""Take away what sessions left approved, for an account whose owner's key is here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import ActivityState
from valetkey.core.command import OpenSession
from valetkey.core.errors import Code, Conflict
from valetkey.core.permission.model import Constraint, Operator, Permission, Rule
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.session import Proof, Session
from valetkey.core.wallet import Account, Curve, Wallet
from valetkey.flows.gate import expect_reach, expect_secret, present
from valetkey.flows.leftovers import Approval, every_approval
from valetkey.flows.open_session import open_session
from valetkey.flows.record import earlier, part_of
from valetkey.flows.run import MAX_CALLS, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.activity import Activity, Request
    from valetkey.flows.world import World
    from valetkey.ports import View

LIFE_S: Final = 600
_AMOUNT: Final = 1
_APPROVE: Final = "approve(address,uint256)"


async def clear_approvals(
    world: World, principal: Principal, request: Request, *, account_id: str
) -> Activity | None:
    """
    Return the run that sets the account's known approvals to 0, as many as one run carries.

    The owner's key opens a session for it that may do nothing else, and that lives for ten minutes.
    None if there is none left, or nothing more to clear. A token that refuses stands in the way of
    its own approvals alone: then each token has a run of its own, and one that went through is
    returned, if any did. A token that lies about what is left does not fill the run.

    Raises:
        Conflict: The owner's key is outside: they send the calls themselves.
    """
    expect_secret(principal)
    opening, running = part_of(request, "open"), part_of(request, "run")

    def facts(view: View) -> tuple[Account, tuple[Principal, Activity] | None]:
        account = present(view.get(Account, account_id), "account")
        expect_reach(view, principal, account.organization_id, "account", widens=True)
        wallet = present(view.get(Wallet, account.wallet_id), "wallet")
        if wallet.key_id is None:
            detail = "the owner's key is outside: expected the owner to send the listed calls"
            raise Conflict(Code.CONFLICT, detail)
        before = earlier(view, principal, opening)
        if before is None:
            return account, None
        holder = _holder(present(view.get(Session, before.subject_id), "session"))
        done = earlier(view, holder, running)
        return account, (holder, done) if done else None

    account, done = await world.store.read(facts)
    if done is not None:
        return await _apart(world, done[0], running, done[1])
    every = await every_approval(world, principal, account_id=account_id)
    left = _in_turn(every)[:MAX_CALLS]
    if not left:
        return None
    command = await _command(world, account, left)
    session = (await open_session(world, principal, opening, command)).session
    holder = _holder(session)
    ended = await run(world, holder, running, calls=[one.clearing() for one in left])
    return await _apart(world, holder, running, ended)


def _in_turn(left: Sequence[Approval]) -> list[Approval]:
    """Return the first approval of each token, then the second of each, and so on."""
    seen: Counter[bytes] = Counter()
    placed: list[tuple[int, Approval]] = []
    for one in left:
        placed.append((seen[one.token], one))
        seen[one.token] += 1
    return [one for _, one in sorted(placed, key=lambda each: each[0])]


async def _apart(world: World, holder: Principal, running: Request, whole: Activity) -> Activity:
    """Return the run of all tokens, or runs of one token each if that was refused."""
    calls = whole.run.calls if whole.run else ()
    tokens = dict.fromkeys(call.to for call in calls)
    if whole.state is not ActivityState.FAILED or len(tokens) == 1:
        return whole
    ended = [
        await run(
            world,
            holder,
            part_of(running, token.hex()),
            calls=[call for call in calls if call.to == token],
        )
        for token in tokens
    ]
    return next((one for one in ended if one.state is not ActivityState.FAILED), whole)


async def _command(world: World, account: Account, left: Sequence[Approval]) -> OpenSession:
    """Return what asks for the session; nobody keeps its stamp key, for it is used here, once."""
    permission = _permission(account, left, now=world.clock.now())
    key = await world.vault.create(
        Curve.P256, key_id="", organization_id=account.organization_id, wallet_id=""
    )
    return OpenSession(
        proof=Proof.STAMP,
        access=Access.WRITE,
        user_id=None,
        account_id=account.id,
        key=key.public_key,
        permission=permission,
        starts_at=permission.starts_at,
        expires_at=permission.expires_at,
        idle_s=None,
        label="clear approvals",
        device="",
    )


def _holder(session: Session) -> Principal:
    """Return who holds the session that was opened for it: this flow, for as long as it runs."""
    return Principal(
        PrincipalKind.SESSION, session.organization_id, session.id, Access.WRITE, key=session.key
    )


def _permission(account: Account, left: Sequence[Approval], *, now: int) -> Permission:
    """Return what lets approvals be set to 0, and nothing else."""
    selector = left[0].clearing().selector
    nothing = Constraint(_AMOUNT, Operator.EQUALS, (0,))
    tokens = sorted({one.token for one in left})
    return Permission(
        chain=account.chain,
        rules=tuple(Rule(token, selector, _APPROVE, where=(nothing,)) for token in tokens),
        caps=(),
        starts_at=now,
        expires_at=now + LIFE_S,
        recipients=tuple(sorted({one.spender for one in left})),
        max_calls=len(left),
    )
