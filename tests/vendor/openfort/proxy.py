"""A proxy of the test: what it passes on has happened, whatever it says of it afterwards."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import httpx

from valetkey.http.bounded import answering, listen

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

OVERLOADED: Final = b'{"error":{"type":"api_error","message":"upstream said nothing"}}'
HOP_BY_HOP: Final = frozenset({b"host", b"connection", b"content-length", b"transfer-encoding"})


@dataclass(slots=True)
class Proxy:
    """
    Between an SDK and the server.

    Args:
        says_503: The end of paths whose answers are lost, after the server gave them.
        posts: The paths of those, in their order.
        keys: The idempotency key that came with each.
        statuses: What the server had said.
    """

    target: str
    url: str = ""
    says_503: str = "/signature"
    posts: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        """Answer one request."""
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        fields = [one for one in scope["headers"] if one[0] not in HOP_BY_HOP]
        async with httpx.AsyncClient(base_url=self.target, timeout=60) as client:
            path = scope["path"]
            query = scope["query_string"].decode()
            url = f"{path}?{query}" if query else path
            answer = await client.request(scope["method"], url, content=body, headers=fields)
        status, said = answer.status_code, answer.content
        if scope["method"] == "POST" and path.endswith(self.says_503):
            self.posts.append(path)
            self.keys.append(_field(scope["headers"], b"x-idempotency-key"))
            self.statuses.append(status)
            status, said = 503, OVERLOADED
        head = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": said})


def _field(fields: list[tuple[bytes, bytes]], name: bytes) -> str | None:
    return next((value.decode() for key, value in fields if key.lower() == name), None)


@asynccontextmanager
async def losing(target: str, says_503: str) -> AsyncIterator[Proxy]:
    """Give a proxy that loses answers to posts whose paths end in *says_503*."""
    proxy = Proxy(target, says_503=says_503)
    listener = listen("127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    async with answering(proxy, listener, head_wait_s=10, grace_s=1):
        yield proxy
