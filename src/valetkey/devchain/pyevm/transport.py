"""A node in this process, asked without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import msgspec

if TYPE_CHECKING:
    from valetkey.devchain.pyevm.methods import Methods


class InProcess(httpx.AsyncBaseTransport):
    """Carries questions to *methods*, and their answers back."""

    def __init__(self, methods: Methods) -> None:
        self._methods = methods

    def carry(self, question: bytes) -> bytes:
        """Return the body of the answer to *question*."""
        return msgspec.json.encode(self._methods.answer(msgspec.json.decode(question)))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a question of an httpx client at once."""
        answer = self.carry(await request.aread())
        headers = {"content-type": "application/json"}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(answer))
