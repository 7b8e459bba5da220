"""Every dialect, by its surface."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.surface import Surface
from valetkey.http.dialects.openfort.events import Events
from valetkey.http.dialects.openfort.face import openfort_face
from valetkey.http.dialects.para.face import para_face
from valetkey.http.dialects.portal.face import portal_face

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from valetkey.config import DialectConfig
    from valetkey.flows.telling import Tellers
    from valetkey.http.face import Face
    from valetkey.http.settings import Settings

TELLERS: Final[Tellers] = {Surface.OPENFORT: Events()}
DIALECTS: Final[Mapping[Surface, Callable[[DialectConfig, Settings], Face]]] = {
    Surface.OPENFORT: openfort_face,
    Surface.PARA: para_face,
    Surface.PORTAL: portal_face,
}
