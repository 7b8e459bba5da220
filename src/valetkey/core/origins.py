"""Origins of pages in browsers, as an operator or an organization names them (RFC 6454)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable

_ORIGIN: Final = re.compile(r"https?://(?:[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")
_LEFT_OUT: Final = {"https": ":443", "http:": ":80"}  # ports that no browser names
_ANY_PORT: Final = re.compile(r"(http://(?:localhost|127\.0\.0\.1)):\*")


class Origins:
    """
    The origins of pages that may ask.

    Args:
        texts: Each exact, such as ``https://app.example``; or, for development, those of any port
            of this machine: ``http://localhost:*`` or ``http://127.0.0.1:*``.

        code: How one that is neither is refused.

    Raises:
        Malformed: One is neither.
    """

    def __init__(self, texts: Iterable[str], code: Code = Code.MALFORMED_CONFIG) -> None:
        self.texts = tuple(texts)
        local: list[str] = []
        for text in self.texts:
            any_port = _ANY_PORT.fullmatch(text)
            if any_port:
                local.append(any_port[1])
            elif not _ORIGIN.fullmatch(text) or text.endswith(_LEFT_OUT[text[:5]]):
                expected = "an origin such as https://app.example, or http://localhost:*"
                detail = f"origins: expected {expected}, got {text[:80]!r}"
                raise Malformed(code, detail)
        self._exact = frozenset(self.texts)
        self._local = tuple(local)

    def __contains__(self, origin: object) -> bool:
        """Whether pages of *origin* may ask."""
        if not isinstance(origin, str) or not _ORIGIN.fullmatch(origin):
            return False
        return origin in self._exact or any(
            origin == one or origin.startswith(f"{one}:") for one in self._local
        )
