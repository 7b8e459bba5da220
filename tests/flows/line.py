"""The line between us and a node in this process: it can be cut, and lose or garble answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from valetkey.devchain.pyevm.transport import InProcess

if TYPE_CHECKING:
    from valetkey.devchain.pyevm.methods import Methods


class Line(InProcess):
    """
    A line that fails when it is told to.

    Args:
        is_cut: Nothing gets through.
        lost: Methods whose question arrives and whose answer does not.
        refused: Methods that the node refuses, with its words.
        called: What calls of an address are answered with, whatever the node would say.
        asked: The methods that were asked, oldest first.
    """

    def __init__(self, methods: Methods) -> None:
        super().__init__(methods)
        self.is_cut = False
        self.lost: set[str] = set()
        self.refused: dict[str, str] = {}
        self.called: dict[bytes, bytes] = {}
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, or fail as told."""
        if self.is_cut:
            raise httpx.ConnectError("the line is cut", request=request)
        question = msgspec.json.decode(await request.aread())
        method = question["method"]
        self.asked.append(method)
        if method in self.refused:
            return _answer(question, error={"code": -32000, "message": self.refused[method]})
        if method == "eth_call":
            told = self.called.get(bytes.fromhex(question["params"][0]["to"][2:]))
            if told is not None:
                return _answer(question, result=f"0x{told.hex()}")
        answered = await super().handle_async_request(request)
        if method in self.lost:
            raise httpx.ReadError("the answer was lost", request=request)
        return answered


def _answer(question: dict[str, Any], **said: object) -> httpx.Response:
    answer = {"jsonrpc": "2.0", "id": question["id"], **said}
    return httpx.Response(200, stream=httpx.ByteStream(msgspec.json.encode(answer)))
