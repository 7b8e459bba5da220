"""Para's wire format as a face of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.origins import Origins
from valetkey.core.surface import Surface
from valetkey.http.cors import Cors
from valetkey.http.dialects.para import hand_off, log_in, pregen, review, session, share, wallet
from valetkey.http.dialects.para.errors import refuse
from valetkey.http.dialects.para.files import Files
from valetkey.http.dialects.para.visitor import prove
from valetkey.http.dialects.vendor import at_pace, paces
from valetkey.http.face import Face
from valetkey.http.routes import Table

if TYPE_CHECKING:
    from valetkey.config import DialectConfig
    from valetkey.http.routes import Route
    from valetkey.http.settings import Settings

PREFIX: Final = "/para"
LIMITS: Final = {"codes": 60}  # requests in a minute; ours, for each code is a letter to somebody
_SENDS: Final = frozenset({"/users/init", "/auth/otp/again", "/review/send"})
ROUTES: Final[tuple[Route, ...]] = (
    *session.ROUTES,
    *log_in.ROUTES,
    *wallet.ROUTES,
    *pregen.ROUTES,
    *share.ROUTES,
    *review.ROUTES,
    *hand_off.ROUTES,
)
_ASKS: Final = (
    "content-type",
    "x-external-api-key",
    "x-capsule-sid",
    "x-para-version",
    "x-para-structured-errors",
    "x-partner-id",
)


def para_face(config: DialectConfig, settings: Settings) -> Face:
    """
    Return Para's wire format: what its clients call user management, and what they call portal.

    Raises:
        Malformed: An origin in *config* is none, or a limit is of nothing.
    """
    pace = paces(config, Surface.PARA, LIMITS)["codes"]
    sends = [one for one in ROUTES if one.path in _SENDS]
    others = [one for one in ROUTES if one.path not in _SENDS]
    return Face(
        surface=Surface.PARA,
        table=Table((*at_pace(sends, pace), *others)),
        prove=prove,
        refuse=refuse,
        find_file=Files(f"{settings.issuer}{PREFIX}").find,
        prefix=PREFIX,
        cors=Cors(
            Origins(config.origins), asks=_ASKS, reads=("x-capsule-sid",), has_credentials=True
        ),
    )
