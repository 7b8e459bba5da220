# Written by tools/unasync.py from ../_async/line.py: change that one.
"""The connection: requests go out with their proof, and again where safe; answers are typed."""

from __future__ import annotations

from dataclasses import dataclass
from time import sleep
from typing import TYPE_CHECKING, Final, TypeVar

import httpx
import msgspec

from valetkey.client.asks import Ask, Value, read
from valetkey.client.attempts import UNAUTHENTICATED, UNAVAILABLE, Attempts
from valetkey.client.errors import problem, unreachable
from valetkey.client.proofs import BoundToken, Proof, Sent, new_request_id
from valetkey.client.sse import Events
from valetkey.client.watching import SILENCE_S, told, why_ended
from valetkey.core.errors import Code, Malformed, Unavailable
from valetkey.wire.meter import END

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.client.sse import Heard
    from valetkey.wire.base import Page

T = TypeVar("T")
MAX_ANSWER_BYTES: Final = 8 * 2**20
_ERRORS_FROM: Final = 300


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    headers: httpx.Headers
    content: bytes


class Connection:
    """Connections to one server, kept open and shared by everything that a client hands out."""

    def __init__(self, base_url: str, *, timeout: httpx.Timeout, attempts: Attempts) -> None:
        url = httpx.URL(base_url)
        if url.scheme not in {"http", "https"} or not url.host or url.userinfo or url.query:
            detail = (
                "base_url: expected http:// or https://, a host and perhaps a path, got another"
            )
            raise Malformed(Code.MALFORMED_BODY, detail)
        self.base_url = str(url).rstrip("/")
        self.attempts = attempts
        self._client = httpx.Client(timeout=timeout, headers={"accept": "application/json"})

    def close(self) -> None:
        """Close what is open."""
        self._client.close()

    def send(self, ask: Ask[T], proof: Proof) -> T:
        """
        Return the server's answer to *ask*.

        Raises:
            ValetkeyError: The server refuses, in the kind and with the code that it gave.
            Unavailable: It does not answer (``server_unreachable``), or cannot just now.
        """
        request_id = ask.request_id or new_request_id()
        request = self._request(ask, proof, request_id)
        sent = 0
        while True:
            sent += 1
            answer, failure = self._once(request)
            if answer is not None and sent == 1 and _needs_nonce(answer, proof):
                request = self._request(ask, proof, new_request_id())
                continue
            headers = answer.headers if answer is not None else httpx.Headers()
            if answer is not None and not self.attempts.may_help(answer.status, headers):
                return _read(answer, ask.answer)
            wait_s = self.attempts.wait_s(sent, headers)
            if wait_s is None:
                if answer is not None:
                    return _read(answer, ask.answer)
                raise failure or problem(UNAVAILABLE, b"", headers)
            sleep(wait_s)
            if not ask.is_write:  # a signature is good for one read
                request = self._request(ask, proof, new_request_id())

    def listen(self, ask: Ask[T], proof: Proof, *, last_id: str = "") -> Iterator[Heard]:
        """
        Yield the events of one stream until it breaks off or says that it has ended.

        Raises:
            ValetkeyError: The server refuses to open it, or does not answer.
        """
        request = self._request(ask, proof, new_request_id())
        request.extensions["timeout"] = {**request.extensions["timeout"], "read": SILENCE_S}
        if last_id:
            request.headers["last-event-id"] = last_id
        try:
            response = self._client.send(request, stream=True)
            try:
                if response.status_code >= _ERRORS_FROM:
                    response.read()
                    if isinstance(proof, BoundToken) and proof.learn(response.headers):
                        raise unreachable("expected the proof of a key with a newer nonce")
                    raise problem(response.status_code, response.content, response.headers)
                events = Events()
                for chunk in response.iter_bytes():
                    for heard in events.feed(chunk):
                        yield heard
            finally:
                response.close()
        except httpx.TransportError as error:
            where = request.url.netloc.decode()
            raise unreachable(f"expected to hear {where}, got {_name(error)}") from None

    def _request(self, ask: Ask[T], proof: Proof, request_id: str) -> httpx.Request:
        url, content = self.base_url + ask.target(), ask.content()
        fields = {"content-type": ask.media_type} if content else {}
        request = self._client.build_request(ask.method, url, content=content, headers=fields)
        sent = Sent(ask.method, str(request.url), content, ask.is_write)
        request.headers.update(proof.headers(sent, request_id=request_id))
        return request

    def _once(self, request: httpx.Request) -> tuple[_Answer | None, Unavailable | None]:
        """Return the answer, or why there is none, if sending again may help."""
        try:
            response = self._client.send(request, stream=True)
            try:
                content = bytearray()
                for chunk in response.iter_bytes():
                    content += chunk
                    if len(content) > MAX_ANSWER_BYTES:
                        detail = f"expected an answer of at most {MAX_ANSWER_BYTES} bytes, got more"
                        raise unreachable(detail)
            finally:
                response.close()
        except (httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout) as error:
            detail = f"expected an answer of {request.url.host} in time, got {_name(error)}"
            raise unreachable(detail) from None
        except httpx.TransportError as error:
            return None, unreachable(
                f"expected to reach {request.url.netloc.decode()}, got {_name(error)}"
            )
        return _Answer(response.status_code, response.headers, bytes(content)), None


def _needs_nonce(answer: _Answer, proof: Proof) -> bool:
    """Say whether another proof than the one that was refused may be taken (RFC 9449, 9)."""
    has_new = isinstance(proof, BoundToken) and proof.learn(answer.headers)
    return has_new and answer.status == UNAUTHENTICATED


def _name(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:200]}".removesuffix(": ")


def _read(answer: _Answer, kind: type[T]) -> T:
    if answer.status >= _ERRORS_FROM:
        raise problem(answer.status, answer.content, answer.headers)
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except msgspec.DecodeError as error:
        raise unreachable(f"expected the answer of a valetkey server, got: {error}") from None


@dataclass(frozen=True, slots=True)
class Line:
    """A connection, and who speaks on it."""

    connection: Connection
    proof: Proof

    def send(self, ask: Ask[T]) -> T:
        """Return the server's answer to *ask*, or raise what it says."""
        return self.connection.send(ask, self.proof)

    def pages(self, page: type[Page[T]], path: str, **query: Value) -> Iterator[T]:
        """Yield everything of a list, page by page as it is needed."""
        after: str | None = None
        while True:
            part = self.send(read(page, path, **query, after=after))
            for item in part.items:
                yield item
            if part.next is None or part.next == after:
                return
            after = part.next

    def watch(self, ask: Ask[T]) -> Iterator[T]:
        """
        Yield what a stream says, asked for again whenever it breaks off, until it has ended.

        Raises:
            ValetkeyError: Why it has ended, or is not opened.
            Unavailable: It broke off, and could not be opened again as often as `Attempts` says.
        """
        last_id, failed = "", 0
        while True:
            try:
                for heard in self.connection.listen(ask, self.proof, last_id=last_id):
                    if heard.name == END:
                        raise why_ended(heard)
                    last_id, failed = heard.id, 0
                    yield told(heard, ask.answer)
                why = unreachable("expected a stream that says why it ends, got its end")
            except Unavailable as error:
                why = error
            failed += 1
            wait_s = self.connection.attempts.wait_s(failed, {})
            if wait_s is None:
                raise why
            sleep(wait_s)
