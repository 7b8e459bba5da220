"""Split wallets: one share of the key is here, the other with the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.client import frost
from valetkey.client.asks import path_of, read, write
from valetkey.client.custody import checked_share, sign_body
from valetkey.wire import custody as wire
from valetkey.wire.base import Nothing
from valetkey.wire.frost import FrostBegun
from valetkey.wire.organization import Organization

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Literal

    from valetkey.client._async.line import AsyncLine


class AsyncSplit:
    """
    Wallets whose key nobody has: joined from two shares for one signature at a time.

    >>> made = await vk.split.create()
    >>> await keep(made.share)  # nobody can show it again
    >>> signed = await vk.split.sign(made.wallet.id, made.share, message=b"hello")
    """

    def __init__(self, line: AsyncLine) -> None:
        self._line = line

    async def create(
        self,
        curve: Literal["secp256k1", "ed25519"] = "secp256k1",
        *,
        chain: str | None = None,
        user_id: str | None = None,
        label: str = "",
        request_id: str | None = None,
    ) -> wire.MadeSplit:
        """
        Return a new wallet, with the client's share: shown this once, and None for a repeat.

        Args:
            chain: CAIP-2, to have an account there at once; secp256k1 alone.
        """
        body = wire.CreateSplit(curve=curve, chain=chain, user_id=user_id, label=label)
        ask = write(wire.MadeSplit, "/v1/wallets/split", body, request_id=request_id)
        return await self._line.send(ask)

    async def get(self, wallet_id: str) -> wire.Custody:
        """Return how the key of a split wallet is kept: the generations of its shares."""
        path = path_of("/v1/wallets/{key}/custody", key=wallet_id)
        return await self._line.send(read(wire.Custody, path))

    async def sign(
        self,
        wallet_id: str,
        share: str,
        *,
        message: bytes | None = None,
        typed_data: Mapping[str, object] | None = None,
        transaction: bytes | None = None,
        digest: bytes | None = None,
        delegation: tuple[int, bytes, int] | None = None,
        request_id: str | None = None,
    ) -> wire.SplitSignature:
        """
        Return the signature of one thing; with a new share this ends the old one.

        Args:
            message: Prefixed as EIP-191 says for secp256k1, signed as it is for Ed25519.
            typed_data: In the shape of ``eth_signTypedData_v4``.
            transaction: Of type 0, 1, 2 or 4, serialized without its signature.
            digest: 32 bytes; for Ed25519 any bytes. No session has them signed.
            delegation: Chain id, the code to run (20 bytes), and the account's nonce (EIP-7702).

        Raises:
            Malformed: ``malformed_share``, found here or there; or it is not one thing.
            Forbidden: ``share_of_another_wallet``, ``share_refused``, or what may not be signed.
            Conflict: ``share_stale``: a newer share was used.
        """
        body = sign_body(
            checked_share(share),
            message=message,
            typed_data=typed_data,
            transaction=transaction,
            digest=digest,
            delegation=delegation,
        )
        path = path_of("/v1/wallets/{key}/sign", key=wallet_id)
        return await self._line.send(write(wire.SplitSignature, path, body, request_id=request_id))

    async def sign_apart(
        self,
        wallet_id: str,
        share: str,
        *,
        message: bytes | None = None,
        digest: bytes | None = None,
        public_key: bytes | None = None,
    ) -> wire.SplitSignature:
        """
        Return the signature of an Ed25519 wallet by FROST: the share does not leave this process.

        Two requests: both sides commit to nonces, then this side sends its signature share. The
        nonces are drawn here for this call and are gone with it: after an error, call again.

        Args:
            message: Signed as it is.
            digest: Any bytes. No session has them signed.
            public_key: The wallet's, as noted when it was made; None takes the server's word for
                it.

        Raises:
            Malformed: ``malformed_share``, found here; or it is not one thing.
            Forbidden: ``signature_share_refused``: the share, or what the server answered, is not
                of the key; or what may not be signed.
            Conflict: ``share_stale``: a newer share was used; ``nonce_spent``: the answer was lost,
                or came too late.
        """
        body, half = frost.begin(share, message=message, digest=digest)
        path = path_of("/v1/wallets/{key}/frost/begin", key=wallet_id)
        begun = await self._line.send(write(FrostBegun, path, body))
        made = frost.finish(half, begun, public_key=public_key)
        path = path_of("/v1/wallets/{key}/frost/finish", key=wallet_id)
        return made.checked(await self._line.send(write(wire.SplitSignature, path, made.body)))

    async def refresh(
        self, wallet_id: str, share: str, *, request_id: str | None = None
    ) -> wire.NewShare:
        """
        Return a new share of the same key: keep it, then `confirm` it or sign with it.

        The old share is good until then, so that nothing is lost if the answer is.
        """
        path = path_of("/v1/wallets/{key}/refresh", key=wallet_id)
        body = wire.ByShare(share=checked_share(share))
        return await self._line.send(write(wire.NewShare, path, body, request_id=request_id))

    async def confirm(
        self, wallet_id: str, share: str, *, request_id: str | None = None
    ) -> wire.Custody:
        """Return how the key is kept, once older shares than this one are refused."""
        path = path_of("/v1/wallets/{key}/confirm", key=wallet_id)
        body = wire.ByShare(share=checked_share(share))
        return await self._line.send(write(wire.Custody, path, body, request_id=request_id))

    async def back_up(
        self, wallet_id: str, share: str, *, request_id: str | None = None
    ) -> wire.BackedUp:
        """
        Return the recovery share: with the server it makes a new client's share (`recover`).

        Keep it apart from the client's share: of the same generation, both together are the key.
        """
        path = path_of("/v1/wallets/{key}/backup", key=wallet_id)
        body = wire.ByShare(share=checked_share(share))
        return await self._line.send(write(wire.BackedUp, path, body, request_id=request_id))

    async def recover(
        self, wallet_id: str, recovery_share: str, *, request_id: str | None = None
    ) -> wire.NewShare:
        """Return a new client's share; the lost one is refused once this one was used."""
        path = path_of("/v1/wallets/{key}/recover", key=wallet_id)
        body = wire.Recover(recovery_share=checked_share(recovery_share))
        return await self._line.send(write(wire.NewShare, path, body, request_id=request_id))

    async def enable_eject(self, wallet_id: str, *, request_id: str | None = None) -> wire.Custody:
        """Return how the key is kept, once the server's share may be given away, one time."""
        path = path_of("/v1/wallets/{key}/enable-eject", key=wallet_id)
        return await self._line.send(write(wire.Custody, path, Nothing(), request_id=request_id))

    async def eject(self, wallet_id: str, *, request_id: str | None = None) -> wire.Ejected:
        """Return the server's share; the server signs with this wallet no more."""
        path = path_of("/v1/wallets/{key}/eject", key=wallet_id)
        return await self._line.send(write(wire.Ejected, path, Nothing(), request_id=request_id))

    async def allow_raw(
        self,
        organization_id: str,
        surfaces: Sequence[Literal["openfort", "turnkey", "portal", "para", "chipi"]],
        *,
        request_id: str | None = None,
    ) -> Organization:
        """Return the organization; sessions of these vendors' surfaces may sign raw digests."""
        path = path_of("/v1/organizations/{key}/raw-signing", key=organization_id)
        body = wire.RawSigning(surfaces=list(surfaces))
        return await self._line.send(write(Organization, path, body, request_id=request_id))
