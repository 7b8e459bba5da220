"""Send what waits for webhooks: each attempt by one process, again after a while, then no more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from valetkey.core.audit import AuditLine
from valetkey.core.event import event_body
from valetkey.core.webhook import (
    FAILING_S,
    GONE,
    KEPT_S,
    Delivery,
    DeliveryState,
    Turn,
    TurnState,
    Waiting,
    Webhook,
    hold_s,
    is_delivered,
    pause_s,
    secret_context,
    signature_fields,
)
from valetkey.flows.outbox import drop_turn, queue, set_turn, turn_of, unqueue
from valetkey.flows.record import SYSTEM, audit, has_left
from valetkey.flows.telling import key_of, signer_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from valetkey.core.credential import Credential
    from valetkey.flows.telling import Tellers
    from valetkey.flows.world import World
    from valetkey.ports import Posted, Tx, View

    _Sign = Callable[[str, bytes], Mapping[str, str]]

AT_ONCE: Final = 4  # to one receiver
LEASE_S: Final = 60  # longer than any attempt takes
CLEARED: Final = 200  # of a webhook that is off, in one transaction
_CHANCE_BYTES: Final = 2
_IS_OFF: Final = "the webhook is off"
_UNSIGNED: Final = "no API key of its surface is left that could sign"


@dataclass(frozen=True, slots=True)
class _Taken:
    """
    A turn that this process has, and what is due in it, with the body of each.

    Args:
        signer: Whose API key signs as well, if the webhook is of a vendor's form.
    """

    turn: Turn
    webhook: Webhook
    due: tuple[tuple[Delivery, bytes], ...]
    signer: Credential | None


@dataclass(frozen=True, slots=True)
class _Tried:
    """A delivery, what became of it, and a random number for the pause that may follow."""

    delivery: Delivery
    posted: Posted
    chance: int


async def deliver_next(world: World, tellers: Tellers = MappingProxyType({})) -> bool:
    """
    Serve the webhook whose turn it is, and say whether there was one.

    Any number of processes may do this at the same time: a turn is taken in the store, for longer
    than its attempts last. If a process dies in between, another makes the attempts again: the
    receiver gets each event at least once, and the same id each time.

    Args:
        tellers: For webhooks of vendors' forms, by surface.
    """
    now = world.clock.now()
    if not await world.store.read(lambda view: _first(view, now=now)):
        return False
    taken = await world.store.write(partial(_take, world, tellers))
    if not isinstance(taken, _Taken):
        return taken
    world.checkpoint.reached("webhook:before_send")
    sign = await _signing(world, tellers, taken)
    attempts = (_attempt(world, taken.webhook.url, sign, *one) for one in taken.due)
    tried = await asyncio.gather(*attempts)
    world.checkpoint.reached("webhook:after_send")
    await world.store.write(lambda tx: _settle(world, tx, taken.turn, tried))
    return True


def _first(view: View, *, now: int) -> Turn | None:
    found = view.find(Turn, limit=1)
    return found[0] if found and found[0].due_at <= now else None


def _take(world: World, tellers: Tellers, tx: Tx) -> _Taken | bool:
    """Return the turn that is due, taken; or whether something else was done in its place."""
    now = world.clock.now()
    turn = _first(tx, now=now)
    if turn is None:
        return False
    webhook = tx.get(Webhook, turn.webhook_id)
    if webhook is None or not webhook.is_on:
        _clear(tx, turn, now=now, is_gone=webhook is None)
        return True
    if has_left(tx, webhook.organization_id):  # it is told by the server it went to
        drop_turn(tx, webhook.id)
        return True
    form = webhook.form
    signer = signer_of(tx, webhook.organization_id, form) if form else None
    if form is not None and signer is None:
        _switch_off(tx, webhook, _UNSIGNED, now=now)
        return True
    due: list[tuple[Delivery, bytes]] = []
    for one in tx.find(Waiting, webhook_id=webhook.id, limit=AT_ONCE):
        delivery = tx.get(Delivery, one.delivery_id)
        line = tx.get(AuditLine, delivery.line_id) if delivery else None
        if one.due_at <= now and delivery is not None and line is not None:
            body = tellers[form.surface].body(tx, form, line) if form else event_body(line)
            due.append((delivery, body))
    if not due:
        _end_turn(tx, webhook, now=now)
        return True
    taken = set_turn(tx, webhook.id, due_at=now + LEASE_S, state=TurnState.TAKEN)
    return _Taken(taken, webhook, tuple(due), signer)


def _clear(tx: Tx, turn: Turn, *, now: int, is_gone: bool) -> None:
    """End what waits for a webhook that is off; of one that is removed, nothing stays."""
    for one in tx.find(Waiting, webhook_id=turn.webhook_id, limit=CLEARED):
        tx.drop(Waiting, one.id)
        delivery = tx.get(Delivery, one.delivery_id)
        if delivery is not None and is_gone:
            tx.drop(Delivery, delivery.id)
        elif delivery is not None:
            tx.put(replace(delivery, state=DeliveryState.DEAD, next_at=None, reason=_IS_OFF))
    if tx.find(Waiting, webhook_id=turn.webhook_id, limit=1):
        set_turn(tx, turn.webhook_id, due_at=now, state=TurnState.WAITING)
    else:
        drop_turn(tx, turn.webhook_id)


async def _signing(world: World, tellers: Tellers, taken: _Taken) -> _Sign:
    """Return what signs now: the secret, for a day the one before it; the vendor's way as well."""
    webhook, form, signer = taken.webhook, taken.webhook.form, taken.signer
    sealed = [webhook.sealed_secret]
    if webhook.previous_secret is not None and world.clock.now() < webhook.previous_until:
        sealed.append(webhook.previous_secret)
    context = secret_context(webhook.organization_id, webhook.id)
    secrets = [(await world.vault.open(one, context=context)).reveal() for one in sealed]
    key = await key_of(world, signer) if signer else None

    def sign(event_id: str, body: bytes) -> Mapping[str, str]:
        fields = signature_fields(secrets, event_id, body, at=world.clock.now())
        if form is None or key is None:
            return fields
        return {**fields, **tellers[form.surface].fields(key.reveal(), body)}

    return sign


