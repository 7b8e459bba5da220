"""Where a request goes: a URL that somebody chose, resolved once, and never redirected."""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from concurrent.futures import Executor

    from valetkey.core.errors import ValetkeyError

    Refuse = Callable[[str], ValetkeyError]
    Resolve = Callable[[str, int], Awaitable[list[str]]]

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*")
_UNICAST: Final = ipaddress.ip_network("2000::/3")  # all that IANA has given out of IPv6
_NOWHERE: Final = (
    ipaddress.ip_network("2002::/16"),  # 6to4
    ipaddress.ip_network("192.88.99.0/24"),  # whoever is the nearest relay of 6to4
    ipaddress.ip_network("2001::/32"),  # Teredo
    ipaddress.ip_network("3fff::/20"),  # in documents alone (RFC 9637)
)
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Pinned:
    """An address to connect to, and what the request must say so that the right host answers."""

    url: httpx.URL
    headers: Mapping[str, str]
    extensions: Mapping[str, str]


async def ask_system(host: str, port: int, *, threads: Executor | None = None) -> list[str]:
    """
    Return the addresses that this machine finds for *host*; none if it finds nothing.

    Args:
        threads: Where it waits for a name server; None is where everybody else waits, too.
    """
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.get_running_loop().run_in_executor(threads, ask)
    except (OSError, UnicodeError):
        return []
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """
    A URL that requests are sent to, by the same rules whoever chose it.

    Its path and query may hold a secret, so that no error and no ``repr`` shows them.
    """

    _url: httpx.URL
    _allow_private: bool
    _refused: Refuse
    _resolve: Resolve

    @classmethod
    def parse(
        cls, url: str, *, allow_private: bool, refused: Refuse, resolve: Resolve = ask_system
    ) -> Endpoint:
        """
        Return the endpoint of *url*.

        Args:
            url: ``https``, or ``http`` where *allow_private*.
            allow_private: Development configuration: loopback and private addresses, and ``http``.
            refused: Makes the error of a sentence such as "must begin with https://".
            resolve: Finds the addresses of a name.

        Raises:
            ValetkeyError: *refused* says that the URL is of another kind.
        """
        try:
            parsed = httpx.URL(url)
        except httpx.InvalidURL:
            raise refused("is not a URL") from None
        schemes = {"http", "https"} if allow_private else {"https"}
        if parsed.scheme not in schemes or not parsed.host:
            raise refused(f"must begin with {' or '.join(sorted(schemes))}://")
        if parsed.userinfo:
            raise refused("must not carry a user name or password")
        if _is_number(parsed.host):
            raise refused("must name its host, or its address in the usual form")
        return cls(parsed, allow_private, refused, resolve)

    def __repr__(self) -> str:
        """Show scheme and host alone."""
        return f"Endpoint({self._url.scheme}://{self._url.host})"

    @property
    def port(self) -> int:
        """Where it is asked on its host."""
        return self._url.port or _DEFAULT_PORTS[self._url.scheme]

    async def resolve(self) -> Pinned:
        """
        Look the host up once and hold on to one allowed address.

        That a name is not there and that it leads inside are told in the same words: whoever may
        choose a URL learns nothing about our names.

        Raises:
            ValetkeyError: It has no address, or one that is not allowed.
        """
        host = self._url.host
        addresses = await self._addresses(host)
        if not addresses or not (self._allow_private or all(map(is_public, addresses))):
            kind = "" if self._allow_private else " that is public"
            raise self._refused(f"names the host {host}, which has no address{kind}")
        return Pinned(
            url=self._url.copy_with(host=addresses[0]),
            headers={"host": self._url.netloc.decode("ascii")},
            extensions={"sni_hostname": host},
        )

    async def _addresses(self, host: str) -> list[str]:
        """Return what *host* resolves to; an address needs no look-up."""
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            return await self._resolve(host, self.port)


def is_public(address: str) -> bool:
    """
    Say whether *address* is one of the internet's own.

    IPv4 inside IPv6 counts as the IPv4 address that it leads to; tunnels to IPv4 are refused whole.
    """
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped
        if parsed in _NAT64:
            inner = ipaddress.IPv4Address(parsed.packed[-4:])
        if inner is None and parsed not in _UNICAST:
            return False
        parsed = inner or parsed
    is_somewhere = not any(parsed in one for one in _NOWHERE)
    return is_somewhere and parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _is_number(host: str) -> bool:
    """Say whether *host* is a number that only some programs take for an address, as in 127.1."""
    if not _NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return True
    return False
