"""A client behind somebody who changes what the server answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.client.both import Client, done

if TYPE_CHECKING:
    from tests.client.loopback import Loopback
    from tests.client.service import Service
    from valetkey import Owner
    from valetkey.wire.wallet import Account

Lie = Callable[[dict[str, Any]], object]
Lies = dict[str, Lie]


@dataclass(frozen=True, slots=True)
class Stage:
    """A client behind a liar, and an account to act on."""

    vk: Client
    liar: Loopback
    lies: Lies
    owner: Owner
    account: Account
    service: Service

    async def open(self) -> Client:
        """Return an open session of the account."""
        return await done(
            self.vk.sessions.open(self.account, self.service.draft(), owner=self.owner)
        )

    def signed(self) -> list[str]:
        """Return where signatures for the chain were sent to."""
        return [
            came.target
            for came in self.liar.came
            if b"signature" in came.body or came.target.endswith("/grant")
        ]
