"""What the edge needs to know beside the world, and how much of anything it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from valetkey import __version__
from valetkey.config import Rates
from valetkey.core.errors import Code, Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.config import DialectConfig, DialectName


@dataclass(frozen=True, slots=True)
class Limits:
    """
    The most that a stranger can make us read, and work out.

    Args:
        url_bytes: Path and query together.
        header_bytes: Names and values of all fields together.
        header_count: Fields.
        body_bytes: One body.
        json_depth: Objects and lists inside each other.
        head_wait_s: How long the head of a request may take to come, and how long a new connection
            may say nothing.
        body_wait_s: How long a body may take to come.
        answer_s: How long an answer of the calculus may take to work out.
        waiting: How many may wait for one.
        streams: How many streams may be open at a time.
        streams_of_organization: How many that principals of one organization opened.
        streams_of_principal: How many of one principal.
    """

    url_bytes: int = 2048
    header_bytes: int = 16_384
    header_count: int = 64
    body_bytes: int = 65_536
    json_depth: int = 32
    head_wait_s: float = 10.0
    body_wait_s: float = 10.0
    answer_s: float = 5.0
    waiting: int = 32
    streams: int = 1024
    streams_of_organization: int = 256
    streams_of_principal: int = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """
    The edge of one server.

    Args:
        version: Of this software.
        public_url: Scheme and host as callers see them, such as ``https://keys.example``; empty
            takes the ``Host`` header and ``http``. What signed requests over ``@target-uri`` say.
        base_url: Where it listens: what names this server when there is no public URL.
        names: What addresses are called in front of people.
        reconcile_s: Pause between two rounds of `reconcile` while serving; 0 is never.
        grace_s: How long answers, and writes that were begun, may take when the server ends.
        metrics_port: Where metrics are shown on loopback; 0 takes a free one, None shows none.
        rates: How often anybody may ask.
        trusted_proxies: Networks of proxies that say where requests come from.
        proxy_header: The header in which they say it.
        deliver_s: Pause between two looks for what waits for webhooks; 0 is never.
        tick_s: Pause between two looks at what is watched, while streams are open.
        heartbeat_s: A stream that has nothing to say says so after this.
        origins: Whose pages may ask the native API (`Origins`).
        dialects: Wire formats of vendors that are spoken.
    """

    version: str = __version__
    public_url: str = ""
    base_url: str = "http://localhost"
    names: Mapping[bytes, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    reconcile_s: float = 1.0
    grace_s: float = 30.0
    metrics_port: int | None = None
    deliver_s: float = 1.0
    tick_s: float = 0.25
    heartbeat_s: float = 15.0
    rates: Rates = field(default_factory=Rates)
    trusted_proxies: tuple[str, ...] = ()
    proxy_header: str = "x-forwarded-for"
    origins: tuple[str, ...] = ()
    dialects: Mapping[DialectName, DialectConfig] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """The URL that names this server in tokens and metadata."""
        return (self.public_url or self.base_url).rstrip("/")

    def origin(self) -> tuple[str, str] | None:
        """
        Return scheme and authority of the public URL, or None without one.

        Raises:
            Malformed: It is not ``http`` or ``https`` and a host, or has more than those.
        """
        if not self.public_url:
            return None
        parts = urlsplit(self.public_url)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/"):
            detail = f"public_url: expected https:// and a host, got {self.public_url[:80]!r}"
            raise Malformed(Code.MALFORMED_CONFIG, detail)
        return parts.scheme, parts.netloc
