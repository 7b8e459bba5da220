"""The signer behind its socket: who may connect, and what they are answered."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Final

import msgspec

from valetkey.adapters.signer.frames import (
    read_frame,
    read_order,
    write_answer,
    write_frame,
    write_refusal,
)
from valetkey.core.errors import Code, Forbidden, Unavailable, ValetkeyError

if TYPE_CHECKING:
    from asyncio import StreamReader, StreamWriter
    from collections.abc import AsyncIterator
    from pathlib import Path

    from valetkey.ports import Signer

__all__ = ["serving"]

READ_S: Final = 10.0
MAX_CONNECTIONS: Final = 64
_PEER: Final = struct.Struct("3i")  # pid, uid, gid
_OWN_ONLY: Final = 0o177
_GROUP_TOO: Final = 0o117


@asynccontextmanager
async def serving(signer: Signer, path: Path, *, server_uid: int) -> AsyncIterator[None]:
    """
    Have *signer* answer on a Unix socket at *path* meanwhile.

    The socket is its owner's alone (0600); where the server is another user, its group's, too
    (0660), which the folder decides. Whoever connects is asked for by the kernel's word: the
    server's user, and nobody else.

    Args:
        server_uid: Of the user that may connect.
    """
    turns = asyncio.Semaphore(MAX_CONNECTIONS)

    async def answer(reader: StreamReader, writer: StreamWriter) -> None:
        async with turns:
            try:
                if _peer_uid(writer) == server_uid:
                    await _answer(signer, reader, writer)
            finally:
                writer.close()

    await asyncio.to_thread(path.unlink, missing_ok=True)
    before = os.umask(_OWN_ONLY if server_uid == os.geteuid() else _GROUP_TOO)
    try:
        server = await asyncio.start_unix_server(answer, path)
    finally:
        os.umask(before)
    async with server:
        yield
    await asyncio.to_thread(path.unlink, missing_ok=True)


async def _answer(signer: Signer, reader: StreamReader, writer: StreamWriter) -> None:
    with suppress(EOFError, OSError, TimeoutError):
        async with asyncio.timeout(READ_S):
            frame = await read_frame(reader)
        await write_frame(writer, await _answered(signer, frame))


async def _answered(signer: Signer, frame: bytes) -> bytes:
    try:
        return write_answer(await signer.carry_out(read_order(frame)))
    except msgspec.MsgspecError:
        detail = "expected an order, got something else"
        return write_refusal(Forbidden(Code.APPROVAL_REFUSED, detail))
    except ValetkeyError as refused:
        return write_refusal(refused)
    except Exception as error:  # noqa: BLE001 - its text may hold what it was about
        detail = f"the signer could not do it: {type(error).__name__}"
        return write_refusal(Unavailable(Code.SIGNER_UNAVAILABLE, detail))


def _peer_uid(writer: StreamWriter) -> int:
    """Return who is on the other side; on systems that do not say, whoever may open the socket."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return os.geteuid()
    connected: socket.socket = writer.get_extra_info("socket")
    told = connected.getsockopt(socket.SOL_SOCKET, option, _PEER.size)
    return int(_PEER.unpack(told)[1])
