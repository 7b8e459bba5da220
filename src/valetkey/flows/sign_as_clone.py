"""Signatures of split wallets as the account that a factory makes for their key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.clone_signature import as_clone, clone_of
from valetkey.core.plan import with_v
from valetkey.core.signable import SignAsClone
from valetkey.core.wallet import address_of
from valetkey.flows.split_sign import sign_split

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.permission.signing import SignMessage, SignTypedData
    from valetkey.core.principal import Principal
    from valetkey.core.wallet import Clones
    from valetkey.flows.send_split import Signing
    from valetkey.flows.world import World


async def sign_as_clone(
    world: World,
    principal: Principal,
    request: Request,
    signing: Signing,
    *,
    clones: Clones,
    wanted: SignMessage | SignTypedData,
) -> bytes:
    """
    Return the signature of *wanted* by the account whose owner the wallet's key is.

    It is what ERC-1271 takes on that chain; with what makes the account (ERC-6492) while it is not
    there.

    Raises:
        Malformed: The chain is not spoken to here.
        Forbidden, Conflict, Unavailable: As `sign_split`.
    """
    chain, owner = world.chain(signing.chain), address_of(signing.key.public_key)
    account = clone_of(owner, clones)
    is_made = await chain.has_code(account)
    signed = await sign_split(
        world,
        principal,
        request,
        wallet_id=signing.key.id,
        share=signing.share,
        wanted=SignAsClone(wanted, account, chain.chain_id),
    )
    signature = with_v(signed.signature)
    return as_clone(wanted, signature, owner=owner, clones=clones, is_made=is_made)
