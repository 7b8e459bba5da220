"""The metrics, on a loopback port of their own: they are for the operator and for nobody else."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any, Final

from valetkey.http.answer import Answer, send_answer
from valetkey.telemetry.metrics import CONTENT_TYPE

if TYPE_CHECKING:
    from valetkey.http.answer import Send
    from valetkey.telemetry.metrics import Metrics

HOST: Final = "127.0.0.1"
PATH: Final = "/metrics"
MAX_CONNECTIONS: Final = 16
HEAD_WAIT_S: Final = 5.0
_PLAIN: Final = b"text/plain; charset=utf-8"


class MetricsPage:
    """
    Answers ``GET /metrics``, and nothing else.

    A page that somebody opens in a browser of this machine could reach the port under a name of its
    own (DNS rebinding); so only loopback addresses and ``localhost`` are answered.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    async def __call__(self, scope: dict[str, Any], receive: object, send: Send) -> None:
        """Answer one request."""
        del receive
        if scope["type"] != "http":
            return
        is_head = scope["method"] == "HEAD"
        await send_answer(send, self._answer(scope), "", is_head=is_head)

    def _answer(self, scope: dict[str, Any]) -> Answer:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not _is_ours(hosts[0].decode("latin-1")):
            return Answer(421, b"expected a loopback address as Host\n", _PLAIN, closes=True)
        if scope["path"] != PATH:
            return Answer(404, b"expected /metrics\n", _PLAIN)
        if scope["method"] not in {"GET", "HEAD"}:
            return Answer(405, b"expected GET\n", _PLAIN, ((b"allow", b"GET, HEAD"),), closes=True)
        return Answer(200, self._metrics.text(), CONTENT_TYPE)


def _is_ours(host: str) -> bool:
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdigit():
        name = host
    if name.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False
