"""The real server on a real local chain, beside the tests: what the SDK is for."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final

from tests.leaks import note_output, secret
from tests.worlds import CHAIN, connect, make_live_world, make_organization
from valetkey import Owner, Valetkey, permission
from valetkey.devchain import deploy, fund, launch, mint, pick
from valetkey.flows.issue_token import ensure_token_key
from valetkey.http.server import running
from valetkey.spec.keccak import keccak256
from valetkey.telemetry.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.client.permission import Draft
    from valetkey.devchain import Choice, Deployment, Node, Rpc
    from valetkey.wire.wallet import Account

USDC: Final = 10**6
SHOP: Final = "0x" + "11" * 20
OTHER: Final = "0x" + "22" * 20
START_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Service:
    """
    A server that runs, and the chain behind it.

    Args:
        api_key: The first secret key of an organization on it.
    """

    url: str
    api_key: str = field(repr=False)
    rpc: Rpc
    deployment: Deployment
    _numbers: count[int] = field(default_factory=lambda: count(1))

    @property
    def token(self) -> str:
        """The demo token's address."""
        return "0x" + self.deployment.token.hex()

    @property
    def implementation(self) -> str:
        """The account code that is deployed."""
        return "0x" + self.deployment.implementation.hex()

    def owner(self) -> Owner:
        """Return an owner that nobody has met, with 100 USDC and a coin."""
        seed = f"{self.url} owner {next(self._numbers)}"
        owner = Owner.from_key(secret(keccak256(seed.encode())))
        self.endow(owner.address)
        return owner

    def endow(self, address: bytes) -> None:
        """Give *address* 100 USDC and a coin."""
        mint(self.rpc, self.deployment, address, 100 * USDC)
        fund(self.rpc, self.deployment, address, 10**18)

    def account(self, vk: Valetkey, owner: Owner) -> Account:
        """Return *owner*'s account, which runs our code."""
        account = vk.wallets.add(CHAIN, address=owner).account
        vk.accounts.delegate(account, owner=owner, implementation=self.implementation)
        return account

    def draft(self, lifetime: str = "20", *, expires_in: int = 3600) -> Draft:
        """Return a permission to transfer the demo token to the shop."""
        return permission.erc20_transfers(
            self.token, decimals=6, to=[SHOP], lifetime=lifetime, expires_in=expires_in
        )

    def balance(self, holder: str) -> int:
        """Return what *holder* has of the demo token, asked from the chain."""
        data = "0x70a08231" + holder.removeprefix("0x").rjust(64, "0")
        answer = self.rpc.ask("eth_call", {"to": self.token, "data": data}, "latest")
        return int(str(answer), 16)


@contextmanager
def serving(choice: Choice | None = None) -> Iterator[Service]:
    """Run the best chain, or *choice*, and a server in a thread of its own, for a while."""
    with launch(choice or pick()) as node:
        started: Future[Service] = Future()
        stop = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(_serve(node, started, stop)))
        thread.start()
        try:
            yield started.result(timeout=START_S)
        finally:
            stop.set()
            thread.join()


def _note(line: bytes) -> None:
    note_output("server", line.decode())


async def _serve(node: Node, started: Future[Service], stop: threading.Event) -> None:
    try:
        deployment = deploy(node.rpc)
        chain = connect(deployment)
        world = await make_live_world(node, deployment, chain)
        founded = await make_organization(world)
        await ensure_token_key(world)
        async with running(world, journal=Journal(_note)) as server:
            started.set_result(Service(server.url, founded.secret, node.rpc, deployment))
            await asyncio.get_running_loop().run_in_executor(None, stop.wait)
        await chain.close()
    except BaseException as error:
        if not started.done():
            started.set_exception(error)
        raise


__all__ = ["CHAIN", "OTHER", "SHOP", "USDC", "Service", "serving"]
