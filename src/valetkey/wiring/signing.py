"""Where shares are joined: in a process that the server starts, or in one of another user."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

from valetkey.adapters.signer.asked import READY, ProcessSigner, SocketSigner
from valetkey.adapters.signer.guard import guard
from valetkey.adapters.signer.local import LocalSigner
from valetkey.adapters.signer.served import serving
from valetkey.adapters.surroundings import SystemClock, SystemEntropy
from valetkey.adapters.vault.sealed import SealedVault
from valetkey.wiring.rings import next_key_variable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

    from valetkey.adapters.vault.key_ring import KeyRing
    from valetkey.config import Config
    from valetkey.core.wallet import PublicKey
    from valetkey.ports import Signer

__all__ = ["READY", "expect_signer", "guard", "open_signer", "signing_on"]

_KEPT: Final = ("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "TMPDIR")  # of the environment


def open_signer(
    folder: Path, config: Config, environment: Mapping[str, str], approver: PublicKey
) -> Signer:
    """
    Return the signer that *config* names: one that listens already, or else one of our own.

    Our own gets nothing of the environment but what a program needs to start, and the variables
    that hold the key-encryption key.
    """
    if config.signer_socket:
        return SocketSigner(folder / config.signer_socket)
    command = [sys.executable, "-m", "valetkey", "signer", "--until-input-ends"]
    command += ["--approver", f"0x{approver.data.hex()}"]
    kept = set(_KEPT)
    if config.key_variable:
        command += ["--key-variable", config.key_variable]
        kept |= {config.key_variable, next_key_variable(config.key_variable)}
    else:
        command += ["--key-file", str((folder / config.key_file).absolute())]
    return ProcessSigner(command, {name: environment[name] for name in kept & {*environment}})


async def expect_signer(folder: Path, config: Config) -> None:
    """
    Let pass if the signer that *config* names, which another user runs, takes connections.

    Raises:
        Unavailable: It does not.
    """
    await SocketSigner(folder / config.signer_socket).check()


@asynccontextmanager
async def signing_on(
    path: Path, ring: KeyRing, approver: PublicKey, *, server_uid: int
) -> AsyncIterator[None]:
    """Have this process join shares for the server of *server_uid*, on a socket at *path*."""
    entropy = SystemEntropy()
    vault = SealedVault(ring, entropy)
    signer = LocalSigner(vault, approver, clock=SystemClock(), entropy=entropy)
    async with serving(signer, path, server_uid=server_uid):
        yield
