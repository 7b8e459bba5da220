"""``valetkey top``: to a program, to a pipe, and to a person who quits."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from tests.children import reaped
from tests.cli.program import TIMEOUT_S, command_of, valetkey
from tests.leaks import note_output
from valetkey import Valetkey

if TYPE_CHECKING:
    from tests.cli.conftest import Live


_FRAMES = 4


def reader_of(live: Live, label: str) -> str:
    """Return a new session that reads."""
    with Valetkey(live.local.url, api_key=live.local.secret) as server:
        return server.sessions.open_reader(expires_in=600, label=label).session.id


def test_once_is_one_document(live: Live) -> None:
    """What is in use, and nothing of what is over."""
    session_id, gone_id = reader_of(live, "shop"), reader_of(live, "gone")
    with Valetkey(live.local.url, api_key=live.local.secret) as server:
        server.sessions.revoke(gone_id)
    shown = valetkey("top", "--once", "--json", env=live.env)
    assert shown.code == 0
    rows = {one["session_id"]: one for one in shown.document["sessions"]}
    assert rows[session_id]["label"] == "shop"
    assert gone_id not in rows
    told = valetkey("top", "--once", env=live.env)
    assert told.code == 0
    assert session_id in told.out
    assert "\x1b" not in told.out


def test_a_program_gets_a_line_for_each_change_until_it_has_enough(live: Live) -> None:
    """Ctrl-C is how it ends, so it ends with 0."""
    child = subprocess.Popen(  # noqa: S603 - ourselves
        command_of("top", "--json"),
        env={**os.environ, **live.env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with reaped(child):
        assert child.stdout is not None
        before = json.loads(child.stdout.readline())
        session_id = reader_of(live, "new")
        assert session_id not in str(before)
        while session_id not in str(json.loads(child.stdout.readline())):
            pass
        child.send_signal(signal.SIGINT)
        _, log = child.communicate(timeout=TIMEOUT_S)
    note_output("top", log.decode())
    assert child.returncode == 0


@pytest.mark.parametrize("key", [b"q", b"\x03"], ids=["q", "ctrl-c"])
def test_a_person_quits_with_a_key(live: Live, key: bytes) -> None:
    """The table is left standing, and the terminal is as it was."""
    session_id = reader_of(live, "seen")
    ours, theirs = pty.openpty()
    child = subprocess.Popen(  # noqa: S603 - ourselves
        command_of("top"),
        env={**os.environ, **live.env, "TERM": "xterm-256color"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        preexec_fn=_take_terminal,  # noqa: PLW1509 - one thread, and Ctrl-C goes to its terminal
    )
    with reaped(child):
        os.close(theirs)
        written = bytearray()
        reading = threading.Thread(target=_read_all, args=(ours, written), daemon=True)
        reading.start()
        while written.count(session_id.encode()) < _FRAMES and child.poll() is None:
            reading.join(0.01)  # drawn again: the program waits for the server by now
        os.write(ours, key)
        assert child.wait(TIMEOUT_S) == 0
    reading.join()
    os.close(ours)
    note_output("top", bytes(written).decode())
    assert written.count(b"\x1b[?25h")  # the cursor is back


def test_a_key_that_does_not_read_is_refused(live: Live) -> None:
    """One sentence, and 1."""
    env = live.env | {"VALETKEY_API_KEY": "vk_secret_" + "a" * 43}
    refused = valetkey("top", "--json", env=env)
    assert (refused.code, refused.error) == (1, "proof_refused")


def _take_terminal() -> None:
    import fcntl  # noqa: PLC0415 - in the child
    import termios  # noqa: PLC0415

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _read_all(descriptor: int, written: bytearray) -> None:
    """Read what comes until the other side is closed: a program waits until it is read."""
    with suppress(OSError):  # Linux says it so when the other side is closed
        while part := os.read(descriptor, 4096):
            written += part
