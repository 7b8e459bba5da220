"""One test for the synchronous and the asynchronous client: they say the same."""

from __future__ import annotations

from inspect import isawaitable
from typing import Any

from valetkey import AsyncValetkey, Valetkey

Client = Any  # either of the two, and whatever it hands out
CLIENTS = {"sync": Valetkey, "async": AsyncValetkey}


async def done(value: Client) -> Client:
    """Return *value*, waited for if it has to be."""
    return await value if isawaitable(value) else value


async def first(values: Client, count: int | None = None) -> list[Client]:
    """Return the first *count* of either kind of iterator, or all."""
    taken: list[Client] = []
    if hasattr(values, "__aiter__"):
        async for value in values:
            taken.append(value)
            if len(taken) == count:
                break
        await values.aclose()
        return taken
    for value in values:
        taken.append(value)
        if len(taken) == count:
            break
    values.close()
    return taken


async def close(client: Client) -> None:
    """Close the connections of either."""
    await done(client.aclose() if isinstance(client, AsyncValetkey) else client.close())
