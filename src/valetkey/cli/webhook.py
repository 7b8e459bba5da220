"""``valetkey webhook``: who is told of events, what was not delivered, and once more."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from valetkey.cli.options import read_span, server_options, talk_to
from valetkey.cli.terminal import REFUSED, Terminal, Verb, table_of
from valetkey.wire.base import Page

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from valetkey.client import Valetkey
    from valetkey.wire.webhook import Delivery, Webhook

SHOWN: Final = 20
LOOK_S: Final = 0.25


@click.group()
def webhook() -> None:
    """Receivers of events: signed messages to URLs of yours."""


@webhook.command(cls=Verb)
@server_options
@click.argument("receiver", metavar="URL")
@click.option(
    "--event",
    "events",
    multiple=True,
    required=True,
    help="What to tell: session:revoked, session:* or *. May be given more than once.",
)
@click.option("--label", default="", help="What you call it.")
@click.pass_obj
def add(
    terminal: Terminal,
    *,
    url: str,
    api_key: str | None,
    receiver: str,
    events: tuple[str, ...],
    label: str,
) -> None:
    """Add a receiver. The secret that signs its messages is printed this once."""
    with talk_to(url, api_key) as server:
        added = server.webhooks.add(receiver, events, label=label)
    terminal.emit(added)
    terminal.say(f"{added.webhook.id} is told of {', '.join(added.webhook.events)}")
    terminal.say(f"secret  {added.secret}")


@webhook.command("list", cls=Verb)
@server_options
@click.pass_obj
def list_webhooks(terminal: Terminal, *, url: str, api_key: str | None) -> None:
    """List receivers, newest first."""
    with talk_to(url, api_key) as server:
        found = list(server.webhooks.list())
    terminal.emit(Page(items=found))
    if found:
        columns = ["webhook", "state", "url", "events", "label"]
        rows = ((one.id, one.state, one.url, ", ".join(one.events), one.label) for one in found)
        terminal.show(table_of(columns, rows))
    else:
        terminal.say("no webhooks")


@webhook.command(cls=Verb)
@server_options
@click.argument("webhook_id", metavar="WEBHOOK")
@click.option("--dead", is_flag=True, help="Only deliveries that were given up.")
@click.pass_obj
def show(terminal: Terminal, *, url: str, api_key: str | None, webhook_id: str, dead: bool) -> None:
    """Show a receiver and its last deliveries."""
    with talk_to(url, api_key) as server:
        found = server.webhooks.get(webhook_id)
        listed = server.webhooks.deliveries(webhook_id=webhook_id, state="dead" if dead else None)
        deliveries = list(islice(listed, SHOWN))
    terminal.emit({"webhook": found, "deliveries": deliveries})
    terminal.show(table_of(["", ""], _facts(found)))
    terminal.say("")
    terminal.show(_table(deliveries))


def _facts(found: Webhook) -> list[Sequence[object]]:
    rows: list[Sequence[object]] = [
        ("webhook", found.id),
        ("state", found.state),
        ("url", found.url),
        ("events", ", ".join(found.events)),
    ]
    form = "" if found.surface == "native" else f"that of {found.surface}"
    more = (("form", form), ("label", found.label), ("switched off", found.off_reason))
    return [*rows, *((name, value) for name, value in more if value)]


def _table(deliveries: Sequence[Delivery]) -> Table:
    columns = ["delivery", "event", "state", "attempts", "answer"]
    return table_of(
        columns,
        (
            (one.id, one.event, one.state, one.attempts, one.reason or one.status or "")
            for one in deliveries
        ),
    )


@webhook.command(cls=Verb)
@server_options
@click.argument("webhook_id", metavar="WEBHOOK")
@click.option("--wait", "wait_s", callback=read_span, default="15s", show_default=True)
@click.pass_obj
def test(
    terminal: Terminal, *, url: str, api_key: str | None, webhook_id: str, wait_s: int
) -> None:
    """Send a receiver an event that says nothing else. Exit code 1 if it does not take it."""
    with talk_to(url, api_key) as server:
        delivery = _tried(server, server.webhooks.test(webhook_id), wait_s)
    terminal.emit(delivery)
    terminal.show(_table([delivery]))
    if not delivery.attempts:
        terminal.note(f"no answer within {wait_s} s; what failed before may be sent before it")
    if delivery.state != "delivered":
        click.get_current_context().exit(REFUSED)


def _tried(server: Valetkey, delivery: Delivery, wait_s: int) -> Delivery:
    until = time.monotonic() + wait_s
    while not delivery.attempts and time.monotonic() < until:
        time.sleep(LOOK_S)
        delivery = server.webhooks.delivery(delivery.id)
    return delivery


@webhook.command(cls=Verb)
@server_options
@click.argument("what", metavar="DELIVERY|WEBHOOK")
@click.option("--since", callback=read_span, help="Only events of the last 90s, 15m, 1h or 7d.")
@click.pass_obj
def replay(
    terminal: Terminal, *, url: str, api_key: str | None, what: str, since: int | None
) -> None:
    """
    Try again: one delivery (dlv_…), or all dead ones of a receiver (whk_…).

    The receiver sees the ids of before.
    """
    with talk_to(url, api_key) as server:
        if what.startswith("dlv_"):
            server.webhooks.replay(what)
            count = 1
        else:
            start = 0 if since is None else int(time.time()) - since
            count = server.webhooks.replay_dead(what, since=start)
    terminal.emit({"deliveries": count})
    said = "1 delivery is" if count == 1 else f"{count} deliveries are"
    terminal.say(f"{said} tried again")


@webhook.command(cls=Verb)
@server_options
@click.argument("webhook_id", metavar="WEBHOOK")
@click.pass_obj
def rotate(terminal: Terminal, *, url: str, api_key: str | None, webhook_id: str) -> None:
    """Sign with a new secret, printed this once; for a day the one before signs as well."""
    with talk_to(url, api_key) as server:
        rotated = server.webhooks.rotate(webhook_id)
    terminal.emit(rotated)
    terminal.say(f"secret  {rotated.secret}")


@webhook.command(cls=Verb)
@server_options
@click.argument("webhook_id", metavar="WEBHOOK")
@click.pass_obj
def remove(terminal: Terminal, *, url: str, api_key: str | None, webhook_id: str) -> None:
    """Remove a receiver, and what waits for it."""
    with talk_to(url, api_key) as server:
        server.webhooks.remove(webhook_id)
    terminal.emit({"id": webhook_id})
    terminal.say(f"{webhook_id} is removed")
