"""A split wallet leaves: the server's share is given to the client, and our limits end."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.custody import Purpose, SigningPlan, SplitKey
from valetkey.core.errors import Code, Forbidden
from valetkey.core.scope import Scope
from valetkey.core.wallet import Wallet
from valetkey.flows.gate import expect_reach, expect_scope, present
from valetkey.flows.joining import (
    Joining,
    carry_out,
    end_joining,
    expect_may_renew,
    plan_joining,
    split_key_of,
    split_of,
)
from valetkey.flows.record import admit, begin, write_down
from valetkey.flows.split_shares import overtaken

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.core.secret_bytes import SecretBytes
    from valetkey.flows.world import World
    from valetkey.ports import Tx


@dataclass(frozen=True, slots=True)
class ServerShare:
    """
    A share of this server, given away.

    Args:
        generation: Of its line: the client's share, or the recovery share, of the same joins to it.
        point: x and y, 64 bytes.
    """

    generation: int
    point: SecretBytes


@dataclass(frozen=True, slots=True)
class Ejected:
    """
    What the client needs beside its own share to have its key.

    Args:
        share: Joins to the client's share.
        backup: Joins to the recovery share, if that is of another line.
    """

    key: SplitKey
    share: ServerShare
    backup: ServerShare | None


async def enable_eject(
    world: World, principal: Principal, request: Request, *, wallet_id: str
) -> SplitKey:
    """
    Return the key, whose server's share may be given away once: the owner's decision.

    Of one that was given away, too: then the answer may have been lost, and is given once more.

    Raises:
        Forbidden: The principal has not the scope ``custody:write``, which owners have.
        Conflict: Its key is not split.
    """
    expect_scope(principal, Scope.CUSTODY_WRITE)

    def body(tx: Tx) -> SplitKey:
        wallet = present(tx.get(Wallet, wallet_id), "wallet")
        expect_reach(tx, principal, wallet.organization_id, "wallet", widens=True)
        if admit(world, tx, principal, request) is not None:
            return present(tx.get(SplitKey, wallet.id), "wallet")
        enabled = replace(split_of(tx, wallet), eject_enabled_at=world.clock.now())
        tx.put(enabled)
        owner = wallet.organization_id
        activity = begin(
            world,
            principal,
            request,
            "wallet:enable_eject",
            organization_id=owner,
            subject_id=wallet.id,
        )
        write_down(world, tx, activity, "wallet:eject_enabled")
        return enabled

    return await world.store.write(body)


async def eject(world: World, principal: Principal, request: Request, *, wallet_id: str) -> Ejected:
    """
    Return the server's share, once, and sign no more with this wallet: its client has the key.

    Our limits end with it: whoever joins the shares signs alone.

    Raises:
        Forbidden: ``eject_not_enabled``: the owner of the organization has not allowed it, or it
            was given away since.
        Conflict: Its key is not split.
        Unavailable: As `sign_split`; ask again.
    """

    def plan(tx: Tx) -> Joining:
        wallet, key = split_key_of(world, tx, principal, wallet_id, is_ejecting=True)
        expect_may_renew(tx, principal)
        _expect_enabled(key)
        plan = SigningPlan(wallet.id, key.current.generation, Purpose.EJECT)
        activity = plan_joining(world, tx, principal, request, plan)
        return Joining(activity, plan, key.public_key.curve, key, key.current.sealed)

    joining = await world.store.write(plan)
    share = await _revealed(world, joining)
    key = present(joining.key, "wallet")
    backup = None
    if key.backup is not None and key.backup.generation != key.current.generation:
        older = replace(joining.plan, generation=key.backup.generation)
        backup = await _revealed(world, replace(joining, plan=older, sealed=key.backup.sealed))

    def body(tx: Tx) -> SplitKey:
        _, fresh = split_key_of(world, tx, principal, wallet_id, is_ejecting=True)
        if fresh != key:
            raise overtaken()
        ejected = replace(fresh, eject_enabled_at=None, ejected_at=world.clock.now())
        tx.put(ejected)
        end_joining(world, tx, joining.activity.id, "wallet:ejected")
        return ejected

    return Ejected(await world.store.write(body), share, backup)


def _expect_enabled(key: SplitKey) -> None:
    if key.eject_enabled_at is None:
        detail = f"expected the owner of the organization to have allowed it for {key.id}"
        raise Forbidden(Code.EJECT_NOT_ENABLED, detail)


async def _revealed(world: World, joining: Joining) -> ServerShare:
    carried = await carry_out(world, joining)
    return ServerShare(joining.plan.generation, present(carried.share, "share"))
