"""``valetkey drill``: stop throw-away sessions in every way, under load, and time each step."""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from valetkey.cli.drill.figures import Figures
from valetkey.cli.drill.ground import Ground, local_ground
from valetkey.cli.drill.ways import ALONE, TOGETHER
from valetkey.cli.kill import KEY_VARIABLE
from valetkey.cli.local import choice_of, engine_option, local_server
from valetkey.cli.options import DEFAULT_URL, owner_option
from valetkey.cli.payer import read_payer
from valetkey.cli.terminal import REFUSED, Terminal, Verb, table_of
from valetkey.client import AsyncValetkey

if TYPE_CHECKING:
    from valetkey.cli.local import Local
    from valetkey.client import Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Where to drill; without *account_id* on a local chain."""

    account_id: str | None
    url: str
    api_key: str | None
    owner: Owner | None
    rpc_url: str | None
    key_file: IO[bytes] | None
    engine: str | None

    def drill(self, *, rounds: int, load: int) -> Figures:
        """Return what was measured; nothing is left of a local place."""
        if self.account_id is not None:
            return asyncio.run(self._on_server(self.account_id, rounds=rounds, load=load))
        with (
            tempfile.TemporaryDirectory(prefix="valetkey-drill-") as folder,
            local_server(Path(folder) / "server", choice=choice_of(self.engine)) as local,
        ):
            return asyncio.run(_locally(local, rounds=rounds, load=load))

    async def _on_server(self, account_id: str, *, rounds: int, load: int) -> Figures:
        if not self.api_key:
            raise click.UsageError("--account needs --api-key or VALETKEY_API_KEY")
        payer = read_payer(self.key_file, os.environ.get(KEY_VARIABLE))
        async with AsyncValetkey(self.url, api_key=self.api_key) as vk:
            account = await vk.accounts.get(account_id)
            ground = Ground(vk, account, self.owner, payer, self.rpc_url)
            return await _drill(ground, rounds=rounds, load=load)


@click.command("drill", cls=Verb, short_help="Stop throw-away sessions, and say how long it took.")
@click.option("--rounds", type=click.IntRange(1, 1000), default=20, show_default=True)
@click.option(
    "--load",
    type=click.IntRange(0, 20),
    default=4,
    show_default=True,
    help="So many other sessions make runs meanwhile.",
)
@click.option("--account", "account_id", help="acc_… on a server; left out: on a local chain.")
@click.option(
    "--url", envvar="VALETKEY_URL", show_envvar=True, default=DEFAULT_URL, help="Its server."
)
@click.option("--api-key", envvar="VALETKEY_API_KEY", show_envvar=True, help="A secret key of it.")
@owner_option
@click.option("--rpc", "rpc_url", help="A node of the account's chain, for kill notes.")
@click.option("--payer-key-file", "key_file", type=click.File("rb"), help="Pays for kill notes.")
@engine_option
@click.pass_obj
def drill(
    terminal: Terminal,
    /,
    *,
    rounds: int,
    load: int,
    **where: Any,  # noqa: ANN401 - the fields of _Asked
) -> None:
    """
    Stop throw-away sessions in every way, and say how long each step took.

    Freeze, revoke, close and kill note, with runs of other sessions going on; after each, both
    planes are tried. Sessions may pay a million wei each and do pay one at a time. Exit code 1 if
    anything went on after a stop.
    """
    figures = _Asked(**where).drill(rounds=rounds, load=load)
    rows = figures.rows()
    terminal.emit(
        {
            "ok": not figures.wrong,
            "rounds": rounds,
            "runs_meanwhile": figures.runs,
            "steps": [
                {"way": way, "step": step, "count": count, "p50_ms": p50, "p99_ms": p99}
                for way, step, count, p50, p99 in rows
            ],
            "wrong": figures.wrong,
        }
    )
    told = [(way, step, n, f"{p50:.0f}", f"{p99:.0f}") for way, step, n, p50, p99 in rows]
    terminal.show(table_of(["way", "step", "count", "p50 ms", "p99 ms"], told))
    terminal.say(f"\n{rounds} rounds, {figures.runs} runs of other sessions meanwhile.")
    for one in figures.wrong:
        terminal.complain(one, code="drill_failed")
    if figures.wrong:
        click.get_current_context().exit(REFUSED)


async def _locally(local: Local, *, rounds: int, load: int) -> Figures:
    ground = await local_ground(local)
    async with ground.vk:
        return await _drill(ground, rounds=rounds, load=load)


async def _drill(ground: Ground, *, rounds: int, load: int) -> Figures:
    figures, is_over = Figures(), asyncio.Event()
    others = [asyncio.create_task(ground.load(figures, is_over)) for _ in range(load)]
    try:
        for _ in range(rounds):
            await asyncio.gather(*(way(ground, figures) for way in TOGETHER))
            for way in ALONE:
                await way(ground, figures)
    finally:
        is_over.set()
        await asyncio.gather(*others)
    return figures
