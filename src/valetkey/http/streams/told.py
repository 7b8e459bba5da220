"""What a meter says of a session or of an organization, and why it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code
from valetkey.core.session import State
from valetkey.flows.meter import used_permille
from valetkey.http.native.session import write_left
from valetkey.wire.meter import Meter, Metered, OrganizationMeter, write_meter

if TYPE_CHECKING:
    from valetkey.flows.meter import InUse
    from valetkey.flows.shown import Shown

MOST_USED: Final = 100
_OVER: Final = {
    State.REVOKED: (Code.SESSION_REVOKED, "it was revoked"),
    State.EXPIRED: (Code.SESSION_EXPIRED, "its time is over"),
    State.CLOSED: (Code.SESSION_CLOSED, "its holder closed it"),
}


def why_over(state: State) -> tuple[Code, str]:
    """Return why there is nothing more to say of a session in *state*, one of its ends."""
    return _OVER[state]


def tell_session(shown: Shown) -> Meter:
    """Return what changes about a session, as it is now."""
    return write_meter(
        shown.session,
        shown.state,
        ends_at=shown.ends_at,
        calls=shown.usage.spent.calls,
        calls_left=shown.calls_left,
        remaining=write_left(shown),
    )


def tell_organization(organization_id: str, found: InUse) -> OrganizationMeter:
    """Return the sessions that are used most: by their tightest limit, then by calls."""
    rows = [_row(one) for one in found.sessions]
    rows.sort(key=lambda one: (-one.used_permille, -one.calls, one.session_id))
    return OrganizationMeter(
        organization_id=organization_id,
        sessions=rows[:MOST_USED],
        in_use=len(rows),
        has_more=found.has_more,
    )


def _row(shown: Shown) -> Metered:
    return Metered(
        session_id=shown.session.id,
        label=shown.session.label,
        state=shown.state.value,
        ends_at=shown.ends_at,
        calls=shown.usage.spent.calls,
        calls_left=shown.calls_left,
        used_permille=used_permille(shown),
    )
