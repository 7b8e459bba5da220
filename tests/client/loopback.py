"""A small real HTTP server on loopback that answers what a test says."""

from __future__ import annotations

import json
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Came:
    """A request, as it came. Header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Said:
    """
    An answer.

    Args:
        body: JSON values, or bytes as they are.
        hangs_up: Close the connection without any answer.
    """

    status: int = 200
    body: object = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs_up: bool = False


@dataclass(frozen=True, slots=True)
class Loopback:
    """A server that runs, and everything that came."""

    url: str
    came: list[Came]


@contextmanager
def answering(answer: Callable[[Came], Said]) -> Iterator[Loopback]:
    """Serve *answer* while the block runs."""
    came: list[Came] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            length = int(self.headers.get("content-length", "0"))
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Came(self.command, self.path, headers, self.rfile.read(length))
            came.append(request)
            said = answer(request)
            if said.hangs_up:
                self.close_connection = True
                return
            content = said.body if isinstance(said.body, bytes) else json.dumps(said.body).encode()
            self.send_response(said.status)
            fields = {"content-type": "application/json", **said.headers}
            for name, value in {**fields, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_POST = do_GET  # noqa: N815 - the name that the library calls

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Stay silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield Loopback(f"http://127.0.0.1:{server.server_port}", came)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _first_event(told: httpx.Response) -> bytes:
    """Return a stream up to the end of its first event: it breaks off there."""
    read = b""
    for chunk in told.iter_bytes():
        read += chunk
        if b"event:" in read:
            break
    return read


@contextmanager
def lying(upstream: str, lies: dict[str, Callable[[dict[str, Any]], object]]) -> Iterator[Loopback]:
    """
    Stand between a client and *upstream*, and change what it answers.

    Args:
        lies: By a piece of the target: what to do to the answer's JSON; ``status_of_the_lie`` in it
            is the status, and ``hangs_up`` that there is no answer. May change while it runs.
    """
    with httpx.Client(base_url=upstream) as client:

        def answer(request: Came) -> Said:
            headers = {k: v for k, v in request.headers.items() if k not in {"host", "connection"}}
            ask = client.build_request(
                request.method, request.target, content=request.body, headers=headers
            )
            told = client.send(ask, stream=True)
            with closing(told):
                if told.headers["content-type"] == "text/event-stream":
                    kind = {"content-type": told.headers["content-type"]}
                    return Said(told.status_code, _first_event(told), kind)
                told.read()
            body = told.json()
            for piece, lie in lies.items():
                if piece in request.target:
                    lie(body)
            if body.pop("hangs_up", False):
                return Said(hangs_up=True)
            status = body.pop("status_of_the_lie", told.status_code)
            return Said(status, body, {"content-type": told.headers["content-type"]})

        with answering(answer) as loopback:
            yield loopback
