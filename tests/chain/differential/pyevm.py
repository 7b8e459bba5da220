"""Py-evm in this process, under Prague rules: the accounts are delegated, as on a real chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from eth.chains.base import MiningChain
from eth.consensus.applier import ConsensusApplier
from eth.consensus.noproof import NoProofConsensus
from eth.db import get_db_backend
from eth.vm.forks.prague import PragueVM
from eth.vm.spoof import SpoofTransaction

from tests.chain.differential.case import ACCOUNTS, CHAIN_ID, EVERYBODY, RELAYERS, SESSION_KEY
from tests.chain.differential.evm import RECORDER, WEALTH_WEI, Log, accepted, refused
from valetkey.spec import permission_bytes as pb

if TYPE_CHECKING:
    from tests.chain.differential.outcome import Outcome
    from tests.chain.differential.pack import Packed

_CODE: Final = b"\xc0" * 20
_DELEGATION: Final = b"\xef\x01\x00" + _CODE  # EIP-7702
_GAS_LIMIT: Final = 20_000_000


class PyEvm:
    """
    See `Evm`.

    Args:
        runtime: The account's code.
    """

    checks_p256 = False

    def __init__(self, runtime: bytes) -> None:
        kind: Any = MiningChain.configure(
            __name__="DifferentialChain",
            chain_id=CHAIN_ID,
            vm_configuration=ConsensusApplier(NoProofConsensus).amend_vm_configuration(
                ((0, PragueVM),)
            ),
        )
        # Any: what a mining chain adds is not in py-evm's types.
        self._chain: Any = kind.from_genesis(get_db_backend(), _genesis(), _state(runtime))
        self._header = self._chain.header

    def run(self, packed: Packed) -> Outcome:
        """Return what the account does with *packed*."""
        vm = self._chain.get_vm(
            at_header=self._header.copy(timestamp=packed.at, base_fee_per_gas=0)
        )
        state = vm.state
        for slot, word in zip(packed.slots, packed.words, strict=True):
            state.set_storage(packed.account, slot, word)
        unsigned = vm.get_transaction_builder().new_unsigned_dynamic_fee_transaction(
            chain_id=CHAIN_ID,
            nonce=0,
            max_priority_fee_per_gas=0,
            max_fee_per_gas=0,
            gas=_GAS_LIMIT,
            to=packed.account,
            value=packed.value_wei,
            data=packed.data,
            access_list=(),
        )
        done = state.apply_transaction(SpoofTransaction(unsigned, from_=packed.sender))
        if done.is_error:
            return refused(bytes(done.output))
        logs = [
            Log(address, tuple(topic.to_bytes(32) for topic in topics), data)
            for address, topics, data in done.get_log_entries()
        ]
        words = [state.get_storage(packed.account, slot) for slot in packed.slots]
        return accepted(packed, words, logs)


def _genesis() -> dict[str, object]:
    return {
        "coinbase": bytes(20),
        "difficulty": 0,
        "extra_data": b"",
        "gas_limit": 2 * _GAS_LIMIT,
        "mix_hash": bytes(32),
        "nonce": bytes(8),
        "timestamp": 0,
    }


def _state(runtime: bytes) -> dict[bytes, dict[str, object]]:
    def holder(code: bytes, storage: dict[int, int] | None = None) -> dict[str, object]:
        return {"balance": WEALTH_WEI, "nonce": 0, "code": code, "storage": storage or {}}

    epoch_slot = int.from_bytes(pb.EPOCH_SLOT)
    return {
        _CODE: holder(runtime),
        **{target: holder(RECORDER) for target in EVERYBODY},
        **{sender: holder(b"") for sender in (*RELAYERS, SESSION_KEY)},
        **{
            account: holder(_DELEGATION, {epoch_slot: epoch}) for epoch, account in ACCOUNTS.items()
        },
    }
