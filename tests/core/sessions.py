"""One ordinary session, and what is booked on it."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tests.core.examples import PERMISSION
from valetkey.core.permission.canonical import permission_id
from valetkey.core.permission.decide import nothing_spent
from valetkey.core.principal import Access
from valetkey.core.session import Proof, Session, State, Usage
from valetkey.core.wallet import OwnerKey

SESSION: Final = Session(
    id="ses_000000000000000000000001",
    organization_id="org_000000000000000000000001",
    user_id=None,
    wallet_id="wal_000000000000000000000001",
    account_id="acc_000000000000000000000001",
    proof=Proof.CHAIN,
    access=Access.WRITE,
    state=State.OPEN,
    label="",
    device="",
    created_at=PERMISSION.starts_at,
    starts_at=PERMISSION.starts_at,
    expires_at=PERMISSION.expires_at,
    idle_s=None,
    fingerprint=None,
    key=None,
    permission=PERMISSION,
    permission_id=permission_id(PERMISSION),
    owner_key=OwnerKey.OUTSIDE,
    grant=None,
)
USAGE: Final = Usage(id=SESSION.id, last_used_at=SESSION.starts_at, spent=nothing_spent(PERMISSION))


def session_with(**changes: object) -> Session:
    """Return the ordinary session with *changes*."""
    return replace(SESSION, **changes)  # type: ignore[arg-type]  # names are the test's business


def usage_with(*, calls: int = 0, last_used_at: int = SESSION.starts_at) -> Usage:
    """Return the booking of the ordinary session with so many calls and that last use."""
    return replace(USAGE, last_used_at=last_used_at, spent=replace(USAGE.spent, calls=calls))
