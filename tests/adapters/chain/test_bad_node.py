"""A node that cannot be used is `Unavailable`; one that says no is `ChainRejected`. Never more."""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.adapters.chain.kit import (
    Question,
    connected,
    denied,
    http,
    misbehaving,
    node,
    signed,
    told,
    told_all,
    transaction,
)
from valetkey.adapters.chain.evm import Limits
from valetkey.core.errors import ChainRejected, Code, Unavailable
from valetkey.devchain import dev_keys

if TYPE_CHECKING:
    from collections.abc import Callable

ADDRESS = b"\x11" * 20
TX_HASH = b"\x22" * 32
BLOCK = {"number": "0x5", "hash": "0x" + "44" * 32, "timestamp": "0x64"}
LIMITS = Limits(timeout_s=0.3, answer_bytes=1000)

UNUSABLE: list[tuple[str, Callable[[Question], bytes | None], str]] = [
    ("garbage", lambda _: http(b"\x00\xffnonsense"), "no JSON-RPC answer"),
    ("page", lambda _: http(b"<html>", status="502 Bad Gateway"), r"no JSON-RPC answer \(HTTP 502"),
    ("no-http", lambda _: b"SSH-2.0-OpenSSH\r\n\r\n", "cannot be reached"),
    ("list", lambda _: http([1, 2]), "no JSON-RPC answer"),
    ("deep", lambda _: http(b"[" * 900), "no JSON-RPC answer"),
    ("other-id", lambda q: told({**q, "id": q["id"] + 1}, "0x1"), "another question"),
    ("no-id", lambda _: http({"jsonrpc": "2.0", "result": "0x1"}), "another question"),
    ("nothing", lambda q: http({"jsonrpc": "2.0", "id": q["id"]}), "neither a result nor"),
    ("long", lambda q: told(q, "0x" + "00" * 600), "more than 1000 bytes"),
    (
        "redirect",
        lambda _: http(b"", status="302 Found", headers="location: http://127.0.0.1:1/\r\n"),
        "HTTP 302",
    ),
    ("slow-down", lambda _: http(b"", status="429 Too Many Requests"), "slow down"),
    ("limit", lambda q: denied(q, -32005, "daily limit"), "slow down: daily limit"),
    (
        "compressed",
        lambda _: http(b"\x1f\x8b", headers="content-encoding: gzip\r\n"),
        "compressed answer",
    ),
    ("words", lambda q: told(q, "many"), "another form"),
    ("number", lambda q: told(q, 7), "another form"),
    ("too-big", lambda q: told(q, "0x1" + "0" * 64), "another form"),
    ("empty-hex", lambda q: told(q, "0x"), "another form"),
]


@pytest.mark.parametrize(
    ("behave", "said"), [row[1:] for row in UNUSABLE], ids=[row[0] for row in UNUSABLE]
)
async def test_an_answer_of_another_form_makes_the_node_unusable(
    behave: Callable[[Question], bytes | None], said: str
) -> None:
    """``chain_unreachable`` with what was wrong, whatever came."""
    async with node(behave) as chain:
        with pytest.raises(Unavailable, match=said) as unusable:
            await chain.balance(ADDRESS)
    assert unusable.value.code is Code.CHAIN_UNREACHABLE


async def test_a_silent_node_is_given_up() -> None:
    """After the limit, whatever the reason."""
    async with node(lambda _: None, limits=LIMITS) as chain:
        with pytest.raises(Unavailable, match=r"did not answer within 0\.3 s"):
            await chain.head()


async def test_a_node_that_drips_is_given_up() -> None:
    """The limit is for the whole answer, not for each piece of it."""
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"
    async with node(lambda _: head, limits=LIMITS) as chain:
        with pytest.raises(Unavailable, match="did not answer within"):
            await chain.head()


