"""What a flow needs from the one place in which shares are joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from valetkey.core.custody import Carried, Order


class Signer(Protocol):
    """
    Joins shares for one purpose at a time, and forgets what it has joined.

    It takes an order only with an approval: signed by the server's approver, in time, never used
    before, and of exactly what is asked for. Before anything is signed or made, the joined key is
    compared with the wallet's public key.
    """

    async def carry_out(self, order: Order) -> Carried:
        """
        Do what *order* asks for, once.

        ``create``: a new key; its public key, the server's share sealed, the client's share.
        ``sign``: the signature. ``refresh``, ``recover``: a new line of the same key, as for
        ``create``. ``confirm``: nothing, if the share
        is right. ``back_up``: the recovery share of the line, each time the same. ``eject``: the
        server's own share.

        ``frost``: the signer's commitment, and, sealed for that plan, what it made with its nonces,
        which it forgets before it answers; the key is not joined. ``aggregate``: the signature, of
        that and of the client's signature share, if that one is right.

        Raises:
            Forbidden: ``approval_refused``: it is not approved, or that approval was used;
                ``share_refused``: the share does not join to the wallet's key;
                ``signature_share_refused``: it is not that of the client's share.
            Unavailable: ``signer_unavailable``: it does not answer, or stopped meanwhile; nothing
                was signed that anybody has. ``vault_refused``: the server's share does not open.
        """

    async def check(self) -> None:
        """
        Pass if it is there; start it if it is not, and is ours to start.

        To be asked before an order is approved: it takes no approval from before it began.

        Raises:
            Unavailable: ``signer_unavailable``.
        """

    async def close(self) -> None:
        """End what was started for it."""
