"""`valetkey demo`: the main job from end to end, and every way to break it, on a local chain."""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from valetkey.cli.demo.attacks import attacks, wait_until
from valetkey.cli.demo.cast import BALANCE, UNIT, gather_cast, pay
from valetkey.cli.demo.narrow import an_hour_later, narrow
from valetkey.cli.demo.score import Score
from valetkey.cli.demo.stops import freeze_and_revoke, kill_without_server
from valetkey.cli.demo.wide import widen
from valetkey.cli.local import TOKEN_NAME, choice_of, engine_option, local_server
from valetkey.cli.terminal import REFUSED, Terminal, Verb
from valetkey.core.units import format_amount, format_duration
from valetkey.wiring import connect

if TYPE_CHECKING:
    from valetkey.cli.demo.attacker import Verdict
    from valetkey.cli.demo.cast import Cast, Held
    from valetkey.cli.local import Local

SHORT_S = 4


@click.command("demo", cls=Verb, short_help="Show a session at work, and try to break it.")
@engine_option
@click.pass_context
def demo(context: click.Context, engine: str | None) -> None:
    """Show a session at work on a local chain, and try to break it; keeps nothing."""
    terminal: Terminal = context.obj
    score = Score()
    started = time.monotonic()
    choice = choice_of(engine)
    with (
        tempfile.TemporaryDirectory(prefix="valetkey-demo-") as folder,
        local_server(Path(folder) / "server", choice=choice) as local,
    ):
        terminal.say(f"chain {choice.engine} ({choice.why}) · server {local.url}", style="dim")
        asyncio.run(_play(terminal, score, local))
    took = time.monotonic() - started
    wrong = score.wrong()
    for one in wrong:
        terminal.fail("demo_failed", f"{one.what} ({one.plane}): {one.verdict.detail}")
    count = len(score.outcomes)
    terminal.say("")
    if not wrong:
        terminal.say(f"All {count} outcomes are as they must be. {took:.1f} s", style="bold green")
    terminal.emit(
        {
            "seconds": round(took, 2),
            "outcomes": [
                {"what": one.what, "plane": one.plane, "code": one.verdict.code, "ok": one.is_right}
                for one in score.outcomes
            ],
        }
    )
    if wrong:
        context.exit(REFUSED)


async def _play(terminal: Terminal, score: Score, local: Local) -> None:
    async with connect(local.deployment.rpc_url, chain_id=local.deployment.chain_id) as chain:
        cast = await gather_cast(terminal, score, local, chain)
        async with cast.vk:
            _heading(cast, "1", "A wallet whose owner's key the server never has")
            state = await cast.vk.accounts.state(cast.account.id, tokens=[cast.token])
            score.check("the account runs our code", is_right=state.is_ready, got=state)
            address = cast.account.address
            terminal.say(f"   account {address} delegates to our code · {BALANCE} {TOKEN_NAME}")
            dying = await cast.open(cast.payments(expires_in=SHORT_S), label="short")
            over_at = int(time.time()) + SHORT_S
            held = await _open(cast)
            mined = await _act(cast, held)
            unsigned = await cast.open(cast.payments(), label="unsigned", signed=False)
            await wait_until(over_at)
            await _attack(cast, held, dying, unsigned, mined)
            _heading(cast, "5", "Only as much as is needed")
            hourly = await narrow(cast)
            await widen(cast)
            _heading(cast, "6", "Stop")
            await freeze_and_revoke(cast, held)
            last = await cast.open(cast.payments(), label="last")
            await kill_without_server(cast, last)
            await an_hour_later(cast, hourly)


def _heading(cast: Cast, number: str, text: str) -> None:
    cast.terminal.say("")
    cast.terminal.say(f"{number}. {text}", style="bold")


async def _open(cast: Cast) -> Held:
    _heading(cast, "2", "A session: signed by the owner, held by a key in this process")
    held = await cast.open(cast.payments(), label="demo")
    shown = await held.session.show()
    left = format_duration(shown.expires_at - int(time.time()))
    worst = shown.worst_case.text if shown.worst_case else "?"
    cast.terminal.say(
        f"   session {shown.id} {shown.headline} · gas paid by sponsor"
        f" · worst case {worst} · {left} left"
    )
    for sentence in shown.explanation:
        cast.terminal.say(f"   - {sentence}", style="dim")
    cast.score.check("the session is open", is_right=shown.state == "open", got=shown.state)
    outside = shown.owner_key == "outside"
    cast.score.check("the owner's key is outside", is_right=outside, got=shown.owner_key)
    return held


async def _act(cast: Cast, held: Held) -> bytes:
    """Pay both friends through the server and one past it; return the calldata of the last."""
    _heading(cast, "3", "It acts: real transfers, mined on the chain")
    for friend, amount in zip(cast.friends, ("5", "7.5"), strict=True):
        started = time.monotonic()
        done = await held.session.transfer(cast.token, friend, amount)
        took = (time.monotonic() - started) * 1000
        gas = done.outcome.gas_used if done.outcome else 0
        line = f"{amount} {TOKEN_NAME} to 0x{friend.hex()} · {gas} gas · {took:.0f} ms"
        cast.terminal.say(f"   {line}")
    calldata = await cast.attacker.run(held.loot, pay(cast.friends[0], UNIT))
    verdict = await cast.attacker.bring(cast.owner.address, calldata)
    cast.score.note("a stolen session key, inside the limits", "chain", None, verdict)
    cast.terminal.say("   1 USDC by somebody who stole the session key, past the server:")
    cast.terminal.say("   inside the limits the chain lets it through; the limits are the promise")
    await _expect_balances(cast)
    return calldata


async def _expect_balances(cast: Cast) -> None:
    wanted = (6 * UNIT, 7 * UNIT + UNIT // 2)
    for friend, units in zip(cast.friends, wanted, strict=True):
        got = await cast.balance(friend)
        cast.score.check("a friend's balance on chain", is_right=got == units, got=got)
    left = await cast.balance(cast.owner.address)
    amount = format_amount(left, decimals=6)
    cast.terminal.say(f"   balance of the account, read from the chain: {amount} {TOKEN_NAME}")
    spent = sum(wanted)
    cast.score.check("the account's balance", is_right=left == BALANCE * UNIT - spent, got=left)
    coins = await cast.chain.balance(cast.owner.address)
    cast.score.check("the sponsor paid the gas", is_right=coins == 0, got=coins)


async def _attack(cast: Cast, held: Held, dying: Held, unsigned: Held, mined: bytes) -> None:
    _heading(cast, "4", "Try to break it: each through the server, then past it on the chain")
    before = await cast.balance(cast.owner.address)
    for attack in attacks(cast, held, dying, unsigned, mined):
        verdict = await attack.through()
        here = cast.score.note(attack.what, "server", attack.refused_here, verdict)
        brought = await cast.attacker.bring(cast.owner.address, await attack.past())
        there = cast.score.note(attack.what, "chain", attack.refused_there, brought)
        cast.terminal.say(f"   {attack.what}")
        cast.terminal.say(f"      server  {_said(here.verdict)}", style="dim")
        cast.terminal.say(f"      chain   {_said(there.verdict)}", style="dim")
    after = await cast.balance(cast.owner.address)
    cast.score.check("nothing moved", is_right=after == before, got=before - after)


def _said(verdict: Verdict) -> str:
    return f"{verdict.code:<24}{verdict.detail}" if verdict.code else "LET IT THROUGH"