async def test_no_node_at_all_is_told() -> None:
    """A port where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        chain = connected(f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(Unavailable, match="cannot be reached"):
            await chain.head()
        await chain.close()


async def test_a_node_that_comes_back_is_asked_for_its_chain_again() -> None:
    """Behind the same URL there may be another node by then."""
    answers = iter(["0x7a69", "0x1"])
    asked: list[str] = []

    def reply(question: Question) -> bytes:
        asked.append(question["method"])
        if question["method"] == "eth_chainId":
            return told(question, next(answers))
        return http(b"broken")

    async with misbehaving(reply) as url:
        chain = connected(url)
        with pytest.raises(Unavailable):
            await chain.balance(ADDRESS)
        with pytest.raises(ChainRejected) as refused:
            await chain.balance(ADDRESS)
        await chain.close()
    assert refused.value.code is Code.WRONG_CHAIN
    assert asked == ["eth_chainId", "eth_getBalance", "eth_chainId"]


async def test_a_refused_question_is_rejected() -> None:
    """A node that answers no to a plain question."""
    async with node(lambda q: denied(q, -32000, "header not\nfound\x1b[31m")) as chain:
        with pytest.raises(ChainRejected, match=r"eth_getBalance: header not found \[31m") as no:
            await chain.balance(ADDRESS)
    assert no.value.code is Code.CHAIN_REJECTED


@pytest.mark.parametrize(
    "data",
    [
        "0xaf9adea1",
        "Reverted 0xaf9adea1",
        {"data": "0xaf9adea1"},
        {"originalError": {"code": 3, "data": "0xaf9adea1"}},
        {"result": "0xaf9adea1"},
    ],
    ids=str,
)
async def test_revert_data_is_found_wherever_a_node_puts_it(data: object) -> None:
    """Nodes differ; the refusal is the same."""
    async with node(lambda q: denied(q, 3, "execution reverted", data)) as chain:
        with pytest.raises(ChainRejected) as refused:
            await chain.simulate(transaction(ADDRESS, ADDRESS))
    assert refused.value.code is Code.SESSION_REVOKED


@pytest.mark.parametrize(
    ("code", "text", "data", "expected"),
    [
        (3, "execution reverted", None, Code.CALL_REVERTED),
        (-32000, "execution reverted: nope", None, Code.CALL_REVERTED),
        (-32000, "out of gas", "nothing of use", Code.CALL_REVERTED),
        (-32000, "gas required exceeds allowance (30000000)", None, Code.CALL_REVERTED),
        (-32000, "invalid opcode: INVALID", {"deep": {"er": 1}}, Code.CALL_REVERTED),
        (-32000, "insufficient funds for transfer", None, Code.CHAIN_REJECTED),
        (-32602, "unknown field authorizationList", [1], Code.CHAIN_REJECTED),
    ],
)
async def test_a_failed_simulation_without_data_is_told_apart_by_its_words(
    code: int, text: str, data: object, expected: Code
) -> None:
    """What the call did, or what the node would not try."""
    async with node(lambda q: denied(q, code, text, data)) as chain:
        with pytest.raises(ChainRejected) as refused:
            await chain.simulate(transaction(ADDRESS, ADDRESS))
    assert refused.value.code is expected


SENDING = {
    "eth_getTransactionCount": "0x0",
    "eth_feeHistory": {"baseFeePerGas": ["0x1"], "reward": []},
}


@pytest.mark.parametrize(
    ("text", "known", "code"),
    [
        ("already known", None, None),
        ("ALREADY_EXISTS: already known", None, None),
        ("known transaction: 22", None, None),
        ("nonce too low", {"hash": "0x"}, None),
        ("nonce too low: next nonce 5, tx nonce 4", None, Code.NONCE_USED),
        ("OldNonce", None, Code.NONCE_USED),
        ("replacement transaction underpriced", None, Code.CHAIN_REJECTED),
        ("replacement transaction underpriced", {"hash": "0x"}, None),
        ("max fee per gas less than block base fee", None, Code.CHAIN_REJECTED),
    ],
)
async def test_a_refused_transaction_that_the_node_knows_is_sent(
    text: str, known: object, code: Code | None
) -> None:
    """Sending is done when the node has it; everything else is an error that says why."""
    refusal = (-32000, text)
    answers = {**SENDING, "eth_sendRawTransaction": refusal, "eth_getTransactionByHash": known}
    async with node(told_all(answers)) as chain:
        key = dev_keys()[0]
        raw = await signed(chain, key, transaction(key.address, ADDRESS))
        if code is None:
            await chain.send(raw)
            return
        with pytest.raises(ChainRejected) as refused:
            await chain.send(raw)
        assert refused.value.code is code


async def test_a_node_that_names_another_hash_is_not_believed() -> None:
    """What it holds is not what we would look for."""
    answers = {**SENDING, "eth_sendRawTransaction": "0x" + "33" * 32}
    async with node(told_all(answers)) as chain:
        key = dev_keys()[0]
        raw = await signed(chain, key, transaction(key.address, ADDRESS))
        with pytest.raises(Unavailable, match="another hash"):
            await chain.send(raw)


async def test_a_slot_that_holds_no_grant_state_is_told() -> None:
    """An account of another kind may keep anything there."""
    answers = {"eth_getBlockByNumber": BLOCK, "eth_getStorageAt": "0x" + "ff" * 32}
    async with node(told_all(answers)) as chain:
        with pytest.raises(Unavailable, match="hold no grant state"):
            await chain.grant_state(ADDRESS, TX_HASH, counters=2)


async def test_all_slots_of_a_grant_are_read_from_one_block() -> None:
    """Or a state could be shown that never was."""
    asked: list[list[Any]] = []

    def reply(question: Question) -> bytes:
        if question["method"] == "eth_getStorageAt":
            asked.append(question["params"])
            return told(question, "0x" + "00" * 32)
        return told(question, BLOCK)

    async with node(reply) as chain:
        await chain.grant_state(ADDRESS, TX_HASH, counters=3)
    assert len({slot for _, slot, _ in asked}) == 4
    assert {at for _, _, at in asked} == {"0x5"}


async def test_no_log_and_no_error_shows_the_path_of_the_url(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A provider's secret is in it."""
    caplog.set_level(logging.DEBUG)
    async with misbehaving(lambda _: http(b"broken")) as url:
        chain = connected(f"{url}/v3/provider-secret?key=provider-secret")
        with pytest.raises(Unavailable) as unusable:
            await chain.head()
        await chain.close()
    assert caplog.records  # of the connection at least
    assert "provider-secret" not in caplog.text
    assert "provider-secret" not in repr(unusable.value) + repr(vars(chain))
