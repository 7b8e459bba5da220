"""
Local chains to try things on: anvil where it is installed, else py-evm, both behind one JSON-RPC.

Never for anything of value: the keys are known to everybody who reads this package.
"""

from valetkey.devchain.deploy import (
    Deployment,
    bytecode,
    create,
    deploy,
    fund,
    mint,
    mint_demo_token,
)
from valetkey.devchain.keys import DevKey, dev_keys
from valetkey.devchain.node import Node, launch
from valetkey.devchain.pick import Choice, Engine, choose, pick
from valetkey.devchain.rpc import CHAIN_ID, NodeError, Rpc
from valetkey.devchain.transact import Done, delegate, transact, wait_for

__all__ = [
    "CHAIN_ID",
    "Choice",
    "Deployment",
    "DevKey",
    "Done",
    "Engine",
    "Node",
    "NodeError",
    "Rpc",
    "bytecode",
    "choose",
    "create",
    "delegate",
    "deploy",
    "dev_keys",
    "fund",
    "launch",
    "mint",
    "mint_demo_token",
    "pick",
    "transact",
    "wait_for",
]
