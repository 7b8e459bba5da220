"""Every way to stop a session, each timed and then tried."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import msgspec

from valetkey.cli.drill.figures import spans
from valetkey.cli.note import read_note
from valetkey.cli.submit import Patience, submit
from valetkey.core.errors import Code, ValetkeyError
from valetkey.wiring import connect

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from valetkey.cli.drill.figures import Figures
    from valetkey.cli.drill.ground import Ground
    from valetkey.client import AsyncSession, Call
    from valetkey.wire.stop import Stopped

    Way = Callable[[Ground, Figures], Awaitable[None]]

_PATIENCE: Final = Patience(wait_s=60)
ANSWERED: Final = "answered"


async def freeze(ground: Ground, figures: Figures) -> None:
    """Freeze a new session, here and on chain; then it is thrown away."""
    session, call = await ground.open()
    await _timed(figures, "freeze", "freeze_requested", session.freeze())
    await _expect_refused(figures, "freeze", session, call, Code.SESSION_FROZEN)
    await session.revoke()


async def revoke(ground: Ground, figures: Figures) -> None:
    """Revoke a new session."""
    session, call = await ground.open()
    await _timed(figures, "revoke", "revoke_requested", session.revoke())
    await _expect_refused(figures, "revoke", session, call, Code.SESSION_REVOKED)


async def close(ground: Ground, figures: Figures) -> None:
    """Let the holder of a new session give it back."""
    session, call = await ground.open()
    await _timed(figures, "close", "close_requested", session.close())
    await _expect_refused(figures, "close", session, call, Code.SESSION_CLOSED)


async def kill(ground: Ground, figures: Figures) -> None:
    """Submit the kill note of a new session without asking the server, and then ask it to run."""
    if ground.payer is None or ground.rpc_url is None:
        return
    session, call = await ground.open()
    note = read_note(msgspec.json.encode(session.kill_note.content))
    started = time.monotonic()
    async with connect(ground.rpc_url, chain_id=note.chain_id) as chain:
        await submit(chain, note, ground.payer, patience=_PATIENCE, tell=lambda _: None)
    included = time.monotonic()
    await _expect_refused(figures, "kill note", session, call, Code.SESSION_REVOKED)
    times = {"chain included": included - started, "server refused": time.monotonic() - started}
    figures.note("kill note", {step: 1000 * took for step, took in times.items()})


# The last one pays for its own transactions from one address, so it is done one at a time.
TOGETHER: Final[tuple[Way, ...]] = (freeze, revoke, close)
ALONE: Final[tuple[Way, ...]] = (kill,)


async def _timed(figures: Figures, way: str, asked: str, stopping: Awaitable[Stopped]) -> None:
    started = time.monotonic()
    stopped = await stopping
    answered = 1000 * (time.monotonic() - started)
    figures.note(way, {**spans(stopped.session.steps, asked), ANSWERED: answered})
    for one in stopped.tried:
        if not one.refused:
            said = f"{stopped.session.id} after {way}: the {one.plane} says {one.detail}"
            figures.wrong.append(said)


async def _expect_refused(
    figures: Figures, way: str, session: AsyncSession, call: Call, code: Code
) -> None:
    """Let the holder ask for a run: it must be refused, and for this reason."""
    try:
        await session.run([call])
    except ValetkeyError as refused:
        if refused.code is not code:
            figures.wrong.append(f"{session.id} after {way}: expected {code}, got {refused.code}")
        return
    figures.wrong.append(f"{session.id} after {way}: it ran")
