"""A server's folder on a chain of its own, its processes, and what must be true afterwards."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.crash.asked import CAP, RECIPIENT
from tests.crash.load import Load, read_lines
from tests.flows.truth import check_books, every
from valetkey.core.activity import Activity, ActivityState, NonceLine, Request, nonce_line_id
from valetkey.core.audit import AuditHead, AuditLine, verify
from valetkey.core.budget import Reservation, ReservationState
from valetkey.core.chain import GrantStage
from valetkey.core.credential import Credential
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.session import Session, State
from valetkey.core.token import fingerprint
from valetkey.core.wallet import Account, OwnerKey
from valetkey.devchain import Deployment, Node, deploy, fund, launch, mint, pick
from valetkey.flows import accounts, delegation
from valetkey.flows.organize import found
from valetkey.flows.reconcile import reconcile
from valetkey.wiring import init, wire

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.flows.world import World
    from valetkey.ports import View

ETHER: Final = 10**18
TOKENS: Final = 10**12
DEADLINE_S: Final = 120
ROOT: Final = Path(__file__).parents[2]


class Place:
    """
    A server.

    Args:
        folder: Its configuration, keys and store, and the files of requests and answers.
    """

    def __init__(self, node: Node, deployment: Deployment, folder: Path) -> None:
        self.node = node
        self.deployment = deployment
        self.folder = folder
        self.account_address = b""

    async def make(self) -> None:
        """Set the server up, with one organization and one delegated account full of tokens."""
        chain = f"eip155:{self.node.chain_id}"
        text = (
            f'[chains."{chain}"]\n'
            f'rpc_url = "{self.node.rpc_url}"\n'
            f'implementation = "0x{self.deployment.implementation.hex()}"\n'
            "allow_private = true\n"
            f"[bounds]\nwait_s = 2\nrun_deadline_s = {DEADLINE_S}\nreprice_after_s = 1\n"
        )
        await init(self.folder, text, {})
        async with wire(self.folder, {}) as wired:
            world = wired.world
            for payer in (world.relayer_address, world.stopper_address):
                fund(self.node.rpc, self.deployment, payer, 100 * ETHER)
            organization, token = await found(world, name="Acme")
            mark = fingerprint(token)
            key = (await world.store.read(lambda view: view.find(Credential, fingerprint=mark)))[0]
            who = Principal(PrincipalKind.SECRET, organization.id, key.id, Access.WRITE)
            command = accounts.AddWallet(chain, OwnerKey.SEALED, None, None, "main")
            _, account = await accounts.add_wallet(world, who, Request("wallet", "-"), command)
            mint(self.node.rpc, self.deployment, account.address, TOKENS)
            await delegation.delegate(
                world, who, Request("delegate", "-"), account_id=account.id, signature=None
            )
        setup = {
            "organization_id": organization.id,
            "credential_id": key.id,
            "account_id": account.id,
            "chain": chain,
            "token": self.deployment.token.hex(),
        }
        self.account_address = account.address
        (self.folder / "setup.json").write_text(json.dumps(setup))

    async def check(self) -> None:
        """
        Let callers repeat what was not answered, settle everything, and compare it all.

        1. reconcile leaves nothing open, and finds nothing the second time; 2. the books are right;
        3. no overspend, and the chain moved what the store says; 4. nothing answered is lost;
        5. the nonces of relayer and stopper have no gap; 6. stopped sessions are stopped on chain.
        """
        async with wire(self.folder, {}) as wired:
            world = wired.world
            await Load(world, self.folder, "last").work(rounds=1)
            self.node.rpc.ask("evm_increaseTime", DEADLINE_S + 1)  # no holder can bring anything
            self.node.rpc.ask("evm_mine")
            await _settle(world)  # 1
            await check_books(world)  # 2
            await self._check_money(world)  # 3
            await world.store.read(self._check_answers)  # 4
            await self._check_nonces(world)  # 5
            await self._check_stops(world)  # 6

    async def _check_money(self, world: World) -> None:
        chain = next(iter(world.chains.values()))
        activities, sessions, at = await world.store.read(
            lambda view: (every(view, Activity), every(view, Session), _addresses(view))
        )
        moved = 0
        for session in sessions:
            if session.parent_id is not None:  # the chain knows of its root alone
                continue
            assert session.grant is not None
            address = at[session.account_id or ""]
            state = await chain.grant_state(address, session.grant.grant_id, counters=1)
            tree = {one.id for one in sessions if session.id in {one.id, one.root_id}}
            mine = [one for one in activities if one.session_id in tree and one.run]
            done = sum(_amount(one) for one in mine if one.state is ActivityState.DONE)
            told = [(one.state, _amount(one), one.outcome) for one in mine]
            assert state.counters[0].spent == done <= CAP, (session.id, told)
            moved += done
        assert await chain.token_balance(self.deployment.token, RECIPIENT) == moved
        assert await chain.token_balance(self.deployment.token, self.account_address) == (
            TOKENS - moved
        )
        assert moved > 0

    def _check_answers(self, view: View) -> None:
        activities = {one.request_key.rpartition("/")[2]: one for one in every(view, Activity)}
        lines = every(view, AuditLine)
        for answer in read_lines(self.folder, "answered"):
            if "refused" in answer:
                continue
            activity = activities[answer["id"]]
            if "activity_id" in answer:
                assert activity.id == answer["activity_id"], answer
            if answer.get("state") in {"done", "failed", "lapsed"}:
                assert activity.state == answer["state"], answer
            if "session_id" in answer:
                assert view.get(Session, answer["session_id"]) is not None, answer
            if "account_id" in answer:
                assert view.get(Account, answer["account_id"]) is not None, answer
            if answer["what"] == "revoke":
                stopped = view.get(Session, answer["stopped"])
                assert stopped is not None
                assert stopped.state is State.REVOKED, answer
            if "head" in answer:
                seq, digest = answer["head"]
                mine = [one for one in lines if one.organization_id == activity.organization_id]
                head = AuditHead(activity.organization_id, seq, bytes.fromhex(digest))
                assert verify(mine, head=head) is None, answer

    async def _check_nonces(self, world: World) -> None:
        chain = next(iter(world.chains.values()))
        for sender in (world.relayer_address, world.stopper_address):
            key = nonce_line_id(chain.chain, sender)
            line = await world.store.read(lambda view, key=key: view.get(NonceLine, key))  # type: ignore[misc]
            sent = 0 if line is None else line.next_nonce  # a key that never sent has no line
            assert sent == await chain.transaction_count(sender)

    async def _check_stops(self, world: World) -> None:
        chain = next(iter(world.chains.values()))
        sessions, at = await world.store.read(lambda view: (every(view, Session), _addresses(view)))
        states = {one.id: one.state for one in sessions}
        for session in sessions:
            if session.parent_id is not None:
                above = states[session.parent_id]
                assert (session.state is State.REVOKED) == (above is State.REVOKED)
                continue
            assert session.grant is not None
            address = at[session.account_id or ""]
            state = await chain.grant_state(address, session.grant.grant_id, counters=0)
            assert (session.state is State.REVOKED) == (state.stage is GrantStage.REVOKED)
            assert (session.state is State.FROZEN) == (state.stage is GrantStage.FROZEN)
            is_unsigned = (
                session.owner_key is OwnerKey.OUTSIDE and not session.grant.owner_signature
            )
            assert session.state is not State.PENDING or is_unsigned  # killed before they signed


async def _settle(world: World) -> None:
    for _ in range(20):
        await reconcile(world)
        open_ones, held = await world.store.read(
            lambda view: (
                view.find(Activity, settled=0),
                view.find(Reservation, state=ReservationState.RESERVED),
            )
        )
        # What nobody may sign any more waits for its deadline, and holds nothing.
        open_ones = [one for one in open_ones if one.execution is None or one.intent]
        if not open_ones and not held:
            break
    assert not open_ones, [(one.kind, one.state) for one in open_ones]
    assert not held, [(one.id, one.nonce) for one in held]
    again = await reconcile(world)
    assert (again.activities, again.reservations, again.sessions) == (0, 0, 0)


def _addresses(view: View) -> dict[str, bytes]:
    return {one.id: one.address for one in every(view, Account)}


def _amount(activity: Activity) -> int:
    assert activity.run is not None
    return sum(int.from_bytes(call.arguments[32:64]) for call in activity.run.calls)


class Nursery:
    """Starts processes of a place, and waits for their ends."""

    def __init__(self, place: Place) -> None:
        self._errors = place.folder / "errors.txt"
        self._log = self._errors.open("w")
        self._child = subprocess.Popen(  # noqa: S603 - our own module
            (sys.executable, "-m", "tests.crash.nursery", str(place.folder)),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def run(self, *crash_points: str | None) -> list[bool]:
        """Run one process for each point, all at once; say which of them were killed."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps(crash_points) + "\n")
        self._child.stdin.flush()
        ends: list[int] = json.loads(self._child.stdout.readline() or "null")
        assert ends is not None, self._errors.read_text()
        assert set(ends) <= {0, -signal.SIGKILL}, self._errors.read_text()
        return [end == -signal.SIGKILL for end in ends]

    def close(self) -> None:
        """End it."""
        self._child.communicate()
        self._log.close()


@contextmanager
def nursery(place: Place) -> Iterator[Nursery]:
    """Give a maker of processes of *place*."""
    made = Nursery(place)
    try:
        yield made
    finally:
        made.close()


@contextmanager
def open_place(folder: Path) -> Iterator[Place]:
    """Give a place on a new chain."""
    with launch(pick()) as node:
        yield Place(node, deploy(node.rpc), folder)
