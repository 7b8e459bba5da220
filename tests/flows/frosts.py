"""Signatures by FROST for tests: the client's half is the SDK's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.client import frost
from valetkey.flows.split_frost import (
    BeginFrost,
    BegunFrost,
    FinishFrost,
    begin_frost,
    finish_frost,
)
from valetkey.wire.base import hexed
from valetkey.wire.frost import FrostBegun, read_commitment, read_wanted

if TYPE_CHECKING:
    from tests.flows.splits import Splits
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.split_sign import SplitSignature


@dataclass(frozen=True, slots=True)
class Begun:
    """A round: what the server answered, and the client's half."""

    command: BeginFrost
    begun: BegunFrost
    half: frost.Half

    @property
    def told(self) -> FrostBegun:
        """What went over the line."""
        words = [self.begun.commitment[at : at + 32] for at in (0, 32, 64)]
        identifier, hiding, binding = (hexed(one) for one in words)
        return FrostBegun(
            activity_id=self.begun.activity.id,
            public_key=hexed(self.begun.key.public_key.data),
            identifier=identifier,
            hiding=hiding,
            binding=binding,
        )

    def finish(self) -> FinishFrost:
        """Return the client's second word; its nonces are gone then."""
        body = frost.finish(self.half, self.told, public_key=None).body
        share = bytes.fromhex(body.signature_share[2:])
        return FinishFrost(self.command.wallet_id, body.activity_id, share)


def first_word(
    wallet_id: str, share: str, message: bytes = b"hello", *, is_digest: bool = False
) -> tuple[BeginFrost, frost.Half]:
    """Return what a client begins with, and what it keeps."""
    given = (
        {"message": None, "digest": message} if is_digest else {"message": message, "digest": None}
    )
    body, half = frost.begin(share, **given)
    command = BeginFrost(wallet_id, body.generation, read_commitment(body), read_wanted(body))
    return command, half


async def begin(
    splits: Splits,
    wallet_id: str,
    share: str,
    message: bytes = b"hello",
    *,
    principal: Principal | None = None,
) -> Begun:
    """Begin a round."""
    command, half = first_word(wallet_id, share, message)
    who = principal or splits.principal
    return Begun(command, await begin_frost(splits.world, who, splits.request(), command), half)


async def finish(
    splits: Splits,
    command: FinishFrost,
    *,
    principal: Principal | None = None,
    request: Request | None = None,
) -> SplitSignature:
    """Finish it."""
    who = principal or splits.principal
    return await finish_frost(splits.world, who, request or splits.request(), command)


async def sign_apart(
    splits: Splits, wallet_id: str, share: str, message: bytes = b"hello"
) -> SplitSignature:
    """Return a signature of two rounds."""
    begun = await begin(splits, wallet_id, share, message)
    return await finish(splits, begun.finish())
