"""
valetkey: sessions for wallets, self-hosted.

What is listed here is the SDK (`valetkey.client`); it is loaded when it is first asked for, so that
a server or a codec does not carry it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from valetkey.client import (
        AsyncHeldSession,
        AsyncSession,
        AsyncValetkey,
        Attempts,
        Call,
        ChainRejected,
        Code,
        Conflict,
        Delegation,
        Forbidden,
        HeldSession,
        KillNote,
        Limited,
        Malformed,
        NotFound,
        Owner,
        P256SessionKey,
        RateLimited,
        RefusedToSign,
        Session,
        SessionKey,
        StampKey,
        Unauthenticated,
        Unavailable,
        Valetkey,
        ValetkeyError,
        call,
        payment,
        permission,
        transfer,
        webhook,
    )

__version__ = "0.1.0"

__all__ = [
    "AsyncHeldSession",
    "AsyncSession",
    "AsyncValetkey",
    "Attempts",
    "Call",
    "ChainRejected",
    "Code",
    "Conflict",
    "Delegation",
    "Forbidden",
    "HeldSession",
    "KillNote",
    "Limited",
    "Malformed",
    "NotFound",
    "Owner",
    "P256SessionKey",
    "RateLimited",
    "RefusedToSign",
    "Session",
    "SessionKey",
    "StampKey",
    "Unauthenticated",
    "Unavailable",
    "Valetkey",
    "ValetkeyError",
    "__version__",
    "call",
    "payment",
    "permission",
    "transfer",
    "webhook",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Return a name of the SDK, loading it now (PEP 562)."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from valetkey import client  # noqa: PLC0415 - the point of it

        return getattr(client, name)
