"""The `Chain` port, on each local chain."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.adapters.chain.kit import (
    REVERTER,
    delegation,
    mined,
    returning,
    signed,
    submit,
    transaction,
)
from valetkey.adapters.chain.evm import EvmChain
from valetkey.core.chain import Fees
from valetkey.core.errors import ChainRejected, Code
from valetkey.devchain import create, dev_keys, mint, transact
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import sign_digest
from valetkey.spec.transaction import transaction_hash

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.devchain import Deployment, DevKey, Node

pytest_plugins = ("tests.chains",)

NOBODY = b"\x77" * 20
ETHER = 10**18


async def test_the_head_is_the_newest_block(chain: EvmChain, node: Node) -> None:
    """Its number grows with each block, and its time is now."""
    before = await chain.head()
    node.rpc.ask("evm_mine")
    after = await chain.head()
    assert after.number == before.number + 1
    assert abs(after.at - time.time()) < 10


async def test_a_confirmed_head_lies_behind_the_newest(chain: EvmChain, node: Node) -> None:
    """So many blocks that the newest of them counts as one; never before the first."""
    node.rpc.ask("evm_mine")
    node.rpc.ask("evm_mine")
    newest = await chain.head()
    assert await chain.head(confirmations=1) == newest
    behind = await chain.head(confirmations=3)
    assert behind.number == newest.number - 2
    assert behind.at <= newest.at
    assert (await chain.head(confirmations=10**6)).number == 0


async def test_a_transfer_is_sent_mined_and_paid(
    chain: EvmChain, new_key: Callable[[], DevKey]
) -> None:
    """The receipt's fee is exactly what the sender lost beside the value."""
    key, other = new_key(), new_key()
    before = await chain.balance(other.address)
    receipt = await submit(chain, key, transaction(key.address, other.address, value_wei=12345))
    head = await chain.head()
    assert receipt.succeeded
    assert receipt.gas_used == 21_000
    assert await chain.balance(other.address) == before + 12345
    assert await chain.balance(key.address) == ETHER - 12345 - receipt.fee_wei
    assert receipt.block_number <= head.number
    assert abs(receipt.block_at - time.time()) < 10
    assert await chain.transaction_count(key.address) == 1


async def test_confirmations_count_the_blocks_on_top(
    chain: EvmChain, new_key: Callable[[], DevKey], node: Node
) -> None:
    """One for the block itself, and one more for each that follows."""
    key = new_key()
    receipt = await submit(chain, key, transaction(key.address, NOBODY))
    assert receipt.confirmations == 1
    node.rpc.ask("evm_mine")
    node.rpc.ask("evm_mine")
    later = await chain.receipt(receipt.tx_hash)
    assert later == replace(receipt, confirmations=3)


async def test_a_transaction_that_nobody_sent_has_no_receipt(chain: EvmChain) -> None:
    """None, and no error."""
    assert await chain.receipt(b"\x12" * 32) is None


async def test_a_failed_transaction_has_a_receipt_and_costs(
    chain: EvmChain, deployment: Deployment, node: Node, new_key: Callable[[], DevKey]
) -> None:
    """Failed gas counts."""
    target = create(node.rpc, deployment.deployer, REVERTER)
    key = new_key()
    receipt = await submit(chain, key, transaction(key.address, target, b"\x01"))
    assert not receipt.succeeded
    assert receipt.fee_wei > 0
    assert await chain.balance(key.address) == ETHER - receipt.fee_wei


async def test_the_fees_are_enough_for_the_next_blocks(chain: EvmChain) -> None:
    """The ceiling covers the base fee twice, and the priority fee is in it."""
    fees = await chain.fees()
    assert 0 < fees.priority_fee_wei <= fees.max_fee_wei


