"""
What a server does between two crashes, as one process with nothing in memory to begin with.

Every request is written to a file before it is made, and every answer after it came: a process that
starts repeats the requests that were never answered, as callers do.
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any, Final

from tests.crash.asked import (
    RECIPIENT,
    STAMP_KEY,
    TRANSFER,
    act,
    execute,
    opening,
    register_at_once,
    request_of,
    secret_of,
)
from tests.flows.holders import as_holder
from tests.flows.tree import compare
from valetkey.core.activity import ActivityState
from valetkey.core.audit import AuditHead
from valetkey.core.command import OpenSession
from valetkey.core.errors import Code, ValetkeyError
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import Call
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.scope import Scope
from valetkey.core.session import Proof, Session
from valetkey.core.wallet import Curve, OwnerKey, PublicKey
from valetkey.flows import (
    accounts,
    delegation,
    freeze,
    open_child,
    open_session,
    run,
    stop,
    undelegate,
)
from valetkey.flows.gate import present
from valetkey.flows.reconcile import reconcile
from valetkey.spec import secp256k1

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from valetkey.flows.stop import Stopped
    from valetkey.flows.world import World

ROUNDS: Final = 3
AMOUNTS: Final = (3, 2, 4, 3)


class Load:
    """
    One process's part.

    Args:
        setup: What the test wrote down: organization, credential, account, token.
        name: Of this process; its requests begin with it.
    """

    def __init__(self, world: World, folder: Path, name: str) -> None:
        self._world = world
        self._setup = json.loads((folder / "setup.json").read_text())
        self._name = name
        self._count = 0
        self._files = {
            kind: os.open(folder / f"{kind}.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            for kind in ("asked", "answered")
        }
        self._folder = folder
        self._principal = Principal(
            PrincipalKind.SECRET,
            self._setup["organization_id"],
            self._setup["credential_id"],
            Access.WRITE,
            scopes=frozenset({Scope.WALLETS_WRITE, Scope.SESSIONS_OPEN}),
        )

    async def work(self, *, rounds: int = ROUNDS) -> None:
        """Repeat what was not answered, reconcile, and go on with new requests for a while."""
        asked, answered = (read_lines(self._folder, kind) for kind in ("asked", "answered"))
        done = {one["id"] for one in answered}
        missing = [one for one in asked if one["id"] not in done]
        await asyncio.gather(reconcile(self._world), *(self._make(one) for one in missing))
        opened = [one["session_id"] for one in answered if one.get("session_id")]
        for _ in range(rounds):
            opened = (await self._round(opened))[-4:]

    async def _round(self, opened: list[str]) -> list[str]:
        """Open sessions and one under them, act under all, and stop the ones before them."""
        made = await asyncio.gather(
            *(self.ask("open", proof=proof) for proof in ("stamp", "chain", "address"))
        )
        new = [one["session_id"] for one in made if "session_id" in one]
        under = await self.ask("child", session_id=new[0]) if new else {}
        work: list[Coroutine[Any, Any, object]] = [
            self.ask("run", session_id=session, amount=amount)
            for session in (*new[:2], *filter(None, [under.get("child_id")]))
            for amount in AMOUNTS
        ]
        work += [
            self.ask("act", session_id=session, amount=amount)
            for session in new[2:]
            for amount in AMOUNTS
        ]
        if opened:
            work.append(self._switch(opened[-1]))
        work += [self.ask("revoke", session_id=session) for session in opened[:-1]]
        await asyncio.gather(self._delegate(), self._execute(), reconcile(self._world), *work)
        return opened[-1:] + new

    async def _switch(self, session_id: str) -> None:
        await self.ask("freeze", session_id=session_id)
        await self.ask("unfreeze", session_id=session_id)

    async def _execute(self) -> None:
        made = await self.ask("execute")
        if "account_id" in made:
            await self.ask("register", account_id=made["account_id"], owner=made["owner"])

    async def _delegate(self) -> None:
        made = await self.ask("wallet")
        if "account_id" in made:
            await self.ask("delegate", account_id=made["account_id"])
            await self.ask("undelegate", account_id=made["account_id"])

    async def ask(self, what: str, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
        """Write a new request down, and make it."""
        self._count += 1
        asked = {"id": f"{self._name}-{self._count}", "what": what, **fields}
        self._write("asked", asked)
        return await self._make(asked)

    async def _make(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = await getattr(self, f"_{asked['what']}_it")(asked)
        except ValetkeyError as refused:
            if refused.code in {Code.CHAIN_UNREACHABLE, Code.STORE_UNAVAILABLE}:
                return {}  # no answer; it is asked again
            answer = {"refused": refused.code.value}
        self._write("answered", {"id": asked["id"], "what": asked["what"], **answer})
        return answer

    def _write(self, kind: str, line: dict[str, Any]) -> None:
        os.write(self._files[kind], json.dumps(line).encode() + b"\n")

    async def _open_it(self, asked: dict[str, Any]) -> dict[str, Any]:
        command = opening(self._world, asked, self._setup)
        opened = await open_session.open_session(
            self._world, self._principal, request_of(asked), command
        )
        return {"session_id": opened.session.id}

    async def _child_it(self, asked: dict[str, Any]) -> dict[str, Any]:
        parent = await self._world.store.read(lambda view: view.get(Session, asked["session_id"]))
        assert parent is not None
        command = OpenSession(
            proof=Proof.STAMP,
            access=Access.WRITE,
            user_id=None,
            account_id=None,
            key=PublicKey(Curve.P256, STAMP_KEY),
            permission=parent.permission,
            starts_at=parent.starts_at,
            expires_at=parent.expires_at,
            idle_s=None,
            label=asked["id"],
            device="",
        )
        opened = await open_child.open_child(
            self._world,
            self._principal,
            request_of(asked),
            parent_id=parent.id,
            command=command,
            compare=compare,
        )
        return {"child_id": opened.session.id}

    async def _run_it(self, asked: dict[str, Any]) -> dict[str, Any]:
        session_id = asked["session_id"]
        session = await self._world.store.read(lambda view: view.get(Session, session_id))
        who = as_holder(present(session, "session"))
        call = self._transfer(asked)
        activity = await run.run(self._world, who, request_of(asked), calls=[call])
        if activity.state is ActivityState.AWAITING and activity.run is not None:
            session = await self._world.store.read(lambda view: view.get(Session, session_id))
            assert session is not None
            signature = secp256k1.sign_digest(activity.run.digest, secret_of(session.label))
            activity = await run.sign(
                self._world, who, activity_id=activity.id, signature=signature
            )
        return {"activity_id": activity.id, "state": activity.state.value}

    async def _revoke_it(self, asked: dict[str, Any]) -> dict[str, Any]:
        return _stopped(
            await stop.revoke(
                self._world, self._principal, request_of(asked), session_id=asked["session_id"]
            )
        )

    async def _freeze_it(self, asked: dict[str, Any]) -> dict[str, Any]:
        return _stopped(
            await freeze.freeze(
                self._world, self._principal, request_of(asked), session_id=asked["session_id"]
            )
        )

    async def _unfreeze_it(self, asked: dict[str, Any]) -> dict[str, Any]:
        return _stopped(
            await freeze.unfreeze(
                self._world, self._principal, request_of(asked), session_id=asked["session_id"]
            )
        )

    async def _wallet_it(self, asked: dict[str, Any]) -> dict[str, Any]:
        command = accounts.AddWallet(self._setup["chain"], OwnerKey.SEALED, None, None, asked["id"])
        _, account = await accounts.add_wallet(
            self._world, self._principal, request_of(asked), command
        )
        return {"account_id": account.id}

    async def _delegate_it(self, asked: dict[str, Any]) -> dict[str, Any]:
        activity = await delegation.delegate(
            self._world,
            self._principal,
            request_of(asked),
            account_id=asked["account_id"],
            signature=None,
        )
        head = await self._world.store.read(
            lambda view: view.get(AuditHead, self._principal.organization_id)
        )
        assert head is not None
        return {
            "activity_id": activity.id,
            "state": activity.state.value,
            "head": [head.seq, head.hash.hex()],
        }

    async def _undelegate_it(self, asked: dict[str, Any]) -> dict[str, Any]:
        left = await undelegate.undelegate(
            self._world,
            self._principal,
            request_of(asked),
            account_id=asked["account_id"],
            signature=None,
        )
        return {"activity_id": left.activity.id, "state": left.activity.state.value}

    async def _act_it(self, asked: dict[str, Any]) -> dict[str, Any]:
        return await act(self._world, self._principal, asked, call=self._transfer(asked))

    async def _register_it(self, asked: dict[str, Any]) -> dict[str, Any]:
        return await register_at_once(self._world, self._principal, asked, self._setup)

    async def _execute_it(self, asked: dict[str, Any]) -> dict[str, Any]:
        return await execute(self._world, self._principal, asked, chain=self._setup["chain"])

    def _transfer(self, asked: dict[str, Any]) -> Call:
        words = RECIPIENT.rjust(32, b"\0") + int(asked["amount"]).to_bytes(32)
        return Call(self._token, 0, selector_of(TRANSFER) + words)

    @property
    def _token(self) -> bytes:
        return bytes.fromhex(self._setup["token"])


def read_lines(folder: Path, kind: str) -> list[dict[str, Any]]:
    """Return what was written to a file of requests or answers."""
    path = folder / f"{kind}.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _stopped(stopped: Stopped) -> dict[str, Any]:
    return {
        "stopped": stopped.session.id,
        "session_state": stopped.session.state.value,
        "activity_id": stopped.activity.id,
        "state": stopped.activity.state.value,
    }
