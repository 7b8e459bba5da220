"""What goes between the server and the process that works out its answers: one line each way."""

from __future__ import annotations

from msgspec import Raw, Struct


class Asked(Struct, frozen=True, kw_only=True):
    """A question, by its name in `QUESTIONS`, and its body."""

    name: str
    body: Raw


class Answered(Struct, frozen=True, kw_only=True):
    """The answer; or, with a code, what is wrong with the question."""

    answer: Raw = Raw(b"null")
    code: str = ""
    detail: str = ""
