"""Revm in this process. The account's code stands where the owner's key is: 7702 it cannot do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from pyrevm import EVM, AccountInfo, BlockEnv, CfgEnv, Env

from tests.chain.differential.case import ACCOUNTS, CHAIN_ID, EVERYBODY
from tests.chain.differential.evm import RECORDER, WEALTH_WEI, Log, accepted, refused
from tests.chain.differential.outcome import Refused
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from tests.chain.differential.outcome import Outcome
    from tests.chain.differential.pack import Packed

_REVERT: Final = re.compile(r"Revert \{ gas_used: \d+, output: 0x([0-9a-f]*) \}")
_RUNS: Final = 5_000  # then a new one: it keeps every slot that was ever looked at


class Revm:
    """
    See `Evm`.

    Args:
        runtime: The account's code.
        gas: For each run; what needs more is refused with ``OutOfGas``.
    """

    checks_p256 = False

    def __init__(self, runtime: bytes, *, gas: int | None = None) -> None:
        self._runtime = runtime
        self._gas = gas
        self._left = 0

    def run(self, packed: Packed) -> Outcome:
        """Return what the account does with *packed*."""
        if not self._left:
            self._evm, self._left = _fresh(self._runtime), _RUNS
        self._left -= 1
        evm, account = self._evm, _hex(packed.account)
        evm.set_block_env(BlockEnv(number=1, timestamp=packed.at))
        for slot, word in zip(packed.slots, packed.words, strict=True):
            evm.insert_account_storage(account, slot, word)
        sender = _hex(packed.sender)
        evm.set_balance(sender, WEALTH_WEI)
        try:
            evm.message_call(
                sender, account, calldata=packed.data, value=packed.value_wei, gas=self._gas
            )
            logs = evm.result.logs if evm.result else []
        except RuntimeError as error:
            said = _REVERT.search(str(error))
            if said is None and self._gas and "OutOfGas" in str(error):
                return Refused("OutOfGas")
            if said is None:
                raise
            return refused(bytes.fromhex(said[1]))
        told = [
            Log(_bytes(log.address), tuple(map(_bytes, log.topics)), bytes(log.data[1]))
            for log in logs
        ]
        return accepted(packed, [evm.storage(account, slot) for slot in packed.slots], told)


def _fresh(runtime: bytes) -> EVM:
    evm = EVM(env=Env(cfg=CfgEnv(chain_id=CHAIN_ID)), spec_id="CANCUN", gas_limit=2**62)
    for target in EVERYBODY:
        evm.insert_account_info(_hex(target), AccountInfo(code=RECORDER))
    for epoch, account in ACCOUNTS.items():
        evm.insert_account_info(_hex(account), AccountInfo(code=runtime))
        evm.set_balance(_hex(account), WEALTH_WEI)
        evm.insert_account_storage(_hex(account), int.from_bytes(pb.EPOCH_SLOT), epoch)
    return evm


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
