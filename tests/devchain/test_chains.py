"""Both local chains take and answer the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from valetkey.devchain import (
    CHAIN_ID,
    Engine,
    NodeError,
    bytecode,
    choose,
    create,
    delegate,
    deploy,
    dev_keys,
    fund,
    launch,
    mint,
    transact,
)
from valetkey.devchain.keys import DEV_BALANCE_WEI
from valetkey.spec.keccak import keccak256
from valetkey.spec.transaction import created_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.devchain import Deployment, DevKey, Node

pytest_plugins = ("tests.chains",)

NOBODY = b"\x78" * 20
TRANSFER_EVENT = keccak256(b"Transfer(address,address,uint256)")


def hexed(value: bytes) -> str:
    """Return *value* as the nodes take it."""
    return "0x" + value.hex()


def test_the_dev_keys_have_money(fresh_node: Node) -> None:
    """The same ten on each chain, from its first block."""
    keys = dev_keys()
    assert len({key.address for key in keys}) == 10
    for key in keys:
        balance = int(fresh_node.rpc.ask("eth_getBalance", hexed(key.address), "0x0"), 16)
        assert balance == DEV_BALANCE_WEI
        assert key.secret.hex() not in repr(key)


def test_the_chain_says_what_it_is(node: Node) -> None:
    """Chain 31337, and a version with the name of what runs."""
    assert int(node.rpc.ask("eth_chainId"), 16) == CHAIN_ID == node.chain_id
    assert node.rpc.ask("net_version") == str(CHAIN_ID)
    assert str(node.engine) in node.rpc.ask("web3_clientVersion")


@pytest.mark.parametrize("engine", Engine)
def test_a_chain_says_what_it_is_told_to(engine: Engine) -> None:
    """Clients write the number of a chain they know; what is deployed there says it as well."""
    choice = choose(engine)
    if choice is None:
        pytest.skip(f"{engine} is not installed")
    with launch(choice, chain_id=80002) as node:
        assert int(node.rpc.ask("eth_chainId"), 16) == node.chain_id == 80002
        assert deploy(node.rpc).chain_id == 80002


def test_our_contracts_get_the_same_addresses_on_each_chain(fresh_node: Node) -> None:
    """Those that the deployer's first nonces give."""
    deployment = deploy(fresh_node.rpc)
    deployer = dev_keys()[0].address
    contracts = (
        deployment.implementation,
        deployment.token,
        deployment.clone_implementation,
        deployment.clone_factory,
    )
    assert contracts == tuple(created_address(deployer, nonce) for nonce in range(4))
    assert (deployment.chain_id, deployment.rpc_url) == (CHAIN_ID, fresh_node.rpc_url)
    for contract in contracts:
        assert len(fresh_node.rpc.ask("eth_getCode", hexed(contract), "latest")) > 100


def test_a_second_deployment_has_addresses_of_its_own(node: Node, deployment: Deployment) -> None:
    """A chain that is not new takes another."""
    again = deploy(node.rpc)
    assert again.implementation != deployment.implementation


def test_tokens_are_minted_and_seen_in_the_log(
    node: Node, deployment: Deployment, new_key: Callable[[], DevKey]
) -> None:
    """``eth_getLogs`` finds the event by block, address and topic."""
    key = new_key()
    done = mint(node.rpc, deployment, key.address, 12)
    at = hex(done.block_number)
    asked = {"fromBlock": at, "toBlock": at, "address": hexed(deployment.token)}
    topics = [hexed(TRANSFER_EVENT), None, hexed(key.address.rjust(32, b"\0"))]
    (log,) = node.rpc.ask("eth_getLogs", {**asked, "topics": topics})
    assert int(log["data"], 16) == 12
    assert log["transactionHash"] == hexed(done.tx_hash)
    assert node.rpc.ask("eth_getLogs", {**asked, "topics": [hexed(b"\1" * 32)]}) == []
    assert node.rpc.ask("eth_getLogs", {**asked, "address": [hexed(NOBODY)]}) == []


