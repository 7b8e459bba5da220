"""The printed worst case holds on a chain, against a world that takes whatever it can."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.chain.thief import RICH, Scene, aimed
from tests.chain.world import World
from tests.core.examples import TRANSFER_FROM
from tests.core.strategies import calldata, permissions
from tests.core.whole import whole_calls, whole_permissions
from tests.nodes import running
from valetkey.core.permission.decide import Allow, decide, nothing_spent
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import ANYTHING, Call, Cap, Permission, Rule, WideRule
from valetkey.core.permission.reach_wide import reached_by
from valetkey.core.permission.subset import NotSubset, is_subset
from valetkey.core.permission.worst_case import worst_case
from valetkey.devchain import Engine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.chain.thief import Theft, Victim

    Runs = list[tuple[int, Sequence[Call]]]

MOST_RUNS = 40
SEED = 7
WAITS = st.sampled_from([1, 1, 1, 2, 29, 60, 61, 100, 3600])


@pytest.fixture(scope="module", params=list(Engine), ids=str)
def scene(request: pytest.FixtureRequest) -> Iterator[Scene]:
    """Return the scene on each chain, a new one: what all others left behind makes it slower."""
    for node in running(request.param):
        yield Scene.built(World(node.rpc))


def searched(examples: int) -> settings:
    """Return how so many cases are tried; a case on a chain is not shrunk."""
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


def is_slow(scene: Scene) -> bool:
    """Say whether the chain is the one in Python."""
    return "anvil" not in scene.world.rpc.ask("web3_clientVersion")


def granted(scene: Scene) -> st.SearchStrategy[Permission]:
    """Draw permissions, most of them with a worst case in numbers."""
    exact = permissions(scene.cast, compilable=True, opaque=False)
    return st.one_of(exact, whole_permissions(scene.cast, compilable=True))


def begun(permission: Permission, at: int) -> Permission:
    """Return *permission* from the second *at* on."""
    length_s = permission.expires_at - permission.starts_at
    return replace(permission, starts_at=at, expires_at=at + length_s)


@st.composite
def thefts(draw: st.DrawFn, permission: Permission, scene: Scene) -> Call:
    """Draw calls that *permission* lets through on their own, or nearly: much, and to whom."""
    usable = reached_by(permission).usable()
    if not usable or draw(st.integers(0, 5)) == 0:
        return draw(whole_calls(permission, scene.cast))
    reach = draw(st.sampled_from(usable))
    call = reach.moving(None, 0)
    moved = [one for one in (None, *scene.tokens) if reach.moves(one)]
    if moved:
        asset = draw(st.sampled_from(moved))
        most = min(reach.counts(asset).greatest, RICH)
        amount = draw(st.one_of(st.just(most), st.just(most // 2), st.integers(0, most)))
        call = reach.moving(asset, amount if amount in reach.counts(asset) else most)
    spent, account = nothing_spent(permission), scene.cast.account
    listed = draw(st.permutations([scene.adversary, *scene.cast.people]))
    for one in (*(aimed(call, somebody) for somebody in listed), call):
        answer = decide([one], permission, spent, now=permission.starts_at, account=account)
        if isinstance(answer, Allow):
            return one
    return call


def losses(victim: Victim, before: dict[bytes | None, int]) -> dict[bytes | None, int]:
    """Return what the account has lost."""
    after = victim.has()
    return {asset: before[asset] - after[asset] for asset in before}


def checked(permission: Permission, lost: dict[bytes | None, int], tally: Counter[str]) -> None:
    """Hold what was *lost* against the worst case of *permission*."""
    worst = worst_case(permission)
    bounds = {bound.asset: bound.amount for bound in worst.bounds}
    for asset, amount in lost.items():
        most = bounds.get(asset, 0)
        if asset is not None and worst.others:
            most = None
        if most is None:
            tally["unbounded, and lost" if amount > 0 else "unbounded"] += 1
            continue
        assert amount <= most, (permission, asset, amount, most)
        tally["reached" if amount == most > 0 else "below" if amount > 0 else "nothing lost"] += 1


def test_nothing_moves_more_than_the_worst_case(scene: Scene) -> None:
    """
    Random permissions, and runs that nearly fit them, with runs inside runs.

    In the end, with the session over, every approval that is left is used.
    """
    tally: Counter[str] = Counter()

    @searched(25 if is_slow(scene) else 200)
    @seed(SEED)
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        drawn = data.draw(granted(scene))
        runs = st.lists(thefts(drawn, scene), min_size=1, max_size=2)
        inside: st.SearchStrategy[list[list[Call]]] = st.lists(runs, max_size=2)
        steps = st.tuples(WAITS, st.one_of(st.just([]), st.just([]), inside), runs)
        listed = data.draw(st.lists(steps, min_size=1, max_size=6))
        victim = scene.enter()
        at = scene.world.now() + 10
        permission = begun(drawn, at)
        theft = victim.open(permission)
        before = victim.has()
        for wait_s, armed, calls in listed:
            at = max(at, scene.world.now()) + wait_s
            theft.arm(armed, at=at)
            tally["runs made"] += theft.make(calls, at=max(at, scene.world.now() + 1))
        scene.world.mine_at(max(scene.world.now() + 1, permission.expires_at))
        victim.take_all()
        checked(permission, losses(victim, before), tally)
        tally["cases"] += 1

    attempt()
    print(tally)  # noqa: T201 - shown with -s
    assert tally["runs made"] > tally["cases"] // 3, tally
    assert tally["below"] + tally["reached"] > tally["cases"] // 50, tally
    assert tally["unbounded, and lost"] > 0, tally


def test_the_worst_case_is_reached(scene: Scene) -> None:
    """
    The number is no fright: a thief who knows the calculus moves all of it, to the unit.

    What to do says the proof that the permission is not within one whose cap is a unit lower.
    """
    tally: Counter[str] = Counter()

    @searched(10 if is_slow(scene) else 120)
    @seed(SEED)
    @given(st.data())
    def attempt(data: st.DataObject) -> None:
        drawn = thieves_choice(data.draw(granted(scene)), data, scene)
        victim = scene.enter()
        at = scene.world.now() + 10
        permission = begun(drawn, at)
        theft = victim.open(permission)
        for asset, most in bounded(permission):
            before = victim.has()
            runs = way_to(permission, asset, most)
            if not runs:
                tally["a long way" if runs is None else "no way"] += 1
                continue
            came_through = [make(theft, calls, at=at) for at, calls in runs]
            victim.take_all()
            lost = losses(victim, before)
            checked(permission, lost, tally)
            assert lost[asset] == most or not all(came_through)
            tally["cases"] += 1
            break

    attempt()
    print(tally)  # noqa: T201 - shown with -s
    assert tally["reached"] > tally["cases"] // 2 > 0, tally


def thieves_choice(permission: Permission, data: st.DataObject, scene: Scene) -> Permission:
    """
    Return *permission* without what moves nothing to the thief, and with a transfer.

    A rule that names who is approved or paid may name nobody, or the account itself.
    """
    rules = tuple(
        rule
        for rule in permission.rules
        if rule.selector != TRANSFER_FROM
        and not rule.payable
        and all(constraint.argument != 0 for constraint in rule.where)
    )
    token = data.draw(st.sampled_from(scene.tokens))
    transfer = Rule(token, selector_of("transfer(address,uint256)"))
    capped = {rule.target for rule in rules} | {token}
    return replace(
        permission,
        rules=(*(rule for rule in rules if rule.target != token), transfer),
        wide_rules=(),
        typed_data=(),
        recipients=ANYTHING,
        caps=tuple(cap for cap in permission.caps if cap.asset is None or cap.asset in capped),
    )


def bounded(permission: Permission) -> Iterator[tuple[bytes | None, int]]:
    """Yield what the worst case has a number for that can be lost at all."""
    worst = worst_case(permission)
    for bound in worst.bounds:
        if bound.amount and bound.amount <= RICH and not (bound.asset and worst.others):
            yield bound.asset, bound.amount


def way_to(permission: Permission, asset: bytes | None, most: int) -> Runs | None:
    """Return runs that move *most* of *asset*, if there are; None if they are too many to make."""
    caps = tuple(
        Cap(cap.asset, cap.decimals, lifetime=most - 1) if cap.asset == asset else cap
        for cap in permission.caps
    )
    answer = is_subset(permission, replace(permission, caps=caps))
    if not isinstance(answer, NotSubset):
        return []
    runs: Runs = []
    for at, listed in answer.trace.times():
        for run in listed:
            if len(runs) + run.times > MOST_RUNS:
                return None
            runs += [(at, run.calls)] * run.times
    return runs


def make(theft: Theft, calls: Sequence[Call], *, at: int) -> bool:
    """Make a run of the thief's, for the adversary's good where that is allowed."""
    world = theft.victim.scene.world
    second = max(at, world.now() + 1)
    chosen = [aimed(call, theft.victim.scene.adversary) for call in calls]
    return theft.make(chosen, at=second) or theft.make(calls, at=max(at, world.now() + 1))


def test_a_wide_rule_goes_around_a_cap(scene: Scene) -> None:
    """So "unbounded" is true: what the router was approved for is gone, whatever the cap."""
    victim = scene.enter()
    token, other = scene.tokens
    now = scene.world.now() + 10
    permission = Permission(
        chain="eip155:31337",
        rules=(Rule(token, selector_of("transfer(address,uint256)")),),
        caps=(Cap(token, 6, lifetime=5),),
        starts_at=now,
        expires_at=now + 3600,
        recipients=ANYTHING,
        wide_rules=(WideRule(scene.router),),
    )
    reason = f"0x{scene.router.hex()} may use the account's approvals"
    assert worst_case(permission).others == (reason,)
    before = victim.has()
    theft = victim.open(permission)
    assert theft.make([Call(scene.router, 0, calldata(b"\x01\x02\x03\x04", other))], at=now)
    assert losses(victim, before) == {None: 0, token: RICH, other: RICH}
