"""All that a read handler gets: what can be looked at, and nothing that changes it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from valetkey.core.sponsorship import Fund
from valetkey.flows.audits import signed_head
from valetkey.flows.grant import kill_note_of
from valetkey.flows.hand_off import hand_off
from valetkey.flows.issue_token import issue_token
from valetkey.flows.paid_by import refresh_if_changed
from valetkey.flows.sight import pick_chain
from valetkey.flows.tickets import issue_ticket
from valetkey.http.calculus.calculator import Calculator

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from valetkey.config import Bounds
    from valetkey.core.activity import Intent
    from valetkey.core.audit import SignedHead
    from valetkey.core.session import Session
    from valetkey.core.wallet import Account
    from valetkey.flows.hand_off import HandedOff
    from valetkey.flows.issue_token import Issued
    from valetkey.flows.sight import Reader
    from valetkey.flows.tickets import Ticketed
    from valetkey.flows.world import World
    from valetkey.http.readiness import Readiness
    from valetkey.http.settings import Settings
    from valetkey.ports import Chain, Clock, Store


class ReadOnly:
    """A store without its ``write``."""

    __slots__ = ("read",)

    def __init__(self, store: Store) -> None:
        self.read = store.read


@dataclass(frozen=True, slots=True)
class Reads:
    """
    A `Sight` of the world, for read handlers.

    There is no way from here to a transaction or to a key: a route that reads cannot be made to
    write by whoever calls it, nor by whoever changes its handler alone.

    Args:
        payer_address: Says what pays for a fund, as far as this process knows.
        refresh_payers: Has this process know if another relayer is in use.
        sign_head: Signs the head of an organization's audit log, and nothing else.
        issue_ticket: Makes a ticket for one watch of a session, and nothing else.
        hand_off: Makes a code with which a backend opens a session under another, and nothing else.
        kill_note: Opens the kill note of a session for who may have it, and nothing else.
        issuer: The URL that names this server.
        issue_token: Signs a token of the session that asks, and nothing else.
        check_ready: Raises `Unavailable` unless every part answers.
        calculator: Works out what is asked about permissions.
        bounds: What the operator allows.
    """

    store: Reader
    chains: Mapping[str, Chain]
    clock: Clock
    payer_address: Callable[[Fund], bytes]
    refresh_payers: Callable[[], Awaitable[None]]
    names: Mapping[bytes, str]
    version: str
    sign_head: Callable[..., Awaitable[SignedHead]]
    issuer: str
    issue_token: Callable[..., Awaitable[Issued]]
    issue_ticket: Callable[..., Awaitable[Ticketed]]
    hand_off: Callable[..., Awaitable[HandedOff]]
    kill_note: Callable[..., Awaitable[tuple[Session, Account, Intent]]]
    check_ready: Callable[[], Awaitable[None]]
    calculator: Calculator
    bounds: Bounds

    @property
    def relayer_address(self) -> bytes:
        """The 20 bytes that new sessions bind."""
        return self.payer_address(Fund.RUNS)

    @property
    def stopper_address(self) -> bytes:
        """The 20 bytes that stops come from."""
        return self.payer_address(Fund.STOPS)

    def chain(self, name: str) -> Chain:
        """Return the chain called *name*; `Malformed` if this server does not speak to it."""
        return pick_chain(self.chains, name)


def reads_of(world: World, settings: Settings, readiness: Readiness) -> Reads:
    """Return what of *world* may be seen."""
    store, limits = ReadOnly(world.store), settings.limits
    return Reads(
        store=store,
        chains=world.chains,
        clock=world.clock,
        payer_address=lambda fund: world.payers.current(fund).address,
        refresh_payers=partial(refresh_if_changed, world),
        names=settings.names,
        version=settings.version,
        sign_head=partial(signed_head, world),
        issuer=settings.issuer,
        issue_token=partial(issue_token, world, issuer=settings.issuer),
        issue_ticket=partial(issue_ticket, world),
        hand_off=partial(hand_off, world),
        kill_note=partial(kill_note_of, world),
        check_ready=readiness.check,
        bounds=world.bounds,
        calculator=Calculator(settings.names, answer_s=limits.answer_s, waiting=limits.waiting),
    )
