"""What a refused request leaves behind: nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.worlds import dump
from valetkey.core.session import Usage

if TYPE_CHECKING:
    import httpx

    from valetkey.flows.world import World


async def state(world: World) -> dict[str, list[object]]:
    """Return everything that a refused request may not change: all but when a proof was seen."""
    everything = await dump(world)
    everything.pop("SeenNonce")
    everything["Usage"] = [
        replace(usage, last_used_at=0) for usage in everything["Usage"] if isinstance(usage, Usage)
    ]
    return everything


def check_problem(answer: httpx.Response, status: int, code: str) -> None:
    """Fail unless *answer* is a problem (RFC 9457) with that status and code, fully filled in."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["code"] == code, answer.text
    assert body["status"] == status
    assert body["type"] == f"/problems/{code}"
    assert body["title"]
    assert len(body["detail"]) > 10
    assert body["request_id"] == answer.headers["x-request-id"]
