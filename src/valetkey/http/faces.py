"""Which face a request is shown: by its socket, by its host, or by how its path begins."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Final

from valetkey.core.errors import Code, Malformed, NotFound, Unauthenticated
from valetkey.core.origins import Origins
from valetkey.core.principal import ANONYMOUS
from valetkey.core.surface import Surface
from valetkey.flows.prove import authenticate
from valetkey.http.answer import refuse
from valetkey.http.cors import Cors
from valetkey.http.dialects.table import DIALECTS
from valetkey.http.face import Face
from valetkey.http.native.table import ROUTES
from valetkey.http.oauth import refuse_oauth
from valetkey.http.openapi import openapi_route
from valetkey.http.pages import Pages
from valetkey.http.proof import expect_client, is_basic, nonce_fields, read_proof
from valetkey.http.routes import EVERYBODY, Leave, Read, Table

if TYPE_CHECKING:
    from valetkey.config import DialectName
    from valetkey.core.errors import ValetkeyError
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.http.answer import Answer
    from valetkey.http.face import Prove
    from valetkey.http.incoming import Incoming
    from valetkey.http.routes import Route
    from valetkey.http.settings import Settings
    from valetkey.http.traced import Noted

    Scope = dict[str, Any]

_HOST: Final = b"host"
_BASIC_CHALLENGE: Final = (b"www-authenticate", b'Basic realm="valetkey", charset="UTF-8"')
# What a page of another origin may send, and read of an answer.
_METHODS: Final = ("GET", "HEAD", "POST")
_ASKS: Final = (
    "Authorization",
    "Content-Digest",
    "Content-Type",
    "DPoP",
    "Idempotency-Key",
    "Last-Event-ID",
    "Signature",
    "Signature-Input",
)
_READS: Final = (
    "DPoP-Nonce",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-Id",
)


class Faces:
    """
    The faces of one server: the native one, and those of the dialects that are turned on.

    Raises:
        Malformed: A dialect is turned on that is not spoken here, or two have the same host.
    """

    def __init__(self, settings: Settings) -> None:
        self.native = native_face(settings)
        self.dialects: dict[DialectName, Face] = {}
        self._by_prefix: dict[bytes, Face] = {}
        self._by_host: dict[bytes, Face] = {}
        for name, config in settings.dialects.items():
            make = DIALECTS.get(Surface(name))
            if make is None:
                spoken = ", ".join(sorted(DIALECTS)) or "none"
                detail = f"dialects: expected one of those spoken here ({spoken}), got {name}"
                raise Malformed(Code.MALFORMED_CONFIG, detail)
            face = self.dialects[name] = make(config, settings)
            self._by_prefix[face.prefix.encode()] = face
            host = config.host.lower().encode()
            if host in self._by_host:
                detail = f"dialects.{name}.host: expected a host of its own, got {config.host}"
                raise Malformed(Code.MALFORMED_CONFIG, detail)
            if host:
                self._by_host[host] = face

    def all(self) -> tuple[Face, ...]:
        """Return every face."""
        return (self.native, *self.dialects.values())

    def find(self, scope: Scope) -> tuple[Face, int]:
        """Return the face for a request on the shared socket, and how long its prefix is."""
        if not self.dialects:
            return self.native, 0
        if self._by_host:
            hosts = [value for name, value in scope["headers"] if name == _HOST]
            face = self._by_host.get(hosts[0].lower()) if len(hosts) == 1 else None
            if face is not None:
                return face, 0
        path: bytes = scope.get("raw_path") or scope["path"].encode()
        face = self._by_prefix.get(path[: path.find(b"/", 1)])
        return (self.native, 0) if face is None else (face, len(face.prefix))


def native_face(settings: Settings) -> Face:
    """Return the native API, with the page for consents."""
    return Face(
        surface=Surface.NATIVE,
        table=Table((*ROUTES, openapi_route(ROUTES, version=settings.version))),
        prove=_prove(settings.origin()),
        refuse=_refuse,
        find_file=partial(_find_page, Pages(), frozenset(DIALECTS) - {*settings.dialects}),
        cors=Cors(Origins(settings.origins), _METHODS, asks=_ASKS, reads=_READS),
    )


def _find_page(pages: Pages, off: frozenset[str], method: str, path: str) -> Answer | None:
    """
    Find a page.

    Raises:
        NotFound: The path is that of a vendor's format, which is one of those *off*.
    """
    name = path[1:].partition("/")[0]
    if name in off:
        detail = f"the format of {name} is off here; [dialects.{name}] in valetkey.toml turns it on"
        raise NotFound(Code.NO_SUCH_ROUTE, detail)
    return pages.find(method, path)


def _prove(origin: tuple[str, str] | None) -> Prove:
    async def prove(world: World, route: Route, incoming: Incoming, noted: Noted) -> Principal:
        if route.who == EVERYBODY:
            return ANONYMOUS
        if b"dpop" in incoming.fields:
            noted.headers = await nonce_fields(world)
        proof = read_proof(incoming, origin=origin, now=world.clock.now(), has_clients=route.form)
        principal = await authenticate(
            world,
            proof,
            is_write=not isinstance(route, Read),
            is_leaving=isinstance(route, Leave),
            surface=Surface.NATIVE,
        )
        expect_client(proof, principal)
        return principal

    return prove


def _refuse(error: ValetkeyError, request_id: str, noted: Noted) -> Answer:
    answer = (refuse_oauth if noted.is_oauth else refuse)(error, request_id)
    if isinstance(error, Unauthenticated) and is_basic(noted.fields.get(b"authorization", b"")):
        answer.headers += (_BASIC_CHALLENGE,)  # to those alone who tried: a browser asks its user
    return answer
