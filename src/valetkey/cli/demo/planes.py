"""One attempt on both planes: through the server, and past it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.cli.demo.attacks import TRANSFER
from valetkey.cli.demo.cast import pay
from valetkey.cli.demo.score import attempt
from valetkey.client import Call

if TYPE_CHECKING:
    from valetkey.cli.demo.cast import Cast, Held
    from valetkey.core.errors import Code
    from valetkey.spec.permission_bytes import RunCall


def payment(cast: Cast, to: bytes, units: int) -> tuple[Call, RunCall]:
    """Return a transfer as the account makes it, and as a run carries it under the first rule."""
    data = TRANSFER + to.rjust(32, b"\0") + units.to_bytes(32)
    return Call(cast.token, 0, data), pay(to, units)


async def refuse_on_both(
    cast: Cast, held: Held, what: str, call: Call, packed: RunCall, *, codes: tuple[Code, Code]
) -> None:
    """Try *call* through the server, then, *packed*, past it; *codes* are what each must say."""
    through = await attempt(held.session.run([call]))
    here = cast.score.note(what, "server", codes[0], through)
    calldata = await cast.attacker.run(held.loot, packed)
    past = await cast.attacker.bring(cast.owner.address, calldata)
    there = cast.score.note(what, "chain", codes[1], past)
    said = [one.verdict.code or "LET IT THROUGH" for one in (here, there)]
    cast.terminal.say(f"   {what}: server {said[0]} · chain {said[1]}")
