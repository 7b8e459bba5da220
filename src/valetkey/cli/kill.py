"""``valetkey kill``: the owner's revocation, through any node, with the server stopped."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final

import click

from valetkey.cli.note import MAX_NOTE_BYTES, read_note
from valetkey.cli.options import read_span
from valetkey.cli.payer import Payer, read_payer
from valetkey.cli.submit import Patience, expect_code, submit
from valetkey.cli.terminal import Terminal, Verb
from valetkey.core.chain import GrantStage
from valetkey.core.errors import ChainRejected, Code
from valetkey.core.grant import KillBy
from valetkey.core.units import format_amount
from valetkey.wire.base import hexed
from valetkey.wiring import connect

if TYPE_CHECKING:
    from valetkey.client.kill_note import Checked
    from valetkey.core.chain import Receipt
    from valetkey.ports import Chain

KEY_VARIABLE: Final = "VALETKEY_KEY"
_NATIVE_DECIMALS: Final = 18
_SIGNED: Final = {
    KillBy.OWNER: "the owner's",
    KillBy.RELAYER: "that of the relayer which the grant binds",
}


@dataclass(frozen=True, slots=True)
class _Ended:
    """How it went; without *receipt* the grant was revoked before."""

    note: Checked
    payer: bytes | None = None
    receipt: Receipt | None = None


@click.command(cls=Verb)
@click.argument("note", type=click.File("rb"))
@click.option("--rpc", "rpc_url", required=True, help="URL of any node of the account's chain.")
@click.option(
    "--payer-key-file",
    "key_file",
    type=click.File("rb"),
    help=f"File with the private key, in hex, that pays for gas (or set {KEY_VARIABLE}).",
)
@click.option(
    "--wait", default="2m", show_default=True, callback=read_span, help="For the transaction."
)
@click.pass_obj
def kill(
    terminal: Terminal, *, note: IO[bytes], rpc_url: str, key_file: IO[bytes] | None, wait: int
) -> None:
    """
    Revoke the session of NOTE on chain. No server is asked; any account may pay.

    The note is checked first: it must revoke the grant that it names, signed by the account that it
    names. Afterwards the account's own storage is read: only if it says so is the grant revoked.
    A grant that is revoked already is a success. Another transaction of the payer that is still
    under way is replaced.
    """
    checked = read_note(note.read(MAX_NOTE_BYTES + 1))
    payer = read_payer(key_file, os.environ.get(KEY_VARIABLE))
    terminal.say(
        f"The note revokes grant {hexed(checked.grant_id)} of account {hexed(checked.account)}"
        f" on eip155:{checked.chain_id}. Its signature is {_SIGNED[checked.kill_by]}."
    )
    ended = asyncio.run(_kill(terminal, checked, rpc_url, payer, Patience(wait_s=wait)))
    _tell(terminal, ended)


async def _kill(
    terminal: Terminal, note: Checked, rpc_url: str, payer: Payer | None, patience: Patience
) -> _Ended:
    async with connect(rpc_url, chain_id=note.chain_id) as chain:
        if await _stage(chain, note) is GrantStage.REVOKED:
            return _Ended(note)
        if payer is None:
            raise click.UsageError(f"give --payer-key-file or set {KEY_VARIABLE}: gas costs")
        if not note.is_clone:  # the address of a clone proves its code
            await expect_code(chain, note.account, sender=payer.address)
        with terminal.progress("waiting for a block") as tell:
            receipt = await submit(chain, note, payer, patience=patience, tell=tell)
        stage = await _stage(chain, note)
        if stage is not GrantStage.REVOKED:
            detail = (
                f"the transaction {hexed(receipt.tx_hash)} was mined,"
                f" and the account still says that the grant is {stage}"
            )
            raise ChainRejected(Code.CHAIN_REJECTED, detail, tx_hash=hexed(receipt.tx_hash))
        return _Ended(note, payer.address, receipt)


async def _stage(chain: Chain, note: Checked) -> GrantStage:
    """Return how the account has the grant; of a clone in the epoch in which it lives now."""
    epoch = None
    if note.is_clone:
        state = await chain.clone_state(note.account)
        epoch = state.epoch if state else 0
    found = await chain.grant_state(note.account, note.grant_id, counters=0, epoch=epoch)
    return found.stage


def _tell(terminal: Terminal, ended: _Ended) -> None:
    note, receipt = ended.note, ended.receipt
    terminal.emit(
        {
            "status": "revoked" if receipt else "already_revoked",
            "session_id": note.session_id,
            "chain": f"eip155:{note.chain_id}",
            "account": hexed(note.account),
            "grant_id": hexed(note.grant_id),
            "payer": hexed(ended.payer) if ended.payer else None,
            "tx_hash": hexed(receipt.tx_hash) if receipt else None,
            "block_number": receipt.block_number if receipt else None,
            "gas_used": receipt.gas_used if receipt else None,
            "fee_wei": str(receipt.fee_wei) if receipt else None,
        }
    )
    if receipt is None:
        terminal.say(
            "The account says that it is revoked already. Nothing was sent.", style="green"
        )
        return
    fee = format_amount(receipt.fee_wei, decimals=_NATIVE_DECIMALS)
    terminal.say(
        f"Revoked in block {receipt.block_number} by {hexed(receipt.tx_hash)}"
        f" ({receipt.gas_used} gas, {fee} native): the account's storage says so.",
        style="green",
    )
