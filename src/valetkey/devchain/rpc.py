"""Plain JSON-RPC, for setting a local chain up."""

from __future__ import annotations

import itertools
import select
import threading
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import urlsplit

import msgspec

from valetkey.core.errors import Code, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

CHAIN_ID = 31337

_TIMEOUT_S = 30.0
_OK = 200
_HEADERS: Final = {"content-type": "application/json"}


class NodeError(Exception):
    """The node answered with a JSON-RPC error: its *code*, its *text* and its *data*."""

    def __init__(self, code: int, text: str, data: object) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.data = data


class Rpc:
    """
    One local node, asked one question at a time.

    Args:
        carry: How questions travel, for a node that is in this process.
    """

    def __init__(self, url: str, *, carry: Callable[[bytes], bytes] | None = None) -> None:
        self.url = url
        self._ids = itertools.count(1)
        self._line = _Line(url)
        self._carry = carry or self._line.carry

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection."""
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def ask(self, method: str, *params: object) -> Any:  # noqa: ANN401 - any JSON value
        """
        Return the node's result for *method*.

        Raises:
            NodeError: It answered with an error.
            Unavailable: It did not answer.
        """
        question = {"jsonrpc": "2.0", "id": next(self._ids), "method": method, "params": params}
        try:
            answer = msgspec.json.decode(self._carry(msgspec.json.encode(question)))
        except (HTTPException, OSError, msgspec.DecodeError) as error:
            raise Unavailable(
                Code.CHAIN_UNREACHABLE, f"the local chain does not answer: {type(error).__name__}"
            ) from None
        if "error" in answer:
            said = answer["error"]
            raise NodeError(said["code"], said["message"], said.get("data"))
        return answer["result"]


class _Line:
    """A connection that is kept. A general client costs four times the time of a local answer."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._connection = kind(parts.hostname or "", parts.port, timeout=_TIMEOUT_S)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._turn = threading.Lock()

    def carry(self, question: bytes) -> bytes:
        """Return the body of the answer to *question*."""
        with self._turn:
            try:
                if self._has_ended():
                    self._connection.close()
                self._connection.request("POST", self._path, question, _HEADERS)
                answer = self._connection.getresponse()
                body = answer.read()
            except BaseException:
                self._connection.close()  # half an answer may be in it
                raise
        if answer.status != _OK:
            raise HTTPException(f"expected status {_OK}, got {answer.status}")
        return body

    def close(self) -> None:
        """Close the connection; the next question opens another."""
        self._connection.close()

    def _has_ended(self) -> bool:
        """Say whether the node closed it: nothing else can be read before a question is asked."""
        kept = self._connection.sock
        if kept is None:
            return False
        look = select.poll()
        look.register(kept, select.POLLIN)
        return bool(look.poll(0))
