"""Signatures of split wallets: joined for one of them at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from valetkey.core.custody import Purpose, SigningPlan, plan_digest
from valetkey.core.errors import Code, Conflict
from valetkey.core.signable import prepare, sealed_transaction
from valetkey.core.split_share import read_client_share
from valetkey.flows.gate import present
from valetkey.flows.joining import Joining, carry_out, end_joining, plan_joining, split_key_of
from valetkey.flows.record import earlier
from valetkey.flows.split_permitted import expect_permitted

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.core.activity import Activity, Request
    from valetkey.core.principal import Principal
    from valetkey.core.signable import Wanted
    from valetkey.flows.world import World
    from valetkey.ports import Tx


@dataclass(frozen=True, slots=True)
class SplitSignature:
    """
    A signature of a split wallet.

    Args:
        signature: 65 bytes for secp256k1: r, s, recovery id (0 or 1); 64 for Ed25519.
        transaction: The transaction as a chain takes it, if one was signed.
    """

    activity: Activity
    signature: bytes
    transaction: bytes | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who asks for what, with which share."""

    principal: Principal
    request: Request
    wallet_id: str
    write: Callable[[Tx], Wanted]
    share: str = field(repr=False)


async def sign_split(
    world: World,
    principal: Principal,
    request: Request,
    *,
    wallet_id: str,
    share: str,
    wanted: Wanted,
) -> SplitSignature:
    """
    Return the signature of *wanted* by a split wallet (see `sign_written`).

    Asking again for the same gives the same signature.
    """
    return await sign_written(
        world, principal, request, wallet_id=wallet_id, share=share, write=lambda _: wanted
    )


async def sign_written(
    world: World,
    principal: Principal,
    request: Request,
    *,
    wallet_id: str,
    share: str,
    write: Callable[[Tx], Wanted],
) -> SplitSignature:
    """
    Return the signature of a split wallet, joined for it from the client's *share* and ours.

    1. who asks may; 2. the share is of this wallet and signs; 3. what is asked for may be signed
    by who asks; 4. written down; 5. joined and signed by the signer; 6. if it still may, given out:
    a share or a session that ended meanwhile gets nothing.

    Args:
        write: Says what is to be signed, in the transaction in which the plan is written down.

    Raises:
        Malformed, Forbidden, Conflict: The first of these that refuses; see `read_client_share`
            for the share, ``share_refused`` if it is not of the key; ``request_id_reused`` if the
            same request was for something else before, such as another nonce.
        Unavailable: ``signer_unavailable``; ask again.
    """
    asked = _Asked(principal, request, wallet_id, write, share)
    joining, wanted = await world.store.write(partial(_plan, world, asked))
    carried = await carry_out(world, joining)  # 5
    activity = await world.store.write(partial(_give_out, world, asked, joining))
    return SplitSignature(
        activity, carried.signature, sealed_transaction(wanted, carried.signature)
    )


def _plan(world: World, asked: _Asked, tx: Tx) -> tuple[Joining, Wanted]:
    wallet, key = split_key_of(world, tx, asked.principal, asked.wallet_id)  # 1
    held = read_client_share(asked.share, key)  # 2
    before, wanted = earlier(tx, asked.principal, asked.request), asked.write(tx)
    prepared = prepare(wanted, key.public_key.curve)
    expect_permitted(world, tx, asked.principal, key, wanted, counts=before is None)  # 3
    digest = plan_digest(prepared.message)
    if before is not None and before.signing is not None and before.signing.digest != digest:
        detail = "expected a new request id: the chain has moved on, and this would sign once more"
        raise Conflict(Code.REQUEST_ID_REUSED, detail)
    plan = SigningPlan(wallet.id, held.generation, Purpose.SIGN, prepared.form, digest)
    facts = {"form": prepared.form, **prepared.facts}
    activity = plan_joining(world, tx, asked.principal, asked.request, plan, **facts)  # 4
    ours = present(key.share_of(held.generation), "share")
    curve = key.public_key.curve
    joining = Joining(activity, plan, curve, key, ours.sealed, held.point, prepared.message)
    return joining, wanted


def _give_out(world: World, asked: _Asked, joining: Joining, tx: Tx) -> Activity:
    _, key = split_key_of(world, tx, asked.principal, asked.wallet_id)  # 6
    read_client_share(asked.share, key)
    used = key.used(joining.plan.generation)
    if used != key:
        tx.put(used)
    facts = {"form": joining.plan.form, "generation": str(joining.plan.generation)}
    return end_joining(world, tx, joining.activity.id, "wallet:signed", **facts)
