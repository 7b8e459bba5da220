"""The contracts that a local chain needs to show something."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

import msgspec
from eth_abi.abi import encode

from valetkey.core.errors import ChainRejected, Code
from valetkey.devchain.keys import DevKey, dev_keys
from valetkey.devchain.rpc import Rpc
from valetkey.devchain.transact import Done, transact
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Sequence

_MINT = keccak256(b"mint(address,uint256)")[:4]


@dataclass(frozen=True, slots=True)
class Deployment:
    """
    What is on a local chain.

    Args:
        implementation: 20 bytes: the `Account` that others delegate to.
        token: 20 bytes: an ERC-20 with six decimals that anybody may mint.
        clone_implementation: 20 bytes: the `CloneAccount` that clones run.
        clone_factory: 20 bytes: the `CloneFactory` that makes them.
        deployer: Who paid.
    """

    chain_id: int
    rpc_url: str
    implementation: bytes
    token: bytes
    clone_implementation: bytes
    clone_factory: bytes
    deployer: DevKey


class _Artifact(msgspec.Struct):
    bytecode: str


def deploy(rpc: Rpc) -> Deployment:
    """
    Put the account implementations, the factory and the demo token on a new local chain.

    The first dev key pays. On a new chain the addresses are always the same, whatever runs it.
    """
    deployer = dev_keys()[0]
    implementation = create(rpc, deployer, bytecode("Account"))
    token = create(rpc, deployer, bytecode("DemoToken"))
    clone = create(rpc, deployer, bytecode("CloneAccount"))
    return Deployment(
        chain_id=int(rpc.ask("eth_chainId"), 16),
        rpc_url=rpc.url,
        implementation=implementation,
        token=token,
        clone_implementation=clone,
        clone_factory=create(rpc, deployer, bytecode("CloneFactory", ["address"], [clone])),
        deployer=deployer,
    )


def bytecode(contract: str, types: Sequence[str] = (), values: Sequence[object] = ()) -> bytes:
    """
    Return what creates one of our contracts, such as ``Account``.

    Args:
        types: ABI types of the constructor's arguments.
        values: As many.
    """
    source = resources.files("valetkey").joinpath("contracts", f"{contract}.json").read_bytes()
    artifact = msgspec.json.decode(source, type=_Artifact)
    return bytes.fromhex(artifact.bytecode.removeprefix("0x")) + encode(types, values)


def create(rpc: Rpc, key: DevKey, code: bytes) -> bytes:
    """Return the 20-byte address of a new contract made by *code*, paid by *key*."""
    created = transact(rpc, key, None, data=code).created
    if created is None:
        raise ChainRejected(Code.CALL_REVERTED, "the transaction created no contract")
    return created


def mint(rpc: Rpc, deployment: Deployment, to: bytes, amount: int) -> Done:
    """Give *to* so much of the demo token, in its smallest unit."""
    data = _MINT + encode(["address", "uint256"], [to, amount])
    return transact(rpc, deployment.deployer, deployment.token, data=data)


def mint_demo_token(rpc_url: str, token: bytes, to: bytes, amount: int) -> Done:
    """Give *to* so much of the demo token *token* on the local chain at *rpc_url*."""
    data = _MINT + encode(["address", "uint256"], [to, amount])
    with Rpc(rpc_url) as rpc:
        return transact(rpc, dev_keys()[0], token, data=data)


def fund(rpc: Rpc, deployment: Deployment, to: bytes, value_wei: int) -> Done:
    """Give *to* so much of the native currency."""
    return transact(rpc, deployment.deployer, to, value_wei=value_wei)
