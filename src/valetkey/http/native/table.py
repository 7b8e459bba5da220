"""All native routes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.http.native import (
    activity,
    child_session,
    consent,
    custody,
    exchange,
    exposure,
    frost,
    hand_off,
    identity,
    key,
    kill_note,
    leftover,
    meter,
    organization,
    origins,
    permission,
    pin,
    quota,
    register,
    server,
    session,
    stop,
    terms,
    token,
    undelegation,
    wallet,
    webhook,
)

if TYPE_CHECKING:
    from valetkey.http.routes import Route

ROUTES: Final[tuple[Route, ...]] = (
    *server.ROUTES,
    *permission.ROUTES,
    *organization.ROUTES,
    *terms.ROUTES,
    *origins.ROUTES,
    *identity.ROUTES,
    *quota.ROUTES,
    *wallet.ROUTES,
    *custody.ROUTES,
    *frost.ROUTES,
    *pin.ROUTES,
    *undelegation.ROUTES,
    *leftover.ROUTES,
    *session.ROUTES,
    *kill_note.ROUTES,
    *child_session.ROUTES,
    *hand_off.ROUTES,
    *consent.ROUTES,
    *register.ROUTES,
    *meter.ROUTES,
    *stop.ROUTES,
    *exposure.ROUTES,
    *token.ROUTES,
    *exchange.ROUTES,
    *key.ROUTES,
    *activity.ROUTES,
    *webhook.ROUTES,
)
