"""Openfort's browser SDK in Node: an app of a shop's, each on a device of its own."""

from __future__ import annotations

import os
import subprocess
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from eth_abi.abi import encode

from tests.vendor.driver import driven
from tests.vendor.openfort.stage import CHAIN_ID
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.vendor.openfort.stage import Stage

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[2]
PASSWORD: Final = "correct horse battery staple"  # noqa: S105 - of nobody
SESSION_ENTROPY: Final = "an encryption session of a backend, 1"  # of one player, always the same
DAY_S: Final = 24 * 3600
SMART: Final = "Smart Account"
DELEGATED: Final = "Delegated Account"


def bundled(entry: str, target: Path, *args: str) -> Path:
    """Return *entry*, one of the scripts here, with all that it imports, in *target*."""
    command = [
        *("node", "node_modules/esbuild/bin/esbuild", str(HERE / entry), "--bundle"),
        *("--log-level=error", f"--outfile={target}", *args),
    ]
    packages = f"{HERE / 'node_modules'}:{ROOT / 'node_modules'}"
    environment = {**os.environ, "NODE_PATH": packages}
    subprocess.run(command, cwd=ROOT, check=True, env=environment, timeout=60)  # noqa: S603 - our own sources
    return target


def minting(to: str) -> str:
    """Return the calldata that mints for *to*."""
    return f"0x{(keccak256(b'mint(address)')[:4] + encode(['address'], [to])).hex()}"


class Asks(Protocol):
    """What has an SDK do something: a process, or a tab of a browser."""

    async def ask(self, act: str, **args: object) -> Any:  # noqa: ANN401 - as the SDK says it
        """Have it do *act*; `Refused` if the SDK throws."""


@dataclass(frozen=True, slots=True)
class Key:
    """A session key."""

    privateKey: str  # noqa: N815 - as viem calls it
    address: str


@dataclass(frozen=True, slots=True)
class App:
    """The SDK on one device."""

    there: Stage
    sdk: Asks

    async def begin(self, third_party: str | None = None) -> App:
        """Make the SDK, as a page does when it is opened."""
        await self.sdk.ask("begin", thirdParty=third_party)
        return self

    async def guest(self) -> dict[str, Any]:
        """Sign up as a guest; return what the SDK tells of it."""
        told: dict[str, Any] = await self.sdk.ask("guest")
        return told

    async def wallet(self, method: str, *args: object) -> Any:  # noqa: ANN401 - as the SDK says it
        """Call a method of ``embeddedWallet``."""
        return await self.sdk.ask("wallet", method=method, args=args)

    async def create(self, kind: str = SMART, **recovery: str) -> dict[str, Any]:
        """Make a key and an account of it, locked by a password unless *recovery* says else."""
        how = recovery or {"recoveryMethod": "password", "password": PASSWORD}
        wanted = {"chainType": "EVM", "accountType": kind, "chainId": CHAIN_ID}
        made: dict[str, Any] = await self.wallet("create", {**wanted, "recoveryParams": how})
        return made

    async def recover(self, account: str, password: str = PASSWORD) -> dict[str, Any]:
        """Have a key on this device again."""
        how = {"recoveryMethod": "password", "password": password}
        made: dict[str, Any] = await self.wallet(
            "recover", {"account": account, "recoveryParams": how}
        )
        return made

    async def provide(self, policy: str | None = None) -> None:
        """Get the provider, as the page does."""
        options: dict[str, object] = {"chains": {str(CHAIN_ID): self.there.deployment.rpc_url}}
        if policy is not None:
            options["feeSponsorship"] = policy
        assert await self.sdk.ask("provider", **options)

    async def key(self) -> Key:
        """Return a new session key, made by viem as on the page."""
        return Key(**await self.sdk.ask("key"))

    async def grant(self, key: Key, *targets: str, for_s: int = DAY_S, **more: object) -> Any:  # noqa: ANN401 - as the SDK says it
        """Grant what the page grants, for *targets* and *key*."""
        permissions = [
            {"type": "contract-call", "data": {"address": one, "calls": []}, "policies": []}
            for one in targets
        ]
        signer = {"type": "account", "data": {"id": key.address}}
        asked = {"signer": signer, "expiry": for_s, "permissions": permissions, **more}
        return await self.request("wallet_grantPermissions", asked)

    async def grant_by_viem(self, key: Key, target: str) -> Any:  # noqa: ANN401 - as viem says it
        """Grant by viem's action over the SDK's provider."""
        call = {"type": "contract-call", "data": {"address": target, "calls": []}, "policies": []}
        signer = {"type": "account", "data": {"id": key.address}}
        wanted = {"signer": signer, "expiry": 3600, "permissions": [call]}
        return await self.sdk.ask("grantByViem", permissions=wanted)

    async def request(self, method: str, *params: object) -> Any:  # noqa: ANN401 - as the SDK says it
        """Ask the provider."""
        return await self.sdk.ask("request", method=method, params=params)


@asynccontextmanager
async def app(there: Stage, child: Path) -> AsyncIterator[App]:
    """Give an app on a device of its own."""
    args = (there.url, there.public, child.as_uri())
    async with driven(HERE / "js.mjs", *args, name="openfort js") as sdk:
        yield App(there, sdk)