async def test_simulation_says_what_a_transaction_needs(
    chain: EvmChain, deployment: Deployment, new_key: Callable[[], DevKey], node: Node
) -> None:
    """With just so much gas it succeeds; nonce, limit and fees of the question do not matter."""
    key = new_key()
    mint(node.rpc, deployment, key.address, 6)
    data = bytes.fromhex("a9059cbb") + NOBODY.rjust(32, b"\0") + (5).to_bytes(32, "big")
    wanted = transaction(key.address, deployment.token, data)
    gas = await chain.simulate(wanted)
    assert await chain.simulate(replace(wanted, nonce=99, gas_limit=1, fees=Fees(10**30, 1))) == gas
    whole = replace(wanted, fees=await chain.fees(), gas_limit=gas)
    sealed = chain.seal(whole, sign_digest(chain.digest(whole), key.secret))
    await chain.send(sealed.raw)
    receipt = await mined(chain, sealed.tx_hash)
    assert receipt.succeeded
    assert receipt.gas_used <= gas <= receipt.gas_used * 1.02
    assert await chain.token_balance(deployment.token, key.address) == 1


async def test_a_delegation_is_simulated_sent_and_read_back(
    chain: EvmChain, deployment: Deployment, new_key: Callable[[], DevKey]
) -> None:
    """EIP-7702 in one transaction paid by another; the account's nonce goes up by one."""
    relayer, account = new_key(), new_key()
    assert await chain.delegate_of(account.address) is None
    wanted = replace(
        transaction(relayer.address, account.address),
        authorizations=(await delegation(chain, account),),
    )
    gas = await chain.simulate(wanted)
    receipt = await submit(chain, relayer, wanted)
    assert receipt.succeeded
    # 12,500 of the 25,000 come back where the account exists, after the limit has been held.
    assert receipt.gas_used <= gas <= 60_000
    assert await chain.delegate_of(account.address) == deployment.implementation
    assert await chain.transaction_count(account.address) == 1


async def test_only_a_delegation_is_a_delegate(chain: EvmChain, deployment: Deployment) -> None:
    """Neither an account without code nor a contract has one; only the latter has code."""
    assert await chain.delegate_of(NOBODY) is None
    assert await chain.delegate_of(deployment.token) is None
    assert not await chain.has_code(NOBODY)
    assert await chain.has_code(deployment.token)


async def test_a_contract_is_asked_and_nothing_is_changed(
    chain: EvmChain, deployment: Deployment
) -> None:
    """It answers with bytes; where nothing is, with none; what reverts is a refusal."""
    token = deployment.token
    asked = keccak256(b"decimals()")[:4]
    assert int.from_bytes(
        await chain.call(token, asked, gas=100_000)
    ) == await chain.token_decimals(token)
    assert await chain.call(NOBODY, asked, gas=100_000) == b""
    moves = keccak256(b"transfer(address,uint256)")[:4] + NOBODY.rjust(32, b"\0") + b"\1" * 32
    for data, gas in ((moves, 100_000), (asked, 21_100)):
        with pytest.raises(ChainRejected):
            await chain.call(token, data, gas=gas)


async def test_sending_the_same_bytes_again_is_no_error(
    chain: EvmChain, new_key: Callable[[], DevKey]
) -> None:
    """While they wait, and after they are mined."""
    key = new_key()
    raw = await signed(chain, key, transaction(key.address, NOBODY, value_wei=1))
    await chain.send(raw)
    await chain.send(raw)
    await mined(chain, transaction_hash(raw))
    await chain.send(raw)
    assert await chain.transaction_count(key.address) == 1


async def test_bytes_that_wait_for_an_earlier_nonce_may_be_sent_again(
    chain: EvmChain, new_key: Callable[[], DevKey]
) -> None:
    """They are known, not mined, and mined once the gap is closed."""
    key = new_key()
    fees = await chain.fees()
    first, second = (
        replace(
            transaction(key.address, NOBODY, value_wei=1), nonce=nonce, fees=fees, gas_limit=21_000
        )
        for nonce in (0, 1)
    )
    sealed = [
        chain.seal(each, sign_digest(chain.digest(each), key.secret)) for each in (first, second)
    ]
    await chain.send(sealed[1].raw)
    await chain.send(sealed[1].raw)
    assert await chain.receipt(sealed[1].tx_hash) is None
    await chain.send(sealed[0].raw)
    for each in sealed:
        assert (await mined(chain, each.tx_hash)).succeeded


