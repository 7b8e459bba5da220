"""Events against SIGKILL: none is lost, none is told that did not happen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.children import reaped
from tests.leaks import note_output
from tests.worlds import principal_of
from valetkey.core.activity import Request
from valetkey.core.organization import User
from valetkey.core.webhook import Delivery, DeliveryState, Turn, Waiting
from valetkey.flows.deliver import LEASE_S
from valetkey.flows.organize import found
from valetkey.flows.webhooks import add_webhook
from valetkey.spec.standard_webhooks import is_signed, read_secret
from valetkey.wiring import init, wire

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
CRASHES: Final = (
    "store:before_commit:2",
    "webhook:before_send:1",
    "store:after_commit:3",
    "webhook:after_send:1",
    "store:before_commit:4",
    "webhook:after_send:2",
)


class Receiver(ThreadingHTTPServer):
    """A receiver that keeps what it gets, on a thread for each connection."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        """Keep a message."""
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append((dict(self.headers.items()), body))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
        """Say nothing."""


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Give a receiver while the block runs."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.shutdown()
        thread.join()
        receiver.server_close()


def start(folder: Path, name: str, ahead_s: int, crash_at: str | None) -> subprocess.Popen[str]:
    """Start a process that makes and tells events."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("VALETKEY_")}
    crash = {} if crash_at is None else {"VALETKEY_CRASH_AT": crash_at}
    return subprocess.Popen(  # noqa: S603 - ourselves
        [sys.executable, "-m", "tests.crash.teller", str(folder), name, str(ahead_s)],
        cwd=ROOT,
        env={**kept, **crash},
        stderr=subprocess.PIPE,
        text=True,
    )


def end(process: subprocess.Popen[str]) -> int:
    """Return how a process ended, its errors noted."""
    with reaped(process):
        _, said = process.communicate(timeout=120)
    note_output("teller", said)
    return process.returncode


async def prepare(folder: Path, url: str) -> str:
    """Make a server without chains, with one organization and its webhook; return the secret."""
    await init(folder, "webhooks_allow_private = true\n[chains]\n", {})
    async with wire(folder, {}) as wired:
        organization, token = await found(wired.world, name="Acme")
        who = await principal_of(wired.world, token)
        _, secret = await add_webhook(
            wired.world, who, Request("hook", ""), url=url, events=["user:*"], label=""
        )
    setup = {"organization_id": organization.id, "credential_id": who.subject_id}
    (folder / "setup.json").write_text(json.dumps(setup))
    return secret or ""


async def check(folder: Path, receiver: Receiver, secret: str) -> None:
    """Compare what was received with what there is."""
    bodies: dict[str, Any] = {}
    for fields, body in receiver.got:
        at, signed = int(fields["webhook-timestamp"]), fields["webhook-signature"]
        assert is_signed(read_secret(secret), fields["webhook-id"], at, body, signed)
        assert bodies.setdefault(fields["webhook-id"], body) == body
    told = [json.loads(body)["subject_id"] for body in bodies.values()]
    async with wire(folder, {}) as wired:
        store = wired.world.store
        users = await store.read(lambda view: view.find(User))
        assert sorted(told) == sorted(one.id for one in users)
        deliveries = await store.read(lambda view: view.find(Delivery))
        assert {one.state for one in deliveries} == {DeliveryState.DELIVERED}
        assert await store.read(lambda view: view.find(Waiting)) == []
        assert await store.read(lambda view: view.find(Turn)) == []


async def test_killed_in_between_no_event_is_lost_or_invented(tmp_path: Path) -> None:
    """
    Whoever dies, wherever: the receiver has what happened, and nothing else.

    Afterwards two processes that live share the work, and send nothing twice.
    """
    folder = tmp_path / "server"
    with receiving() as receiver:
        secret = await prepare(folder, receiver.url)
        for number, crash_at in enumerate(CRASHES):
            killed = start(folder, f"c{number}", number * (LEASE_S + 1), crash_at)
            assert end(killed) == -signal.SIGKILL, crash_at
        ahead_s = len(CRASHES) * (LEASE_S + 1)
        assert end(start(folder, "after", ahead_s, None)) == 0
        before = len(receiver.got)
        both = [start(folder, name, ahead_s + 1, None) for name in ("left", "right")]
        assert [end(one) for one in both] == [0, 0]
        assert end(start(folder, "last", ahead_s + LEASE_S + 2, None)) == 0
        ids = Counter(fields["webhook-id"] for fields, _ in receiver.got[before:])
        assert len(ids) == 9
        assert set(ids.values()) == {1}
        await check(folder, receiver, secret)
