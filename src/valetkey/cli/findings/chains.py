"""One chain: its node, its time, its contract, and money to act on it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Final

from valetkey.cli.findings.finding import Finding
from valetkey.cli.submit import runs_our_code
from valetkey.core.errors import Code, Unavailable, ValetkeyError
from valetkey.core.units import format_amount
from valetkey.wire.base import hexed
from valetkey.wiring import clones_of, open_chain

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from valetkey.cli.findings.finding import Known
    from valetkey.config import ChainConfig
    from valetkey.core.wallet import Clones
    from valetkey.ports import Chain

MAX_AHEAD_S: Final = 15
MAX_BEHIND_S: Final = 120
MIN_TRANSACTIONS: Final = 20
_GAS: Final = 200_000
_PAYS: Final = {"relayer": "runs", "stopper": "stops"}
_NATIVE_DECIMALS: Final = 18
_NOBODY: Final = b"\1" * 20


async def chain(known: Known, name: str, config: ChainConfig) -> AsyncIterator[Finding]:
    """Yield what there is to say of a chain; if its node does not answer, that alone."""
    try:
        async with open_chain(name, config) as node:
            head = await node.head()
            yield Finding(f"{name} node", f"answers, at block {head.number}")
            nodes, ours = await node.node_time(), int(time.time())
            quiet = config.allow_private
            yield clock(name, ours=ours, nodes=nodes, heads=head.at, is_quiet=quiet)
            payers = known.payers
            yield await _contract(node, next(iter(payers.values()), _NOBODY))
            yield await _curves(node)
            clones = clones_of(known.config)
            if clones is not None:
                yield await _clones(node, clones, next(iter(payers.values()), _NOBODY))
            for payer_name, payer in payers.items():
                yield await _balance(node, payer, payer_name)
    except ValetkeyError as error:
        todo = "name a node of this chain that can be reached, in rpc_url"
        if error.code is Code.WRONG_CHAIN:
            todo = f"name a node of {name} in rpc_url, or the node's chain in [chains]"
        elif not isinstance(error, Unavailable):
            todo = "look at what the node says"
        yield Finding(f"{name} node", error.detail, todo)


def openfort_accounts(known: Known) -> Finding:
    """Say whether the accounts can be made that Openfort's clients ask for."""
    name = "openfort accounts"
    if clones_of(known.config) is not None:
        return Finding(name, "they are clones, which can be made")
    said = "they are clones, and there is no clone_factory: without one they are refused"
    todo = "name what is deployed, in clone_factory and clone_implementation"
    return Finding(name, said, todo)


def clock(name: str, *, ours: int, nodes: int | None, heads: int, is_quiet: bool) -> Finding:
    """
    Hold this machine's clock against its node's and against the newest block.

    1. The node's answers are dated: then its clock and ours must agree. 2. The newest block is
    dated ahead: where the node's clock agrees with ours, that is the chain's doing. 3. It is old:
    the node has stopped following its chain, or our clock is early.

    Args:
        ours: Unix seconds, as the other two.
        nodes: None where its answers are not dated.
        is_quiet: A development chain makes blocks only when something happens.
    """
    name = f"{name} clock"
    behind_s = ours - heads
    said = f"the newest block is {abs(behind_s)} s {'old' if behind_s >= 0 else 'ahead of us'}"
    if nodes is not None and abs(ours - nodes) > MAX_AHEAD_S:  # 1
        off = f"{abs(ours - nodes)} s {'ahead of' if ours > nodes else 'behind'}"
        said = f"this machine's clock is {off} its node's, and {said}"
        return Finding(name, said, "set this machine's clock (NTP), or name a node whose is right")
    if behind_s < -MAX_AHEAD_S and nodes is not None:  # 2
        said += ", though our clock and its node's agree"
        todo = "name a node of the right chain; sessions and deadlines end by the chain's time"
        return Finding(name, said, todo)
    if behind_s < -MAX_AHEAD_S:
        return Finding(name, said, "set this machine's clock: it is late")
    if behind_s > MAX_BEHIND_S and not is_quiet:  # 3
        todo = "set this machine's clock, or name a node that keeps up with its chain"
        if nodes is not None:
            todo = "name a node that keeps up with its chain: our clock and its own agree"
        return Finding(name, said, todo)
    return Finding(name, said)


async def _contract(chain: Chain, sender: bytes) -> Finding:
    name, where = f"{chain.chain} contract", hexed(chain.implementation)
    if await runs_our_code(chain, chain.implementation, sender=sender):
        return Finding(name, f"the account contract is at {where}")
    todo = "name where the account contract is deployed, in implementation"
    return Finding(name, f"the account contract is not at {where}", todo)


async def _clones(chain: Chain, clones: Clones, sender: bytes) -> Finding:
    """Say whether accounts are made where we say that they will be."""
    name, factory, code = f"{chain.chain} clones", clones.factory, clones.implementation
    found = await chain.clones_of(factory)
    if found == code and await runs_our_code(chain, code, sender=sender):
        return Finding(name, f"{hexed(factory)} makes clones of {hexed(code)}")
    said = f"{hexed(factory)} makes no clones of {hexed(code)}"
    if found is not None:
        said += f", but of {hexed(found)}"
    todo = "name what is deployed on this chain, in clone_factory and clone_implementation"
    return Finding(name, f"{said}: what is sent to such an account would be lost", todo)


async def _curves(chain: Chain) -> Finding:
    """Say which session keys the chain can check: to have secp256k1 alone is no fault."""
    checked = "secp256k1 and P-256" if await chain.checks_p256() else "secp256k1 only, not P-256"
    return Finding(f"{chain.chain} keys", f"session keys are checked on {checked}")


async def _balance(chain: Chain, payer: bytes, payer_name: str) -> Finding:
    balance, fees = await asyncio.gather(chain.balance(payer), chain.fees())
    lasts = balance // (fees.max_fee_wei * _GAS)
    has = format_amount(balance, decimals=_NATIVE_DECIMALS)
    said = f"{hexed(payer)} has {has} native, enough for about {lasts} {_PAYS[payer_name]}"
    name = f"{chain.chain} {payer_name}"
    if lasts < MIN_TRANSACTIONS:
        return Finding(name, said, f"send some of the chain's coin to {hexed(payer)}")
    return Finding(name, said)
