"""A world without a chain, in which webhooks are told of things."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from tests.leaks import note_output
from tests.worlds import Founded, StoppedClock, make_organization, make_world
from valetkey.adapters.outbound.memory import MemoryOutbound
from valetkey.core.activity import Request, request_hash
from valetkey.core.webhook import Delivery, Turn, Waiting, Webhook
from valetkey.flows import organize, webhooks
from valetkey.flows.deliver import deliver_next
from valetkey.flows.webhooks import Changes
from valetkey.spec.standard_webhooks import is_signed, read_secret

if TYPE_CHECKING:
    from valetkey.config import Bounds
    from valetkey.flows.world import World
    from valetkey.ports import Checkpoint, Store

URL: Final = "https://shop.example/hook"
_numbers = count(1)


def request() -> Request:
    """Return a request that was never made."""
    number = next(_numbers)
    return Request(f"hook-{number}", request_hash("test", number))


@dataclass(slots=True)
class Hooks:
    """
    Organizations and what leaves for their receivers.

    Args:
        outbound: Where everything that is sent ends.
    """

    world: World
    clock: StoppedClock
    outbound: MemoryOutbound
    founded: Founded
    secrets: dict[str, str] = field(default_factory=dict)

    async def add(self, *events: str, url: str = URL, founded: Founded | None = None) -> Webhook:
        """Return a new webhook for *events*, for users that were added if none are named."""
        webhook, secret = await webhooks.add_webhook(
            self.world,
            (founded or self.founded).principal,
            request(),
            url=url,
            events=events or ("user:added",),
            label="",
        )
        assert secret is not None
        self.secrets[webhook.id] = secret
        return webhook

    async def happen(self, times: int = 1, founded: Founded | None = None) -> None:
        """Add users: each is an event."""
        who = (founded or self.founded).principal
        for _ in range(times):
            await organize.add_user(self.world, who, request(), reference="u")

    async def send(self, world: World | None = None) -> int:
        """Serve webhooks until nothing is due; return how many turns that were."""
        turns = 0
        while await deliver_next(world or self.world):
            turns += 1
        return turns

    def take(self, url: str = URL) -> list[dict[str, Any]]:
        """Return the bodies that were sent to *url* since the last time, oldest first."""
        kept = [one for one in self.outbound.kept if one.url == url]
        self.outbound.kept = [one for one in self.outbound.kept if one.url != url]
        for one in kept:
            note_output("webhook", one.body.decode())
        return [json.loads(one.body) for one in kept]

    async def deliveries(self, webhook: Webhook) -> list[Delivery]:
        """Return all deliveries of *webhook*, oldest first."""
        return await self.world.store.read(lambda view: view.find(Delivery, webhook_id=webhook.id))

    async def webhook(self, webhook: Webhook) -> Webhook:
        """Return *webhook* as it is now."""
        found = await self.world.store.read(lambda view: view.get(Webhook, webhook.id))
        assert found is not None
        return found

    async def check_queue(self) -> None:
        """Fail unless what waits is in the queue, once, and whoever has something has a turn."""

        def check(view: Any) -> None:  # noqa: ANN401 - a View
            pending = {one.id for one in view.find(Delivery, state="pending")}
            waiting = view.find(Waiting)
            assert sorted(one.delivery_id for one in waiting) == sorted(pending)
            turns = [one.webhook_id for one in view.find(Turn)]
            assert sorted(turns) == sorted({one.webhook_id for one in waiting})

        await self.world.store.read(check)

    def is_signed(self, number: int, secret: str) -> bool:
        """Say whether what was sent as that number is signed with *secret*."""
        kept = self.outbound.kept[number]
        fields = kept.headers
        at = int(fields["webhook-timestamp"])
        signed = fields["webhook-signature"]
        return is_signed(read_secret(secret), fields["webhook-id"], at, kept.body, signed)


async def make_hooks(
    *,
    store: Store | None = None,
    bounds: Bounds | None = None,
    checkpoint: Checkpoint | None = None,
) -> Hooks:
    """Return a world of its own with one organization."""
    clock, outbound = StoppedClock(), MemoryOutbound()
    world = await make_world(
        clock=clock, outbound=outbound, store=store, bounds=bounds, checkpoint=checkpoint
    )
    return Hooks(world, clock, outbound, await make_organization(world))


async def change(hooks: Hooks, webhook: Webhook, changes: Changes) -> Webhook:
    """Return *webhook*, changed."""
    return await webhooks.change_webhook(
        hooks.world,
        hooks.founded.principal,
        request(),
        webhook_id=webhook.id,
        changes=changes,
    )


async def add_dead(hooks: Hooks, webhook: Webhook, times: int = 1) -> None:
    """Leave dead deliveries behind, by switching *webhook* off before they are sent."""
    await hooks.happen(times)
    await change(hooks, webhook, Changes(is_on=False))
    await hooks.send()
    await change(hooks, webhook, Changes(is_on=True))
