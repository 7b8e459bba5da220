"""Split wallets when things happen at the same time, or do not come to their end."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.crash import Crash
from tests.flows.splits import Splits, make_splits
from valetkey.core.custody import Carried, Order, Purpose
from valetkey.core.errors import Code, Conflict, ValetkeyError
from valetkey.core.wallet import Curve, Wallet
from valetkey.flows.split import CreateSplit, create_split
from valetkey.flows.split_eject import eject, enable_eject
from valetkey.flows.split_shares import NewShare, back_up, confirm_split, refresh_split

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from valetkey.ports import Signer


class Slow:
    """A signer that does something else between the plan and the joining, once."""

    def __init__(
        self, signer: Signer, purpose: Purpose, do: Callable[[], Awaitable[object]]
    ) -> None:
        self._signer, self._purpose, self._do = signer, purpose, do
        self._is_done = False

    async def check(self) -> None:
        """Pass."""

    async def close(self) -> None:
        """Do nothing."""

    async def carry_out(self, order: Order) -> Carried:
        """Carry it out, and let the other thing happen before the answer arrives."""
        carried = await self._signer.carry_out(order)
        if order.approval.plan.purpose is self._purpose and not self._is_done:
            self._is_done = True
            await self._do()
        return carried


def slowed(splits: Splits, purpose: Purpose, do: Callable[[], Awaitable[object]]) -> Splits:
    """Return the same world with such a signer."""
    signer = Slow(splits.world.signer, purpose, do)
    return replace(splits, world=replace(splits.world, signer=signer))


async def refresh(splits: Splits, wallet_id: str, share: str) -> NewShare:
    """Return a new share."""
    return await refresh_split(
        splits.world, splits.principal, splits.request(), wallet_id=wallet_id, share=share
    )


async def confirm(splits: Splits, wallet_id: str, share: str) -> object:
    """Confirm a share."""
    return await confirm_split(
        splits.world, splits.principal, splits.request(), wallet_id=wallet_id, share=share
    )


async def test_a_share_that_ends_meanwhile_gets_no_signature() -> None:
    """The new share is confirmed between plan and answer: the old one has ended, at once."""
    splits = await make_splits()
    made, old = await splits.make()
    new = await refresh(splits, made.wallet.id, old)
    slow = slowed(splits, Purpose.SIGN, lambda: confirm(splits, made.wallet.id, new.share))
    with pytest.raises(Conflict) as told:
        await slow.sign(made.wallet.id, old)
    assert told.value.code is Code.SHARE_STALE
    assert (await splits.sign(made.wallet.id, new.share)).signature


async def test_a_wallet_that_leaves_meanwhile_signs_no_more() -> None:
    """Its key was given away between plan and answer."""
    splits = await make_splits()
    made, share = await splits.make()

    async def leave() -> None:
        where = {"wallet_id": made.wallet.id}
        await enable_eject(splits.world, splits.principal, splits.request(), **where)
        await eject(splits.world, splits.principal, splits.request(), **where)

    with pytest.raises(Conflict) as told:
        await slowed(splits, Purpose.SIGN, leave).sign(made.wallet.id, share)
    assert told.value.code is Code.WALLET_EJECTED


async def test_two_refreshes_at_once_end_in_one_new_share() -> None:
    """The slower one is told so; its share is nobody's, and the other one's signs."""
    splits = await make_splits()
    made, old = await splits.make()
    faster: list[NewShare] = []

    async def overtake() -> None:
        faster.append(await refresh(splits, made.wallet.id, old))

    with pytest.raises(Conflict) as told:
        await refresh(slowed(splits, Purpose.REFRESH, overtake), made.wallet.id, old)
    assert told.value.code is Code.CONFLICT
    assert (await splits.sign(made.wallet.id, faster[0].share)).signature


async def test_any_number_of_signatures_and_refreshes_lose_no_key() -> None:
    """Whatever comes first, somebody holds a share that signs, and it is the same key."""
    splits = await make_splits()
    made, share = await splits.make()
    before = (await splits.sign(made.wallet.id, share)).signature
    for _ in range(5):
        done = await asyncio.gather(
            *(splits.sign(made.wallet.id, share) for _ in range(4)),
            *(refresh(splits, made.wallet.id, share) for _ in range(3)),
            return_exceptions=True,
        )
        faults = [one for one in done if isinstance(one, BaseException)]
        assert all(isinstance(one, Conflict) for one in faults)
        renewed = [one for one in done if isinstance(one, NewShare)]
        share = max(renewed, key=lambda one: one.key.generations).share
        assert (await splits.sign(made.wallet.id, share)).signature == before


async def test_an_answer_that_is_lost_loses_no_key() -> None:
    """A refresh whose new share never arrived: the old one goes on."""
    splits = await make_splits()
    made, share = await splits.make()
    for _ in range(3):
        await refresh(splits, made.wallet.id, share)
    assert (await splits.sign(made.wallet.id, share)).signature


async def die() -> None:
    """End the process."""
    raise Crash


@pytest.mark.parametrize("purpose", [Purpose.SIGN, Purpose.REFRESH, Purpose.BACK_UP, Purpose.EJECT])
async def test_a_server_that_ends_before_it_answers_loses_no_key(purpose: Purpose) -> None:
    """Killed between the joining and its own write: the share that was good is good."""
    splits = await make_splits()
    made, share = await splits.make()
    before = (await splits.sign(made.wallet.id, share)).signature
    where = {"wallet_id": made.wallet.id}
    await enable_eject(splits.world, splits.principal, splits.request(), **where)
    dying, request = slowed(splits, purpose, die), splits.request()
    verbs: dict[Purpose, Callable[[], Awaitable[object]]] = {
        Purpose.SIGN: lambda: dying.sign(made.wallet.id, share, request=request),
        Purpose.REFRESH: lambda: refresh(dying, made.wallet.id, share),
        Purpose.BACK_UP: lambda: back_up(
            dying.world, splits.principal, request, share=share, **where
        ),
        Purpose.EJECT: lambda: eject(dying.world, splits.principal, request, **where),
    }
    with pytest.raises(Crash):
        await verbs[purpose]()
    assert (await splits.sign(made.wallet.id, share)).signature == before


async def test_a_creation_that_broke_off_is_finished_by_the_same_request() -> None:
    """Nothing of it was there; asked for again it is one wallet, with a share."""
    splits = await make_splits()
    request, command = splits.request(), CreateSplit(Curve.SECP256K1)
    dying = slowed(splits, Purpose.CREATE, die)
    with pytest.raises(Crash):
        await create_split(dying.world, splits.principal, request, command)
    assert await splits.world.store.read(lambda view: view.find(Wallet)) == []
    made = await create_split(splits.world, splits.principal, request, command)
    assert made.share is not None
    assert (await splits.sign(made.wallet.id, made.share)).signature


async def test_a_signer_of_another_server_takes_no_word_of_ours() -> None:
    """Its approver is another key: a stolen sealed share cannot be brought to it."""
    splits, other = await make_splits(), await make_splits()
    made, share = await splits.make()
    world = replace(splits.world, approver=other.world.auditor)
    with pytest.raises(ValetkeyError):
        await replace(splits, world=world).sign(made.wallet.id, share)
