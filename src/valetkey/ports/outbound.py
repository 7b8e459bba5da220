"""What a flow needs to send something to a URL that a caller chose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Posted:
    """
    What became of a request.

    Args:
        status: Of the answer; None if there was none.
        reason: Why there was none, in a few words that name nothing of this machine.
    """

    status: int | None
    reason: str = ""


MAX_FETCHED_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class Fetched:
    """
    What was found at a URL.

    Args:
        status: Of the answer; None if there was none, or more than `MAX_FETCHED_BYTES` of it.
        reason: Why there was none, in a few words that name nothing of this machine.
    """

    status: int | None
    body: bytes = b""
    reason: str = ""


class Outbound(Protocol):
    """
    Requests to URLs that callers chose: resolved once, to public addresses, without redirects.

    Loopback and private addresses only by development configuration.
    """

    async def check(self, url: str) -> None:
        """
        Let *url* pass if it may be sent to now.

        Raises:
            Malformed: ``url_refused``; the detail says why.
        """

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """Send *body* there, and return what came back. Raises nothing for what others do."""

    async def fetch(self, url: str) -> Fetched:
        """Return what is at *url*. Raises nothing for what others do."""
