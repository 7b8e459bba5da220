"""Executions that are read, and what one would cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.executing import act, ask, client, hold, publishable, sign, user
from tests.flows.scene import USDC
from tests.worlds import CHAIN
from valetkey.core.activity import ActivityState
from valetkey.core.errors import ChainRejected, Code, Forbidden, Malformed, NotFound
from valetkey.core.permission.model import Call
from valetkey.core.wallet import OwnerKey
from valetkey.flows import organize
from valetkey.flows.execution_reads import (
    EVERY,
    WhichExecutions,
    estimate,
    execution,
    executions,
)
from valetkey.flows.lists import NEWEST
from valetkey.flows.scan import Part

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.core.principal import Principal

OUTSIDE = OwnerKey.OUTSIDE


async def _ids(
    scene: Scene,
    which: WhichExecutions = EVERY,
    part: Part = NEWEST,
    *,
    principal: Principal | None = None,
) -> list[str]:
    """Return the ids of all parts, one after the other."""
    found: list[str] = []
    after: str | None = part.after
    while after is not None:
        now = Part(after, part.limit, newest_first=part.newest_first)
        who = principal or scene.principal
        page, after = await executions(scene.world, who, which=which, part=now)
        assert len(page) <= part.limit
        found += [one.id for one in page]
    return found


async def test_executions_are_listed_newest_first(scene: Scene) -> None:
    """Of an account, of a user with several, of a session, of all; in parts that leave none out."""
    ada = await user(scene, "ada")
    one, two = [await scene.wallet(OUTSIDE, user_id=ada.id) for _ in range(2)]
    other = await scene.wallet(OUTSIDE)
    held = await hold(scene, one)
    asked = []
    for turn in range(9):
        scene.clock.advance(1)
        asked.append(await ask(scene, (one, two, other)[turn % 3], scene.transfer(1)))
    scene.clock.advance(1)
    asked.append(await act(scene, held, scene.transfer(1)))
    ids = [activity.id for activity in reversed(asked)]
    mine = [asked[turn].id for turn in (9, 7, 6, 4, 3, 1, 0)]
    for limit in (1, 2, 3, 100):
        part = Part(limit=limit)
        assert await _ids(scene, part=part) == ids
        assert await _ids(scene, WhichExecutions(user_id=ada.id), part) == mine
        assert await _ids(scene, WhichExecutions(session_id=held.id), part) == ids[:1]
        by_account = await _ids(scene, WhichExecutions(account_id=one.account.id), part)
        assert by_account == [asked[turn].id for turn in (9, 6, 3, 0)]
        oldest = Part(limit=limit, newest_first=False)
        assert await _ids(scene, WhichExecutions(user_id=ada.id), oldest) == mine[::-1]


async def test_a_client_reads_its_own_users(scene: Scene) -> None:
    """Whether it names them or not; of others it does not know."""
    ada, bob = await user(scene, "ada"), await user(scene, "bob")
    mine, theirs = [await scene.wallet(OUTSIDE, user_id=one.id) for one in (ada, bob)]
    held = await hold(scene, theirs)
    who = await client(scene, ada.id)
    own, foreign = await ask(scene, mine), await ask(scene, theirs)
    for which in (EVERY, WhichExecutions(user_id=ada.id), WhichExecutions(mine.account.id)):
        assert await _ids(scene, which, principal=who) == [own.id]
    assert await execution(scene.world, who, activity_id=own.id) == own
    for which in (
        WhichExecutions(user_id=bob.id),
        WhichExecutions(account_id=theirs.account.id),
        WhichExecutions(session_id=held.id),
    ):
        with pytest.raises(NotFound):
            await _ids(scene, which, principal=who)
    with pytest.raises(NotFound):
        await execution(scene.world, who, activity_id=foreign.id)


async def test_nobody_else_reads_them(scene: Scene) -> None:
    """No publishable key, no session that acts by runs, no other organization; nothing else."""
    holding = await scene.wallet(OUTSIDE)
    held = await scene.open(holding)
    asked = await ask(scene, holding)
    page = await publishable(scene)
    for who in (page, held.principal):
        for which in (EVERY, WhichExecutions(account_id=holding.account.id)):
            with pytest.raises(Forbidden):
                await _ids(scene, which, principal=who)
        with pytest.raises(Forbidden):
            await execution(scene.world, who, activity_id=asked.id)
    child, _ = await organize.open_organization(
        scene.world, scene.principal, scene.request(), name="child"
    )
    below = scene.principal._replace(organization_id=child.id)
    assert await _ids(scene, principal=below) == []
    with pytest.raises(NotFound):
        await _ids(scene, WhichExecutions(account_id=holding.account.id), principal=below)
    done = await scene.run(held, scene.transfer(1))
    with pytest.raises(NotFound):
        await execution(scene.world, scene.principal, activity_id=done.id)


async def test_an_estimate_is_not_passed(scene: Scene) -> None:
    """By what an owner or a session key signs afterwards, for the first time or not."""
    holding = await scene.wallet(OUTSIDE)
    held = await hold(scene, holding)
    calls = [scene.transfer(USDC), scene.transfer(USDC)]
    told = await estimate(scene.world, scene.principal, calls=calls, account_id=holding.account.id)
    assert told.fee_wei == told.gas * told.fees.max_fee_wei > 0
    used = []
    for key, personal in ((holding.secret, False), (held.secret, True), (held.secret, True)):
        done = await sign(scene, await ask(scene, holding, *calls), key, personal=personal)
        assert done.state is ActivityState.DONE
        assert done.outcome is not None
        used.append(done.outcome.gas_used)
    assert max(used) <= told.gas <= 2 * min(used)


async def test_an_estimate_of_an_account_that_is_not_there(scene: Scene) -> None:
    """Each call is asked for alone; of no account at all, the relayer stands in."""
    holding = await scene.wallet(OUTSIDE, is_delegated=False)
    calls = [scene.transfer(USDC), Call(b"\x33" * 20, 5, b"")]
    told = await estimate(scene.world, scene.principal, calls=calls, account_id=holding.account.id)
    assert told.gas > 0
    nobodys = await estimate(scene.world, scene.principal, calls=calls[1:], chain=CHAIN)
    assert 0 < nobodys.gas < told.gas


async def test_an_estimate_says_why_there_is_none(scene: Scene) -> None:
    """Calls that would revert or that nobody may ask for; and nobody who only reads is told."""
    holding = await scene.wallet(OUTSIDE)
    where = {"account_id": holding.account.id}
    with pytest.raises(ChainRejected) as refused:
        await estimate(scene.world, scene.principal, calls=[scene.transfer(10**12)], **where)
    assert refused.value.code is Code.CALL_REVERTED
    for calls, more in (([Call(holding.account.address, 0, b"")], where), ([], {})):
        with pytest.raises(Malformed):
            await estimate(scene.world, scene.principal, calls=calls, **more)
    page = await publishable(scene)
    with pytest.raises(Forbidden):
        await estimate(scene.world, page, calls=[], **where)
