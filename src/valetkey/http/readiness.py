"""Whether the server can do its work: each part is asked, and strangers are told which is not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Unavailable, ValetkeyError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from valetkey.flows.world import World
    from valetkey.http.loops import Pulse
    from valetkey.ports import Clock
    from valetkey.telemetry.telemetry import Telemetry

    Check = Callable[[], Awaitable[object]]

KEPT_S: Final = 1
WAIT_S: Final = 2.0
STALE_S: Final = 120.0
_PROBE: Final = b"valetkey: does the key-encryption key fit?"
_ENDING: Final = "server"


class Readiness:
    """
    Whether every part answers, looked at once in `KEPT_S` at most.

    Anybody may ask, so asking must not cost a question to each chain.

    Args:
        checks: By the name of the part; one that raises says that it does not answer.
    """

    def __init__(self, checks: Mapping[str, Check], clock: Clock, telemetry: Telemetry) -> None:
        self._checks = checks
        self._clock = clock
        self._telemetry = telemetry
        self._looking: asyncio.Task[list[str]] | None = None
        self._looked_at_ms = 0
        self._failed: list[str] = []
        self._is_ending = False

    def end(self) -> None:
        """Have everybody who asks from now on told that the server ends."""
        self._is_ending = True

    async def check(self) -> None:
        """
        Pass if everything answers, or did a moment ago.

        Raises:
            Unavailable: ``not_ready``; ``failed`` names the parts, and the log has the reasons.
        """
        if self._is_ending:
            raise _not_ready([_ENDING])
        now = self._clock.now_ms()
        looking = self._looking
        is_old = now - self._looked_at_ms >= KEPT_S * 1000
        if looking is None or (is_old and looking.done()):
            looking = self._looking = asyncio.create_task(self._look())
            self._looked_at_ms = now
        failed = await asyncio.shield(looking)
        if failed:
            raise _not_ready(failed)

    async def _look(self) -> list[str]:
        names = list(self._checks)
        reasons = await asyncio.gather(*(_reason(self._checks[name]) for name in names))
        failed = [name for name, reason in zip(names, reasons, strict=True) if reason is not None]
        metrics, journal = self._telemetry.metrics, self._telemetry.journal
        for name, reason in zip(names, reasons, strict=True):
            if metrics is not None:
                metrics.ready.labels(name).set(reason is None)
            if reason is not None and name not in self._failed:
                journal.note("warning", "part:failed", part=name, said=reason)
            elif reason is None and name in self._failed:
                journal.note("info", "part:recovered", part=name)
        self._failed = failed
        return failed


async def _reason(check: Check) -> str | None:
    """Return why a part does not answer, or None."""
    try:
        async with asyncio.timeout(WAIT_S):
            await check()
    except TimeoutError:
        return f"did not answer within {WAIT_S:g} s"
    except ValetkeyError as error:
        return error.detail
    except Exception as error:  # noqa: BLE001 - whatever it is, the part does not work
        return f"{type(error).__name__}: {error}"
    return None


def _not_ready(failed: list[str]) -> Unavailable:
    detail = f"expected every part to answer, got nothing from {', '.join(failed)}"
    return Unavailable(Code.NOT_READY, detail, failed=failed)


def checks_of(world: World, pulse: Pulse | None) -> dict[str, Check]:
    """
    Return what has to answer for *world* to be served.

    1. the store: it is written to, and has this code's schema; 2. the vault: the key-encryption key
    fits what is sealed; 3. each chain: its node answers, and is on that chain; 4. the reconcile
    loop, if one is run: it has come through not long ago.
    """

    async def vault() -> None:
        await world.vault.sign(world.auditor, _PROBE)

    async def reconcile() -> None:
        if pulse is not None and pulse.age_s > STALE_S:
            detail = f"expected a round within {STALE_S:g} s, the last is {pulse.age_s:.0f} s old"
            raise Unavailable(Code.INTERNAL, detail)

    checks: dict[str, Check] = {"store": world.store.check, "vault": vault}  # 1, 2
    checks |= {name: chain.head for name, chain in world.chains.items()}  # 3
    if pulse is not None:
        checks["reconcile"] = reconcile  # 4
    return checks