def test_an_account_is_delegated_for_another_s_money(
    node: Node, deployment: Deployment, new_key: Callable[[], DevKey]
) -> None:
    """EIP-7702; the code is the pointer, and a call runs what it points to."""
    sponsor, account = new_key(), new_key()
    delegate(node.rpc, sponsor, account, deployment.implementation)
    code = node.rpc.ask("eth_getCode", hexed(account.address), "latest")
    assert code == "0xef0100" + deployment.implementation.hex()
    call = {"to": hexed(account.address), "data": hexed(keccak256(b"epoch()")[:4])}
    assert int(node.rpc.ask("eth_call", call, "latest"), 16) == 0
    balance = node.rpc.ask("eth_getBalance", hexed(account.address), "latest")
    assert int(balance, 16) == 10**18


def test_the_work_costs_the_same_gas_on_each_chain(anvil_node: Node, pyevm_node: Node) -> None:
    """Deployment and tokens, to the unit, used and estimated."""
    key = dev_keys()[0]
    data = keccak256(b"mint(address,uint256)")[:4] + b"\0" * 12 + NOBODY + (5).to_bytes(32, "big")
    seen = []
    for node in (anvil_node, pyevm_node):
        token = create(node.rpc, key, bytecode("DemoToken"))
        call = {"from": hexed(key.address), "to": hexed(token), "data": hexed(data)}
        estimated = int(node.rpc.ask("eth_estimateGas", call, "pending"), 16)
        used = transact(node.rpc, key, token, data=data).gas_used
        created = transact(node.rpc, key, None, data=bytecode("Account")).gas_used
        seen.append((estimated, used, created))
    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("eth_nonsense", []),
        ("eth_getBalance", []),
        ("eth_getBalance", ["0x12", "latest"]),
        ("eth_getBalance", [hexed(NOBODY), "0xffffff"]),
        ("eth_call", ["0x", "latest"]),
        ("eth_getTransactionReceipt", [7]),
    ],
)
def test_a_question_without_sense_gets_an_error(
    node: Node, method: str, params: list[object]
) -> None:
    """And the chain goes on."""
    with pytest.raises(NodeError):
        node.rpc.ask(method, *params)
    assert node.rpc.ask("eth_chainId")


def test_blocks_are_found_by_number_hash_and_name(
    node: Node, deployment: Deployment, new_key: Callable[[], DevKey]
) -> None:
    """With the hashes of their transactions, or the whole of them."""
    done = fund(node.rpc, deployment, new_key().address, 1)
    at = hex(done.block_number)
    by_number = node.rpc.ask("eth_getBlockByNumber", at, False)  # noqa: FBT003 - JSON-RPC's own
    full = node.rpc.ask("eth_getBlockByHash", by_number["hash"], True)  # noqa: FBT003 - as above
    assert by_number["transactions"] == [hexed(done.tx_hash)]
    assert [each["hash"] for each in full["transactions"]] == [hexed(done.tx_hash)]
    assert node.rpc.ask("eth_getBlockByNumber", "earliest", False)["number"] == "0x0"  # noqa: FBT003 - as above
    assert node.rpc.ask("eth_getBlockByNumber", "0xffffff", False) is None  # noqa: FBT003 - as above
    assert node.rpc.ask("eth_getBlockByHash", hexed(b"\1" * 32), False) is None  # noqa: FBT003 - as above


def test_old_states_can_be_read(node: Node, new_key: Callable[[], DevKey]) -> None:
    """Of the block before, as well as of the newest."""
    key = new_key()
    before = node.rpc.ask("eth_blockNumber")
    transact(node.rpc, key, NOBODY, value_wei=5)
    assert int(node.rpc.ask("eth_getBalance", hexed(key.address), before), 16) == 10**18
    assert int(node.rpc.ask("eth_getBalance", hexed(key.address), "latest"), 16) < 10**18


def test_the_fee_history_has_the_next_base_fee(node: Node) -> None:
    """One more entry than blocks, the last of them for the block that comes."""
    node.rpc.ask("evm_mine")
    history = node.rpc.ask("eth_feeHistory", "0x2", "latest", [50])
    assert len(history["baseFeePerGas"]) == 3
    assert len(history["reward"]) == len(history["gasUsedRatio"]) == 2
    expected = int(history["baseFeePerGas"][-1], 16)
    node.rpc.ask("evm_mine")
    block = node.rpc.ask("eth_getBlockByNumber", "latest", False)  # noqa: FBT003 - JSON-RPC's own
    assert abs(int(block["baseFeePerGas"], 16) - expected) <= 1
