"""Between a script and a node: everything goes through, and what was sent is remembered."""

from __future__ import annotations

import secrets
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import httpx
import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
_TIMEOUT_S: Final = 60.0
_POLL_S: Final = 0.02
_SENDING: Final = frozenset(
    {
        "eth_sendTransaction",
        "eth_sendTransactionSync",
        "eth_sendRawTransaction",
        "eth_sendRawTransactionSync",
    }
)
_JSON: Final = "application/json"
_HASH_CHARS: Final = 66


class Proxy:
    """
    A node as a script sees it.

    Args:
        upstream: URL of the node.
    """

    def __init__(self, upstream: str, client: httpx.Client) -> None:
        self._upstream = upstream
        self._client = client
        self._lock = threading.Lock()
        self._sent: dict[str, None] = {}
        # Nobody else on this machine knows the path: what is recorded is the script's.
        self.path = f"/{secrets.token_urlsafe(16)}"

    @property
    def sent(self) -> tuple[str, ...]:
        """The hashes of all transactions that the node took, in the order in which it did."""
        with self._lock:
            return tuple(self._sent)

    def forward(self, body: bytes) -> tuple[int, bytes]:
        """Return the status and the body that the node answers to *body*."""
        try:
            answer = self._client.post(
                self._upstream, content=body, headers={"content-type": _JSON}
            )
        except httpx.HTTPError as error:
            detail = f"the node does not answer: {type(error).__name__}"
            return 200, _problem(_parsed(body), detail)
        for tx_hash in _hashes(_parsed(body), _parsed(answer.content)):
            with self._lock:
                self._sent[tx_hash] = None
        return answer.status_code, answer.content


@contextmanager
def proxying(upstream: str) -> Iterator[tuple[str, Proxy]]:
    """Give the URL of a proxy in front of *upstream*, and end it afterwards."""
    with httpx.Client(timeout=_TIMEOUT_S, trust_env=False) as client:
        proxy = Proxy(upstream, client)
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(proxy))
        server.daemon_threads = True
        server.block_on_close = False
        thread = threading.Thread(target=server.serve_forever, args=(_POLL_S,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}{proxy.path}", proxy
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


def _handler_of(proxy: Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = _TIMEOUT_S

        def do_POST(self) -> None:
            length = self.headers.get("content-length", "")
            if self.path != proxy.path:
                self._answer(404, b"")
            elif self.headers.get_content_type() != _JSON:
                self._answer(415, b"")  # a page in a browser has to ask first, and gets no answer
            elif not length.isdecimal() or int(length) > MAX_BODY_BYTES:
                self._answer(413, b"")
            else:
                self._answer(*proxy.forward(self.rfile.read(int(length))))

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("content-type", _JSON)
            self.send_header("content-length", str(len(body)))
            if not body:
                self.send_header("connection", "close")  # what else was sent is not read
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Stay silent."""

    return Handler


def _parsed(body: bytes) -> list[dict[str, Any]]:
    """Return the questions or answers in *body*, one or a batch; what is none is left out."""
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return []
    listed = value if isinstance(value, list) else [value]
    return [one for one in listed if isinstance(one, dict)]


def _hashes(questions: list[dict[str, Any]], answers: list[dict[str, Any]]) -> Iterator[str]:
    sending = [one.get("id") for one in questions if str(one.get("method")) in _SENDING]
    for answer in answers:
        result = answer.get("result")
        if answer.get("id") not in sending or result is None:
            continue
        tx_hash = result.get("transactionHash") if isinstance(result, dict) else result
        if isinstance(tx_hash, str) and len(tx_hash) == _HASH_CHARS:
            yield tx_hash


def _problem(questions: list[dict[str, Any]], detail: str) -> bytes:
    number = questions[0].get("id") if questions else None
    error = {"code": -32603, "message": detail}
    return msgspec.json.encode({"jsonrpc": "2.0", "id": number, "error": error})
