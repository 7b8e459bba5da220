"""From where a request comes: what nobody can choose as often as they like."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Any, Final

_NETWORK: Final = 64  # bits of an IPv6 address that its holder does not choose
_KEPT: Final = 4096  # addresses: to parse one takes longer than to find a session


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


@lru_cache(maxsize=_KEPT)
def _named(host: str) -> str:
    address = ip_address(host)
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> _NETWORK << _NETWORK)}/{_NETWORK}"
    return str(address)
