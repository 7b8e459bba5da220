"""Pages for people: files that are served as they were built, to everybody, and do nothing here."""

from __future__ import annotations

from dataclasses import replace
from importlib import resources
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed
from valetkey.http.answer import Answer
from valetkey.http.native.consent import PAGE_PATH

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

_INDEX: Final = "index.html"
_KINDS: Final = {
    ".css": b"text/css; charset=utf-8",
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
# What is not named here the page cannot do, whatever somebody gets into it: no inline script or
# style, no other host, no frame, no form, no text that becomes code.
_POLICY: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "connect-src": "'self'",
    "img-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
_FEATURES: Final = ("camera", "geolocation", "microphone", "payment", "usb")
_HEADERS: Final = (
    (b"content-security-policy", "; ".join(map(" ".join, _POLICY.items())).encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", ", ".join(f"{name}=()" for name in _FEATURES).encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
_FOR_EVER: Final = b"public, max-age=31536000, immutable"  # their names are their content's
_METHODS: Final = ("GET", "HEAD")


class Pages:
    """The consent page: its HTML, which names the rest by what is in it."""

    def __init__(self) -> None:
        folder = resources.files("valetkey").joinpath("pages", "consent")
        self._answers = dict(_served(one) for one in folder.iterdir() if one.name[0] != ".")

    def find(self, method: str, path: str) -> Answer | None:
        """
        Return what is served at *path*, if it is one of ours.

        Raises:
            Malformed: ``method_not_allowed``: a page is only read.
        """
        answer = self._answers.get(path)
        if answer is not None and method not in _METHODS:
            detail = f"expected {' or '.join(_METHODS)}, got {method[:20]}"
            raise Malformed(Code.METHOD_NOT_ALLOWED, detail, allow=list(_METHODS))
        return None if answer is None else replace(answer)  # each is sent with headers of its own


def _served(file: Traversable) -> tuple[str, Answer]:
    is_index = file.name == _INDEX
    kind = _KINDS[file.name[file.name.rindex(".") :]]
    path = PAGE_PATH if is_index else f"{PAGE_PATH}/{file.name}"
    caching = b"no-store" if is_index else _FOR_EVER
    return path, Answer(200, file.read_bytes(), kind, _HEADERS, caching)
