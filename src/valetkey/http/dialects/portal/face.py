"""Portal's wire format as a face of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.origins import Origins
from valetkey.core.principal import ANONYMOUS
from valetkey.core.surface import Surface
from valetkey.http.cors import Cors
from valetkey.http.dialects.portal import (
    assets,
    client,
    custodian,
    custodian_session,
    eject,
    mpc,
)
from valetkey.http.dialects.portal.errors import refuse
from valetkey.http.dialects.portal.iframe import Frame
from valetkey.http.dialects.vendor import at_pace, bearer_in, paces, principal_of, token_in
from valetkey.http.face import Face
from valetkey.http.routes import EVERYBODY, Table

if TYPE_CHECKING:
    from valetkey.config import DialectConfig
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.http.incoming import Incoming
    from valetkey.http.routes import Route
    from valetkey.http.settings import Settings
    from valetkey.http.traced import Noted

PREFIX: Final = "/portal"
TATUM: Final = "/v4/wallets/"
PUBLISHED: Final = {"api": 200, "mpc": 50}  # requests of one caller in a minute
_REST: Final = (*custodian.ROUTES, *custodian_session.ROUTES, *client.ROUTES, *eject.ROUTES)
_MPC: Final = (*mpc.ROUTES, *assets.ROUTES)
_ASKS: Final = ("authorization", "content-type", "x-api-key")


def portal_face(config: DialectConfig, _settings: Settings) -> Face:
    """
    Return Portal's wire format.

    Raises:
        Malformed: An origin in *config* is none, or a limit is of nothing.
    """
    pace = paces(config, Surface.PORTAL, PUBLISHED)
    origins = Origins(config.origins)
    frame = Frame(origins)
    routes = (*at_pace(_REST, pace["api"]), *at_pace(_MPC, pace["mpc"]), frame.route)
    return Face(
        surface=Surface.PORTAL,
        table=Table(routes),
        prove=_prove,
        refuse=refuse,
        find_file=frame.find,
        prefix=PREFIX,
        cors=Cors(origins, asks=_ASKS),
    )


async def _prove(world: World, route: Route, incoming: Incoming, _noted: Noted) -> Principal:
    """Tatum's paths have the key in ``x-api-key``, Portal's a token behind ``Bearer``."""
    if route.who == EVERYBODY:
        return ANONYMOUS
    is_tatum = route.path.startswith(TATUM)
    proof = token_in(incoming, b"x-api-key") if is_tatum else bearer_in(incoming)
    return await principal_of(world, proof, route, Surface.PORTAL)
