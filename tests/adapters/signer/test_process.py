"""The signer's own process: who reaches it, what can be seen of it, what happens when it ends."""

from __future__ import annotations

import asyncio
import os
import resource
import select
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.adapters.signer.orders import Bench, bench
from valetkey.adapters.signer.asked import ProcessSigner, SocketSigner
from valetkey.adapters.signer.frames import MAX_FRAME_BYTES
from valetkey.adapters.signer.local import LocalSigner
from valetkey.adapters.signer.served import serving
from valetkey.adapters.surroundings import SystemClock, SystemEntropy
from valetkey.core.custody import Purpose
from valetkey.core.errors import Code, Forbidden, Unavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DIGEST = b"\x05" * 32


@pytest_asyncio.fixture
async def at(tmp_path: Path) -> AsyncIterator[Bench]:
    """Give a signer in a process of its own."""
    async with bench("process", tmp_path, dict(os.environ)) as made:
        yield made


def process_of(at: Bench) -> ProcessSigner:
    """Return the signer as what it is."""
    assert isinstance(at.signer, ProcessSigner)
    return at.signer


async def test_it_is_another_process_that_ends_with_its_server(at: Bench) -> None:
    """The key is joined elsewhere; closing leaves neither process nor socket."""
    signer = process_of(at)
    pid, folder = signer.pid, signer.socket.parent
    assert pid is not None
    assert pid != os.getpid()
    assert (_mode(signer.socket), _mode(folder)) == (0o600, 0o700)
    await signer.close()
    assert signer.pid is None
    assert not os.access(folder, os.F_OK)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
async def test_nothing_of_it_is_written_to_a_disk_or_read_from_outside(at: Bench) -> None:
    """No core, and the kernel gives its memory to root alone: it is not dumpable."""
    pid = process_of(at).pid or 0
    assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
    assert _owner(f"/proc/{pid}/mem") == 0  # its own user's, if it were dumpable
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):
            os.open(f"/proc/{pid}/mem", os.O_RDONLY)


async def test_one_that_is_killed_in_the_middle_is_started_again(at: Bench) -> None:
    """The order gets a clear error, nothing is lost, and the next one is carried out."""
    key, signer = await at.make(), process_of(at)
    before = await at.sign(key, DIGEST)
    pid = signer.pid or 0
    os.kill(pid, signal.SIGSTOP)  # it takes the order, and goes no further
    asked = asyncio.ensure_future(at.sign(key, DIGEST))
    for _ in range(100):  # so that it is on its way
        await asyncio.sleep(0)
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(Unavailable) as refused:
        await asked
    assert refused.value.code is Code.SIGNER_UNAVAILABLE
    assert await at.sign(key, DIGEST) == before
    assert signer.pid not in {None, pid}


async def test_an_approval_does_not_outlive_the_signer_that_it_was_given_to(at: Bench) -> None:
    """A new one knows nothing of what was used, so it takes nothing from before it began."""
    key, signer = await at.make(), process_of(at)
    order = await at.order(Purpose.SIGN, message=DIGEST, **key.order_facts)
    await signer.carry_out(order)
    pid = signer.pid or 0
    os.kill(pid, signal.SIGKILL)
    await asyncio.to_thread(_wait_for_end, pid)
    await signer.check()
    with pytest.raises(Forbidden) as refused:
        await signer.carry_out(order)
    assert refused.value.code is Code.APPROVAL_REFUSED


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        (MAX_FRAME_BYTES + 1).to_bytes(4),
        (4).to_bytes(4) + b"\xc1\xc1\xc1\xc1",
        (1).to_bytes(4) + b"\x80",
        (100).to_bytes(4) + b"cut",
    ],
    ids=["nothing", "another protocol", "too long", "no msgpack", "no order", "cut"],
)
async def test_what_is_no_order_does_not_end_it(at: Bench, sent: bytes) -> None:
    """Whoever may connect may send anything; the next order is carried out."""
    key = await at.make()
    reader, writer = await asyncio.open_unix_connection(process_of(at).socket)
    writer.write(sent)
    writer.write_eof()
    await reader.read()
    writer.close()
    assert await at.sign(key, DIGEST)


@pytest.mark.skipif(not hasattr(socket, "SO_PEERCRED"), reason="this system does not say who asks")
async def test_another_user_is_not_answered(at: Bench, tmp_path: Path) -> None:
    """The kernel says who is on the other side: not the server's user, no answer."""
    local = LocalSigner(
        at.vault, at.approver.public_key, clock=SystemClock(), entropy=SystemEntropy()
    )
    path = tmp_path / "s"
    order = await at.order(Purpose.CREATE, plan={"makes": 1})
    async with serving(local, path, server_uid=os.geteuid() + 1):
        assert _mode(path) == 0o660
        with pytest.raises(Unavailable) as refused:
            await SocketSigner(path).carry_out(order)
    assert refused.value.code is Code.SIGNER_UNAVAILABLE


async def test_one_that_cannot_start_is_said_so(tmp_path: Path) -> None:
    """A wrong command is an error of the signer, not a request that waits for ever."""
    signer = ProcessSigner([sys.executable, "-c", "raise SystemExit(3)"], {})
    with pytest.raises(Unavailable) as refused:
        await signer.check()
    assert refused.value.code is Code.SIGNER_UNAVAILABLE
    with pytest.raises(Unavailable):
        await SocketSigner(tmp_path / "nobody").check()
    await signer.close()


async def test_it_ends_when_its_server_is_killed(tmp_path: Path) -> None:
    """Nothing is left behind that could be asked: its input ends with the server."""
    program = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from tests.adapters.signer.orders import bench\n"
        "async def main():\n"
        "    async with bench('process', Path(sys.argv[1]), dict(os.environ)) as at:\n"
        "        print(at.signer.pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(tmp_path), stdout=subprocess.PIPE
    )
    assert server.stdout is not None
    pid = int(await server.stdout.readline())
    os.kill(pid, 0)
    server.kill()
    await server.wait()
    await asyncio.to_thread(_wait_for_end, pid)


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def _owner(path: str) -> int:
    return Path(path).stat().st_uid


def _wait_for_end(pid: int) -> None:
    descriptor = os.pidfd_open(pid)
    try:
        assert select.select([descriptor], [], [], 60)[0]
    finally:
        os.close(descriptor)
