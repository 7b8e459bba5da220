"""The chain itself: blocks made by py-evm under Prague rules, and reads of any of them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from eth import EVM_RECURSION_LIMIT
from eth.chains.base import MiningChain
from eth.consensus.applier import ConsensusApplier
from eth.consensus.noproof import NoProofConsensus
from eth.db import get_db_backend
from eth.vm.forks.prague import PragueVM
from eth.vm.spoof import SpoofTransaction

from valetkey.spec.keccak import keccak256
from valetkey.spec.transaction import created_address

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from eth.abc import (
        BlockHeaderAPI,
        ComputationAPI,
        SignedTransactionAPI,
        TransactionBuilderAPI,
    )

# A library of py-evm raises this limit to 100,000, and every JSON parser in C then overflows its
# stack on deeply nested input, and ends the process. This is what py-evm itself asks for.
sys.setrecursionlimit(EVM_RECURSION_LIMIT)

BLOCK_GAS_LIMIT = 30_000_000

_ZERO_ADDRESS = b"\0" * 20
_EMPTY_TRIE = bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")


@dataclass(frozen=True, slots=True)
class Question:
    """A call that is tried and forgotten. *to* is empty to create a contract."""

    sender: bytes
    to: bytes
    value_wei: int
    data: bytes
    gas_limit: int
    authorizations: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Log:
    """One event."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Mined:
    """A transaction in a block, and how it ended."""

    transaction: SignedTransactionAPI
    block_number: int
    block_hash: bytes
    block_at: int
    index: int
    succeeded: bool
    gas_used: int
    cumulative_gas_used: int
    price_wei: int
    tip_wei: int
    created: bytes | None
    logs: tuple[Log, ...]
    first_log: int


@dataclass(frozen=True, slots=True)
class Block:
    """A block and the transactions in it."""

    header: BlockHeaderAPI
    mined: tuple[Mined, ...]


class State(Protocol):
    """What accounts held at some block."""

    def get_balance(self, address: bytes) -> int:
        """Return the balance in wei."""

    def get_code(self, address: bytes) -> bytes:
        """Return the code, or what stands for a delegation."""

    def get_nonce(self, address: bytes) -> int:
        """Return the next nonce."""

    def get_storage(self, address: bytes, slot: int) -> int:
        """Return the word in *slot*."""


class _Vm(PragueVM):
    """Prague, but several blocks may have the same second, as on anvil: time must not run ahead."""

    @classmethod
    def validate_header(cls, header: BlockHeaderAPI, parent_header: BlockHeaderAPI) -> None:
        before = min(parent_header.timestamp, header.timestamp - 1)
        super().validate_header(header, parent_header.copy(timestamp=before))


class _Chain(MiningChain):
    vm_configuration = ConsensusApplier(NoProofConsensus).amend_vm_configuration(((0, _Vm),))

    def create_header_from_parent(
        self,
        parent_header: BlockHeaderAPI,
        **header_params: Any,  # noqa: ANN401 - py-evm's
    ) -> BlockHeaderAPI:
        """Keep the gas limit."""
        return super().create_header_from_parent(
            parent_header, **{**header_params, "gas_limit": parent_header.gas_limit}
        )


