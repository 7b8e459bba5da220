"""Where a proof may be shown: our own API, or that of a vendor that we speak."""

from __future__ import annotations

from enum import StrEnum


class Surface(StrEnum):
    """
    One wire format.

    A credential or session works on the one that it was issued for, and there alone: what leaks
    from a vendor's client is worth nothing on the native API, nor the other way round.
    """

    NATIVE = "native"
    OPENFORT = "openfort"
    TURNKEY = "turnkey"
    PORTAL = "portal"
    PARA = "para"
    CHIPI = "chipi"
