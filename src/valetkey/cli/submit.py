"""Bring a checked kill note to the chain: priced, sent, offered more, and mined."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from valetkey.core.chain import Fees, Transaction
from valetkey.core.errors import ChainRejected, Code, Conflict, Unavailable
from valetkey.core.units import format_amount
from valetkey.spec.permission_bytes import revoke_signed_calldata
from valetkey.wire.base import hexed

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.cli.payer import Payer
    from valetkey.client.kill_note import Checked
    from valetkey.core.chain import Receipt
    from valetkey.ports import Chain

_POLL_S: Final = 0.2
# A simulation on top of our own earlier try, which is still under way, finds the grant revoked and
# nearly nothing to do; the transaction that takes its place has to do it all.
_MIN_GAS_LIMIT: Final = 150_000
_MAKING_GAS: Final = 150_000  # what an account takes that is not there yet
_FIRST_OFFERS: Final = 10  # each an eighth more: three times as much at the end
_NATIVE_DECIMALS: Final = 18
# A revocation that nobody signed: our code refuses it, an address without code does not.
_PROBE: Final = revoke_signed_calldata(bytes(32), b"\1" * 64 + b"\x1b")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a block, and when to offer more for a place in one."""

    wait_s: float
    reprice_s: float = 20.0


async def runs_our_code(chain: Chain, address: bytes, *, sender: bytes) -> bool:
    """Say whether *address* runs the account's code: it must refuse what nobody signed."""
    try:
        await chain.simulate(_transaction(sender, address, _PROBE))
    except ChainRejected as rejected:
        return rejected.code is Code.SIGNATURE_REFUSED
    return False


async def expect_code(chain: Chain, account: bytes, *, sender: bytes) -> None:
    """
    Let pass if *account* runs our code.

    Raises:
        Conflict: It does not: no session key can use it, and a revocation would change nothing.
    """
    if not await runs_our_code(chain, account, sender=sender):
        detail = (
            f"expected {hexed(account)} to run the account contract, it does not: no session key"
            " can act for it now, and there is nothing that a note could change"
        )
        raise Conflict(Code.NOT_DELEGATED, detail)


async def submit(
    chain: Chain,
    note: Checked,
    payer: Payer,
    *,
    patience: Patience,
    tell: Callable[[str], None],
) -> Receipt:
    """
    Send the note and return how it was mined; the nonce stays the same when more is offered.

    Raises:
        ChainRejected: It would revert, the payer has too little, or the node does not take it.
        Unavailable: It is not mined in time; sending it again is safe.
    """
    planned, first = await _send_first(chain, await _plan(chain, note, payer), payer)
    sent = [first]
    tell(f"sent {hexed(sent[-1])} from {hexed(payer.address)}")
    waited = offered_at = 0.0
    while waited < patience.wait_s:
        receipt = await _mined(chain, sent)
        if receipt is not None:
            return receipt
        await asyncio.sleep(_POLL_S)
        waited += _POLL_S
        if waited - offered_at >= patience.reprice_s:
            offered_at = waited
            with suppress(ChainRejected, Unavailable):  # it may have been mined just now
                planned = await _dearer(chain, planned)
                sent.append(await _send(chain, planned, payer))
                tell(f"sent {hexed(sent[-1])}, which offers more")
    detail = f"{hexed(sent[-1])} is not mined after {patience.wait_s:g} s; send the note again"
    raise Unavailable(Code.CHAIN_UNREACHABLE, detail, tx_hash=hexed(sent[-1]))


async def _send_first(
    chain: Chain, planned: Transaction, payer: Payer
) -> tuple[Transaction, bytes]:
    """Send *planned*, dearer if the node wants more: an earlier try may still be under way."""
    for _ in range(_FIRST_OFFERS):
        try:
            return planned, await _send(chain, planned, payer)
        except ChainRejected as rejected:
            if rejected.code is not Code.CHAIN_REJECTED:
                raise
            planned = await _dearer(chain, planned)
    return planned, await _send(chain, planned, payer)


async def _mined(chain: Chain, sent: list[bytes]) -> Receipt | None:
    """Return how one of *sent* was mined; a node that does not answer now is asked again later."""
    with suppress(Unavailable):
        for tx_hash in sent:
            receipt = await chain.receipt(tx_hash)
            if receipt is not None:
                return receipt
    return None


async def _plan(chain: Chain, note: Checked, payer: Payer) -> Transaction:
    draft = _transaction(payer.address, note.to, note.calldata)
    gas, fees, nonce, balance = await asyncio.gather(
        chain.simulate(draft),
        chain.fees(),
        chain.transaction_count(payer.address),
        chain.balance(payer.address),
    )
    limit = max(gas + gas // 5, _MIN_GAS_LIMIT + _MAKING_GAS * note.is_clone)
    planned = replace(draft, gas_limit=limit, fees=fees, nonce=nonce)
    if balance < planned.ceiling_wei():
        has = format_amount(balance, decimals=_NATIVE_DECIMALS)
        needs = format_amount(planned.ceiling_wei(), decimals=_NATIVE_DECIMALS)
        detail = f"expected {hexed(payer.address)} to have {needs} native for gas, got {has}"
        raise ChainRejected(Code.CHAIN_REJECTED, detail)
    return planned


async def _dearer(chain: Chain, last: Transaction) -> Transaction:
    """Return *last* with an offer that a node takes in its place: at least an eighth more."""
    now = await chain.fees()
    fees = Fees(
        max(now.max_fee_wei, last.fees.max_fee_wei * 9 // 8 + 1),
        max(now.priority_fee_wei, last.fees.priority_fee_wei * 9 // 8 + 1),
    )
    return replace(last, fees=fees)


async def _send(chain: Chain, planned: Transaction, payer: Payer) -> bytes:
    signed = chain.seal(planned, payer.sign(chain.digest(planned)))
    await chain.send(signed.raw)
    return signed.tx_hash


def _transaction(sender: bytes, to: bytes, data: bytes) -> Transaction:
    return Transaction(
        sender=sender, nonce=0, to=to, value_wei=0, data=data, gas_limit=0, fees=Fees(0, 0)
    )
