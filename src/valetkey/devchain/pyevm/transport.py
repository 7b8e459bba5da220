"""A node in this process, asked without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import msgspec

if TYPE_CHECKING:
    from valetkey.devchain.pyevm.methods import Methods


class InProcess(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Carries the questions of an httpx client to *methods*, and their answers back."""

    def __init__(self, methods: Methods) -> None:
        self._methods = methods

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a question at once."""
        return self._answer(request.read())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a question at once."""
        return self._answer(await request.aread())

    def _answer(self, body: bytes) -> httpx.Response:
        answer = self._methods.answer(msgspec.json.decode(body))
        headers = {"content-type": "application/json"}
        return httpx.Response(
            200, headers=headers, stream=httpx.ByteStream(msgspec.json.encode(answer))
        )
