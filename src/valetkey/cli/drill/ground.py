"""Where a drill takes place: an account, and sessions that are thrown away."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.cli.payer import read_payer
from valetkey.client import AsyncValetkey, Owner, permission
from valetkey.client.calls import payment
from valetkey.core.errors import ValetkeyError
from valetkey.devchain import dev_keys, fund

if TYPE_CHECKING:
    import asyncio

    from valetkey.cli.drill.figures import Figures
    from valetkey.cli.local import Local
    from valetkey.cli.payer import Payer
    from valetkey.client import AsyncSession, Call
    from valetkey.wire.wallet import Account

LIFE_S: Final = 3600
CAP_WEI: Final = 1_000_000
FUND_WEI: Final = 10**18


@dataclass(frozen=True, slots=True)
class Ground:
    """
    A server, an account on it, and what the ways to stop need.

    Args:
        owner: Signs grants and freezes; None if the server holds the owner's key.
        payer: Pays for kill notes; None leaves that way out.
        rpc_url: Where kill notes are sent.
    """

    vk: AsyncValetkey
    account: Account
    owner: Owner | None
    payer: Payer | None
    rpc_url: str | None

    async def open(self) -> tuple[AsyncSession, Call]:
        """Return a new session that may pay a millionth of a millionth, and a call of it."""
        to = secrets.token_bytes(20)
        draft = permission.native_payments(to=[to], lifetime=CAP_WEI, expires_in=LIFE_S)
        session = await self.vk.sessions.open(self.account, draft, owner=self.owner, label="drill")
        return session, payment(to, 1)

    async def load(self, figures: Figures, until: asyncio.Event) -> None:
        """Make runs under a session of its own, one after the other, count them, and end it."""
        session, call = await self.open()
        while not until.is_set():
            try:
                await session.run([call])
            except ValetkeyError as refused:
                figures.wrong.append(f"a session that was not stopped: {refused.detail}")
                return
            figures.runs += 1
        await session.close()


async def local_ground(local: Local) -> Ground:
    """Return an account on a local chain whose owner's key is in this process alone."""
    vk = AsyncValetkey(local.url, api_key=local.secret)
    owner = Owner.from_key(secrets.token_bytes(32))
    added = await vk.wallets.add(local.chain, address=owner, label="drill")
    fund(local.node.rpc, local.deployment, owner.address, FUND_WEI)
    await vk.accounts.delegate(
        added.account, owner=owner, implementation=local.deployment.implementation
    )
    payer = read_payer(None, dev_keys()[-2].secret.hex())
    return Ground(vk, added.account, owner, payer, local.node.rpc_url)
