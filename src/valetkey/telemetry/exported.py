"""Traces leave the process where the operator says so: the SDK, and OTLP over HTTP."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from valetkey import __version__
from valetkey.core.errors import Code, Malformed
from valetkey.telemetry.spans import Spans

if TYPE_CHECKING:
    from collections.abc import Callable

_EXPORTER: Final = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
_TIMEOUT_S: Final = 5
_LAST_MS: Final = 5000


def spans_to(url: str) -> tuple[Spans, Callable[[], None]]:
    """
    Return spans that are sent to *url*, and what sends the last of them; none if it is empty.

    Raises:
        Malformed: It is no URL of HTTP, or the extra ``otel`` is not installed.
    """
    if not url:
        return Spans(), _nothing
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        detail = "traces_url: expected http:// or https:// and a host, without a user or password"
        raise Malformed(Code.MALFORMED_CONFIG, detail)
    if find_spec("opentelemetry.sdk") is None or not _has(_EXPORTER):
        detail = "traces_url: expected OpenTelemetry's SDK; pip install 'valetkey[otel]'"
        raise Malformed(Code.MALFORMED_CONFIG, detail)
    provider = _provider(url)

    def end() -> None:
        provider.force_flush(_LAST_MS)
        provider.shutdown()

    return Spans(provider), end


def _provider(url: str) -> Any:  # noqa: ANN401 - of a library that need not be there
    sdk = import_module("opentelemetry.sdk.trace")
    export = import_module("opentelemetry.sdk.trace.export")
    resources = import_module("opentelemetry.sdk.resources")
    exporter = import_module(_EXPORTER).OTLPSpanExporter(endpoint=url, timeout=_TIMEOUT_S)
    named = resources.Resource.create({"service.name": "valetkey", "service.version": __version__})
    provider = sdk.TracerProvider(resource=named, shutdown_on_exit=False)
    provider.add_span_processor(export.BatchSpanProcessor(exporter))
    return provider


def _has(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _nothing() -> None:
    """Send nothing: there is nothing."""