async def test_another_transaction_with_a_mined_nonce_is_refused(
    chain: EvmChain, new_key: Callable[[], DevKey]
) -> None:
    """``nonce_used``: that nonce is gone, whatever took it."""
    key = new_key()
    other = await signed(chain, key, transaction(key.address, NOBODY, value_wei=2))
    await submit(chain, key, transaction(key.address, NOBODY, value_wei=1))
    with pytest.raises(ChainRejected) as refused:
        await chain.send(other)
    assert refused.value.code is Code.NONCE_USED


async def test_a_transaction_without_funds_is_refused(
    chain: EvmChain, new_key: Callable[[], DevKey]
) -> None:
    """``chain_rejected``, with the node's words."""
    key = new_key()
    raw = await signed(chain, key, transaction(key.address, NOBODY, value_wei=2 * ETHER))
    with pytest.raises(ChainRejected, match=r"(?i)insufficient funds") as refused:
        await chain.send(raw)
    assert refused.value.code is Code.CHAIN_REJECTED


async def test_bytes_that_are_no_transaction_are_refused(chain: EvmChain) -> None:
    """``chain_rejected``."""
    with pytest.raises(ChainRejected, match=r"(?i)decode") as refused:
        await chain.send(b"\x02\xc0")
    assert refused.value.code is Code.CHAIN_REJECTED


async def test_a_token_balance_is_asked_of_a_token(
    chain: EvmChain, deployment: Deployment, node: Node, new_key: Callable[[], DevKey]
) -> None:
    """What has no code, or refuses, is no token."""
    key = new_key()
    assert await chain.token_balance(deployment.token, key.address) == 0
    mint(node.rpc, deployment, key.address, 7)
    assert await chain.token_balance(deployment.token, key.address) == 7
    for stranger in (NOBODY, create(node.rpc, deployment.deployer, REVERTER)):
        with pytest.raises(ChainRejected) as refused:
            await chain.token_balance(stranger, key.address)
        assert refused.value.code is Code.CALL_REVERTED


async def test_decimals_are_what_a_token_says_of_itself(
    chain: EvmChain, deployment: Deployment, node: Node
) -> None:
    """What has no code, refuses, or says no number of digits, says nothing."""
    assert await chain.token_decimals(deployment.token) == 6
    silent = (REVERTER, returning(256), returning(6, length=1))
    for stranger in (NOBODY, *(create(node.rpc, deployment.deployer, one) for one in silent)):
        assert await chain.token_decimals(stranger) is None


async def test_an_allowance_is_what_the_owner_approved(
    chain: EvmChain, deployment: Deployment, node: Node
) -> None:
    """It is read off the token; what is no token has none to tell."""
    owner, spender = dev_keys()[3], b"\x77" * 20
    assert await chain.allowance(deployment.token, owner.address, spender) == 0
    approve = keccak256(b"approve(address,uint256)")[:4]
    data = approve + spender.rjust(32, b"\0") + (9).to_bytes(32)
    transact(node.rpc, owner, deployment.token, data=data)
    assert await chain.allowance(deployment.token, owner.address, spender) == 9
    for stranger in (NOBODY, create(node.rpc, deployment.deployer, REVERTER)):
        with pytest.raises(ChainRejected) as refused:
            await chain.allowance(stranger, owner.address, spender)
        assert refused.value.code is Code.CALL_REVERTED


async def test_a_node_of_another_chain_is_refused(deployment: Deployment) -> None:
    """Before anything is read from it or sent to it."""
    stranger = EvmChain(deployment.rpc_url, chain_id=1, implementation=NOBODY, allow_private=True)
    for question in (stranger.head(), stranger.balance(NOBODY), stranger.send(b"\x02\xc0")):
        with pytest.raises(ChainRejected, match="expected a node of chain 1, got") as refused:
            await question
        assert refused.value.code is Code.WRONG_CHAIN
    await stranger.close()


async def test_many_questions_at_once_get_their_own_answers(chain: EvmChain) -> None:
    """Answers are told apart, however many are under way."""
    addresses = [bytes([150 + index]) * 20 for index in range(50)]
    assert await asyncio.gather(*map(chain.balance, addresses)) == [0] * 50