async def _attempt(world: World, url: str, sign: _Sign, delivery: Delivery, body: bytes) -> _Tried:
    headers = {
        "content-type": "application/json",
        "user-agent": "valetkey-webhooks/1",
        **sign(delivery.event_id, body),
    }
    posted = await world.outbound.post(url, headers, body)
    return _Tried(delivery, posted, int.from_bytes(world.entropy.take(_CHANCE_BYTES)))


def _settle(world: World, tx: Tx, taken: Turn, tried: Sequence[_Tried]) -> None:
    """Write down what became of each attempt, and when the webhook is served next."""
    now = world.clock.now()
    webhook = tx.get(Webhook, taken.webhook_id)
    if webhook is not None and has_left(tx, webhook.organization_id):
        return  # it is told once more, from there
    for one in tried:
        _note(tx, one, now=now)
    if webhook is None:
        return
    statuses = [one.posted.status for one in tried]
    if any(map(is_delivered, statuses)):
        webhook = replace(webhook, failures=0, failing_since=None)
    else:
        since = now if webhook.failing_since is None else webhook.failing_since
        webhook = replace(webhook, failures=webhook.failures + 1, failing_since=since)
    turn = turn_of(tx, webhook.id)
    if turn is None or turn.id == taken.id:  # or it took us so long that somebody else is at it
        webhook = _end_turn(tx, webhook, now=now)
    tx.put(webhook)
    if GONE in statuses:
        _switch_off(tx, webhook, "the receiver answered 410: it is gone for good", now=now)
    elif webhook.failing_since is not None and now - webhook.failing_since >= FAILING_S:
        days = FAILING_S // 86_400
        _switch_off(tx, webhook, f"the receiver has failed for {days} days", now=now)


def _note(tx: Tx, tried: _Tried, *, now: int) -> None:
    """Write down how one attempt ended, unless it was settled by another process meanwhile."""
    before, posted = tried.delivery, tried.posted
    if tx.get(Delivery, before.id) != before:
        return
    unqueue(tx, before)
    after = replace(before, attempts=before.attempts + 1, status=posted.status, reason="")
    if is_delivered(posted.status):
        tx.put(replace(after, state=DeliveryState.DELIVERED, next_at=None))
        return
    after = replace(after, reason=posted.reason or _said(posted.status))
    pause = None if posted.status == GONE else pause_s(after.attempts, chance=tried.chance)
    if pause is None:
        tx.put(replace(after, state=DeliveryState.DEAD, next_at=None))
    else:
        queue(tx, after, due_at=now + pause)


def _said(status: int | None) -> str:
    redirected = status is not None and 300 <= status < 400  # noqa: PLR2004 - of RFC 9110
    return f"answered {status}" + ("; redirects are not followed" if redirected else "")


def _end_turn(tx: Tx, webhook: Webhook, *, now: int) -> Webhook:
    """Return *webhook*, its next turn set; while nothing waits, it does not count as failing."""
    waiting = tx.find(Waiting, webhook_id=webhook.id, limit=1)
    if not waiting:
        drop_turn(tx, webhook.id)
        return replace(webhook, failing_since=None)
    due_at, state = max(waiting[0].due_at, now), TurnState.WAITING  # others wait by now
    if webhook.failures:
        due_at, state = max(due_at, now + hold_s(webhook.failures)), TurnState.HELD
    set_turn(tx, webhook.id, due_at=due_at, state=state)
    return webhook


def _switch_off(tx: Tx, webhook: Webhook, why: str, *, now: int) -> None:
    if not webhook.is_on:
        return
    tx.put(replace(webhook, is_on=False, off_reason=why))
    if turn_of(tx, webhook.id) is not None:  # what waits is ended now
        set_turn(tx, webhook.id, due_at=now, state=TurnState.WAITING)
    audit(
        tx,
        webhook.organization_id,
        "webhook:disabled",
        at=now,
        subject_id=webhook.id,
        principal_id=SYSTEM,
        reason=why,
    )


async def forget_old(world: World, *, limit: int = CLEARED) -> int:
    """Return how many deliveries were dropped from the list, because they ended long ago."""
    until = world.clock.now() - KEPT_S

    def body(tx: Tx) -> int:
        ended = (DeliveryState.DELIVERED, DeliveryState.DEAD)
        found = [one for state in ended for one in tx.find(Delivery, state=state, limit=limit)]
        old = [one for one in found if one.at < until]
        for one in old:
            tx.drop(Delivery, one.id)
        return len(old)

    return await world.store.write(body)
