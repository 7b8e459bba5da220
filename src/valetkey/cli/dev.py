"""`valetkey dev`: a server on a local chain, with a key ready to use, until it is interrupted."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final, get_args

import click

from valetkey.cli.local import choice_of, engine_option, local_server
from valetkey.cli.terminal import Terminal, Verb
from valetkey.config import DialectName
from valetkey.devchain import dev_keys

if TYPE_CHECKING:
    from valetkey.cli.local import Local

PORT: Final = 8080


@click.command("dev", cls=Verb, short_help="Keep a server on a local chain running.")
@click.option("--port", type=click.IntRange(0, 65_535), default=PORT, help="0 takes a free one.")
@engine_option
@click.pass_obj
def dev(terminal: Terminal, port: int, engine: str | None) -> None:
    """Keep a server on a local chain running, with a key ready to use. Keeps nothing afterwards."""
    choice = choice_of(engine)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # nothing is kept then either
    with (
        tempfile.TemporaryDirectory(prefix="valetkey-dev-") as folder,
        local_server(Path(folder) / "server", port=port, choice=choice) as local,
    ):
        lines = {
            "chain": f"{choice.engine} ({choice.why})",
            "rpc": local.node.rpc_url,
            "server": local.url,
        }
        for name, value in lines.items():
            terminal.say(f"{name:<15} {value}")
        for dialect in get_args(DialectName):
            terminal.say(f"{dialect:<15} {local.url}/{dialect}")
        terminal.say("")
        terminal.say("For another terminal:")
        for name, value in exported(local).items():
            terminal.say(f"export {name}={value}")
        terminal.say("")
        program = shutil.which("valetkey") or Path(sys.executable).with_name("valetkey")
        terminal.say(f"There, for a start: {program} wallet add --sealed")
        terminal.say("Ctrl-C ends it, and nothing is kept.", style="dim")
        terminal.emit({**lines, "organization_id": local.organization_id, "secret": local.secret})
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


def exported(local: Local) -> dict[str, str]:
    """Return what another terminal needs to know of *local*, by variable."""
    return {
        "VALETKEY_URL": local.url,
        "VALETKEY_API_KEY": local.secret,
        "USDC": f"0x{local.deployment.token.hex()}",
        "IMPLEMENTATION": f"0x{local.deployment.implementation.hex()}",
        "RPC": local.node.rpc_url,
        "VALETKEY_KEY": f"0x{dev_keys()[1].secret.hex()}",
    }
