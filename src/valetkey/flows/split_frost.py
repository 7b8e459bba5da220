"""Signatures of split wallets by FROST: the client keeps its share, and nobody joins the key."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from valetkey.core.activity import Activity
from valetkey.core.custody import FrostRound, Purpose, SigningPlan, plan_digest
from valetkey.core.frost import check_commitment, check_signature_share, round_of, spent
from valetkey.core.signable import prepare
from valetkey.core.split_share import expect_generation
from valetkey.flows.gate import present
from valetkey.flows.joining import (
    LAPSE_S,
    Joining,
    carry_out,
    end_joining,
    plan_joining,
    split_key_of,
)
from valetkey.flows.record import admit, earlier
from valetkey.flows.split_permitted import expect_permitted
from valetkey.flows.split_sign import SplitSignature

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.custody import SplitKey
    from valetkey.core.principal import Principal
    from valetkey.core.signable import Wanted
    from valetkey.flows.world import World
    from valetkey.ports import Tx


@dataclass(frozen=True, slots=True)
class BeginFrost:
    """
    The first word of a client.

    Args:
        generation: Of its share.
        commitment: 96 bytes: the place of its share, and its two nonces' points.
    """

    wallet_id: str
    generation: int
    commitment: bytes
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class FinishFrost:
    """
    The second word of a client.

    Args:
        activity_id: Of the round.
        signature_share: 32 bytes, for the message and both commitments.
    """

    wallet_id: str
    activity_id: str
    signature_share: bytes


@dataclass(frozen=True, slots=True)
class BegunFrost:
    """
    What the client needs for its signature share.

    Args:
        commitment: The server's, 96 bytes.
    """

    activity: Activity
    key: SplitKey
    commitment: bytes


async def begin_frost(
    world: World, principal: Principal, request: Request, command: BeginFrost
) -> BegunFrost:
    """
    Return the server's commitment for one signature, of an Ed25519 wallet.

    1. who asks may; 2. the client's commitment is one, of a generation that signs; 3. what is asked
    for may be signed by who asks; 4. written down; 5. the signer draws its nonces, makes its half
    with them and forgets them; 6. the half is kept, sealed, until the client's comes.

    Asking again gives the same commitment: the half that was kept first stays.

    Raises:
        Malformed, Forbidden, Conflict: The first of these that refuses; ``nonce_spent`` if the
            round is over.
        Unavailable: ``signer_unavailable``; ask again.
    """

    def plan(tx: Tx) -> Joining:
        return _plan(world, tx, principal, request, command)

    joining = await world.store.write(plan)
    kept = round_of(joining.activity)
    if kept is None:
        carried = await carry_out(world, joining)  # 5
        made = FrostRound(carried.commitment, carried.sealed)
        keep = partial(_keep, world, principal, joining, made)
        kept = await world.store.write(keep)
    return BegunFrost(joining.activity, present(joining.key, "wallet"), kept.commitment)


def _plan(
    world: World, tx: Tx, principal: Principal, request: Request, command: BeginFrost
) -> Joining:
    wallet, key = split_key_of(world, tx, principal, command.wallet_id)  # 1
    check_commitment(key, command.commitment)  # 2
    ours = expect_generation(key, command.generation)
    prepared = prepare(command.wanted, key.public_key.curve)
    is_first = earlier(tx, principal, request) is None
    expect_permitted(world, tx, principal, key, command.wanted, counts=is_first)  # 3
    digest = plan_digest(prepared.message)
    plan = SigningPlan(wallet.id, command.generation, Purpose.FROST, prepared.form, digest)
    facts = {"form": prepared.form, **prepared.facts}
    activity = plan_joining(world, tx, principal, request, plan, **facts)  # 4
    return Joining(
        activity,
        plan,
        key.public_key.curve,
        key,
        ours.sealed,
        message=prepared.message,
        commitment=command.commitment,
    )


def _keep(
    world: World, principal: Principal, joining: Joining, made: FrostRound, tx: Tx
) -> FrostRound:
    """Return the half that was kept first, if who asks still may."""
    _, key = split_key_of(world, tx, principal, joining.plan.wallet_id)
    expect_generation(key, joining.plan.generation)
    fresh = present(tx.get(Activity, joining.activity.id), "activity")
    kept = round_of(fresh)
    if kept is None:  # 6
        tx.put(replace(fresh, frost=made))
    return kept or made


async def finish_frost(
    world: World, principal: Principal, request: Request, command: FinishFrost
) -> SplitSignature:
    """
    Return the signature, once the client's signature share is seen to be right.

    1. who asks may, and began the round; 2. the half that was kept is taken, once: whatever comes
    of it, no other request has it; 3. the signer checks the client's signature share and adds both
    up; 4. if it still may, given out.

    Raises:
        Malformed, Forbidden, Conflict: The first of these that refuses; ``nonce_spent`` if it was
            taken before, ``signature_share_refused`` if the client's is not right.
        Unavailable: ``signer_unavailable``; begin another round.
    """
    check_signature_share(command.signature_share)

    def take(tx: Tx) -> Joining:
        return _take(world, tx, principal, request, command)

    joining = await world.store.write(take)
    carried = await carry_out(world, joining)  # 3

    def give_out(tx: Tx) -> Activity:
        _, key = split_key_of(world, tx, principal, command.wallet_id)  # 4
        generation = joining.plan.generation
        expect_generation(key, generation)
        used = key.used(generation)
        if used != key:
            tx.put(used)
        facts = {"form": joining.plan.form, "generation": str(generation)}
        return end_joining(world, tx, joining.activity.id, "wallet:signed", **facts)

    return SplitSignature(await world.store.write(give_out), carried.signature, None)


def _take(
    world: World, tx: Tx, principal: Principal, request: Request, command: FinishFrost
) -> Joining:
    _, key = split_key_of(world, tx, principal, command.wallet_id)  # 1
    admit(world, tx, principal, request)
    activity = _begun(tx, principal, command)
    plan, kept = present(activity.signing, "round"), round_of(activity)
    if kept is None or world.clock.now() >= activity.created_at + LAPSE_S:
        raise spent()
    expect_generation(key, plan.generation)
    taken = replace(activity, frost=replace(kept, sealed=b""))
    tx.put(taken)  # 2
    asked = replace(plan, purpose=Purpose.AGGREGATE, digest=plan_digest(command.signature_share))
    curve, share = key.public_key.curve, command.signature_share
    return Joining(taken, asked, curve, key, kept.sealed, message=share)


def _begun(tx: Tx, principal: Principal, command: FinishFrost) -> Activity:
    """
    Return the round, if the principal began it for that wallet.

    Raises:
        NotFound: There is none.
    """
    found = tx.get(Activity, command.activity_id)
    is_theirs = (
        found is not None
        and found.organization_id == principal.organization_id
        and found.principal_id == principal.subject_id
        and found.subject_id == command.wallet_id
        and found.signing is not None
        and found.signing.purpose is Purpose.FROST
    )
    return present(found if is_theirs else None, "round")
