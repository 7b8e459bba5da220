"""Transactions of split wallets: filled in from the chain, signed, brought there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from valetkey.core.chain import Fees, Transaction
from valetkey.core.errors import Code, Malformed
from valetkey.core.signable import transaction_hash_of, write_transaction
from valetkey.core.wallet import Curve, address_of
from valetkey.flows.split_sign import sign_split

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.custody import SplitKey
    from valetkey.core.principal import Principal
    from valetkey.flows.split_sign import SplitSignature
    from valetkey.flows.world import World

# What a transaction uses may grow until it is mined.
_GAS_NUMERATOR: Final = 5
_GAS_DENOMINATOR: Final = 4


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A transaction as far as somebody wrote it. None is filled in from the chain.

    Args:
        to: 20 bytes.
        gas_limit, nonce: As the chain needs them now.
        max_fee_wei, priority_fee_wei: Per gas, as the chain takes them now.
    """

    to: bytes
    value_wei: int = 0
    data: bytes = b""
    gas_limit: int | None = None
    nonce: int | None = None
    max_fee_wei: int | None = None
    priority_fee_wei: int | None = None


@dataclass(frozen=True, slots=True)
class Signing:
    """Which wallet signs, on which chain, with which share of its client."""

    key: SplitKey
    chain: str
    share: str = field(repr=False)


async def sign_draft(
    world: World, principal: Principal, request: Request, signing: Signing, draft: Draft
) -> SplitSignature:
    """
    Return the signature of the transaction that *draft* becomes; nothing is sent.

    Raises:
        Malformed: The wallet's key is none of an EVM account, or the chain is not spoken to here.
        ChainRejected: It would revert.
        Forbidden, Conflict, Unavailable: As `sign_split`.
    """
    if signing.key.public_key.curve is not Curve.SECP256K1:
        detail = "expected a secp256k1 share for a transaction, got one on another curve"
        raise Malformed(Code.MALFORMED_SHARE, detail)
    chain = world.chain(signing.chain)
    wanted = write_transaction(await _filled(world, signing, draft), chain_id=chain.chain_id)
    return await sign_split(
        world,
        principal,
        request,
        wallet_id=signing.key.id,
        share=signing.share,
        wanted=wanted,
    )


async def send_draft(
    world: World, principal: Principal, request: Request, signing: Signing, draft: Draft
) -> bytes:
    """
    Return the hash of the transaction that *draft* became, once the chain's node has it.

    Raises:
        ChainRejected: It would revert, or the node takes it not.
        Malformed, Forbidden, Conflict, Unavailable: As `sign_draft`.
    """
    signed = await sign_draft(world, principal, request, signing, draft)
    raw = signed.transaction or b""
    await world.chain(signing.chain).send(raw)
    return transaction_hash_of(raw)


async def _filled(world: World, signing: Signing, draft: Draft) -> Transaction:
    chain, sender = world.chain(signing.chain), address_of(signing.key.public_key)
    now = await chain.fees()
    max_fee = now.max_fee_wei if draft.max_fee_wei is None else draft.max_fee_wei
    tip = now.priority_fee_wei if draft.priority_fee_wei is None else draft.priority_fee_wei
    nonce = draft.nonce
    if nonce is None:
        nonce = await chain.transaction_count(sender)
    whole = Transaction(
        sender=sender,
        nonce=nonce,
        to=draft.to,
        value_wei=draft.value_wei,
        data=draft.data,
        gas_limit=0,
        fees=Fees(max_fee_wei=max_fee, priority_fee_wei=min(tip, max_fee)),
    )
    gas = draft.gas_limit
    if gas is None:
        gas = await chain.simulate(whole) * _GAS_NUMERATOR // _GAS_DENOMINATOR
    return replace(whole, gas_limit=gas)
