"""Whoever guesses ids learns nothing: what is somebody else's is as unknown as what never was."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.http.doors import read_table
from tests.http.requests_for import MAKERS, add_targets

if TYPE_CHECKING:
    import httpx

    from tests.http.stage import Stage

_ID: Final = re.compile(r"\b([a-z]{3})_[0-9a-z]{24}\b")
_ORDERED: Final = frozenset({"sessions", "activities"})
_NOBODYS: Final = r"\1_000000000000000000000000"


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("caller", ["stranger", "below", "bearer", "stamp_write"])
async def test_what_is_anothers_is_answered_as_what_never_was(stage: Stage, caller: str) -> None:
    """The same status, the same words, the same fields: an id that exists is not to be had."""
    await add_targets(stage)
    told: dict[str, tuple[Any, Any]] = {}
    asked = 0
    for row, words in read_table().items():
        if words[caller] != "none" or not _ID.search((await _made(stage, row, caller))[0]):
            continue
        path, body = await _made(stage, row, caller)
        method = row.partition(" ")[0]
        theirs = await stage.callers[caller].send(method, path, body)
        nobodys = await stage.callers[caller].send(method, _ID.sub(_NOBODYS, path), body)
        asked += 1
        if _shown(theirs) != _shown(nobodys):
            told[row] = _shown(theirs), _shown(nobodys)
    assert told == {}
    assert asked >= (4 if caller in {"bearer", "stamp_write"} else 30)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_cursor_of_another_organization_is_a_place_and_no_more(stage: Stage) -> None:
    """Behind an id of somebody else stand one's own things, as behind one that never was."""
    await add_targets(stage)
    owner = stage.stranger.organization.id
    await stage.callers["stranger"].post("/v1/users", {"reference": "own"})
    seen = 0
    for path in ("users", "credentials", "sessions", "wallets", "accounts", "activities"):
        theirs = (await stage.secret.get(f"/v1/{path}"))["items"]
        for one in (theirs[0], theirs[-1]):
            for order in ("newest", "oldest"):
                query = f"after={one['id']}" + (f"&order={order}" if path in _ORDERED else "")
                page = await stage.callers["stranger"].get(f"/v1/{path}?{query}")
                assert {item.get("organization_id", owner) for item in page["items"]} <= {owner}
                assert one["id"] not in {item["id"] for item in page["items"]}
                seen += len(page["items"])
    assert seen > 0


async def _made(stage: Stage, row: str, caller: str) -> tuple[str, Any]:
    return await MAKERS[row](stage, caller)


def _shown(answer: httpx.Response) -> tuple[int, Any, list[str]]:
    """Return what the caller sees, but for what is new in each answer."""
    body = answer.json()
    body.pop("request_id", None)
    return answer.status_code, body, sorted(answer.headers)
