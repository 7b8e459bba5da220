"""Where the node is: a URL that was configured, resolved once, and never redirected."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from valetkey.core.errors import Code, Unavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Pinned:
    """An address to connect to, and what the request must say so that the right host answers."""

    url: httpx.URL
    headers: Mapping[str, str]
    extensions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    A node's URL.

    Args:
        url: ``https``, or ``http`` where *allow_private*. Its path and query may hold a
            provider's secret, so that no error and no ``repr`` shows them.
        allow_private: Development configuration: loopback and private addresses, and ``http``.

    Raises:
        Unavailable: The URL is of another kind.
    """

    _url: httpx.URL
    _allow_private: bool

    @classmethod
    def parse(cls, url: str, *, allow_private: bool) -> Endpoint:
        """Return the endpoint of *url*."""
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            raise _refused("is not a URL") from None
        schemes = {"http", "https"} if allow_private else {"https"}
        if parsed.scheme not in schemes or not parsed.host:
            raise _refused(f"must begin with {' or '.join(sorted(schemes))}://")
        if parsed.userinfo:
            raise _refused("must not carry a user name or password")
        return cls(parsed, allow_private)

    def __repr__(self) -> str:
        """Show scheme and host alone."""
        return f"Endpoint({self._url.scheme}://{self._url.host})"

    async def resolve(self) -> Pinned:
        """
        Look the host up once and hold on to one allowed address.

        Raises:
            Unavailable: It has no address, or one that is not allowed.
        """
        host = self._url.host
        port = self._url.port or _DEFAULT_PORTS[self._url.scheme]
        addresses = await _addresses(host, port)
        if not self._allow_private:
            for address in addresses:
                if not ipaddress.ip_address(address.partition("%")[0]).is_global:
                    raise _refused(f"names the host {host}, whose address is not public")
        return Pinned(
            url=self._url.copy_with(host=addresses[0]),
            headers={"host": self._url.netloc.decode("ascii")},
            extensions={"sni_hostname": host},
        )


async def _addresses(host: str, port: int) -> list[str]:
    """Return what *host* resolves to; an address needs no look-up."""
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        pass
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        raise _refused(f"names the host {host}, which has no address") from None
    return [str(entry[4][0]) for entry in found]


def _refused(why: str) -> Unavailable:
    return Unavailable(Code.CHAIN_UNREACHABLE, f"the node's URL {why}")
