"""Transactions of split wallets: filled in from the chain, signed, brought there."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from valetkey.core.activity import nonce_line_id
from valetkey.core.chain import Fees, Transaction
from valetkey.core.errors import Code, Malformed, ValetkeyError
from valetkey.core.send_line import SendLine
from valetkey.core.signable import transaction_hash_of, write_transaction
from valetkey.core.wallet import Curve, address_of
from valetkey.flows.split_sign import sign_written

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.custody import SplitKey
    from valetkey.core.principal import Principal
    from valetkey.core.signable import SignTransaction
    from valetkey.flows.split_sign import SplitSignature
    from valetkey.flows.world import World
    from valetkey.ports import Tx

# What a transaction uses may grow until it is mined.
_GAS_NUMERATOR: Final = 5
_GAS_DENOMINATOR: Final = 4
_HOLDER_BYTES: Final = 16


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

    Its nonce is the next one, and is not held: whoever has it sends it, or does not.

    Raises:
        Malformed: The wallet's key is none of an EVM account, or the chain is not spoken to here.
        ChainRejected: It would revert.
        Forbidden, Conflict, Unavailable: As `sign_written`.
    """
    _expect_account(signing)
    filled = await _filled(world, signing, draft)
    return await _signed(world, principal, request, signing, filled)


async def send_draft(
    world: World, principal: Principal, request: Request, signing: Signing, draft: Draft
) -> bytes:
    """
    Return the hash of the transaction that *draft* became, once the chain's node has it.

    A nonce that nobody named is taken in the transaction in which the plan is written down, so that
    two of an account at once have two. It is given back if nothing came of it.

    Raises:
        ChainRejected: It would revert, or the node takes it not.
        Limited: Too many transactions of the account are under way.
        Malformed, Forbidden, Conflict, Unavailable: As `sign_draft`.
    """
    _expect_account(signing)
    filled = await _filled(world, signing, draft)
    if draft.nonce is None:
        filled = replace(filled, holder=world.entropy.take(_HOLDER_BYTES).hex())
    try:
        signed = await _signed(world, principal, request, signing, filled)
        raw = signed.transaction or b""
        await world.chain(signing.chain).send(raw)
    except ValetkeyError as error:
        if filled.holder and error.code is not Code.CHAIN_UNREACHABLE:  # then the node may have it
            await world.store.write(partial(_give_back, filled))
        raise
    return transaction_hash_of(raw)


@dataclass(frozen=True, slots=True)
class _Filled:
    """
    A transaction whose nonce alone may be missing.

    Args:
        whole: Its nonce is the next one that the node knows of, if nobody named one.
        line_id: Of the sender on that chain.
        holder: Who takes the nonce; empty if it is not taken.
    """

    whole: Transaction
    chain_id: int
    line_id: str
    is_numbered: bool
    holder: str = ""


def _expect_account(signing: Signing) -> None:
    if signing.key.public_key.curve is not Curve.SECP256K1:
        detail = "expected a secp256k1 share for a transaction, got one on another curve"
        raise Malformed(Code.MALFORMED_SHARE, detail)


async def _signed(
    world: World, principal: Principal, request: Request, signing: Signing, filled: _Filled
) -> SplitSignature:
    return await sign_written(
        world,
        principal,
        request,
        wallet_id=signing.key.id,
        share=signing.share,
        write=partial(_write, world, filled),
    )


def _write(world: World, filled: _Filled, tx: Tx) -> SignTransaction:
    """Return the transaction with its nonce, which is held if it is to be."""
    whole = filled.whole
    if not filled.is_numbered:
        line = tx.get(SendLine, filled.line_id) or SendLine(filled.line_id)
        seen, now = whole.nonce, world.clock.now()
        whole = replace(whole, nonce=line.free(seen=seen, now=now))
        if filled.holder:
            tx.put(line.hold(whole.nonce, seen=seen, now=now, by=filled.holder))
    return write_transaction(whole, chain_id=filled.chain_id)


def _give_back(filled: _Filled, tx: Tx) -> None:
    line = tx.get(SendLine, filled.line_id)
    if line is not None:
        tx.put(line.give_back(filled.holder))


async def _filled(world: World, signing: Signing, draft: Draft) -> _Filled:
    chain, sender = world.chain(signing.chain), address_of(signing.key.public_key)
    now = await chain.fees()
    max_fee = now.max_fee_wei if draft.max_fee_wei is None else draft.max_fee_wei
    tip = now.priority_fee_wei if draft.priority_fee_wei is None else draft.priority_fee_wei
    is_numbered = draft.nonce is not None
    nonce = await chain.next_nonce(sender) if draft.nonce is None else draft.nonce
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
    whole = replace(whole, gas_limit=gas)
    return _Filled(whole, chain.chain_id, nonce_line_id(chain.chain, sender), is_numbered)
