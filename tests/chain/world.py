"""A local chain with the contracts on it."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from valetkey.devchain import CHAIN_ID, NodeError, Rpc, dev_keys
from valetkey.spec import permission_bytes as pb
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import sign_digest
from valetkey.spec.transaction import Unsigned, created_address, seal
from valetkey.spec.transaction import digest as transaction_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.devchain import DevKey
    from valetkey.spec.transaction import SetCode

ROOT = Path(__file__).resolve().parents[2]
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
TRANSFER = bytes.fromhex("a9059cbb")
RECIPIENT = bytes.fromhex("c0ffee00c0ffee11c0ffee22c0ffee33c0ffee44")
OTHER_RECIPIENT = bytes.fromhex("decafbad1decafbad2decafbad3decafbad4deca")
USDC = 10**6
# RFC 6979, A.2.5: the SHA-256 of "sample", r, s, x and y.
RFC6979_SAMPLE = (
    "af2bdbe1aa9b6ec1e2ade1d694f41fc71a831d0268e9891562113d8a62add1bf"
    "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
    "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8"
    "60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
    "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299"
)

_GAS_LIMIT = 8_000_000
_FEE_WEI = 10**10
_RECEIPT_TIMEOUT_S = 30.0
_secrets = count(1)


@cache
def artefact(name: str) -> dict[str, Any]:
    """Return the committed artefact of contract *name*."""
    for folder in ("src/valetkey/contracts", "tests/chain/contracts"):
        path = ROOT / folder / f"{name}.json"
        if path.exists():
            found: dict[str, Any] = json.loads(path.read_text())
            return found
    raise FileNotFoundError(name)


def fresh_secret() -> bytes:
    """Return a key that no test has used yet."""
    return keccak256(b"valetkey chain test %d" % next(_secrets))


def selector(signature: str) -> bytes:
    """Return the first four bytes of the hash of *signature*."""
    return keccak256(signature.encode())[:4]


def words(*values: int | bytes) -> bytes:
    """Return *values* as 32-byte words."""
    return b"".join(
        value.to_bytes(32, "big") if isinstance(value, int) else value.rjust(32, b"\0")
        for value in values
    )


def transfer(amount: int, *, to: bytes = RECIPIENT, rule: int = 0) -> pb.RunCall:
    """Return a call of ``transfer`` under rule *rule*."""
    return pb.RunCall(rule, words(to, amount))


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a transaction ended, and the block that it is in."""

    succeeded: bool
    gas_used: int
    block: int
    topics: tuple[tuple[bytes, ...], ...]


