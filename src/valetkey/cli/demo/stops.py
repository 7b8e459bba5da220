"""Freeze, revoke, and the kill note with the server dead: how long each takes on each plane."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from valetkey.cli.demo.cast import UNIT, now_ms, pay
from valetkey.cli.demo.score import attempt
from valetkey.client import Call
from valetkey.core.errors import Code
from valetkey.core.permission.effects import selector_of
from valetkey.devchain import dev_keys

if TYPE_CHECKING:
    from valetkey.cli.demo.cast import Cast, Held
    from valetkey.wire.stop import Stopped

_TRANSFER = selector_of("transfer(address,uint256)")


async def freeze_and_revoke(cast: Cast, held: Held) -> None:
    """Freeze and revoke a session, and try it on both planes after each."""
    sessions, session_id = cast.vk.sessions, held.session.id

    async def freeze() -> Stopped:
        return await sessions.freeze(session_id, owner=cast.owner)

    async def revoke() -> Stopped:
        return await sessions.revoke(session_id)

    for verb, stop, code in (
        ("freeze", freeze, Code.SESSION_FROZEN),
        ("revoke", revoke, Code.SESSION_REVOKED),
    ):
        started = now_ms()
        stopped = await stop()
        cast.terminal.say(f"   {verb:<10}{_spans(stopped, started)}")
        await _try_both(cast, held, f"after {verb}", code)


def _spans(stopped: Stopped, started: float) -> str:
    """Return when each plane refused, counted from the request."""
    last: dict[str, float] = {}
    for step in stopped.session.steps:
        if step.at_ms >= int(started):
            last[f"{step.plane} {step.name}"] = max(step.at_ms - started, 0)
    names = {"server refused": "refused here", "chain included": "on chain"}
    said = [f"{words} after {last[key]:.0f} ms" for key, words in names.items() if key in last]
    return " · ".join(said)


async def _try_both(cast: Cast, held: Held, what: str, code: Code) -> None:
    friend = cast.friends[1]
    data = _TRANSFER + friend.rjust(32, b"\0") + UNIT.to_bytes(32)
    refused = await attempt(held.session.run([Call(cast.token, 0, data)]))
    here = cast.score.note(what, "server", code, refused)
    calldata = await cast.attacker.run(held.loot, pay(friend, UNIT))
    brought = await cast.attacker.bring(cast.owner.address, calldata)
    there = cast.score.note(what, "chain", code, brought)
    cast.terminal.say(
        f"             then: server {here.verdict.code or 'LET IT THROUGH'}"
        f" · chain {there.verdict.code or 'LET IT THROUGH'}"
    )


async def kill_without_server(cast: Cast, held: Held) -> None:
    """Stop the server, act once more past it, end the session by its kill note, and try again."""
    note = held.session.kill_note.save(cast.local.home / "session.kill.json")
    cast.local.server.stop()
    friend = cast.friends[1]
    calldata = await cast.attacker.run(held.loot, pay(friend, UNIT))
    alive = await cast.attacker.bring(cast.owner.address, calldata)
    cast.score.note("with the server stopped, inside the limits", "chain", None, alive)
    cast.terminal.say(
        "   the server is stopped; its sessions still work on chain, inside their limits"
    )
    started = now_ms()
    done = await asyncio.to_thread(_kill, cast, str(note))
    took = now_ms() - started
    cast.score.check("valetkey kill", is_right=done.returncode == 0, got=done.stderr[-300:])
    cast.terminal.say(
        f"   valetkey kill {note.name} --rpc …   revoked on chain after {took:.0f} ms"
    )
    calldata = await cast.attacker.run(held.loot, pay(friend, UNIT))
    verdict = await cast.attacker.bring(cast.owner.address, calldata)
    there = cast.score.note("after the kill note", "chain", Code.SESSION_REVOKED, verdict)
    cast.terminal.say(f"             then: chain {there.verdict.code or 'LET IT THROUGH'}")


def _kill(cast: Cast, note: str) -> subprocess.CompletedProcess[str]:
    payer = {"VALETKEY_KEY": f"0x{dev_keys()[-2].secret.hex()}"}
    command = (sys.executable, "-m", "valetkey", "kill", note, "--rpc", cast.local.node.rpc_url)
    return subprocess.run(  # noqa: S603 - ourselves
        command, env={**os.environ, **payer}, capture_output=True, text=True, check=False
    )
