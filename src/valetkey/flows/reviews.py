"""Signatures wait until their user has approved them with a one-time code."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from valetkey.core.contact import Contact, count_code
from valetkey.core.errors import Code, Forbidden, Limited, NotFound, ValetkeyError
from valetkey.core.ids import Prefix
from valetkey.core.one_time_code import ENTROPY_BYTES, make_code, new_code, try_code
from valetkey.core.organization import Organization
from valetkey.core.review import LIFE_S, MOST, Review, mark_of, shown_of
from valetkey.core.session import Session
from valetkey.core.visit import Visit, visit_id
from valetkey.flows.gate import present
from valetkey.flows.record import audit, expect_still, refuse_moved
from valetkey.ports import CodeMessage

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.core.signable import Wanted
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View


async def expect_reviewed(
    world: World, principal: Principal, *, wallet_id: str, wanted: Wanted
) -> str | None:
    """
    Return the review that *wanted* waits for; None if it was approved, which is used up by this.

    Raises:
        Forbidden: Its user has denied it.
        Unauthenticated: The session is let in no more.
        Limited: As many of the session wait as may.
    """
    mark, now = mark_of(wanted), world.clock.now()
    fresh_id = world.new_id(Prefix.REVIEW)

    def body(tx: Tx) -> str | None:
        expect_still(world, tx, principal)
        session = present(tx.get(Session, principal.subject_id), "session")
        waiting = [one for one in tx.find(Review, session_id=session.id) if now < one.forget_at]
        for one in waiting:
            if (one.wallet_id, one.mark) != (wallet_id, mark):
                continue
            if one.denied_at is not None:
                raise Forbidden(Code.NOT_ALLOWED, f"{one.id}: its user has denied it")
            if one.approved_at is None:
                return one.id
            tx.drop(Review, one.id)
            return None
        if len(waiting) >= MOST:
            detail = f"expected at most {MOST} signatures that wait, got one more"
            raise Limited(Code.TOO_MANY_IN_FLIGHT, detail)
        review = Review(
            id=fresh_id,
            organization_id=session.organization_id,
            user_id=present(session.user_id, "user"),
            session_id=session.id,
            wallet_id=wallet_id,
            mark=mark,
            shown=shown_of(wanted),
            forget_at=now + LIFE_S,
        )
        tx.add(review)
        _write_down(tx, review, "wallet:review_asked", at=now)
        return review.id

    return await world.store.write(body)


async def review_of_client(world: Sight, *, review_id: str, lookup: str) -> Review:
    """
    Return a review, for the page that its client has opened.

    Raises:
        NotFound: There is none such of this client, or it is too old.
    """
    now = world.clock.now()
    return await world.store.read(lambda view: _review(view, review_id, lookup, now=now))


async def review_state(world: Sight, principal: Principal, *, review_id: str) -> int | None:
    """
    Return when a review of the session that asks was approved; None if it waits.

    Raises:
        NotFound: It was denied, used up, is too old, or there is none such.
    """
    now = world.clock.now()
    found = await world.store.read(lambda view: view.get(Review, review_id))
    is_own = found is not None and found.session_id == principal.subject_id
    if found is None or not is_own or found.denied_at is not None or now >= found.forget_at:
        raise NotFound(Code.NOT_FOUND, "there is no such review that waits or was approved")
    return found.approved_at


async def ask_for_approval(world: World, *, review_id: str, lookup: str) -> None:
    """
    Send the user of a review a one-time code that approves it.

    Raises:
        NotFound: There is none such of this client.
        Limited, Unavailable: As `log_in.ask_for_code`.
    """
    now = world.clock.now()
    code = make_code(world.entropy.take(ENTROPY_BYTES))

    def body(tx: Tx) -> tuple[Contact, Organization]:
        review = _review(tx, review_id, lookup, now=now)
        refuse_moved(tx, review.organization_id)
        found = tx.find(Contact, user_id=review.user_id, limit=1)
        contact = count_code(present(found[0] if found else None, "contact"), now=now)
        tx.put(contact)
        tx.put(replace(review, code=new_code(code, key=_key(review, lookup), now=now)))
        return contact, present(tx.get(Organization, review.organization_id), "organization")

    contact, organization = await world.store.write(body)
    about = f"approve a signature for {organization.name}"
    await world.messenger.send(
        CodeMessage(organization.id, contact.address, code, about, now + LIFE_S)
    )


async def approve(world: World, *, review_id: str, lookup: str, code: str) -> None:
    """
    Approve a review with the code that was sent to its user.

    Raises:
        NotFound: There is none such of this client, or it was decided.
        Unauthenticated: The code is refused; a try is counted.
    """
    now = world.clock.now()

    def body(tx: Tx) -> ValetkeyError | None:
        review = _review(tx, review_id, lookup, now=now)
        refuse_moved(tx, review.organization_id)
        left, refused = try_code(review.code, code, key=_key(review, lookup), now=now)
        review = replace(review, code=left)
        if refused is None:
            review = replace(review, approved_at=now)
            _write_down(tx, review, "wallet:review_approved", at=now)
        tx.put(review)
        return refused  # and not raised: the try stays counted

    refused = await world.store.write(body)
    if refused is not None:
        raise refused


async def deny(world: World, *, review_id: str, lookup: str) -> None:
    """
    Deny a review. It takes no code: nothing happens then.

    Raises:
        NotFound: There is none such of this client, or it was decided.
    """
    now = world.clock.now()

    def body(tx: Tx) -> None:
        review = replace(_review(tx, review_id, lookup, now=now), denied_at=now)
        refuse_moved(tx, review.organization_id)
        tx.put(review)
        _write_down(tx, review, "wallet:review_denied", at=now)

    await world.store.write(body)


def _review(view: View, review_id: str, lookup: str, *, now: int) -> Review:
    visit = view.get(Visit, visit_id(lookup))
    review = view.get(Review, review_id)
    is_its = visit is not None and review is not None and visit.session_id == review.session_id
    is_open = review is not None and review.approved_at is None and review.denied_at is None
    if review is None or not (is_its and is_open) or now >= review.forget_at:
        raise NotFound(Code.NOT_FOUND, "there is no such review of this client that waits")
    return review


def _key(review: Review, lookup: str) -> str:
    return f"{lookup}/{review.id}"


def _write_down(tx: Tx, review: Review, event: str, *, at: int) -> None:
    audit(
        tx,
        review.organization_id,
        event,
        at=at,
        subject_id=review.wallet_id,
        principal_id=review.session_id,
        review_id=review.id,
        kind=review.shown["kind"],
    )
