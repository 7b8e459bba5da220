"""Webhooks: who is told of events, and what was told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.client.asks import path_of, read, write
from valetkey.client.webhook import verify
from valetkey.wire.base import Nothing, Page
from valetkey.wire.webhook import (
    AddWebhook,
    ChangeWebhook,
    Delivery,
    RemovedWebhook,
    ReplayDead,
    Replayed,
    Webhook,
    WebhookWithSecret,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from typing import Literal

    from valetkey.client._async.line import AsyncLine


class AsyncWebhooks:
    """Receivers of events, and the deliveries to them. `verify` is for the receivers themselves."""

    verify = staticmethod(verify)

    def __init__(self, line: AsyncLine) -> None:
        self._line = line

    async def add(
        self,
        url: str,
        events: Sequence[str],
        *,
        label: str = "",
        request_id: str | None = None,
    ) -> WebhookWithSecret:
        """
        Return a new webhook; its ``secret`` is shown this once.

        >>> added = await vk.webhooks.add("https://shop.example/hook", ["session:*", "alert:*"])

        Args:
            url: ``https``, at a public address; it is never redirected.
            events: Names of events; ``session:*`` is all about sessions, ``*`` is everything.
        """
        body = AddWebhook(url=url, events=list(events), label=label)
        ask = write(WebhookWithSecret, "/v1/webhooks", body, request_id=request_id)
        return await self._line.send(ask)

    async def get(self, webhook_id: str) -> Webhook:
        """Return one webhook, without its secret."""
        return await self._line.send(read(Webhook, _path("", webhook_id)))

    def list(self, *, organization_id: str | None = None) -> AsyncIterator[Webhook]:
        """Yield the webhooks, newest first."""
        page = Page[Webhook]
        return self._line.pages(page, "/v1/webhooks", organization_id=organization_id)

    async def change(
        self,
        webhook_id: str,
        *,
        url: str | None = None,
        events: Sequence[str] | None = None,
        label: str | None = None,
        state: Literal["on", "off"] | None = None,
        request_id: str | None = None,
    ) -> Webhook:
        """Return the webhook, changed; off, it is told nothing, and what waits ends as dead."""
        wanted = None if events is None else [*events]
        body = ChangeWebhook(url=url, events=wanted, label=label, state=state)
        ask = write(Webhook, _path("", webhook_id), body, request_id=request_id)
        return await self._line.send(ask)

    async def rotate(self, webhook_id: str, *, request_id: str | None = None) -> WebhookWithSecret:
        """Return the webhook and its new secret; the one before signs for a day as well."""
        path = _path("/rotate", webhook_id)
        ask = write(WebhookWithSecret, path, Nothing(), request_id=request_id)
        return await self._line.send(ask)

    async def remove(self, webhook_id: str, *, request_id: str | None = None) -> None:
        """Remove a webhook, and what waits for it."""
        path = _path("/remove", webhook_id)
        await self._line.send(write(RemovedWebhook, path, Nothing(), request_id=request_id))

    async def test(self, webhook_id: str, *, request_id: str | None = None) -> Delivery:
        """Return the delivery of an event that says nothing else; look later how it went."""
        path = _path("/test", webhook_id)
        return await self._line.send(write(Delivery, path, Nothing(), request_id=request_id))

    def deliveries(
        self,
        *,
        webhook_id: str | None = None,
        state: Literal["pending", "delivered", "dead"] | None = None,
        organization_id: str | None = None,
    ) -> AsyncIterator[Delivery]:
        """Yield deliveries, newest first; they are listed for 30 days."""
        return self._line.pages(
            Page[Delivery],
            "/v1/deliveries",
            webhook_id=webhook_id,
            state=state,
            organization_id=organization_id,
        )

    async def delivery(self, delivery_id: str) -> Delivery:
        """Return one delivery."""
        path = path_of("/v1/deliveries/{key}", key=delivery_id)
        return await self._line.send(read(Delivery, path))

    async def replay(self, delivery_id: str, *, request_id: str | None = None) -> Delivery:
        """Return a delivery that is over, to be tried again from the start, with the same id."""
        path = path_of("/v1/deliveries/{key}/replay", key=delivery_id)
        return await self._line.send(write(Delivery, path, Nothing(), request_id=request_id))

    async def replay_dead(
        self, webhook_id: str, *, since: int = 0, request_id: str | None = None
    ) -> int:
        """
        Return how many dead deliveries of a webhook are tried again, at most 1,000 at once.

        Args:
            since: Unix seconds: only of events of then and later.
        """
        path = _path("/replay", webhook_id)
        ask = write(Replayed, path, ReplayDead(since=since), request_id=request_id)
        return (await self._line.send(ask)).deliveries


def _path(rest: str, webhook_id: str) -> str:
    return path_of("/v1/webhooks/{key}", key=webhook_id) + rest
