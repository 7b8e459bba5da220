"""
Measure a check and an opening of a session against others that do the same.

Run by `make bench`, which installs what is measured against. Prints the figures and writes
docs/reference/performance.md; asserts nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import itertools
import json
import random
import sys
from argparse import ArgumentParser
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import uvloop

from bench import report, signing
from bench.load import Load, Sample, WrongAnswer
from bench.ours import Ours, make_home
from bench.servers import (
    EVERY_PEER,
    Missing,
    Peer,
    Server,
    check_peers,
    own_command,
    own_core,
    peer_command,
    started,
    stay_off,
)
from valetkey.devchain import launch, pick

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from valetkey.devchain import Node

SESSIONS: Final = 500
SIGNERS: Final = 50
CONNECTIONS: Final = 32
WARM_S: Final = 3.0  # before the first round: Node's compiler takes thousands of requests


@dataclass(frozen=True, slots=True)
class Spell:
    """
    How long each is measured in a round.

    Args:
        busy_s: With every connection busy.
        offered_s: With *rate* requests a second; 0 is not at all.
    """

    busy_s: float
    offered_s: float
    rate: int


@dataclass(frozen=True, slots=True)
class Contender:
    """A server, and requests for it without end."""

    name: str
    server: Server
    requests: Iterator[bytes]
    samples: list[Sample] = field(default_factory=list)
    offered: list[Sample] = field(default_factory=list)


async def main(rounds: int, spell: Spell) -> report.Figures:
    """Start everything, measure in turn, end everything."""
    check_peers()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="valetkey-bench-")))
        node = stack.enter_context(launch(pick()))
        with own_core():
            peers = {one: _peer(stack, one, folder) for one in EVERY_PEER}
            ours, server, logged = await _ours(stack, folder, node)
        stay_off()
        checks, opens = await _contenders(ours, server, logged, peers)
        signed: list[signing.Timed] = []
        for one in (*checks, *opens):
            await _warm(one)
        gc.collect()
        gc.freeze()  # the load must not stop for what is there by now: it would count as theirs
        for number in range(1, rounds + 1):
            print(f"round {number} of {rounds}", file=sys.stderr)
            for one in _turned(checks, number):
                await _measure(one, spell)
            for one in _turned(opens, number):
                await _measure(one, replace(spell, offered_s=0))
            signed.append(signing.measure())
    return report.Figures(
        checks={one.name: report.Row(one.samples, one.offered) for one in checks},
        opens={one.name: report.Row(one.samples, one.offered) for one in opens},
        signed=signed,
        connections=CONNECTIONS,
        warm_s=WARM_S,
        sessions=SESSIONS,
        seconds=spell.busy_s,
        offered_s=spell.offered_s,
        rate=spell.rate,
    )


# Requests are counted as ever, and one backend may ask as often as it can.
UNHINDERED: Final = {
    "VALETKEY_RATES_CALLER_PER_S": "1000000",
    "VALETKEY_RATES_CALLER_BURST": "10000000",
}


def _peer(stack: contextlib.ExitStack, peer: Peer, folder: Path) -> Server:
    log = folder / f"{peer.file}.log"
    return stack.enter_context(started(peer_command(peer, folder), log))


async def _ours(
    stack: contextlib.ExitStack, folder: Path, node: Node
) -> tuple[Ours, Server, Server]:
    """Start this server twice over the same store: silent as the others are, and as it comes."""
    home = folder / "home"
    deployment, secret = await make_home(home, node)
    silent, logged = (
        stack.enter_context(
            started(
                own_command(home),
                folder / f"valetkey-{level}.log",
                VALETKEY_LOG_LEVEL=level,
                **UNHINDERED,
            )
        )
        for level in ("warning", "info")
    )
    return Ours(silent.port, secret, deployment), silent, logged


async def _contenders(
    ours: Ours, server: Server, logged: Server, peers: dict[Peer, Server]
) -> tuple[list[Contender], list[Contender]]:
    """Return who checks and who opens sessions, with sessions opened by their own requests."""
    opening = ours.opening()
    answers = await _send(server, opening, SESSIONS)
    tokens = [str(json.loads(body)["token"]) for body, _ in answers]
    checks = [
        Contender(report.OURS, server, _shuffled(ours.bearer, tokens)),
        Contender(report.LOGGED, logged, _shuffled(ours.bearer, tokens)),
        Contender(report.INTROSPECTION, server, _shuffled(ours.introspection, tokens)),
        Contender(report.SIGNED, server, ours.signed(SIGNERS, writes=False)),
        Contender(report.PERMITTED, server, ours.signed(SIGNERS, writes=True)),
    ]
    opens = [Contender(report.OURS, server, opening)]
    for peer, its in peers.items():
        answers = await _send(its, itertools.repeat(peer.open), SESSIONS)
        proofs = [peer.proof(body, cookie) for body, cookie in answers]
        (body, _), *_ = await _send(its, iter([peer.check(proofs[0])]), 1)
        if b'"open"' not in body:
            raise WrongAnswer(f"{peer.name}: expected an open session, got {body[:300]!r}")
        checks.append(Contender(peer.name, its, _shuffled(peer.check, proofs)))
        opens.append(Contender(peer.name, its, itertools.repeat(peer.open)))
    return checks, opens


def _shuffled(make: Callable[[str], bytes], proofs: Sequence[str]) -> Iterator[bytes]:
    made = [make(one) for one in proofs]
    random.Random(1).shuffle(made)  # noqa: S311 - the same order in each run
    return itertools.cycle(made)


def _turned(contenders: list[Contender], number: int) -> list[Contender]:
    """Return them with another one first in each round."""
    at = number % len(contenders)
    return contenders[at:] + contenders[:at]


async def _send(server: Server, requests: Iterator[bytes], count: int) -> list[tuple[bytes, bytes]]:
    load = Load(server.port, server.pid, requests)
    await load.open(min(count, CONNECTIONS))
    try:
        return await load.each(count)
    finally:
        load.close()


async def _warm(one: Contender) -> None:
    """Keep it busy for a while, for its compiler and its caches."""
    load = Load(one.server.port, one.server.pid, one.requests)
    await load.open(CONNECTIONS)
    try:
        await load.saturate(WARM_S)
    finally:
        load.close()


async def _measure(one: Contender, spell: Spell) -> None:
    """Measure once: warm with each session, then busy, then at a fixed rate."""
    load = Load(one.server.port, one.server.pid, one.requests)
    await load.open(CONNECTIONS)
    try:
        await load.each(SESSIONS if spell.offered_s else CONNECTIONS)
        one.samples.append(await load.saturate(spell.busy_s))
        if spell.offered_s:
            one.offered.append(await load.offer(spell.rate, spell.offered_s))
    finally:
        load.close()


def _arguments() -> tuple[int, Spell, Path | None]:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="of each busy spell")
    parser.add_argument("--offered", type=float, default=5.0, help="seconds at the fixed rate")
    parser.add_argument("--rate", type=int, default=200, help="requests a second, where fixed")
    parser.add_argument("--write", type=Path, help="the page to write")
    asked = parser.parse_args()
    return asked.rounds, Spell(asked.seconds, asked.offered, asked.rate), asked.write


if __name__ == "__main__":
    rounds, spell, page = _arguments()
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            figures = runner.run(main(rounds, spell))
    except (Missing, WrongAnswer) as error:
        sys.exit(f"bench: {error}")
    text = report.write(figures)
    print(text)
    if page is not None:
        page.write_text(text)
