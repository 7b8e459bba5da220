"""From where a request comes: what nobody can choose as often as they like."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Any, Final

from valetkey.core.errors import Code, Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable

_NETWORK: Final = 64  # bits of an IPv6 address that its holder does not choose
_KEPT: Final = 4096  # addresses: to parse one takes longer than to find a session
_MAX_HOPS: Final = 16
# No text makes the matcher go back: every repetition is possessive.
_WORD: Final = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_PAIR: Final = re.compile(
    rf'[ \t]*+({_WORD})=({_WORD}|"(?:[^"\\]|\\.)*+")[ \t]*+([;,]|\Z)', re.DOTALL
)

Address = IPv4Address | IPv6Address


def peer_of(client: Any) -> str:  # noqa: ANN401 - whatever ASGI says
    """
    Return where a connection comes from: an IPv4 address, or the /64 of an IPv6 address.

    Behind a proxy that is the proxy for everybody. Empty if it is not known.

    Args:
        client: Of an ASGI scope: host and port, or None.
    """
    try:
        return _named(client[0])
    except (TypeError, ValueError, IndexError):
        return ""


class Peers:
    """
    Where requests come from, also through proxies that the operator trusts.

    A header counts only if a trusted proxy brought it, and only as far as trusted proxies wrote it:
    from its end, up to the first address that is none of theirs. Callers write what stands before.

    Args:
        trusted: Networks of proxies, such as ``10.0.0.0/8``; empty believes no header.
        header: The one that they write, ``x-forwarded-for`` or ``forwarded``; the other is not
            looked at, for it is what a caller wrote.

    Raises:
        Malformed: A network is none.
    """

    def __init__(self, trusted: Iterable[str] = (), header: str = "x-forwarded-for") -> None:
        try:
            self._trusted = [ip_network(one) for one in trusted]
        except ValueError as error:
            detail = f"trusted_proxies: expected networks such as 10.0.0.0/8, {error}"
            raise Malformed(Code.MALFORMED_CONFIG, detail) from None
        self._header = header.encode()
        self._read = _forwarded if header == "forwarded" else _x_forwarded

    def of(self, scope: dict[str, Any]) -> str:
        """Return where the request of an ASGI *scope* comes from, as `peer_of` writes it."""
        client = scope.get("client")
        if not self._trusted or not client:
            return peer_of(client)
        last = _address(client[0])
        if last is None or not self._is_trusted(last):
            return peer_of(client)
        lines = [value for name, value in scope["headers"] if name == self._header]
        hops = self._read(b",".join(lines).decode("latin-1"))
        for hop in hops[: -_MAX_HOPS - 1 : -1]:
            address = _address(hop)
            if address is None:
                break
            last = address
            if not self._is_trusted(address):
                break
        return _named(str(last))

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _x_forwarded(text: str) -> list[str]:
    return text.split(",") if text else []


def _forwarded(text: str) -> list[str]:
    """
    Return what each element says after ``for``; nothing if *text* is not well formed.

    Spec:
        RFC 7239, section 4.
    """
    hops = [""]
    at = 0
    while at < len(text):
        found = _PAIR.match(text, at)
        if found is None:
            return []
        name, value, end = found.groups()
        if name.lower() == "for":
            hops[-1] = value.strip('"')
        if end == ",":
            hops.append("")
        at = found.end()
    return hops


def _address(text: str) -> Address | None:
    """Return the address in *text*, with a port or without; None for a name, or anything else."""
    text = text.strip(" \t")
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


@lru_cache(maxsize=_KEPT)
def _named(host: str) -> str:
    address = ip_address(host)
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> _NETWORK << _NETWORK)}/{_NETWORK}"
    return str(address)