class Ledger:
    """
    All blocks since genesis.

    Args:
        balances: Wei by address, at genesis.
        at: The second of genesis.
    """

    def __init__(self, chain_id: int, balances: Mapping[bytes, int], *, at: int) -> None:
        self._chain_id = chain_id
        genesis = {
            "coinbase": _ZERO_ADDRESS,
            "difficulty": 0,
            "extra_data": b"",
            "gas_limit": BLOCK_GAS_LIMIT,
            "mix_hash": b"\0" * 32,
            "nonce": b"\0" * 8,
            "receipt_root": _EMPTY_TRIE,
            "timestamp": at,
            "transaction_root": _EMPTY_TRIE,
        }
        state = {
            address: {"balance": balance, "nonce": 0, "code": b"", "storage": {}}
            for address, balance in balances.items()
        }
        kind: Any = _Chain.configure(__name__="LocalChain", chain_id=chain_id)
        # Any: what a mining chain adds is not in py-evm's types.
        self._chain: Any = kind.from_genesis(get_db_backend(), genesis, state)
        self.blocks = [Block(self._chain.get_canonical_block_header_by_number(0), ())]

    @property
    def newest(self) -> BlockHeaderAPI:
        """The header of the newest block."""
        return self.blocks[-1].header

    @property
    def next_base_fee_wei(self) -> int:
        """What the next block burns per gas."""
        return int(self._chain.header.base_fee_per_gas)

    def decode(self, raw: bytes) -> SignedTransactionAPI:
        """Return the transaction in *raw*; any exception means that there is none."""
        builder: type[TransactionBuilderAPI] = self._chain.get_vm().get_transaction_builder()
        return builder.decode(raw)

    def state(self, number: int) -> State:
        """Return what accounts held after block *number*; -1 is the newest."""
        state: State = self._chain.get_vm(at_header=self.blocks[number].header).state
        return state

    def mine(self, transactions: Sequence[SignedTransactionAPI], *, at: int) -> Block:
        """
        Add a block of *transactions* with the timestamp *at*.

        Raises:
            ValidationError: A transaction cannot be in it; nothing has changed.
        """
        pending = self._chain.header
        self._chain.header = pending.copy(timestamp=at)
        randomness = keccak256(pending.parent_hash + at.to_bytes(8, "big"))
        try:
            result, receipts, computations = self._chain.mine_all(
                transactions, mix_hash=randomness, blob_gas_used=0
            )
        except BaseException:
            self._chain.header = pending
            raise
        header = result.imported_block.header
        gas_before = 0
        mined: list[Mined] = []
        for transaction, receipt, computation in zip(
            transactions, receipts, computations, strict=True
        ):
            entry = _mined(transaction, computation, header, earlier=mined)
            gas_used = receipt.gas_used - gas_before
            mined.append(replace(entry, gas_used=gas_used, cumulative_gas_used=receipt.gas_used))
            gas_before = receipt.gas_used
        self.blocks.append(Block(header, tuple(mined)))
        return self.blocks[-1]

    def attempt(self, question: Question, *, number: int | None, at: int) -> ComputationAPI:
        """
        Return how *question* would go after block *number*, or, with None, in a next block at *at*.

        Raises:
            ValidationError: It cannot even begin.
        """
        if number is None:
            header = self._chain.header.copy(timestamp=at, base_fee_per_gas=0)
        else:
            header = self.blocks[number].header.copy(base_fee_per_gas=0)
        vm = self._chain.get_vm(at_header=header)
        builder = vm.get_transaction_builder()
        fields = {
            "chain_id": self._chain_id,
            "nonce": vm.state.get_nonce(question.sender),
            "max_priority_fee_per_gas": 0,
            "max_fee_per_gas": 0,
            "gas": question.gas_limit,
            "to": question.to,
            "value": question.value_wei,
            "data": question.data,
            "access_list": (),
        }
        if question.authorizations:
            unsigned = builder.new_unsigned_set_code_transaction(
                **fields, authorization_list=question.authorizations
            )
        else:
            unsigned = builder.new_unsigned_dynamic_fee_transaction(**fields)
        spoofed = SpoofTransaction(unsigned, from_=question.sender)
        computation: ComputationAPI = vm.state.apply_transaction(spoofed)
        return computation


def _mined(
    transaction: SignedTransactionAPI,
    computation: ComputationAPI,
    header: BlockHeaderAPI,
    *,
    earlier: Sequence[Mined],
) -> Mined:
    """Return how *transaction* ended in the block of *header*, behind *earlier*; gas left out."""
    base_fee_wei = header.base_fee_per_gas or 0
    tip_wei = min(transaction.max_priority_fee_per_gas, transaction.max_fee_per_gas - base_fee_wei)
    is_creation = not transaction.to and computation.is_success
    return Mined(
        transaction=transaction,
        block_number=header.block_number,
        block_hash=header.hash,
        block_at=header.timestamp,
        index=len(earlier),
        succeeded=computation.is_success,
        gas_used=0,
        cumulative_gas_used=0,
        price_wei=base_fee_wei + tip_wei,
        tip_wei=tip_wei,
        created=created_address(transaction.sender, transaction.nonce) if is_creation else None,
        logs=tuple(
            Log(address, tuple(topic.to_bytes(32, "big") for topic in topics), data)
            for address, topics, data in computation.get_log_entries()
        ),
        first_log=sum(len(each.logs) for each in earlier),
    )
