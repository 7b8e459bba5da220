"""JSON-RPC over HTTP: one question in the body of one POST."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from valetkey.devchain.pyevm.methods import Methods

BODY_BYTES = 1024 * 1024

_JSON = b"application/json"


class App:
    """
    An ASGI application.

    A body must say that it is JSON: a page in a browser then has to ask first, and is not answered.
    """

    def __init__(self, methods: Methods) -> None:
        self._methods = methods

    async def __call__(
        self,
        scope: Mapping[str, Any],
        receive: Callable[[], Awaitable[Mapping[str, Any]]],
        send: Callable[[Mapping[str, Any]], Awaitable[None]],
    ) -> None:
        """Answer one request."""
        status, answer = await self._answer(scope, receive)
        body = msgspec.json.encode(answer)
        headers = [(b"content-type", _JSON), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(
        self, scope: Mapping[str, Any], receive: Callable[[], Awaitable[Mapping[str, Any]]]
    ) -> tuple[int, object]:
        headers = dict(scope["headers"])
        if scope["method"] != "POST":
            return 405, _problem("only POST")
        if headers.get(b"content-type", b"").partition(b";")[0].strip().lower() != _JSON:
            return 415, _problem("expected application/json")
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > BODY_BYTES:
                return 413, _problem(f"at most {BODY_BYTES} bytes")
            if not message.get("more_body", False):
                break
        try:
            question = msgspec.json.decode(bytes(body))
        except (msgspec.DecodeError, RecursionError, ValueError):
            return 200, _problem("parse error", code=-32700)
        return 200, self._methods.answer(question)


def _problem(text: str, *, code: int = -32600) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": None, "error": {"code": code, "message": text}}
