"""`valetkey dev`: a server on a local chain, with a key ready to use, until it is interrupted."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from pathlib import Path
from typing import Final

import click

from valetkey.cli.local import TOKEN_NAME, choice_of, engine_option, local_server
from valetkey.cli.terminal import Terminal, Verb

PORT: Final = 8080


@click.command("dev", cls=Verb)
@click.option("--port", type=click.IntRange(0, 65_535), default=PORT, help="0 takes a free one.")
@engine_option
@click.pass_obj
def dev(terminal: Terminal, port: int, engine: str | None) -> None:
    """Keep a server on a local chain running, with a key ready to use. Keeps nothing afterwards."""
    choice = choice_of(engine)
    with (
        tempfile.TemporaryDirectory(prefix="valetkey-dev-") as folder,
        local_server(Path(folder) / "server", port=port, choice=choice) as local,
    ):
        lines = {
            "chain": f"{choice.engine} ({choice.why})",
            "rpc": local.node.rpc_url,
            "server": local.url,
            TOKEN_NAME: f"0x{local.deployment.token.hex()}",
            "implementation": f"0x{local.deployment.implementation.hex()}",
        }
        for name, value in lines.items():
            terminal.say(f"{name:<15} {value}")
        terminal.say("")
        terminal.say(f"export VALETKEY_URL={local.url} VALETKEY_API_KEY={local.secret}")
        terminal.say("")
        terminal.say("Ctrl-C ends it, and nothing is kept.", style="dim")
        terminal.emit({**lines, "organization_id": local.organization_id, "secret": local.secret})
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()
