"""Transactions through the `Chain` port, a granted account, and a node that misbehaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from valetkey.adapters.chain.evm import EvmChain, Limits
from valetkey.core.chain import Authorization, Fees, Transaction
from valetkey.spec import permission_bytes as pb
from valetkey.spec.eip712 import digest as typed_digest
from valetkey.spec.secp256k1 import sign_digest
from valetkey.spec.transaction import authorization_digest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from valetkey.core.chain import Receipt
    from valetkey.devchain import DevKey
    from valetkey.ports import Chain

# Reverts with its own calldata.
REVERTER: Final = bytes.fromhex("600a600c600039600a6000f3366000600037366000fd")
RECIPIENT: Final = bytes.fromhex("c0ffee00c0ffee11c0ffee22c0ffee33c0ffee44")
TRANSFER: Final = bytes.fromhex("a9059cbb")
FOREVER: Final = 2**40 - 1
QUICK: Final = Limits(timeout_s=5.0, answer_bytes=1000)
_RECEIPT_TIMEOUT_S: Final = 30

Question = dict[str, Any]


def returning(number: int, *, length: int = 32) -> bytes:
    """Return the code of a contract that answers anything with *number*, cut to *length* bytes."""
    runtime = b"\x7f" + number.to_bytes(32) + bytes.fromhex(f"60005260{length:02x}6000f3")
    return bytes.fromhex("6029600c60003960296000f3") + runtime


def transaction(sender: bytes, to: bytes, data: bytes = b"", *, value_wei: int = 0) -> Transaction:
    """Return a transaction that has neither nonce nor fees yet."""
    return Transaction(
        sender=sender,
        nonce=0,
        to=to,
        value_wei=value_wei,
        data=data,
        gas_limit=0,
        fees=Fees(max_fee_wei=0, priority_fee_wei=0),
    )


async def signed(chain: Chain, key: DevKey, wanted: Transaction) -> bytes:
    """Return the raw bytes of *wanted*, with the next nonce, the fees of now and enough gas."""
    whole = replace(
        wanted,
        nonce=await chain.transaction_count(key.address),
        fees=await chain.fees(),
        gas_limit=2_000_000,
    )
    return chain.seal(whole, sign_digest(chain.digest(whole), key.secret)).raw


async def mined(chain: Chain, tx_hash: bytes) -> Receipt:
    """Return the receipt of *tx_hash*: a node mines at once, but may answer before it has."""
    async with asyncio.timeout(_RECEIPT_TIMEOUT_S):
        while (receipt := await chain.receipt(tx_hash)) is None:
            pass
    return receipt


async def submit(chain: Chain, key: DevKey, wanted: Transaction) -> Receipt:
    """Send *wanted* and return how it ended."""
    whole = replace(
        wanted,
        nonce=await chain.transaction_count(key.address),
        fees=await chain.fees(),
        gas_limit=2_000_000,
    )
    sealed = chain.seal(whole, sign_digest(chain.digest(whole), key.secret))
    await chain.send(sealed.raw)
    return await mined(chain, sealed.tx_hash)


async def delegation(chain: Chain, key: DevKey) -> Authorization:
    """Return *key*'s wish to run the account implementation."""
    nonce = await chain.transaction_count(key.address)
    digest = authorization_digest(chain.chain_id, chain.implementation, nonce)
    signature = sign_digest(digest, key.secret)
    return Authorization(chain.chain_id, chain.implementation, nonce, signature)


