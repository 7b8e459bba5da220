"""What Para's clients fetch and open: our scripts in the place of theirs, and our two pages."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from importlib import resources
from typing import Final

from valetkey.core.errors import Code, Malformed
from valetkey.http.answer import Answer

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
# No opener policy: who opened the page watches whether it was closed.
_HEADERS: Final = (
    (b"content-security-policy", "; ".join(map(" ".join, _POLICY.items())).encode()),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
_KINDS: Final = {
    ".css": b"text/css; charset=utf-8",
    ".html": b"text/html; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
}
_FETCHED: Final = frozenset(
    {"mpcWorker-bundle.js", "mpcWorkerServer-bundle.js", "prime.worker.min.js"}
)
_OTP: Final = "/auth/otp"
_REVIEW: Final = re.compile(r"/web/users/usr_[0-9a-z]{24}/transaction-review/rvw_[0-9a-z]{24}")
_FOR_EVER: Final = b"public, max-age=31536000, immutable"  # their names are their content's
_METHODS: Final = ("GET", "HEAD")


class Files:
    """
    Pages and scripts, as they were built.

    Args:
        api_url: Where the scripts find this wire format.
    """

    def __init__(self, api_url: str) -> None:
        folder = resources.files("valetkey").joinpath("pages", "para")
        self._answers: dict[str, Answer] = {}
        for file in folder.iterdir():
            kind = _KINDS[file.name[file.name.rindex(".") :]]
            if file.name in _FETCHED:
                text = f"const VALETKEY_API={json.dumps(api_url)};".encode() + file.read_bytes()
                self._answers[f"/static/js/{file.name}"] = Answer(
                    200, text, kind, caching=b"no-cache"
                )
            elif file.name.endswith(".html"):
                self._answers[file.name] = Answer(200, file.read_bytes(), kind, _HEADERS)
            else:
                self._answers[f"/vk/{file.name}"] = Answer(
                    200, file.read_bytes(), kind, _HEADERS, _FOR_EVER
                )

    def find(self, method: str, path: str) -> Answer | None:
        """
        Return what is served at *path*, if it is one of ours.

        Raises:
            Malformed: ``method_not_allowed``: it is only read.
        """
        name = path
        if path == _OTP:
            name = "otp.html"
        elif _REVIEW.fullmatch(path):
            name = "review.html"
        answer = self._answers.get(name) if path.startswith("/") else None
        if answer is None:
            return None
        if method == "OPTIONS":
            return None  # of a page of another origin
        if method not in _METHODS:
            detail = f"expected {' or '.join(_METHODS)}, got {method[:20]}"
            raise Malformed(Code.METHOD_NOT_ALLOWED, detail, allow=list(_METHODS))
        return replace(answer)  # each is sent with headers of its own
