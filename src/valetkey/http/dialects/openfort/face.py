"""Openfort's wire format as a face of the server."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from valetkey.core.errors import Code, NotFound
from valetkey.core.origins import Origins
from valetkey.core.surface import Surface
from valetkey.http.cors import Cors
from valetkey.http.dialects.openfort import (
    accounts,
    accounts_v2,
    contract_read,
    contracts,
    iam,
    intents,
    locked_keys,
    players,
    policies,
    policies_fees,
    policies_rules,
    policies_v2,
    session_signed,
    sessions,
    subscriptions,
)
from valetkey.http.dialects.openfort.errors import refuse
from valetkey.http.dialects.openfort.forms import read_body, read_query
from valetkey.http.dialects.openfort.frame import Frame
from valetkey.http.dialects.openfort.visitor import prove
from valetkey.http.dialects.vendor import at_pace, paces
from valetkey.http.face import Face, Reading
from valetkey.http.routes import Read, Table

if TYPE_CHECKING:
    from valetkey.config import DialectConfig
    from valetkey.http.answer import Answer
    from valetkey.http.routes import Route
    from valetkey.http.settings import Settings

PREFIX: Final = "/openfort"
# Requests of one caller in a minute. The vendor publishes none; ours are for each guest is a user.
LIMITS: Final = {"api": 0, "guests": 60}
ROUTES: Final[tuple[Route, ...]] = (
    *players.ROUTES,
    *accounts.ROUTES,
    *accounts_v2.ROUTES,
    *contracts.ROUTES,
    *policies.ROUTES,
    *policies_rules.ROUTES,
    *policies_v2.ROUTES,
    *policies_fees.ROUTES,
    *sessions.ROUTES,
    *session_signed.ROUTES,
    *intents.ROUTES,
    *contract_read.ROUTES,
    *subscriptions.ROUTES,
    *iam.ROUTES,
    *iam.GUESTS,
    *locked_keys.ROUTES,
)
_AN_OBJECT: Final = "[object Object]"
_ASKS: Final = (
    "authorization",
    "content-type",
    "x-project-key",
    "x-player-token",
    "x-auth-provider",
    "x-token-type",
    "x-request-id",
    "x-native-app-identifier",
    "x-idempotency-key",
)


def openfort_face(config: DialectConfig, _settings: Settings) -> Face:
    """
    Return Openfort's wire format.

    Raises:
        Malformed: An origin in *config* is none, or a limit is of nothing.
    """
    pace, frame = paces(config, Surface.OPENFORT, LIMITS), Frame()
    others = [one for one in ROUTES if one not in iam.GUESTS]
    routes = (*at_pace(others, pace["api"]), *at_pace(iam.GUESTS, pace["guests"]), frame.route)
    return Face(
        surface=Surface.OPENFORT,
        table=Table(map(_as_written, routes)),
        prove=prove,
        refuse=refuse,
        find_file=partial(_find_file, frame),
        prefix=PREFIX,
        cors=Cors(Origins(config.origins), asks=_ASKS),
        reading=Reading(read_body, read_query),
        request_id_field=b"x-idempotency-key",
    )


def _find_file(frame: Frame, method: str, path: str) -> Answer | None:
    """
    Find a file of the frame; say what is wrong with a path that a client has made of an object.

    Raises:
        NotFound: It was: no route is looked for, and no body, for there is none.
    """
    if _AN_OBJECT in unquote(path):
        detail = (
            "expected an id in the path, got [object Object]: from openfort-node 0.7 on it is"
            " sessions.signature(id, {signature}), with the id as the first argument"
        )
        raise NotFound(Code.NO_SUCH_ROUTE, detail)
    return frame.find(method, path)


def _as_written(route: Route) -> Route:
    """Return *route*, a new write each time unless its client says which one it is."""
    return route if isinstance(route, Read) else replace(route, is_new_each_time=True)