@dataclass(frozen=True, slots=True)
class Granted:
    """An account, a grant that its owner signed, and the session key."""

    owner: DevKey
    session: DevKey
    grant: pb.Grant
    chain_id: int

    @property
    def packed(self) -> bytes:
        """The grant's bytes."""
        return pb.encode_grant(self.grant)

    @property
    def id(self) -> bytes:
        """The grant's id."""
        return pb.grant_id(self.packed)

    def owner_signature(self) -> bytes:
        """Return the owner's signature over the grant."""
        typed = pb.grant_typed_data(
            self.grant, epoch=0, chain_id=self.chain_id, account=self.owner.address
        )
        return sign_digest(typed_digest(typed), self.owner.secret)

    def run(
        self, amount: int, *, nonce: int, first: bool = False, by: DevKey | None = None
    ) -> bytes:
        """Return the calldata of a run with one transfer of *amount*."""
        arguments = RECIPIENT.rjust(32, b"\0") + amount.to_bytes(32, "big")
        calls = pb.encode_calls(self.grant, [pb.RunCall(0, arguments)])
        digest = pb.run_digest(
            self.id,
            calls,
            nonce=nonce,
            deadline=FOREVER,
            chain_id=self.chain_id,
            account=self.owner.address,
        )
        return pb.run_calldata(
            self.packed,
            calls,
            sign_digest(digest, (by or self.session).secret),
            nonce=nonce,
            deadline=FOREVER,
            owner_signature=self.owner_signature() if first else None,
        )


def granted(chain: Chain, owner: DevKey, session: DevKey, token: bytes, **fields: Any) -> Granted:  # noqa: ANN401 - those of a grant
    """Return a grant of transfers of *token*: at most 100 ever, and 50 in ten years."""
    meters = (pb.Meter(1, 0), pb.Meter(1, 1))
    defaults: dict[str, Any] = {
        "key": session.address,
        "salt": 1,
        "starts_at": 1,
        "expires_at": FOREVER,
        "max_calls": 10,
        "rules": (pb.Rule(pb.RuleKind.CALL, token, TRANSFER, meters),),
        "caps": (pb.Cap(100), pb.Cap(50, 10 * 365 * 86_400)),
    }
    return Granted(owner, session, pb.Grant(**(defaults | fields)), chain.chain_id)


@contextlib.asynccontextmanager
async def misbehaving(answer: Callable[[dict[str, Any]], bytes | None]) -> AsyncIterator[str]:
    """
    Give the URL of a node on loopback that writes *answer* for each question, HTTP and all.

    None leaves the connection open without an answer.
    """
    tasks: set[asyncio.Task[None] | None] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            reply = answer(json.loads(await reader.readexactly(length)))
            if reply is None:
                await reader.read()  # until the other side gives up
                return
            writer.write(reply)
            await writer.drain()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await talk(reader, writer)
        with contextlib.suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        # Whoever asked has closed its connections by now, so that these end by themselves.
        await asyncio.gather(*(task for task in tasks if task))


def http(body: object, *, status: str = "200 OK", headers: str = "") -> bytes:
    """Return an HTTP answer; *body* is written as JSON unless it is bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (
        f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}"
        f"content-length: {len(content)}\r\n\r\n"
    ).encode() + content


def told(question: dict[str, Any], result: object) -> bytes:
    """Return the proper answer to *question*."""
    return http({"jsonrpc": "2.0", "id": question["id"], "result": result})


def denied(question: dict[str, Any], code: int, text: str, data: object = None) -> bytes:
    """Return the answer that refuses *question*."""
    error = {"code": code, "message": text, "data": data}
    return http({"jsonrpc": "2.0", "id": question["id"], "error": error})


def connected(url: str, *, limits: Limits = QUICK) -> EvmChain:
    """Return the port over *url*."""
    return EvmChain(
        url, chain_id=31337, implementation=b"\x11" * 20, allow_private=True, limits=limits
    )


@contextlib.asynccontextmanager
async def node(
    answer: Callable[[Question], bytes | None], *, limits: Limits = QUICK
) -> AsyncIterator[EvmChain]:
    """Give the port over a node that knows its chain and writes *answer* for all else."""

    def reply(question: Question) -> bytes | None:
        return told(question, "0x7a69") if question["method"] == "eth_chainId" else answer(question)

    async with misbehaving(reply) as url:
        chain = connected(url, limits=limits)
        try:
            yield chain
        finally:
            await chain.close()


def told_all(answers: dict[str, Any]) -> Callable[[Question], bytes]:
    """Return a node's behaviour: the answer for each method; code and text refuse."""

    def reply(question: Question) -> bytes:
        found = answers[question["method"]]
        if isinstance(found, tuple):
            return denied(question, *found)
        return told(question, found)

    return reply
