"""Reviews: what Para's clients poll, and what our page shows and sends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from msgspec import Meta, Struct

from valetkey.core.custody import SplitKey
from valetkey.core.ids import Prefix, check_id
from valetkey.core.organization import Organization
from valetkey.core.principal import PrincipalKind
from valetkey.core.wallet import Wallet
from valetkey.flows.gate import present
from valetkey.flows.reviews import (
    approve,
    ask_for_approval,
    deny,
    review_of_client,
    review_state,
)
from valetkey.http.dialects.para.session import Empty
from valetkey.http.dialects.para.visitor import expect_own
from valetkey.http.dialects.para.wallet_json import moment, write_wallet
from valetkey.http.dialects.vendor import AnyQuery
from valetkey.http.routes import EVERYBODY, SESSION, Ask, Read, Route, Write
from valetkey.wire.quiet import quiet

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.http.admitted import Admitted
    from valetkey.http.sight import Reads
    from valetkey.ports import View

_NOBODY: Final = frozenset({PrincipalKind.ANONYMOUS})
Text = Annotated[str, Meta(max_length=64)]


class Pending(Struct, frozen=True, rename="camel"):
    """How far it is."""

    id: str
    approved_at: str | None


class PendingAnswer(Struct, frozen=True, rename="camel"):
    """A signature that waits."""

    pending_transaction: Pending


class ReviewAsked(Struct, frozen=True, rename="camel"):
    """Which review, and the lookup id of its client."""

    review_id: Text
    session_id: Text


class ApprovalEntered(ReviewAsked, frozen=True, rename="camel"):
    """With the code that was sent."""

    code: Annotated[str, Meta(max_length=16)]

    __repr__ = quiet("code")


class Shown(Struct, frozen=True):
    """
    What the user reads.

    Args:
        asks: The name of the organization whose client asks.
        wallet: The address that signs.
    """

    asks: str
    wallet: str
    shown: dict[str, str]


async def _pending(see: Reads, principal: Principal, ask: Ask[None, AnyQuery]) -> PendingAnswer:
    expect_own(principal, ask.names)
    review_id = check_id(ask.names[1], Prefix.REVIEW)
    approved_at = await review_state(see, principal, review_id=review_id)
    return PendingAnswer(Pending(review_id, None if approved_at is None else moment(approved_at)))


async def _show(see: Reads, _principal: Principal, ask: Ask[ReviewAsked, AnyQuery]) -> Shown:
    body = ask.body
    review = await review_of_client(see, review_id=body.review_id, lookup=body.session_id)

    def read(view: View) -> Shown:
        organization = present(view.get(Organization, review.organization_id), "organization")
        wallet = present(view.get(Wallet, review.wallet_id), "wallet")
        key = present(view.get(SplitKey, wallet.id), "wallet")
        return Shown(organization.name, write_wallet(wallet, key).address, review.shown)

    return await see.store.read(read)


async def _send(admitted: Admitted, ask: Ask[ReviewAsked, AnyQuery]) -> Empty:
    body = ask.body
    await ask_for_approval(admitted.world, review_id=body.review_id, lookup=body.session_id)
    return Empty()


async def _approve(admitted: Admitted, ask: Ask[ApprovalEntered, AnyQuery]) -> Empty:
    body, world = ask.body, admitted.world
    await approve(world, review_id=body.review_id, lookup=body.session_id, code=body.code.strip())
    return Empty()


async def _deny(admitted: Admitted, ask: Ask[ReviewAsked, AnyQuery]) -> Empty:
    await deny(admitted.world, review_id=ask.body.review_id, lookup=ask.body.session_id)
    return Empty()


def _page_write(name: str, body: type[Struct], summary: str, handle: object) -> Route:
    return Write(
        method="POST",
        path=f"/review/{name}",
        who=EVERYBODY,
        summary=summary,
        body=body,
        query=AnyQuery,
        answer=Empty,
        is_new_each_time=True,
        carried_by=_NOBODY,
        handle=handle,  # type: ignore[arg-type]
    )


ROUTES: Final[tuple[Route, ...]] = (
    Read(
        method="GET",
        path="/users/{user_id}/pending-transactions/{review_id}",
        who=SESSION,
        summary="Say whether a signature was approved",
        query=AnyQuery,
        answer=PendingAnswer,
        handle=_pending,
    ),
    Read(
        method="POST",
        path="/review/show",
        who=EVERYBODY,
        summary="Show what waits for its user",
        body=ReviewAsked,
        query=AnyQuery,
        answer=Shown,
        handle=_show,
    ),
    _page_write("send", ReviewAsked, "Send the code that approves", _send),
    _page_write("approve", ApprovalEntered, "Approve with the code", _approve),
    _page_write("deny", ReviewAsked, "Deny", _deny),
)
