"""Who takes part in the demo: an owner, a holder, two friends and a thief."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.cli.demo.attacker import Attacker, Loot
from valetkey.client import AsyncValetkey, Owner, SessionKey, permission
from valetkey.devchain import mint
from valetkey.spec.permission_bytes import RunCall

if TYPE_CHECKING:
    from valetkey.cli.demo.score import Score
    from valetkey.cli.local import Local
    from valetkey.cli.terminal import Terminal
    from valetkey.client import AsyncSession
    from valetkey.client.permission import Draft
    from valetkey.core.permission.model import Permission
    from valetkey.ports import Chain
    from valetkey.wire.wallet import Account

DECIMALS: Final = 6
UNIT: Final = 10**DECIMALS
BALANCE: Final = 100
CAP: Final = 20
LONG_S: Final = 3600


@dataclass(frozen=True, slots=True)
class Held:
    """
    A session, and everything that a thief would take of it.

    Args:
        session: As its holder has it.
        loot: What could be stolen from the holder.
    """

    session: AsyncSession
    key: SessionKey
    loot: Loot


@dataclass(slots=True)
class Cast:
    """
    The people and things of the play.

    Args:
        vk: The organization's backend.
        owner: Their key is in this process, never in the server.
        friends: Two addresses that may be paid.
        stranger: One that may not.
    """

    terminal: Terminal
    score: Score
    local: Local
    vk: AsyncValetkey
    chain: Chain
    attacker: Attacker
    owner: Owner
    account: Account
    friends: tuple[bytes, bytes]
    stranger: bytes

    @property
    def token(self) -> bytes:
        """The demo token, 20 bytes."""
        return self.local.deployment.token

    def payments(self, *, lifetime: int = CAP, expires_in: int = LONG_S) -> Draft:
        """Return a permission to pay the friends *lifetime* USDC in all."""
        return permission.erc20_transfers(
            self.token,
            decimals=DECIMALS,
            to=sorted(self.friends),
            lifetime=str(lifetime),
            expires_in=expires_in,
        )

    async def open(self, allowed: Draft | Permission, *, label: str, signed: bool = True) -> Held:
        """Return a new session, signed by the owner or left waiting."""
        key = SessionKey.generate()
        session = await self.vk.sessions.open(self.account, allowed, key=key, label=label)
        consent = await session.consent()
        signature = None
        if signed:
            signature, kill_note = self.owner.sign_consent(consent)
            await session.grant_signed(signature, kill_note)
        secret = bytes.fromhex(key.export()[2:])
        loot = Loot(self.owner.address, secret, consent.verified.packed, signature)
        return Held(session, key, loot)

    async def balance(self, holder: bytes) -> int:
        """Return how much of the token *holder* has, as the chain says."""
        return await self.chain.token_balance(self.token, holder)


def pay(to: bytes, units: int) -> RunCall:
    """Return a transfer as a run carries it, under the first rule."""
    return RunCall(0, to.rjust(32, b"\0") + units.to_bytes(32))


async def gather_cast(terminal: Terminal, score: Score, local: Local, chain: Chain) -> Cast:
    """Return the cast: the owner's account has money and runs our code."""
    vk = AsyncValetkey(local.url, api_key=local.secret)
    owner = Owner.from_key(secrets.token_bytes(32))
    added = await vk.wallets.add(local.chain, address=owner, label="demo wallet")
    mint(local.node.rpc, local.deployment, owner.address, BALANCE * UNIT)
    await vk.accounts.delegate(
        added.account, owner=owner, implementation=local.deployment.implementation
    )
    first, second, stranger = (secrets.token_bytes(20) for _ in range(3))
    return Cast(
        terminal=terminal,
        score=score,
        local=local,
        vk=vk,
        chain=chain,
        attacker=Attacker(chain),
        owner=owner,
        account=added.account,
        friends=(first, second),
        stranger=stranger,
    )


def now_ms() -> float:
    """Return the time in milliseconds, for spans that are shown."""
    return time.time() * 1000
