"""Para's wire format as a face of the server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.surface import Surface
from valetkey.http.cors import Cors, Origins
from valetkey.http.dialects.para import log_in, pregen, review, session, share, wallet
from valetkey.http.dialects.para.errors import refuse
from valetkey.http.dialects.para.files import Files
from valetkey.http.dialects.para.visitor import prove
from valetkey.http.face import Face
from valetkey.http.routes import Table

if TYPE_CHECKING:
    from valetkey.config import DialectConfig
    from valetkey.http.routes import Route
    from valetkey.http.settings import Settings

PREFIX: Final = "/para"
ROUTES: Final[tuple[Route, ...]] = (
    *session.ROUTES,
    *log_in.ROUTES,
    *wallet.ROUTES,
    *pregen.ROUTES,
    *share.ROUTES,
    *review.ROUTES,
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
        Malformed: An origin in *config* is none.
    """
    return Face(
        surface=Surface.PARA,
        table=Table(ROUTES),
        prove=prove,
        refuse=refuse,
        find_file=Files(f"{settings.issuer}{PREFIX}").find,
        prefix=PREFIX,
        cors=Cors(
            Origins(config.origins), asks=_ASKS, reads=("x-capsule-sid",), has_credentials=True
        ),
    )
