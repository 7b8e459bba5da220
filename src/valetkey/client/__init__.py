"""
The Python SDK: open a session, act under it, watch it, stop it.

    from valetkey import Owner, Valetkey, permission

    vk = Valetkey("http://127.0.0.1:8080", api_key="vk_secret_…")
    draft = permission.erc20_transfers(
        token, decimals=6, to=[shop], lifetime="20", expires_in=3600
    )
    for finding in vk.permissions.lint(draft).findings:
        print(finding.severity, finding.detail)
    session = vk.sessions.open(account_id, draft, owner=Owner.from_key(owner_key))

    session.transfer(token, shop, "1.5")

    for now in session.watch():
        print(now.state, now.remaining)

    session.kill_note.save("session.kill.json")
    session.freeze()
    session.revoke()

The session's key is made here and stays here. Neither it nor the owner signs anything but what was
computed here from what was asked for. `AsyncValetkey` is the same with ``await``.
"""

from valetkey.client import permission, webhook
from valetkey.client._async.client import AsyncValetkey
from valetkey.client._async.opened import AsyncSession
from valetkey.client._async.session import AsyncHeldSession
from valetkey.client._sync.client import Valetkey
from valetkey.client._sync.opened import Session
from valetkey.client._sync.session import HeldSession
from valetkey.client.attempts import Attempts
from valetkey.client.calls import Call, call, payment, transfer
from valetkey.client.errors import (
    ChainRejected,
    Code,
    Conflict,
    Forbidden,
    Limited,
    Malformed,
    NotFound,
    RateLimited,
    RefusedToSign,
    Unauthenticated,
    Unavailable,
    ValetkeyError,
)
from valetkey.client.keys import P256SessionKey, SessionKey, StampKey
from valetkey.client.kill_note import KillNote
from valetkey.client.owner import Delegation, Owner

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
    "call",
    "payment",
    "permission",
    "transfer",
    "webhook",
]
