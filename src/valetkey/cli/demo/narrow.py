"""How little a session can be given: recorded, compared, and counted by the hour."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from valetkey.cli.demo.cast import DECIMALS, LONG_S, UNIT, pay
from valetkey.cli.demo.planes import payment, refuse_on_both
from valetkey.cli.demo.score import attempt
from valetkey.cli.local import TOKEN_NAME
from valetkey.cli.record.mined import read_back
from valetkey.cli.record.proxy import proxying
from valetkey.client import permission
from valetkey.core.errors import Code
from valetkey.devchain import Rpc, dev_keys, mint, transact

if TYPE_CHECKING:
    from valetkey.cli.demo.cast import Cast, Held
    from valetkey.client.permission import Draft
    from valetkey.core.permission.backtest import Recorded

_HOUR_S: Final = 3600
_HOURLY: Final = 5
_PAID: Final = (3 * UNIT, 2 * UNIT)


async def narrow(cast: Cast) -> Held:
    """Turn a recording into a session, refuse a wider child, use up an hour; return that one."""
    await _recorded(cast)
    await _compared(cast)
    return await _hourly(cast)


async def _recorded(cast: Cast) -> None:
    """What an owner's script did becomes a permission that allows it, and not a stranger."""
    runs = await asyncio.to_thread(_script, cast)
    asked = cast.vk.permissions
    found = await asked.propose(
        runs, chain=cast.local.chain, decimals={f"0x{cast.token.hex()}": DECIMALS}
    )
    now = int(time.time())
    found = replace(found, starts_at=now - permission.EARLY_S, expires_at=now + LONG_S)
    told = await asked.explain(found)
    cast.terminal.say(f"   a script of an owner was recorded, {len(runs)} transactions; they need:")
    cast.terminal.say(f"   {told.headline}")
    held = await cast.open(found, label="recorded")
    again = await attempt(held.session.transfer(cast.token, cast.friends[0], _PAID[0]))
    cast.score.note("what was recorded", "server", None, again)
    await refuse_on_both(
        cast,
        held,
        "what was not recorded",
        *payment(cast, cast.stranger, _PAID[1]),
        codes=(Code.RECIPIENT_NOT_ALLOWED, Code.ARGUMENT_REFUSED),
    )


def _script(cast: Cast) -> tuple[Recorded, ...]:
    """Pay both friends from an account of an owner's own, as `valetkey record` would see it."""
    key, node = dev_keys()[4], cast.local.node
    mint(node.rpc, cast.local.deployment, key.address, sum(_PAID))
    with proxying(node.rpc_url) as (url, proxy), Rpc(url) as rpc:
        for friend, units in zip(cast.friends, _PAID, strict=True):
            transact(rpc, key, cast.token, data=payment(cast, friend, units)[0].data)
        return read_back(node.rpc, proxy.sent, key.address).runs


async def _compared(cast: Cast) -> None:
    """A child that may pay more than its parent is not within it, and the proof says why."""
    parent = cast.payments(lifetime=20, expires_in=3 * _HOUR_S)
    within = await cast.vk.permissions.subset(_per_hour(cast, 5), parent)
    beyond = await cast.vk.permissions.subset(_per_hour(cast, 10), parent)
    cast.terminal.say(f"   5 {TOKEN_NAME} an hour for three hours is within 20 in all; 10 is not:")
    cast.terminal.say(f"   {beyond.detail} ({beyond.caveat} of the parent)")
    cast.score.check("a narrower child", is_right=within.within, got=within.detail)
    cast.score.check("a wider child", is_right=not beyond.within, got=beyond.within)
    cast.score.check("the proof is calls", is_right=bool(beyond.stages), got=beyond.stages)


def _per_hour(cast: Cast, amount: int) -> Draft:
    """Return a permission to pay the friends so much in each of three hours."""
    return permission.erc20_transfers(
        cast.token,
        decimals=DECIMALS,
        to=sorted(cast.friends),
        per_window=permission.PerWindow(str(amount), window_s=_HOUR_S),
        expires_in=3 * _HOUR_S,
    )


async def _hourly(cast: Cast) -> Held:
    """A cap for each hour is used up, and refuses for the rest of it."""
    held = await cast.open(_per_hour(cast, _HOURLY), label="hourly")
    spent = await attempt(held.session.transfer(cast.token, cast.friends[0], str(_HOURLY)))
    cast.score.note("all of an hour", "server", None, spent)
    cast.terminal.say(f"   {_HOURLY} {TOKEN_NAME} an hour, and {_HOURLY} are spent:")
    await refuse_on_both(
        cast,
        held,
        "more in that hour",
        *payment(cast, cast.friends[0], UNIT),
        codes=(Code.CAP_EXCEEDED, Code.CAP_EXCEEDED),
    )
    return held


async def an_hour_later(cast: Cast, held: Held) -> None:
    """Move the local chain's time by an hour: the cap is whole again, and no larger."""
    rpc = cast.local.node.rpc
    await asyncio.to_thread(rpc.ask, "evm_increaseTime", _HOUR_S)
    await asyncio.to_thread(rpc.ask, "evm_mine")
    cast.terminal.say(
        "   the time of the local chain is moved by an hour, the server still stopped"
    )
    for what, units, code in (
        ("in the next hour", _HOURLY * UNIT, None),
        ("more than it", 1, Code.CAP_EXCEEDED),
    ):
        calldata = await cast.attacker.run(held.loot, pay(cast.friends[0], units))
        brought = await cast.attacker.bring(cast.owner.address, calldata)
        there = cast.score.note(what, "chain", code, brought)
        said = there.verdict.code or "lets it through"
        cast.terminal.say(f"   {_HOURLY} {TOKEN_NAME} an hour, {what}: chain {said}")
