"""One request to the server, before anybody proves or sends it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote, urlencode

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")
Value = str | int | Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Ask(Generic[T]):
    """
    What is asked for, and what the answer is.

    Args:
        answer: The type that the answer's JSON is read as.
        path: With its variables in it, percent-encoded; see `path_of`.
        query: None values are left out, a list is given once for each of its items.
        body: JSON values or a wire struct; None for a read.
        request_id: What makes a write happen once; None is a new one.
        is_write: Whether it changes something; some that only read have a body.
        is_form: Whether *body* is text by name and goes as a form, as OAuth has it.
    """

    answer: type[T]
    method: str
    path: str
    query: Mapping[str, Value] = field(default_factory=dict)
    body: Any = None
    request_id: str | None = None
    is_write: bool = False
    is_form: bool = False

    def target(self) -> str:
        """Return path and query as they go on the wire."""
        pairs = [(name, value) for name, value in self.query.items() if value is not None]
        query = urlencode(pairs, doseq=True)
        return f"{self.path}?{query}" if query else self.path

    def content(self) -> bytes:
        """Return the body as it goes on the wire; empty for a read."""
        if self.is_form:
            return urlencode(self.body).encode()
        return b"" if self.body is None else msgspec.json.encode(self.body)

    @property
    def media_type(self) -> str:
        """What the body is."""
        return "application/x-www-form-urlencoded" if self.is_form else "application/json"


def path_of(template: str, **variables: str) -> str:
    """
    Return *template* with its variables filled in, each percent-encoded whole.

    >>> path_of("/v1/sessions/{session_id}", session_id="ses_…")
    """
    return template.format(**{name: quote(text, safe="") for name, text in variables.items()})


def read(answer: type[T], path: str, **query: Value) -> Ask[T]:
    """Return a request that only reads."""
    return Ask(answer, "GET", path, query)


def look(answer: type[T], path: str, body: object) -> Ask[T]:
    """Return a request that only reads, about something that is too long for a URL."""
    return Ask(answer, "POST", path, {}, body)


def write(answer: type[T], path: str, body: object, *, request_id: str | None = None) -> Ask[T]:
    """Return a request that changes something, once."""
    return Ask(answer, "POST", path, {}, body, request_id, is_write=True)


def form(
    answer: type[T], path: str, fields: Mapping[str, str | None], *, is_write: bool = False
) -> Ask[T]:
    """Return a request with a form as its body; fields that are None are left out."""
    body = {name: text for name, text in fields.items() if text is not None}
    return Ask(answer, "POST", path, {}, body, is_write=is_write, is_form=True)
