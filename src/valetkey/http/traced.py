"""What of a request goes into its span: names and ids, never what it says or proves."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind, Status, StatusCode

from valetkey.telemetry.spans import NO_SPAN
from valetkey.telemetry.telemetry import Answered

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from opentelemetry.trace import Span

    from valetkey.http.answer import Answer
    from valetkey.telemetry.spans import Spans

_FAULT = 500


@dataclass(slots=True)
class Noted(Answered):
    """
    What is known of a request so far.

    Args:
        is_oauth: Whether a refusal is told in the form of OAuth 2.
        headers: What the answer says beside its body, however it ends.
        fields: Header fields of the request, once they were read.
    """

    is_oauth: bool = False
    headers: tuple[tuple[bytes, bytes], ...] = ()
    fields: dict[bytes, bytes] = field(default_factory=dict)


def request_span(spans: Spans, scope: dict[str, Any]) -> AbstractContextManager[Span | None]:
    """Return the span of a request, under the one that its ``traceparent`` names."""
    if not spans.are_kept:
        return NO_SPAN
    parents = [value for name, value in scope["headers"] if name == b"traceparent"]
    parent = parents[0] if len(parents) == 1 else None
    return spans.span("request", kind=SpanKind.SERVER, parent=parent)


def note_answer(span: Span | None, noted: Noted, answer: Answer) -> None:
    """Note how it was answered, and say in *span* what was asked for and how that ended."""
    noted.status, noted.code, noted.why = answer.status, answer.code, answer.why
    if span is None:
        return
    span.update_name(f"{noted.method} {noted.route}".strip())
    span.set_attribute("http.request.method", noted.method)
    span.set_attribute("http.route", noted.route)
    span.set_attribute("http.response.status_code", answer.status)
    span.set_attribute("valetkey.principal_id", noted.principal_id)
    if answer.code is not None:
        span.set_attribute("valetkey.code", answer.code)
    if answer.status >= _FAULT:
        span.set_status(Status(StatusCode.ERROR))


def flow_span(spans: Spans, handle: Callable[..., object]) -> AbstractContextManager[Span | None]:
    """Return the span of a route's flow."""
    return spans.span(_flow_name(handle)) if spans.are_kept else NO_SPAN


@lru_cache(maxsize=1024)
def _flow_name(handle: Callable[..., object]) -> str:
    """Return what the span of a route's flow is called, such as ``flow session.open``."""
    module = handle.__module__.rpartition(".")[2]
    name = getattr(handle, "__name__", "answer")
    return f"flow {module}.{name.strip('_')}"
