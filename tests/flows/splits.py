"""Split wallets for tests: a world in memory, and everything that is asked for with one call."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Final

from tests.worlds import Founded, make_organization, make_world
from valetkey.core.activity import Request, request_hash
from valetkey.core.permission.signing import SignMessage
from valetkey.core.wallet import Curve
from valetkey.flows.split import CreateSplit, MadeSplit, create_split
from valetkey.flows.split_sign import SplitSignature, sign_split

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.core.signable import Wanted
    from valetkey.flows.world import World

HELLO: Final = SignMessage(b"hello")
TYPED: Final[dict[str, object]] = {
    "types": {
        "EIP712Domain": [
            {"name": "name", "type": "string"},
            {"name": "chainId", "type": "uint256"},
            {"name": "verifyingContract", "type": "address"},
        ],
        "Order": [{"name": "maker", "type": "address"}, {"name": "amount", "type": "uint256"}],
    },
    "primaryType": "Order",
    "domain": {"name": "Shop", "chainId": "1", "verifyingContract": "0x" + "44" * 20},
    "message": {"maker": "0x" + "11" * 20, "amount": "5"},
}


@dataclass(slots=True)
class Splits:
    """A world, and an organization that has split wallets."""

    world: World
    founded: Founded
    _requests: count[int] = field(default_factory=lambda: count(1))

    @property
    def principal(self) -> Principal:
        """Who the organization's secret key proves."""
        return self.founded.principal

    def request(self) -> Request:
        """Return a request that was never made."""
        number = next(self._requests)
        return Request(f"request-{number}", request_hash("test", number))

    async def make(
        self, curve: Curve = Curve.SECP256K1, *, user_id: str | None = None
    ) -> tuple[MadeSplit, str]:
        """Return a new wallet, and its client's share."""
        command = CreateSplit(curve, user_id=user_id, label="test")
        made = await create_split(self.world, self.principal, self.request(), command)
        assert made.share is not None
        return made, made.share

    async def sign(
        self,
        wallet_id: str,
        share: str,
        wanted: Wanted = HELLO,
        *,
        principal: Principal | None = None,
        request: Request | None = None,
    ) -> SplitSignature:
        """Return a signature by the wallet, asked for by its owner unless told."""
        return await sign_split(
            self.world,
            principal or self.principal,
            request or self.request(),
            wallet_id=wallet_id,
            share=share,
            wanted=wanted,
        )


async def make_splits() -> Splits:
    """Return a world of its own."""
    world = await make_world()
    return Splits(world, await make_organization(world))
