"""Asynchronous JSON-RPC with limits, over one pinned address."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from valetkey.core.errors import Code, Unavailable

if TYPE_CHECKING:
    from valetkey.adapters.outbound.endpoint import Endpoint, Pinned

_TOO_MANY_REQUESTS = 429
_LIMIT_EXCEEDED = -32005  # EIP-1474
_NOT_NOW = frozenset({-32002, _LIMIT_EXCEEDED})
_TEXT_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What a node may cost us.

    Args:
        timeout_s: For one question and its whole answer.
        answer_bytes: The longest answer that is read.
        connections: Open at once.
    """

    timeout_s: float = 10.0
    answer_bytes: int = 2 * 1024 * 1024
    connections: int = 20


class NodeRefused(Exception):
    """
    The node answered with a JSON-RPC error.

    Args:
        code: JSON-RPC's number.
        text: The node's words, shortened, printable.
        data: What came along, as JSON.
    """

    def __init__(self, code: int, text: str, data: object) -> None:
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text
        self.data = data


class _Error(msgspec.Struct):
    code: int
    message: str = ""
    data: Any = None


class _Answer(msgspec.Struct):
    id: int | str | None = None
    result: Any = msgspec.UNSET
    error: _Error | None = None


class Rpc:
    """
    One node. Made before any event loop runs; used from one loop.

    Args:
        transport: How questions travel; None is over the network.

    Every question raises `Unavailable` when no usable answer comes in time, and `NodeRefused` when
    the node answers with an error.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        limits: Limits,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._limits = limits
        self._ids = itertools.count(1)
        self._decoder = msgspec.json.Decoder(_Answer)
        self._pinned: Pinned | None = None
        self.dated: int | None = None  # the Date of the newest answer, in Unix seconds
        # A transport, not a client: a client logs the whole URL, and a provider's secret is in it.
        self._transport = transport or httpx.AsyncHTTPTransport(
            trust_env=False, limits=httpx.Limits(max_connections=limits.connections)
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.aclose()

    async def ask(self, method: str, *params: object) -> Any:  # noqa: ANN401 - any JSON value
        """Return the node's result for *method*."""
        number = next(self._ids)
        question = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                status, body = await self._post(msgspec.json.encode(question))
        except (TimeoutError, httpx.TimeoutException):
            self._pinned = None
            raise _silent(f"did not answer within {self._limits.timeout_s:g} s") from None
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError) as error:
            self._pinned = None
            raise _silent(f"cannot be reached ({type(error).__name__})") from None
        return self._result(number, status, body)

    async def _post(self, question: bytes) -> tuple[int, bytes]:
        """Return the status and the body, read no further than the limit."""
        if self._pinned is None:
            self._pinned = await self._endpoint.resolve()
        request = httpx.Request(
            "POST",
            self._pinned.url,
            content=question,
            headers={
                **self._pinned.headers,
                "content-type": "application/json",
                "accept-encoding": "identity",
            },
            extensions={
                **self._pinned.extensions,
                "timeout": httpx.Timeout(self._limits.timeout_s).as_dict(),
            },
        )
        response = await self._transport.handle_async_request(request)
        self.dated = _seconds(response.headers.get("date", ""))
        try:
            return response.status_code, await self._body(response)
        finally:
            await response.aclose()

    async def _body(self, response: httpx.Response) -> bytes:
        if "content-encoding" in response.headers:
            raise _silent("sent a compressed answer, which was not asked for")
        body = bytearray()
        async for part in response.aiter_raw():
            body += part
            if len(body) > self._limits.answer_bytes:
                raise _silent(f"sent more than {self._limits.answer_bytes} bytes in one answer")
        return bytes(body)

    def _result(self, number: int, status: int, body: bytes) -> Any:  # noqa: ANN401 - any JSON value
        if status == _TOO_MANY_REQUESTS:
            raise _silent("asks us to slow down (HTTP 429)")
        try:
            answer = self._decoder.decode(body)
        except (msgspec.DecodeError, RecursionError, ValueError):
            raise _silent(f"sent no JSON-RPC answer (HTTP {status})") from None
        if answer.error is not None and answer.id in {number, None}:
            if answer.error.code in _NOT_NOW:
                raise _silent(f"asks us to slow down: {_printable(answer.error.message)}")
            raise NodeRefused(
                answer.error.code, _printable(answer.error.message), answer.error.data
            )
        if answer.id != number:
            raise _silent("answered another question than the one that was asked")
        if answer.result is msgspec.UNSET:
            raise _silent(f"sent neither a result nor an error (HTTP {status})")
        return answer.result


def _seconds(date: str) -> int | None:
    """Return the Unix seconds of a Date (RFC 9110, 6.6.1), or None if it is none."""
    try:
        return int(parsedate_to_datetime(date).timestamp())
    except (ValueError, OverflowError):
        return None


def _printable(text: str) -> str:
    """Return *text* fit for a log line."""
    shown = "".join(letter if letter.isprintable() else " " for letter in text[:_TEXT_SHOWN])
    return shown.strip()


def _silent(why: str) -> Unavailable:
    return Unavailable(Code.CHAIN_UNREACHABLE, f"the node {why}")
