"""The life of sessions as a machine: anything in any order, and the books are always right."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.flows.chainside import bring
from tests.flows.crash import Crash, CrashAt
from tests.flows.scene import ALICE, CAP, USDC, make_scene
from tests.flows.truth import check_books, every
from valetkey.core.activity import Activity, ActivityState, NonceLine, Request, nonce_line_id
from valetkey.core.budget import Reservation, ReservationState
from valetkey.core.errors import ValetkeyError
from valetkey.core.session import Proof
from valetkey.core.wallet import OwnerKey
from valetkey.devchain import NodeError
from valetkey.flows import budgets, freeze, reads, reconcile, stop

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from tests.flows.scene import Held, Scene

CHECKPOINTS = (
    "run:before_book",
    "run:after_book",
    "run:after_sign",
    "relay:before_plan",
    "relay:after_plan",
    "relay:after_sign",
    "relay:before_send",
    "relay:after_send",
    "relay:before_settle",
    "relay:after_settle",
    "stop:before_refuse",
    "stop:after_refuse",
    "switch:after_sign",
)
WALLET_BUDGET = 45 * USDC
amounts = st.integers(1, 12).map(lambda number: number * USDC)


@dataclass(slots=True)
class Life:
    """What happened to one session, as the machine knows it."""

    held: Held
    is_bound: bool
    requests: list[tuple[Request, int]] = field(default_factory=list)
    planned: list[Activity] = field(default_factory=list)
    brought: int = 0


class SessionLife(RuleBasedStateMachine):
    """Opens, acts, stops, waits, breaks down and comes back."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.lives: list[Life] = []

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:  # noqa: ANN401 - whatever it returns
        """Run *work* to its end; what is refused is refused."""
        try:
            return self.runner.run(work)
        except (ValetkeyError, Crash):
            return None

    @initialize(seed=st.integers(0, 2**16))
    def found(self, seed: int) -> None:
        """Begin with one sealed wallet that has a budget, and one whose owner is outside."""
        self.scene: Scene = self.runner.run(make_scene(seed=seed))
        self.scene.with_bounds(wait_s=0, run_deadline_s=60, reprice_after_s=5)
        self.sealed = self.runner.run(self.scene.wallet())
        self.outside = self.runner.run(self.scene.wallet(OwnerKey.OUTSIDE))
        asset = f"0x{self.scene.token.hex()}"
        command = budgets.SetBudget(self.sealed.wallet.id, asset, WALLET_BUDGET, 0)
        self.runner.run(
            budgets.set_budget(
                self.scene.world, self.scene.principal, self.scene.request(), command
            )
        )

    @precondition(lambda self: len(self.lives) < 4)
    @rule(proof=st.sampled_from([Proof.STAMP, Proof.CHAIN]), is_sealed=st.booleans())
    def open(self, proof: Proof, *, is_sealed: bool) -> None:
        """Open a session; those of the wallet with a budget are bound to our relayer."""
        scene = self.scene
        is_bound = is_sealed or proof is Proof.STAMP
        relayer = scene.world.relayer_address if is_bound else None
        limits = scene.permission(relayer=relayer, max_calls=9)
        wallet = self.sealed if is_sealed else self.outside
        held = self.do(scene.open(wallet, proof=proof, permission=limits))
        if held is not None:
            self.lives.append(Life(held, is_bound))

    @precondition(lambda self: self.lives)
    @rule(pick=st.integers(0, 9), amount=amounts, count=st.integers(1, 3))
    def run(self, pick: int, amount: int, count: int) -> None:
        """Act several times at once."""
        life = self._pick(pick)
        requests = [self.scene.request() for _ in range(count)]
        life.requests += [(one, amount) for one in requests]

        async def all_of_them() -> None:
            call = self.scene.transfer(amount)
            await asyncio.gather(
                *(self.scene.run(life.held, call, request=one) for one in requests),
                return_exceptions=True,
            )

        self.do(all_of_them())

    @precondition(lambda self: any(one.requests for one in self.lives))
    @rule(pick=st.integers(0, 9), which=st.integers(0, 99))
    def repeat(self, pick: int, which: int) -> None:
        """Send a request again."""
        life = self._pick(pick)
        if life.requests:
            request, amount = life.requests[which % len(life.requests)]
            call = self.scene.transfer(amount)
            self.do(self.scene.run(life.held, call, request=request))

    @precondition(lambda self: self.lives)
    @rule(pick=st.integers(0, 9), amount=amounts)
    def plan(self, pick: int, amount: int) -> None:
        """Ask for a run, and leave it unsigned."""
        life = self._pick(pick)
        planned = self.do(self.scene.ask(life.held, self.scene.transfer(amount)))
        if planned is not None and planned.state is ActivityState.AWAITING:
            life.planned.append(planned)

    @precondition(lambda self: any(one.planned for one in self.lives))
    @rule(pick=st.integers(0, 9))
    def sign(self, pick: int) -> None:
        """Sign what was left unsigned, be it too late."""
        life = self._pick(pick)
        if life.planned:
            self.do(self.scene.sign(life.held, life.planned.pop()))

    @precondition(lambda self: any(not one.is_bound for one in self.lives))
    @rule(pick=st.integers(0, 9), amount=amounts, nonce=st.integers(0, 12))
    def go_past_the_server(self, pick: int, amount: int, nonce: int) -> None:
        """Bring a run of one's own to the chain."""
        free = [one for one in self.lives if not one.is_bound]
        life = free[pick % len(free)]
        session = self.runner.run(
            reads.session(self.scene.world, self.scene.principal, session_id=life.held.id)
        ).session
        call = self.scene.transfer(amount)
        self.mine(is_on=True)
        try:
            bring(self.scene, life.held, session, call, nonce=nonce)
        except (NodeError, ValetkeyError):
            return
        life.brought += amount

    @precondition(lambda self: self.lives)
    @rule(pick=st.integers(0, 9), how=st.sampled_from(["freeze", "unfreeze", "revoke", "close"]))
    def stop(self, pick: int, how: str) -> None:
        """Stop a session, or take it back into use."""
        self.do(self._stopping(self._pick(pick), how, self.scene.world))

    def _stopping(self, life: Life, how: str, world: Any) -> Coroutine[Any, Any, Any]:  # noqa: ANN401
        scene = self.scene
        request = scene.request()
        if how == "close":
            return stop.close(world, life.held.principal, request)
        act = {"freeze": freeze.freeze, "unfreeze": freeze.unfreeze, "revoke": stop.revoke}[how]
        return act(world, scene.principal, request, session_id=life.held.id)

    @precondition(lambda self: self.lives)
    @rule(
        pick=st.integers(0, 9),
        point=st.sampled_from(CHECKPOINTS),
        how=st.sampled_from(["run", "freeze", "revoke", "reconcile"]),
        amount=amounts,
    )
    def crash(self, pick: int, point: str, how: str, amount: int) -> None:
        """End the process in the middle of something."""
        life = self._pick(pick)
        world = replace(self.scene.world, checkpoint=CrashAt(point))
        if how == "reconcile":
            self.do(reconcile.reconcile(world))
        elif how == "run":
            request = self.scene.request()
            life.requests.append((request, amount))
            call = self.scene.transfer(amount)
            self.do(replace(self.scene, world=world).run(life.held, call, request=request))
        else:
            self.do(self._stopping(life, how, world))

    @rule(seconds=st.integers(1, 40))
    def wait(self, seconds: int) -> None:
        """Let time pass, here and on the chain."""
        self.scene.clock.advance(seconds)
        self.scene.rpc.ask("evm_mine")

    @rule(is_on=st.booleans())
    def mine(self, *, is_on: bool) -> None:
        """Let the chain mine each transaction at once, or only when it is told to."""
        self.scene.rpc.ask("evm_setAutomine", is_on)

    @rule(is_cut=st.booleans())
    def cut(self, *, is_cut: bool) -> None:
        """Cut the line to the chain, or mend it."""
        self.scene.line.is_cut = is_cut

    @rule()
    def reconcile(self) -> None:
        """Settle what can be settled."""
        self.do(reconcile.reconcile(self.scene.world))

    def _pick(self, number: int) -> Life:
        return self.lives[number % len(self.lives)]

    @invariant()
    def the_books_are_right(self) -> None:
        """Nothing is booked that is not held, and nothing is held that is not booked."""
        if hasattr(self, "scene"):
            self.runner.run(check_books(self.scene.world))

    @invariant()
    def nobody_spends_more_than_the_cap(self) -> None:
        """The chain has counted no more than the cap, and the ledger no less than it sent."""
        if hasattr(self, "scene"):
            self.runner.run(self._compare())

    async def _compare(self) -> None:
        scene = self.scene
        was_cut, scene.line.is_cut = scene.line.is_cut, False
        moved = 0
        for life in self.lives:
            shown = await reads.session(scene.world, scene.principal, session_id=life.held.id)
            assert shown.session.grant is not None
            state = await scene.chain.grant_state(
                life.held.holding.account.address, shown.session.grant.grant_id, counters=1
            )
            spent = state.counters[0].spent
            assert spent <= CAP
            assert spent <= shown.usage.spent.counters[0].spent + life.brought
            moved += spent
        assert await scene.balance(ALICE) == moved
        scene.line.is_cut = was_cut

    def teardown(self) -> None:
        """Mend everything, let all deadlines pass, and find nothing left over."""
        with self.runner:
            if hasattr(self, "scene"):
                try:
                    self.runner.run(self._end())
                finally:
                    self.runner.run(self.scene.chain.close())
                    self.scene.rpc.close()

    async def _end(self) -> None:
        scene = self.scene
        scene.line.is_cut = False
        scene.rpc.ask("evm_setAutomine", True)  # noqa: FBT003 - JSON-RPC's own
        for _ in range(4):
            scene.clock.advance(61)
            scene.rpc.ask("evm_mine")
            await reconcile.reconcile(scene.world)
        await check_books(scene.world)
        await self._compare()
        left = await scene.world.store.read(
            lambda view: (
                view.find(Activity, settled=0),
                view.find(Reservation, state=ReservationState.RESERVED),
                every(view, NonceLine),
            )
        )
        assert left[:2] == ([], [])
        for sender in (scene.world.relayer_address, scene.world.stopper_address):
            used = await scene.chain.transaction_count(sender)
            key = nonce_line_id(scene.chain.chain, sender)
            assert all(one.next_nonce == used for one in left[2] if one.id == key)


TestSessionLife = SessionLife.TestCase
TestSessionLife.settings = settings(
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
