"""
Nothing that is logged holds a secret: a plugin that keeps every secret and every log line.

Secrets are what `SeededEntropy` and `secret` hand out; lines are what any logger in this process
emits, and what tests hand to `note_output` from processes that they start. Of a line its long words
are kept, each once: a secret may become known after it was written. They are compared when the
worker ends, and the run fails with the name of the line's logger, never with the secret.
"""

from __future__ import annotations

import base64
import logging
import re
import uuid
from typing import TYPE_CHECKING, Any, Final

import pytest

from valetkey.core.token import UUID_BYTES, UUIDS, TokenPrefix

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST_SECRET_BYTES: Final = 16
MAX_WORDS: Final = 4_000_000
# What a secret could be: a word of an encoding, or bytes as Python writes them.
_WORD: Final = re.compile(rf"[\w+/-]{{{SHORTEST_SECRET_BYTES},}}")
_BYTES: Final = re.compile(r"""b'(?:[^'\\]|\\.)*'|b"(?:[^"\\]|\\.)*\"""")


class _Watch(logging.Handler):
    """Keeps what is long in every record, as it would be written, traceback and extras included."""

    def __init__(self) -> None:
        super().__init__(level=logging.NOTSET)
        self.words: dict[str, str] = {}
        self.secrets: set[bytes] = set()
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        extra = {key: value for key, value in vars(record).items() if key not in _PLAIN}
        self.keep(record.name, f"{self.format(record)} {extra!r}" if extra else self.format(record))

    def keep(self, source: str, text: str) -> None:
        found = _WORD.findall(text)
        if "b'" in text or 'b"' in text:
            found += _BYTES.findall(text)
        for word in found:
            if word not in self.words and len(self.words) <= MAX_WORDS:
                self.words[word] = f"{source}: {text[:60].encode('ascii', 'replace')!r}…"

    def leaks(self) -> Iterator[str]:
        if len(self.words) > MAX_WORDS:
            yield f"somebody: more than {MAX_WORDS} words are too many to keep"
        for form in {form for secret in self.secrets for form in forms_of(secret)}:
            for word in (form, f"0x{form}"):
                if word in self.words:
                    yield f"{self.words[word]} ({len(word)} chars)"


_PLAIN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_WATCH: Final = _Watch()
_FOUND: Final[list[str]] = []
_PREFIXES: Final = tuple(TokenPrefix)


def secret(value: bytes) -> bytes:
    """Keep *value* as a secret that no log may show, and return it."""
    if len(value) >= SHORTEST_SECRET_BYTES:
        _WATCH.secrets.add(value)
    return value


def note_output(source: str, text: str) -> None:
    """Keep what a process of a test wrote, line by line, to be searched like a log."""
    for line in text.splitlines():
        _WATCH.keep(source, line)


def forms_of(value: bytes) -> set[str]:
    """Return the texts that *value* could be written as."""
    plain = base64.urlsafe_b64encode(value).decode().rstrip("=")
    uuids = set()
    if len(value) == UUID_BYTES:
        text = str(uuid.UUID(bytes=value, version=4))
        uuids = {text, *(f"{prefix}{text}" for prefix in UUIDS)}
    return uuids | {
        value.hex(),
        plain,
        base64.b64encode(value).decode().rstrip("="),
        *(prefix + plain for prefix in _PREFIXES),
        repr(value),
    }


def pytest_configure(config: pytest.Config) -> None:
    """Listen to everything that is logged, at every level."""
    del config
    logging.getLogger().addHandler(_WATCH)
    logging.getLogger().setLevel(logging.DEBUG)
    logging.getLogger("hypothesis").setLevel(logging.INFO)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:  # noqa: ANN401 - a worker of xdist, which has no types
    """Take over what a worker found."""
    _FOUND.extend(getattr(node, "workeroutput", {}).get("leaks", []))


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Search the log; a worker tells its controller, who fails the run."""
    _FOUND.extend(sorted(set(_WATCH.leaks()))[:20])
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["leaks"] = _FOUND
    elif _FOUND:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any) -> None:  # noqa: ANN401 - pytest's own type is private
    """Say what was found."""
    for line in _FOUND:
        terminalreporter.write_line(f"A SECRET WAS LOGGED by {line}", red=True)
