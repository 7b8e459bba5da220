"""``valetkey signer``: the process in which the shares of split wallets are joined."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from valetkey.cli.terminal import Terminal, Verb
from valetkey.cli.told import told_to_stop
from valetkey.core.errors import Code, Malformed
from valetkey.core.wallet import Curve, PublicKey
from valetkey.spec.keys import PublicKeyError, canonical_public_key
from valetkey.wire.base import read_bytes
from valetkey.wiring.rings import ring_of
from valetkey.wiring.signing import READY, guard, signing_on

if TYPE_CHECKING:
    from collections.abc import Callable

    from valetkey.wiring.rings import KeyRing

_KEY_BYTES: Final = 32
_PATH: Final = click.Path(path_type=Path)


@click.command(cls=Verb)
@click.option("--socket", "path", type=_PATH, required=True, help="Where to listen.")
@click.option("--approver", required=True, help="The server's key that approves (keys list).")
@click.option("--key-file", type=_PATH, help="The key-encryption key, mode 0600.")
@click.option("--key-variable", help="Name of a variable that holds it instead.")
@click.option("--server-uid", type=int, help="The user of the server; this one's unless told.")
@click.option("--until-input-ends", is_flag=True, help="Stop when standard input ends.")
@click.pass_obj
def signer(
    terminal: Terminal,
    *,
    path: Path,
    approver: str,
    key_file: Path | None,
    key_variable: str | None,
    server_uid: int | None,
    until_input_ends: bool,
) -> None:
    """
    Join shares of split wallets, for what a server approves, and nothing else.

    A server starts one by itself. To have it run as another user, start it there and name its
    socket in the server's configuration (signer_socket).
    """
    in_force = guard()
    key = _approver(approver)
    uid = os.geteuid() if server_uid is None else server_uid

    def listening() -> None:
        if until_input_ends:
            sys.stdout.buffer.write(READY)
        else:
            terminal.say(f"the signer listens on {path} for user {uid} ({', '.join(in_force)})")
        sys.stdout.flush()

    ring = ring_of(key_file, key_variable or "", os.environ)
    running = _run(
        path,
        key,
        ring,
        server_uid=uid,
        listening=listening,
        stops_with_input=until_input_ends,
    )
    asyncio.run(running)


async def _run(
    path: Path,
    approver: PublicKey,
    ring: KeyRing,
    *,
    server_uid: int,
    listening: Callable[[], None],
    stops_with_input: bool,
) -> None:
    told = told_to_stop(stops_with_input=stops_with_input)
    async with signing_on(path, ring, approver, server_uid=server_uid):
        listening()
        await told.wait()


def _approver(text: str) -> PublicKey:
    data = read_bytes(text, "--approver", count=_KEY_BYTES)
    try:
        return PublicKey(Curve.ED25519, canonical_public_key(Curve.ED25519, data))
    except PublicKeyError as error:
        raise Malformed(Code.MALFORMED_BODY, f"--approver: {error}") from None
