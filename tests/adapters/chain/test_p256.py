"""Whether a chain checks P-256 signatures: asked of the chain, and once if it does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.adapters.chain.kit import Question, denied, told
from tests.adapters.chain.kit import node as saying
from valetkey.core.errors import ChainRejected, Code, Unavailable
from valetkey.devchain import Engine
from valetkey.spec.eip7951 import PRECOMPILE, SAMPLE, VALID

if TYPE_CHECKING:
    from valetkey.adapters.chain.evm import EvmChain
    from valetkey.devchain import Node

pytest_plugins = ("tests.chains",)

YES = f"0x{VALID.hex()}"


async def test_anvil_checks_p256_and_py_evm_does_not(chain: EvmChain, node: Node) -> None:
    """Osaka has the precompile; Prague has nothing at its address."""
    assert await chain.checks_p256() is (node.engine is Engine.ANVIL)


async def test_a_chain_that_checks_is_asked_once() -> None:
    """With a signature that is valid, and never again: no chain forgets how."""
    asked: list[Question] = []

    def answer(question: Question) -> bytes:
        asked.append(question)
        return told(question, YES)

    async with saying(answer) as chain:
        assert [await chain.checks_p256() for _ in range(3)] == [True] * 3
    call = {"to": f"0x{PRECOMPILE.hex()}", "data": f"0x{SAMPLE.hex()}"}
    assert [one["params"] for one in asked] == [[call, "latest"]]


async def test_a_chain_that_does_not_check_is_asked_again() -> None:
    """Its next upgrade may bring it, and nobody starts the server anew for that."""
    answers = iter(["0x", "0x", YES])
    async with saying(lambda question: told(question, next(answers))) as chain:
        assert [await chain.checks_p256() for _ in range(4)] == [False, False, True, True]


@pytest.mark.parametrize("said", ["0x", "0x01", f"0x{'00' * 32}", f"0x{'00' * 31}02", YES + "00"])
async def test_anything_but_one_is_no(said: str) -> None:
    """A contract that happens to be there, or a chain of another kind, checks nothing."""
    async with saying(lambda question: told(question, said)) as chain:
        assert not await chain.checks_p256()


async def test_a_node_that_does_not_say_is_neither_yes_nor_no() -> None:
    """What cannot be found out is an error, so that no session is opened on a guess."""
    async with saying(lambda question: told(question, "perhaps")) as chain:
        with pytest.raises(Unavailable):
            await chain.checks_p256()
    async with saying(lambda question: denied(question, -32601, "no such method")) as chain:
        with pytest.raises(ChainRejected) as refused:
            await chain.checks_p256()
        assert refused.value.code is Code.CHAIN_REJECTED
