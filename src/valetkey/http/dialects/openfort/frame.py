"""The frame in which Openfort's SDK for browsers has players' keys made, kept and used."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from importlib import resources
from typing import TYPE_CHECKING, Final

from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.errors import Code, Malformed
from valetkey.core.surface import Surface
from valetkey.core.token import MAX_TOKEN_CHARS, fingerprint, is_mark
from valetkey.http.answer import Answer
from valetkey.http.dialects.vendor import AnyQuery
from valetkey.http.routes import EVERYBODY, Ask, Read

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.sight import Reads

ASSETS: Final = "/iframe-assets/"
PATH: Final = "/iframe/{publishable_key}"
_HTML: Final = b"text/html; charset=utf-8"
_KINDS: Final = {"js": b"text/javascript; charset=utf-8", "css": b"text/css; charset=utf-8"}
_FOR_EVER: Final = b"public, max-age=31536000, immutable"  # its name is its content's
_METHODS: Final = ("GET", "HEAD")
# It runs one script of ours, talks to the server that it is from, and shows nothing. The other page
# says that a key is unknown, to whoever opens it: no page shows it in a frame.
_NOTHING: Final = {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"}
_FRAME: Final = {
    **_NOTHING,
    "script-src": "'self'",
    "connect-src": "'self'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
_UNKNOWN: Final = {**_NOTHING, "style-src": "'self'", "frame-ancestors": "'none'"}
_QUIET: Final = (b"referrer-policy", b"no-referrer")
_SAME_ORIGIN: Final = (b"cross-origin-resource-policy", b"same-origin")


class Frame:
    """The frame, for pages of the origins that each publishable key names: nobody else sees it."""

    def __init__(self) -> None:
        folder = resources.files("valetkey").joinpath("pages", "openfort")
        files = {one.name: one for one in folder.iterdir()}
        self._index = files.pop("index.html").read_text()
        unknown = files.pop("unknown.html").read_bytes()
        self._unknown = Answer(404, unknown, _HTML, _headers(_UNKNOWN))
        self._files = {
            ASSETS + name: Answer(
                200,
                file.read_bytes(),
                _KINDS[name.rpartition(".")[2]],
                (_QUIET, _SAME_ORIGIN),
                _FOR_EVER,
            )
            for name, file in files.items()
            if name.rpartition(".")[2] in _KINDS
        }
        self.route = Read(
            method="GET",
            path=PATH,
            who=EVERYBODY,
            summary="The frame that keeps keys",
            answer=None,
            query=AnyQuery,
            handle=self._show,
        )

    async def _show(self, see: Reads, principal: Principal, ask: Ask[None, AnyQuery]) -> Answer:
        del principal
        key = await _publishable(see, ask.id)
        if key is None:
            return replace(self._unknown)
        origins = " ".join(key.origins)
        page = self._index.replace("%origins%", escape(origins)).replace("%key%", escape(ask.id))
        policy = {**_FRAME, "frame-ancestors": origins or "'none'"}
        return Answer(200, page.encode(), _HTML, _headers(policy))

    def find(self, method: str, path: str) -> Answer | None:
        """Return the file at *path*, if there is one (`FindFile`)."""
        answer = self._files.get(path)
        if answer is not None and method not in _METHODS:
            detail = f"expected {' or '.join(_METHODS)}, got {method[:20]}"
            raise Malformed(Code.METHOD_NOT_ALLOWED, detail, allow=list(_METHODS))
        return None if answer is None else replace(answer)  # each is sent with headers of its own


def _headers(policy: dict[str, str]) -> tuple[tuple[bytes, bytes], ...]:
    said = "; ".join(map(" ".join, policy.items())).encode()
    return ((b"content-security-policy", said), _QUIET)


async def _publishable(see: Reads, text: str) -> Credential | None:
    """Return the publishable key of this surface that *text* is; None if it is none in use."""
    if len(text) > MAX_TOKEN_CHARS:
        return None
    mark = fingerprint(text)
    found = await see.store.read(lambda view: view.find(Credential, fingerprint=mark, limit=1))
    if not found or not is_mark(mark, found[0].fingerprint):
        return None
    (key,) = found
    is_one = key.surface is Surface.OPENFORT and key.kind is CredentialKind.PUBLISHABLE
    return key if is_one and key.revoked_at is None else None
