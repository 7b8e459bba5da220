"""Every command by its name; a command's module is imported when it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import Final

import click

from valetkey import __version__

_COMMANDS: Final = {
    "demo": "valetkey.cli.demo:demo",
    "dev": "valetkey.cli.dev:dev",
    "init": "valetkey.cli.init:init",
    "serve": "valetkey.cli.serve:serve",
    "signer": "valetkey.cli.signer:signer",
    "wallet": "valetkey.cli.wallet:wallet",
    "split": "valetkey.cli.split:split",
    "session": "valetkey.cli.session:session",
    "top": "valetkey.cli.top:top",
    "exposure": "valetkey.cli.exposure:exposure",
    "permission": "valetkey.cli.permission:permission",
    "credential": "valetkey.cli.credential:credential",
    "identity-provider": "valetkey.cli.provider:provider",
    "webhook": "valetkey.cli.webhook:webhook",
    "record": "valetkey.cli.record:record",
    "approvals": "valetkey.cli.approvals:approvals",
    "kill": "valetkey.cli.kill:kill",
    "fund": "valetkey.cli.fund:fund",
    "drill": "valetkey.cli.drill:drill",
    "keys": "valetkey.cli.keys:keys",
    "organization": "valetkey.cli.organization:organization",
    "audit": "valetkey.cli.audit:audit",
    "doctor": "valetkey.cli.doctor:doctor",
}


class Commands(click.Group):
    """The group of all commands, in the order in which a newcomer meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command called *cmd_name*, or None."""
        del ctx
        place = _COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, name = place.partition(":")
        found: click.Command = getattr(import_module(module), name)
        return found


@click.command(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 refused or broken, 2 used wrongly, 3 a server or chain does not"
    " answer. Every command has --json (one document on standard output) and --debug.",
)
@click.version_option(__version__, message="valetkey %(version)s")
def main() -> None:
    """Sessions for wallets: limited, expiring, revocable power, on your own server."""
