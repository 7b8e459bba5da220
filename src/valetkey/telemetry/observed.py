"""A world whose store, vault and chains are watched. They do what they did."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from valetkey.ports import what_for
from valetkey.telemetry.transaction import WatchedTx

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from valetkey.flows.world import World
    from valetkey.ports import Chain, Clock, Store, T, Tx, Vault
    from valetkey.telemetry.spans import Spans, Value
    from valetkey.telemetry.telemetry import Telemetry

P = ParamSpec("P")
R = TypeVar("R")


def observed(world: World, telemetry: Telemetry) -> World:
    """Return *world*, with *telemetry* told of everything that passes its ports."""
    return replace(
        world,
        store=ObservedStore(world.store, world.clock, telemetry),
        vault=ObservedVault(world.vault, telemetry),
        chains={name: ObservedChain(one, telemetry) for name, one in world.chains.items()},
    )


class ObservedStore:
    """A store whose writes are timed, and told of once they are durable."""

    def __init__(self, store: Store, clock: Clock, telemetry: Telemetry) -> None:
        self._store = store
        self._clock = clock
        self._telemetry = telemetry
        self.read = store.read  # not timed: that would cost a good part of the reading

    async def write(self, body: Callable[[Tx], T]) -> T:
        """See `Store.write`."""
        watched: WatchedTx | None = None
        errand = what_for()

        def watch(tx: Tx) -> T:
            nonlocal watched
            watched = WatchedTx(tx, errand)  # a body may run again: only what counted is told
            return body(watched)

        telemetry, started = self._telemetry, time.perf_counter()
        try:
            with telemetry.spans.span("store write"):
                made = await self._store.write(watch)
        except BaseException as error:
            telemetry.written(time.perf_counter() - started, error)
            raise
        telemetry.written(time.perf_counter() - started, None)
        if watched is not None and (watched.lines or watched.stopped):
            telemetry.wrote(watched.lines, watched.steps(at_ms=self._clock.now_ms()))
        return made

    async def check(self) -> None:
        """See `Store.check`."""
        await self._store.check()


class ObservedVault:
    """A vault whose operations are counted and timed; what passes is not looked at."""

    def __init__(self, vault: Vault, telemetry: Telemetry) -> None:
        def watch(
            name: str, call: Callable[P, Coroutine[Any, Any, R]]
        ) -> Callable[P, Coroutine[Any, Any, R]]:
            return _watched(
                call, partial(telemetry.vaulted, name), telemetry.spans, f"vault {name}", {}
            )

        self.create = watch("create", vault.create)
        self.sign = watch("sign", vault.sign)
        self.seal = watch("seal", vault.seal)
        self.open = watch("open", vault.open)
        self.rewrap_key = watch("rewrap", vault.rewrap_key)
        self.rewrap_secret = watch("rewrap", vault.rewrap_secret)


class ObservedChain:
    """A chain whose questions are counted and timed, by name and never by what is asked about."""

    def __init__(self, chain: Chain, telemetry: Telemetry) -> None:
        def watch(
            name: str, call: Callable[P, Coroutine[Any, Any, R]]
        ) -> Callable[P, Coroutine[Any, Any, R]]:
            note = partial(telemetry.asked, chain.chain, name)
            values: Mapping[str, Value] = {"valetkey.chain": chain.chain}
            return _watched(call, note, telemetry.spans, f"chain {name}", values)

        self.chain = chain.chain
        self.chain_id = chain.chain_id
        self.implementation = chain.implementation
        self.digest = chain.digest
        self.seal = chain.seal
        self.head = watch("head", chain.head)
        self.node_time = watch("node_time", chain.node_time)
        self.fees = watch("fees", chain.fees)
        self.simulate = watch("simulate", chain.simulate)
        self.send = watch("send", chain.send)
        self.receipt = watch("receipt", chain.receipt)
        self.logs = watch("logs", chain.logs)
        self.transaction_count = watch("transaction_count", chain.transaction_count)
        self.next_nonce = watch("next_nonce", chain.next_nonce)
        self.has_code = watch("has_code", chain.has_code)
        self.grant_state = watch("grant_state", chain.grant_state)
        self.clone_state = watch("clone_state", chain.clone_state)
        self.clones_of = watch("clones_of", chain.clones_of)
        self.epoch = watch("epoch", chain.epoch)
        self.delegate_of = watch("delegate_of", chain.delegate_of)
        self.checks_p256 = watch("checks_p256", chain.checks_p256)
        self.balance = watch("balance", chain.balance)
        self.token_balance = watch("token_balance", chain.token_balance)
        self.token_decimals = watch("token_decimals", chain.token_decimals)
        self.allowance = watch("allowance", chain.allowance)
        self.call = watch("call", chain.call)


def _watched(
    call: Callable[P, Coroutine[Any, Any, R]],
    note: Callable[[float, BaseException | None], None],
    spans: Spans,
    name: str,
    values: Mapping[str, Value],
) -> Callable[P, Coroutine[Any, Any, R]]:
    """Return *call*, with *note* told how long it took and how it ended."""

    async def watched(*args: P.args, **kwargs: P.kwargs) -> R:
        started = time.perf_counter()
        try:
            with spans.span(name, values=values):
                made = await call(*args, **kwargs)
        except BaseException as error:
            note(time.perf_counter() - started, error)
            raise
        note(time.perf_counter() - started, None)
        return made

    return watched
