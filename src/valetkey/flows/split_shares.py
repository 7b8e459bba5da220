"""The shares of split wallets: renewed, confirmed, backed up, recovered, but for their end."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from valetkey.core.activity import ActivityState
from valetkey.core.custody import Purpose, SealedShare, SigningPlan, SplitKey
from valetkey.core.errors import Code, Conflict
from valetkey.core.split_share import (
    client_share,
    mark_of,
    read_client_share,
    read_recovery_share,
    recovery_share,
)
from valetkey.flows.gate import present
from valetkey.flows.joining import (
    Joining,
    carry_out,
    end_joining,
    expect_may_renew,
    plan_joining,
    split_key_of,
)

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx


@dataclass(frozen=True, slots=True)
class NewShare:
    """
    What came of a renewal or a backup.

    Args:
        share: The new share, shown this once.
    """

    key: SplitKey
    share: str = field(repr=False)


async def refresh_split(
    world: World, principal: Principal, request: Request, *, wallet_id: str, share: str
) -> NewShare:
    """
    Return a new share of the same key, on a new line: it has nothing to do with the old one.

    The old share goes on until the new one was used first, or `confirm_split`; from then on it is
    refused, and the server's half of it is gone. So an answer that gets lost loses no key: ask
    again, with a new request.

    Raises:
        Malformed, Forbidden, Conflict, Unavailable: As `sign_split`.
    """
    asked = _Asked(principal, request, wallet_id, Purpose.REFRESH, share)
    return await _renew(world, asked, "wallet:refreshed")


async def recover(
    world: World, principal: Principal, request: Request, *, wallet_id: str, recovery: str
) -> NewShare:
    """
    Return a new client's share for who has lost theirs and has the recovery share of the wallet.

    As with `refresh_split`, the lost one is refused once the new one was used or confirmed. The
    recovery share stays good.

    Raises:
        Malformed, Forbidden, Conflict, Unavailable: As `sign_split`, of the recovery share.
    """
    asked = _Asked(principal, request, wallet_id, Purpose.RECOVER, recovery)
    return await _renew(world, asked, "wallet:recovered")


async def confirm_split(
    world: World, principal: Principal, request: Request, *, wallet_id: str, share: str
) -> SplitKey:
    """
    Return the key once its holder has shown a share: those of older lines are refused from now on.

    Raises:
        Malformed, Forbidden, Conflict, Unavailable: As `sign_split`.
    """
    asked = _Asked(principal, request, wallet_id, Purpose.CONFIRM, share)
    joining = await world.store.write(lambda tx: _plan(world, tx, asked))
    await carry_out(world, joining)

    def body(tx: Tx) -> SplitKey:
        _, key = split_key_of(world, tx, principal, wallet_id)
        read_client_share(share, key)
        used = key.used(joining.plan.generation)
        tx.put(used)
        _end(world, tx, joining, "wallet:share_confirmed")
        return used

    return await world.store.write(body)


async def back_up(
    world: World, principal: Principal, request: Request, *, wallet_id: str, share: str
) -> NewShare:
    """
    Return the recovery share of the wallet: of its line, and the same one each time.

    It joins with the server's share (`recover`), and with the client's share of the same line
    without any server. The server keeps its half of that line, also when the client's share is
    refreshed, until a newer line is backed up.

    Raises:
        Malformed, Forbidden, Conflict, Unavailable: As `sign_split`.
    """
    asked = _Asked(principal, request, wallet_id, Purpose.BACK_UP, share)
    joining = await world.store.write(lambda tx: _plan(world, tx, asked))
    carried = await carry_out(world, joining)
    point, generation = present(carried.share, "share"), joining.plan.generation

    def body(tx: Tx) -> SplitKey:
        _, key = split_key_of(world, tx, principal, wallet_id)
        read_client_share(share, key)
        ours = present(key.share_of(generation), "share")
        backed_up = replace(key, backup=replace(ours, mark=mark_of(point)))
        tx.put(backed_up)
        _end(world, tx, joining, "wallet:backed_up")
        return backed_up

    key = await world.store.write(body)
    return NewShare(key, recovery_share(wallet_id, generation, point))


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asks for what, with which share."""

    principal: Principal
    request: Request
    wallet_id: str
    purpose: Purpose
    share: str = field(repr=False)


def _plan(world: World, tx: Tx, asked: _Asked) -> Joining:
    """Write down what is to be done, if who asks may have it done."""
    is_ejecting = asked.purpose is Purpose.EJECT
    wallet, key = split_key_of(world, tx, asked.principal, asked.wallet_id, is_ejecting=is_ejecting)
    expect_may_renew(tx, asked.principal)
    if asked.purpose is Purpose.RECOVER:
        held, ours = read_recovery_share(asked.share, key), present(key.backup, "share")
    else:
        held = read_client_share(asked.share, key)
        ours = present(key.share_of(held.generation), "share")
    makes = key.generations + 1 if asked.purpose in _RENEWS else 0
    plan = SigningPlan(wallet.id, ours.generation, asked.purpose, makes=makes)
    activity = plan_joining(world, tx, asked.principal, asked.request, plan)
    if activity.state is not ActivityState.AWAITING and asked.purpose not in _REPEATS:
        detail = "this was answered before, with what is shown once; ask again with a new request"
        raise Conflict(Code.CONFLICT, detail)
    plan = activity.signing or plan
    curve = key.public_key.curve
    return Joining(activity, plan, curve, key, ours.sealed, held.point)


async def _renew(world: World, asked: _Asked, event: str) -> NewShare:
    joining = await world.store.write(lambda tx: _plan(world, tx, asked))
    carried = await carry_out(world, joining)
    makes = joining.plan.makes

    def body(tx: Tx) -> SplitKey:
        _, key = split_key_of(world, tx, asked.principal, asked.wallet_id)
        if key.generations + 1 != makes:
            raise overtaken()
        renewed = key.with_coming(SealedShare(makes, carried.sealed))
        tx.put(renewed)
        _end(world, tx, joining, event)
        return renewed

    key = await world.store.write(body)
    point = present(carried.share, "share")
    return NewShare(key, client_share(asked.wallet_id, makes, point))


def _end(world: World, tx: Tx, joining: Joining, event: str) -> None:
    generation = joining.plan.makes or joining.plan.generation
    end_joining(world, tx, joining.activity.id, event, generation=str(generation))


def overtaken() -> Conflict:
    """Return the error for what was planned for shares that are not the newest any more."""
    detail = "the shares of this wallet were renewed meanwhile; ask again with a new request"
    return Conflict(Code.CONFLICT, detail)


_RENEWS = frozenset({Purpose.REFRESH, Purpose.RECOVER})
_REPEATS = frozenset({Purpose.CONFIRM, Purpose.BACK_UP})
