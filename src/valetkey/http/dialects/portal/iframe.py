"""The frame in which the vendor's browser SDK has shares kept and used."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed
from valetkey.http.answer import Answer
from valetkey.http.dialects.vendor import AnyQuery
from valetkey.http.routes import EVERYBODY, Ask, Read

if TYPE_CHECKING:
    from valetkey.core.origins import Origins
    from valetkey.core.principal import Principal
    from valetkey.http.sight import Reads

ASSETS: Final = "/iframe-assets/"
INDEX: Final = "/{version}/iframe/index.html"  # each version of the SDK asks for its own
_HTML: Final = b"text/html; charset=utf-8"
_SCRIPT: Final = b"text/javascript; charset=utf-8"
_FOR_EVER: Final = b"public, max-age=31536000, immutable"  # its name is its content's
_METHODS: Final = ("GET", "HEAD")
# It runs one script of ours, talks to the server that it is from, and shows nothing.
_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "connect-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
_QUIET: Final = (b"referrer-policy", b"no-referrer")
_SAME_ORIGIN: Final = (b"cross-origin-resource-policy", b"same-origin")


class Frame:
    """The frame, for pages of *origins* alone: browsers show it in no others."""

    def __init__(self, origins: Origins) -> None:
        folder = resources.files("valetkey").joinpath("pages", "portal")
        files = {one.name: one for one in folder.iterdir()}
        index = files.pop("index.html").read_text().replace("%origins%", " ".join(origins.texts))
        policy = {**_POLICY, "frame-ancestors": " ".join(origins.texts) or "'none'"}
        said = "; ".join(map(" ".join, policy.items())).encode()
        headers = ((b"content-security-policy", said), _QUIET)
        self._index = Answer(200, index.encode(), _HTML, headers)
        self._scripts = {
            ASSETS + name: Answer(
                200, file.read_bytes(), _SCRIPT, (_QUIET, _SAME_ORIGIN), _FOR_EVER
            )
            for name, file in files.items()
            if name.endswith(".js")
        }
        self.route = Read(
            method="GET",
            path=INDEX,
            who=EVERYBODY,
            summary="The frame that keeps shares",
            answer=None,
            query=AnyQuery,
            handle=self._show,
        )

    async def _show(self, see: Reads, principal: Principal, ask: Ask[None, AnyQuery]) -> Answer:
        del see, principal, ask
        return replace(self._index)

    def find(self, method: str, path: str) -> Answer | None:
        """Return the script at *path*, if there is one (`FindFile`)."""
        answer = self._scripts.get(path)
        if answer is not None and method not in _METHODS:
            detail = f"expected {' or '.join(_METHODS)}, got {method[:20]}"
            raise Malformed(Code.METHOD_NOT_ALLOWED, detail, allow=list(_METHODS))
        return None if answer is None else replace(answer)  # each is sent with headers of its own
