"""Traces: spans of OpenTelemetry where the operator wants them, nothing at all where not."""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Final

from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from valetkey import __version__
from valetkey.core.errors import ValetkeyError
from valetkey.ports import what_for

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer, TracerProvider

Value = str | int | bool
_PROPAGATOR: Final = TraceContextTextMapPropagator()
NO_SPAN: Final[AbstractContextManager[None]] = nullcontext()
_NO_VALUES: Final[Mapping[str, Value]] = {}
MAX_PARENT_CHARS: Final = 128


class Spans:
    """
    Where spans begin.

    A span carries names and ids: never a body, a token, a signature, or the text of an error.

    Args:
        provider: Of the SDK; None is none, and costs a comparison.
    """

    def __init__(self, provider: TracerProvider | None = None) -> None:
        self._tracer: Tracer | None = None
        if provider is not None:
            self._tracer = provider.get_tracer("valetkey", __version__)
        self.are_kept = provider is not None

    def span(
        self,
        name: str,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        parent: bytes | None = None,
        values: Mapping[str, Value] = _NO_VALUES,
    ) -> AbstractContextManager[Span | None]:
        """
        Return a span for the length of a block, under the one around it.

        Args:
            parent: The ``traceparent`` of a request: its span is under the caller's.

        Spec:
            W3C Trace Context. ``tracestate`` is not taken: it is a stranger's text.
        """
        if self._tracer is None:
            return NO_SPAN
        return _span(self._tracer, name, kind, _context_of(parent), values)


@contextmanager
def _span(
    tracer: Tracer, name: str, kind: SpanKind, context: Context | None, values: Mapping[str, Value]
) -> Iterator[Span]:
    attributes = dict(values)
    now = what_for()
    if now is not None:
        if now.request_id:
            attributes["valetkey.request_id"] = now.request_id
        if now.activity_id:
            attributes["valetkey.activity_id"] = now.activity_id
    with tracer.start_as_current_span(
        name,
        context=context,
        kind=kind,
        attributes=attributes,
        record_exception=False,  # its text might quote what a stranger sent
        set_status_on_exception=False,
    ) as span:
        try:
            yield span
        except ValetkeyError as error:
            span.set_attribute("valetkey.code", error.code.value)
            span.set_status(Status(StatusCode.ERROR))
            raise
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(Status(StatusCode.ERROR))
            raise


def _context_of(parent: bytes | None) -> Context | None:
    if parent is None or len(parent) > MAX_PARENT_CHARS:
        return None
    return _PROPAGATOR.extract({"traceparent": parent.decode("latin-1")})
