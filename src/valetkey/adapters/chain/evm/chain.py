"""The `Chain` port over an EVM node."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from valetkey.adapters.chain.evm import answers, erc20, messages
from valetkey.adapters.chain.evm.fees import HISTORY_BLOCKS, HISTORY_PERCENTILE, FeePolicy
from valetkey.adapters.chain.evm.messages import call_error, hexed
from valetkey.adapters.chain.evm.rpc import Limits, NodeRefused, Rpc
from valetkey.adapters.chain.evm.slots import read_owner, read_state, slots_of
from valetkey.adapters.outbound.endpoint import Endpoint
from valetkey.core.chain import SignedTransaction
from valetkey.core.errors import ChainRejected, Code, Unavailable
from valetkey.spec import eip7951
from valetkey.spec import transaction as codec
from valetkey.spec.keccak import keccak256
from valetkey.spec.permission_bytes import EPOCH_SLOT, OWNER_SLOT

if TYPE_CHECKING:
    import httpx

    from valetkey.core.chain import CloneState, Fees, GrantState, Head, Log, Receipt, Transaction

_ADDRESS_BYTES = 20
_WORD = 32
_DELEGATION = bytes.fromhex("ef0100")  # EIP-7702
_IMPLEMENTATION = keccak256(b"implementation()")[:4]
_ANSWER_GAS = 100_000
_HASHES = False  # a block with its transactions' hashes, not with the whole of them
_KNOWN = ("already known", "already imported", "known transaction")
_NONCE_MINED = ("nonce too low", "nonce is too low", "oldnonce", "old nonce")


class EvmChain:
    """
    One EVM chain through one node.

    The chain id is asked before anything else, and again after the node was out of reach: a node of
    another chain is refused with ``wrong_chain``.

    Args:
        url: The node's. ``https`` and a public address, unless *allow_private*.
        chain_id: What the node must be on.
        implementation: 20 bytes: the deployed `Account`.
        allow_private: Development configuration: loopback, private addresses and ``http``.
        limits: What the node may cost us.
        fee_policy: The bounds of what we offer.
        transport: How questions travel; None is over the network.

    Raises:
        Unavailable: The URL is of another kind.
    """

    def __init__(
        self,
        url: str,
        *,
        chain_id: int,
        implementation: bytes,
        allow_private: bool = False,
        limits: Limits | None = None,
        fee_policy: FeePolicy | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.chain = f"eip155:{chain_id}"
        self.chain_id = chain_id
        self.implementation = implementation
        self._rpc = Rpc(
            Endpoint.parse(url, allow_private=allow_private, refused=_refused_url),
            limits or Limits(),
            transport=transport,
        )
        self._fee_policy = fee_policy or FeePolicy()
        self._is_verified = False
        self._checks_p256 = False

    async def close(self) -> None:
        """Close every connection to the node."""
        await self._rpc.close()

    async def head(self, *, confirmations: int = 1) -> Head:
        """Return the newest block that has so many *confirmations*, or the first of them all."""
        newest = messages.head(await self._read("eth_getBlockByNumber", "latest", _HASHES))
        if confirmations == 1:
            return newest
        number = max(newest.number + 1 - confirmations, 0)
        return messages.head(await self._read("eth_getBlockByNumber", hex(number), _HASHES))

    async def node_time(self) -> int | None:
        """Return what the node's answers are dated, in Unix seconds; None if they are not."""
        await self._read("eth_chainId")
        return self._rpc.dated

    async def fees(self) -> Fees:
        """Return what a transaction sent now should offer."""
        return self._fee_policy.offer(
            await self._read("eth_feeHistory", hex(HISTORY_BLOCKS), "latest", [HISTORY_PERCENTILE])
        )

    async def simulate(self, transaction: Transaction) -> int:
        """
        Return the gas that *transaction* would use in the next block.

        The pending block is asked, whose time is now: on a quiet chain the newest block's time may
        be long past, and an expired grant would seem valid.
        """
        try:
            gas = await self._ask("eth_estimateGas", messages.call(transaction), "pending")
        except NodeRefused as refused:
            raise call_error(refused) from None
        return answers.quantity(gas, "eth_estimateGas")

    def digest(self, transaction: Transaction) -> bytes:
        """Return the 32 bytes that the sender signs."""
        return codec.digest(messages.unsigned(transaction, chain_id=self.chain_id))

    def seal(self, transaction: Transaction, signature: bytes) -> SignedTransaction:
        """Put *signature* (65 bytes: r, s, recovery id 0 or 1) to *transaction*."""
        raw = codec.seal(messages.unsigned(transaction, chain_id=self.chain_id), signature)
        return SignedTransaction(raw=raw, tx_hash=codec.transaction_hash(raw))

    async def send(self, raw: bytes) -> None:
        """Hand *raw* to the node. Sending the same bytes again is no error."""
        expected = codec.transaction_hash(raw)
        try:
            answer = await self._ask("eth_sendRawTransaction", hexed(raw))
        except NodeRefused as refused:
            text = refused.text.lower()
            if any(words in text for words in _KNOWN) or await self._knows(expected):
                return
            is_mined = any(words in text for words in _NONCE_MINED)
            code = Code.NONCE_USED if is_mined else Code.CHAIN_REJECTED
            raise ChainRejected(code, f"the node refused: {refused.text}") from None
        if answers.data(answer, "eth_sendRawTransaction", length=_WORD) != expected:
            detail = "the node took a transaction and names another hash for it"
            raise Unavailable(Code.CHAIN_UNREACHABLE, detail)

    async def receipt(self, tx_hash: bytes) -> Receipt | None:
        """Return how *tx_hash* ended, or None while it is not mined."""
        found, newest = await asyncio.gather(
            self._read("eth_getTransactionReceipt", hexed(tx_hash)), self.head()
        )
        if found is None or answers.member(found, "blockNumber") is None:
            return None
        named = answers.data(answers.member(found, "transactionHash"), "transactionHash")
        if named != tx_hash:
            raise answers.garbled("transactionHash")
        number = answers.quantity(answers.member(found, "blockNumber"), "blockNumber")
        block = await self._read("eth_getBlockByNumber", hex(number), _HASHES)
        if block is None or answers.member(block, "hash") != answers.member(found, "blockHash"):
            return None  # reorganised away between the answers
        return messages.receipt(tx_hash, found, block, newest)

    async def logs(self, tx_hash: bytes) -> tuple[Log, ...]:
        """Return what contracts said in *tx_hash*, in order; nothing while it is not mined."""
        found = await self._read("eth_getTransactionReceipt", hexed(tx_hash))
        return () if found is None else messages.logs(found)

    async def transaction_count(self, address: bytes) -> int:
        """Return the number of mined transactions of *address*: its next nonce."""
        return await self._quantity("eth_getTransactionCount", hexed(address), "latest")

    async def next_nonce(self, address: bytes) -> int:
        """Return the nonce behind those of *address* that are mined or wait at the node."""
        return await self._quantity("eth_getTransactionCount", hexed(address), "pending")

    async def has_code(self, address: bytes) -> bool:
        """Say whether a contract, or a delegation to one, is at *address*."""
        return bool(await self._code(address))

    async def grant_state(
        self, account: bytes, grant_id: bytes, *, counters: int, epoch: int | None = None
    ) -> GrantState:
        """Return the slots of *grant_id*; of a clone, as they are in its *epoch*."""
        at = hex((await self.head()).number)  # one block for all of them
        slots = slots_of(grant_id, counters=counters, epoch=epoch)
        words = await asyncio.gather(*(self._word(account, slot, at) for slot in slots))
        return read_state(words, counters=counters, epoch=epoch)

    async def clone_state(self, account: bytes) -> CloneState | None:
        """Return who the clone at *account* belongs to; None while nothing is there."""
        return read_owner(await self._word(account, OWNER_SLOT, "latest"))

    async def epoch(self, account: bytes) -> int:
        """Return the epoch that a grant of *account* is signed over; 0 without a delegation."""
        return int.from_bytes(await self._word(account, EPOCH_SLOT, "latest"), "big")

    async def delegate_of(self, address: bytes) -> bytes | None:
        """Return the 20 bytes that *address* delegates to (EIP-7702), or None."""
        code = await self._code(address)
        if len(code) == len(_DELEGATION) + _ADDRESS_BYTES and code.startswith(_DELEGATION):
            return code[len(_DELEGATION) :]
        return None

    async def checks_p256(self) -> bool:
        """
        Say whether the chain can check signatures of P-256 keys: it is given one to check.

        A chain that can is not asked again; one that cannot may learn it.
        """
        if not self._checks_p256:
            call = {"to": hexed(eip7951.PRECOMPILE), "data": hexed(eip7951.SAMPLE)}
            found = answers.data(await self._read("eth_call", call, "latest"), "eth_call")
            self._checks_p256 = found == eip7951.VALID
        return self._checks_p256

    async def balance(self, address: bytes) -> int:
        """Return the balance of *address* in wei."""
        return await self._quantity("eth_getBalance", hexed(address), "latest")

    async def token_balance(self, token: bytes, holder: bytes) -> int:
        """Return the ERC-20 balance of *holder*, in the token's smallest unit."""
        return await erc20.balance_of(self.call, token, holder)

    async def token_decimals(self, token: bytes) -> int | None:
        """Return what ``decimals()`` of *token* says, or None if it says nothing of the kind."""
        return await erc20.decimals(self.call, token)

    async def allowance(self, token: bytes, owner: bytes, spender: bytes) -> int:
        """
        Return how much of *token* *spender* may take from *owner*, in its smallest unit.

        Raises:
            ChainRejected: ``call_reverted``: it does not answer as an ERC-20.
        """
        return await erc20.allowance(self.call, token, owner, spender)

    async def clones_of(self, factory: bytes) -> bytes | None:
        """Return the code (20 bytes) that clones of *factory* run; None if it makes none."""
        try:
            found = await self.call(factory, _IMPLEMENTATION, gas=_ANSWER_GAS)
        except ChainRejected:
            return None
        return found[-_ADDRESS_BYTES:] if len(found) == _WORD else None

    async def call(self, to: bytes, data: bytes, *, gas: int) -> bytes:
        """
        Return what *to* answers to *data* on top of the newest block; nothing is changed.

        Raises:
            ChainRejected: ``call_reverted``: it reverts, or needs more *gas*.
        """
        call = {"to": hexed(to), "data": hexed(data), "gas": hex(gas)}
        try:
            return answers.data(await self._ask("eth_call", call, "latest"), "eth_call")
        except NodeRefused as refused:
            raise call_error(refused) from None

    async def _quantity(self, method: str, *params: object) -> int:
        return answers.quantity(await self._read(method, *params), method)

    async def _code(self, address: bytes) -> bytes:
        found = await self._read("eth_getCode", hexed(address), "latest")
        return answers.data(found, "eth_getCode")

    async def _word(self, account: bytes, slot: bytes, at: str) -> bytes:
        found = await self._read("eth_getStorageAt", hexed(account), hexed(slot), at)
        return answers.data(found, "eth_getStorageAt", length=_WORD)

    async def _knows(self, tx_hash: bytes) -> bool:
        return await self._read("eth_getTransactionByHash", hexed(tx_hash)) is not None

    async def _read(self, method: str, *params: object) -> Any:  # noqa: ANN401 - any JSON value
        """Ask what no node has a reason to refuse."""
        try:
            return await self._ask(method, *params)
        except NodeRefused as refused:
            detail = f"the node refused {method}: {refused.text}"
            raise ChainRejected(Code.CHAIN_REJECTED, detail) from None

    async def _ask(self, method: str, *params: object) -> Any:  # noqa: ANN401 - any JSON value
        try:
            if not self._is_verified:
                await self._verify()
            return await self._rpc.ask(method, *params)
        except Unavailable:
            self._is_verified = False
            raise

    async def _verify(self) -> None:
        found = answers.quantity(await self._rpc.ask("eth_chainId"), "eth_chainId")
        if found != self.chain_id:
            raise ChainRejected(
                Code.WRONG_CHAIN,
                f"expected a node of chain {self.chain_id}, got one of chain {found}",
                expected=self.chain_id,
                got=found,
            )
        self._is_verified = True


def _refused_url(why: str) -> Unavailable:
    return Unavailable(Code.CHAIN_UNREACHABLE, f"the node's URL {why}")
