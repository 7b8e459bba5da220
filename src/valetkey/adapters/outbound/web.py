"""Requests over the network, each on a connection of its own that ends with the answer's head."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import httpx

from valetkey.adapters.outbound.endpoint import Endpoint, ask_system
from valetkey.core.errors import Code, Malformed
from valetkey.ports import MAX_FETCHED_BYTES, Fetched, Posted

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from valetkey.adapters.outbound.endpoint import Resolve

_HTTPS: Final = 443
_FIRST_FREE_PORT: Final = 1024
MAX_URL_CHARS: Final = 2048
LOOKUPS: Final = "valetkey-lookup"
_PLAIN: Final = {"accept": "application/json", "accept-encoding": "identity"}
_FAILURES: Final = (
    *(TimeoutError, Malformed),
    *(httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """
    What a receiver may cost us.

    Args:
        timeout_s: From the look-up of its name to the head of its answer.
        connections: Open at once.
        lookups: Names that are looked up at once.
    """

    timeout_s: float = 10.0
    connections: int = 128
    lookups: int = 16


class WebOutbound:
    """
    See `Outbound`. Used from one event loop.

    Of an answer to what is posted only the head is read: what comes behind it could be long, slow,
    or packed. Names are looked up on threads of their own: a name server of a caller's that never
    answers keeps no look-up of ours waiting.

    Args:
        allow_private: Development configuration: loopback and private addresses, ``http``, and any
            port; else 443, and from 1024.
        resolve: Finds the addresses of a name; None asks this machine.
        trust: Who vouches for receivers; None is the usual authorities.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        limits: Limits | None = None,
        resolve: Resolve | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._limits = limits or Limits()
        self._threads = ThreadPoolExecutor(self._limits.lookups, thread_name_prefix=LOOKUPS)
        self._resolve = resolve or partial(ask_system, threads=self._threads)
        self._trust = trust
        self._transport: httpx.AsyncBaseTransport | None = None

    async def close(self) -> None:
        """Close every connection."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        transport, self._transport = self._transport, None
        if transport is not None:
            await transport.aclose()

    async def check(self, url: str) -> None:
        """See `Outbound.check`."""
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                await self._endpoint(url).resolve()
        except TimeoutError:
            raise _refused("names a host whose address was not found in time") from None

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """See `Outbound.post`."""
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                response = await self._send("POST", url, headers, body)
                await response.aclose()
                return Posted(response.status_code)
        except _FAILURES as error:
            return Posted(None, self._said(error))

    async def fetch(self, url: str) -> Fetched:
        """See `Outbound.fetch`."""
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                response = await self._send("GET", url, _PLAIN, None)
                try:
                    return await _read(response)
                finally:
                    await response.aclose()
        except _FAILURES as error:
            return Fetched(None, reason=self._said(error))

    def _said(self, error: Exception) -> str:
        if isinstance(error, TimeoutError | httpx.TimeoutException):
            return f"no answer within {self._limits.timeout_s:g} s"
        if isinstance(error, Malformed):
            return error.detail
        return f"no connection, or no HTTP on it ({type(error).__name__})"

    async def _send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None
    ) -> httpx.Response:
        pinned = await self._endpoint(url).resolve()
        request = httpx.Request(
            method,
            pinned.url,
            content=body,
            headers={**headers, **pinned.headers, "connection": "close"},
            extensions={
                **pinned.extensions,
                "timeout": httpx.Timeout(self._limits.timeout_s).as_dict(),
            },
        )
        return await self._open_transport().handle_async_request(request)

    def _endpoint(self, url: str) -> Endpoint:
        if len(url) > MAX_URL_CHARS:
            raise _refused(f"must have at most {MAX_URL_CHARS} characters")
        endpoint = Endpoint.parse(
            url, allow_private=self._allow_private, refused=_refused, resolve=self._resolve
        )
        if not self._allow_private and _HTTPS != endpoint.port < _FIRST_FREE_PORT:
            raise _refused(f"must name port {_HTTPS}, or one from {_FIRST_FREE_PORT}")
        return endpoint

    def _open_transport(self) -> httpx.AsyncBaseTransport:
        """Return the transport, made late: reading the authorities takes a while."""
        if self._transport is None:
            most = self._limits.connections
            self._transport = httpx.AsyncHTTPTransport(
                verify=True if self._trust is None else self._trust,
                trust_env=False,
                limits=httpx.Limits(max_connections=most, max_keepalive_connections=0),
            )
        return self._transport


async def _read(response: httpx.Response) -> Fetched:
    """Return an answer as it was sent: nothing is unpacked, for that could be much."""
    body = b""
    async for part in response.aiter_raw():
        body += part
        if len(body) > MAX_FETCHED_BYTES:
            return Fetched(None, reason=f"more than {MAX_FETCHED_BYTES} bytes")
    return Fetched(response.status_code, body)


def _refused(why: str) -> Malformed:
    return Malformed(Code.URL_REFUSED, f"the URL {why}")
