"""The servers that are measured: each a process of its own on one core, on loopback."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PEERS: Final = Path(__file__).parent / "peers"
FACTS: Final = json.loads((PEERS / "facts.json").read_text())
_PORT: Final = re.compile(rb'"port": ?(\d+)|listening on http://[^:]+:(\d+)')
_STOP_S: Final = 10.0

Fields = dict[str, str]


class Missing(Exception):
    """Something that the bench needs is not here."""


def request(method: str, path: str, fields: Fields, body: bytes = b"") -> bytes:
    """Return a request as it goes over the wire."""
    fields = {"host": "127.0.0.1", **fields}
    if body or method == "POST":
        fields["content-length"] = str(len(body))
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


def form(path: str, fields: Fields, **values: str) -> bytes:
    """Return a request with a form."""
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return request("POST", path, {**kind, **fields}, urlencode(values).encode())


@dataclass(frozen=True, slots=True)
class Peer:
    """
    A server of somebody else's making, as `peers/` sets it up.

    Args:
        file: In `peers/`.
        open: Opens a session.
        proof: What of the answer to *open* proves the session: its body, its cookie.
        check: Asks what the session of a proof is.
    """

    name: str
    file: str
    open: bytes
    proof: Callable[[bytes, bytes], str]
    check: Callable[[str], bytes]


def _cookie(_: bytes, cookie: bytes) -> str:
    return cookie.decode()


def _by_cookie(path: str) -> Callable[[str], bytes]:
    return lambda cookie: request("GET", path, {"cookie": cookie})


_KEY: Final = {"authorization": f"Bearer {FACTS['secret']}"}
_CLIENT: Final = {"client_id": "backend", "client_secret": FACTS["secret"]}

OIDC_PROVIDER: Final = Peer(
    "oidc-provider",
    "oidc_peer.mjs",
    form("/token", {}, grant_type="client_credentials", scope="read", **_CLIENT),
    lambda body, _: str(json.loads(body)["access_token"]),
    lambda token: form("/token/introspection", {}, token=token, **_CLIENT),
)
EXPRESS_SESSION: Final = Peer(
    "express-session",
    "express_peer.mjs",
    request("POST", "/sessions", _KEY),
    _cookie,
    _by_cookie("/session"),
)
BETTER_AUTH: Final = Peer(
    "better-auth",
    "better_auth_peer.mjs",
    request("POST", "/api/auth/open", {**_KEY, "content-type": "application/json"}, b"{}"),
    _cookie,
    _by_cookie("/api/auth/get-session"),
)
DJANGO: Final = Peer(
    "Django", "django_peer.py", request("POST", "/sessions", _KEY), _cookie, _by_cookie("/session")
)
EVERY_PEER: Final = (OIDC_PROVIDER, EXPRESS_SESSION, BETTER_AUTH, DJANGO)


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs."""

    port: int
    pid: int


@contextlib.contextmanager
def own_core() -> Iterator[None]:
    """Let what is started meanwhile run on a core where the load does not, if there are two."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, cores[:1])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def stay_off() -> None:
    """Leave the servers' core to them, for good."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[1:] or cores)


@contextlib.contextmanager
def started(command: tuple[str, ...], log: Path, **variables: str) -> Iterator[Server]:
    """
    Start a server, give it when it says its port, and end it.

    It ends as well when we do, however that is: its standard input ends then.

    Args:
        log: Where its standard error goes.
        variables: Of its environment, beside ours.

    Raises:
        Missing: It does not start; what it said is in the error.
    """
    environment = {**os.environ, "NODE_ENV": "production", **variables}
    with log.open("wb") as errors:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            cwd=PEERS,
        )
    try:
        yield Server(_port(child, command, log), child.pid)
    finally:
        child.terminate()
        try:
            child.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


def _port(child: subprocess.Popen[bytes], command: tuple[str, ...], log: Path) -> int:
    for line in child.stdout or ():
        found = _PORT.search(line)
        if found:
            return int(found[1] or found[2])
    said = log.read_text(errors="replace")[-2000:]
    raise Missing(f"expected {Path(command[1]).name} to start, it said: {said}")


def peer_command(peer: Peer, folder: Path) -> tuple[str, ...]:
    """Return how *peer* is started, with its database in *folder*."""
    database = str(folder / f"{peer.file.partition('.')[0]}.db")
    program = str(PEERS / ".venv/bin/python") if peer.file.endswith(".py") else "node"
    return (program, str(PEERS / peer.file), database)


def own_command(home: Path) -> tuple[str, ...]:
    """Return how this server is started."""
    return (
        *(sys.executable, "-m", "valetkey", "serve", "--home", str(home)),
        *("--port", "0", "--until-input-ends"),
    )


def check_peers() -> None:
    """
    Refuse to begin without what is measured against.

    Raises:
        Missing: Something is not installed, or the system cannot tell processor times.
    """
    wanted = {
        "the peers in Node (make bench installs them)": PEERS / "node_modules/better-sqlite3/build",
        "the peer in Python (make bench installs it)": PEERS / ".venv/bin/python",
        "Linux, which tells processor times in /proc": Path("/proc/self/schedstat"),
    }
    for what, path in wanted.items():
        if not path.exists():
            raise Missing(f"expected {what}, got no {path.name}")
