"""The audit log as a whole: signed heads to keep elsewhere, and the check against them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from valetkey.core.audit import (
    GENESIS,
    AuditHead,
    AuditLine,
    Break,
    SignedHead,
    first_head,
    head_message,
    verify,
)
from valetkey.core.organization import Organization
from valetkey.flows.gate import expect_reach, expect_secret
from valetkey.ports import MAX_FOUND

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import View


@dataclass(frozen=True, slots=True)
class Checked:
    """
    What became of one organization's log.

    Args:
        broken: Where it is not what was written; None if nowhere.
        against: The signed head that it was held against; None if there was none to hold it to.
    """

    organization_id: str
    lines: int
    broken: Break | None
    against: SignedHead | None


async def signed_head(world: World, principal: Principal, *, organization_id: str) -> SignedHead:
    """Return the head of an organization's log, signed now."""
    expect_secret(principal)

    def body(view: View) -> AuditHead:
        expect_reach(view, principal, organization_id, "organization")
        return view.get(AuditHead, organization_id) or first_head(organization_id)

    return await _sign(world, await world.store.read(body))


async def signed_heads(world: World) -> list[SignedHead]:
    """Return the signed head of every log. For the operator: no route leads here."""

    def body(view: View) -> list[AuditHead]:
        return [head for one in _organizations(view) if (head := view.get(AuditHead, one.id))]

    return [await _sign(world, head) for head in await world.store.read(body)]


async def _sign(world: World, head: AuditHead) -> SignedHead:
    now = world.clock.now()
    signature = await world.vault.sign(world.auditor, head_message(head, signed_at=now))
    return SignedHead(head.id, head.seq, head.hash, now, world.auditor.public_key, signature)


async def check_logs(world: World, heads: Sequence[SignedHead]) -> list[Checked]:
    """
    Hold every log against the heads that were kept outside the store.

    A head whose signature is not by this server's audit key counts as a break, and so does a log
    that is gone altogether.
    """
    newest: dict[str, SignedHead] = {}
    forged: dict[str, SignedHead] = {}
    for head in heads:
        if head.public_key != world.auditor.public_key or not head.is_genuine():
            forged[head.organization_id] = head
        elif head.seq >= newest.get(head.organization_id, head).seq:
            newest[head.organization_id] = head

    def body(view: View) -> list[Checked]:
        known = {one.id for one in _organizations(view)} | newest.keys() | forged.keys()
        return [
            _check(view, one, newest.get(one), is_forged=one in forged) for one in sorted(known)
        ]

    return await world.store.read(body)


def _check(
    view: View, organization_id: str, against: SignedHead | None, *, is_forged: bool
) -> Checked:
    head = against.head if against else first_head(organization_id)
    lines = list(_lines(view, organization_id))
    broken = verify(lines, head=head)
    stored = view.get(AuditHead, organization_id)
    reached = lines[-1].hash if lines else GENESIS
    if broken is None and stored is not None and stored.hash != reached:
        broken = Break(len(lines) + 1, f"the store says that the head is line {stored.seq}")
    if broken is None and is_forged:
        broken = Break(0, "a head is not signed by this server's audit key")
    return Checked(organization_id, len(lines), broken, against)


def _lines(view: View, organization_id: str) -> Iterator[AuditLine]:
    after = ""
    while page := view.find(AuditLine, after=after, organization_id=organization_id):
        yield from page
        after = page[-1].id
        if len(page) < MAX_FOUND:
            return


def _organizations(view: View) -> Iterator[Organization]:
    after = ""
    while page := view.find(Organization, after=after):
        yield from page
        after = page[-1].id