@dataclass(slots=True)
class World:
    """One chain, the account code, a token, and a relayer."""

    rpc: Rpc
    code: bytes = b""
    token: bytes = b""
    erc20: str = "DemoToken"
    relayer: DevKey = field(default_factory=lambda: dev_keys()[0])

    def __post_init__(self) -> None:
        self.code = self.deploy("Account")
        self.token = self.deploy(self.erc20)
        for recipient in (RECIPIENT, OTHER_RECIPIENT):
            self.mint(recipient, 5 * USDC)

    def deploy(self, name: str, arguments: bytes = b"") -> bytes:
        """Return the address of a new contract *name*; *arguments* are ABI-encoded."""
        nonce = self.nonce_of(self.relayer.address)
        code = bytes.fromhex(artefact(name)["bytecode"][2:])
        assert self.send(None, code + arguments).succeeded
        return created_address(self.relayer.address, nonce)

    def mint(self, to: bytes, amount: int) -> None:
        """Give *to* some of the token."""
        data = selector("mint(address,uint256)") + words(to, amount)
        assert self.send(self.token, data).succeeded

    def balance_of(self, owner: bytes) -> int:
        """Return how much of the token *owner* has."""
        return int.from_bytes(
            self.call(self.token, selector("balanceOf(address)") + words(owner)), "big"
        )

    def wei_of(self, owner: bytes) -> int:
        """Return the native balance of *owner*."""
        return int(self.rpc.ask("eth_getBalance", _hex(owner), "latest"), 16)

    def has_p256(self) -> bool:
        """Say whether this chain checks P-256 signatures (EIP-7951), asked with RFC 6979 A.2.5."""
        answer = self.call((0x100).to_bytes(20, "big"), bytes.fromhex(RFC6979_SAMPLE))
        return answer == words(1)

    def storage(self, account: bytes, slot: bytes) -> bytes:
        """Return the word of *account* at *slot*."""
        return _bytes(self.rpc.ask("eth_getStorageAt", _hex(account), _hex(slot), "latest"))

    def code_of(self, account: bytes) -> bytes:
        """Return the code at *account*."""
        return _bytes(self.rpc.ask("eth_getCode", _hex(account), "latest"))

    def nonce_of(self, account: bytes) -> int:
        """Return the transaction count of *account*."""
        return int(self.rpc.ask("eth_getTransactionCount", _hex(account), "latest"), 16)

    def now(self) -> int:
        """Return the second of the newest block."""
        block = self.rpc.ask("eth_getBlockByNumber", "latest", False)  # noqa: FBT003
        return int(block["timestamp"], 16)

    def mine_at(self, at: int) -> None:
        """Add a block at second *at*."""
        self.next_at(at)
        self.rpc.ask("evm_mine")

    def next_at(self, at: int) -> None:
        """Make *at* the second of the next block."""
        self.rpc.ask("evm_setNextBlockTimestamp", at)

    def send(
        self,
        to: bytes | None,
        data: bytes = b"",
        *,
        by: DevKey | None = None,
        value_wei: int = 0,
        authorizations: Sequence[SetCode] = (),
    ) -> Receipt:
        """Have a transaction mined and return how it ended."""
        sender = by or self.relayer
        unsigned = Unsigned(
            chain_id=CHAIN_ID,
            nonce=self.nonce_of(sender.address),
            max_priority_fee_wei=0,
            max_fee_wei=_FEE_WEI,
            gas_limit=_GAS_LIMIT,
            to=to,
            value_wei=value_wei,
            data=data,
            authorizations=tuple(authorizations),
        )
        raw = seal(unsigned, sign_digest(transaction_digest(unsigned), sender.secret))
        receipt = self.receipt(self.rpc.ask("eth_sendRawTransaction", _hex(raw)))
        return Receipt(
            succeeded=receipt["status"] == "0x1",
            gas_used=int(receipt["gasUsed"], 16),
            block=int(receipt["blockNumber"], 16),
            topics=tuple(
                tuple(_bytes(topic) for topic in log["topics"]) for log in receipt["logs"]
            ),
        )

    def receipt(self, tx_hash: str) -> dict[str, Any]:
        """Return the node's receipt of a transaction that it has taken."""
        # A node mines at once, but may answer before it has.
        give_up_at = time.monotonic() + _RECEIPT_TIMEOUT_S
        while time.monotonic() < give_up_at:
            receipt: dict[str, Any] | None = self.rpc.ask("eth_getTransactionReceipt", tx_hash)
            if receipt is not None:
                return receipt
        raise TimeoutError(f"expected {tx_hash} in a block, got none")

    def call(self, to: bytes, data: bytes, *, sender: bytes | None = None) -> bytes:
        """Return what *to* answers, as of the newest block."""
        question = {
            "from": _hex(sender or self.relayer.address),
            "to": _hex(to),
            "input": _hex(data),
            "gas": hex(_GAS_LIMIT),
        }
        return _bytes(self.rpc.ask("eth_call", question, self.rpc.ask("eth_blockNumber")))

    def reason(self, to: bytes, data: bytes, *, sender: bytes | None = None) -> bytes | None:
        """Return the data of the revert that *to* answers with, ``None`` if it does not revert."""
        try:
            self.call(to, data, sender=sender)
        except NodeError as error:
            return _bytes(str(error.data)) if error.data else b""
        return None

    def refusal(
        self, to: bytes, data: bytes, *, sender: bytes | None = None
    ) -> pb.Refusal | bytes | None:
        """Return the account's refusal, or another reason's bytes, or ``None`` for success."""
        reason = self.reason(to, data, sender=sender)
        return None if reason is None else pb.decode_refusal(reason) or reason


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text.removeprefix("0x"))
