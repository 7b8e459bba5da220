"""Clients' shares of split wallets that users leave with the server, for their next device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.activity import Request, request_hash
from valetkey.core.errors import Code, Conflict
from valetkey.core.ids import Prefix
from valetkey.core.kept_secret import KeptSecret, context_of, share_id
from valetkey.core.secret_bytes import SecretBytes
from valetkey.core.session import Session
from valetkey.core.split_share import read_client_share
from valetkey.core.wallet import Wallet
from valetkey.flows.gate import expect_write, present
from valetkey.flows.joining import split_key_of
from valetkey.flows.record import admit, begin, expect_still, write_down

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


async def keep_share(world: World, principal: Principal, *, wallet_id: str, share: str) -> None:
    """
    Keep the client's share of a wallet, sealed: whoever logs in as its user gets it.

    From then on this server has both shares of the key. One that is kept already is replaced.

    Raises:
        Malformed, Forbidden, Conflict: The share is none of this wallet, or does not sign; or the
            wallet is none of the session's.
        Unauthenticated: The session is let in no more.
    """
    expect_write(principal)
    secret_id = share_id(wallet_id)
    context = context_of(secret_id, principal.organization_id)
    request = Request(world.new_id(Prefix.REQUEST), request_hash("keep_share", wallet_id))
    sealed = await world.vault.seal(SecretBytes(share.encode()), context=context)

    def body(tx: Tx) -> None:
        wallet, key = split_key_of(world, tx, principal, wallet_id)
        read_client_share(share, key)
        admit(world, tx, principal, request)
        tx.put(KeptSecret(secret_id, wallet.organization_id, wallet.id, sealed))
        activity = begin(
            world,
            principal,
            request,
            "wallet:keep_share",
            organization_id=wallet.organization_id,
            subject_id=wallet_id,
        )
        write_down(world, tx, activity, "wallet:share_kept")

    await world.store.write(body)


async def kept_shares(world: World, principal: Principal) -> list[tuple[str, str]]:
    """
    Return the shares that the user of a session has left here, by wallet.

    Whether the session may have them now, its surface says: it has just been logged in to.
    """
    expect_write(principal)

    def body(view: View) -> list[KeptSecret]:
        expect_still(world, view, principal)
        session = present(view.get(Session, principal.subject_id), "session")
        if session.user_id is None:
            raise Conflict(Code.CONFLICT, "expected the session of a user, got one without")
        wallets = view.find(Wallet, user_id=session.user_id)
        found = [view.get(KeptSecret, share_id(one.id)) for one in wallets]
        return [one for one in found if one is not None]

    shares = []
    for one in await world.store.read(body):
        context = context_of(one.id, one.organization_id)
        opened = await world.vault.open(one.sealed, context=context)
        shares.append((one.wallet_id or "", opened.reveal().decode()))
    return shares
