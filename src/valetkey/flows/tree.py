"""Sessions below others: how many there may be, and what a stop above does to them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from valetkey.core.child_session import OVER, Branch, state_in_line
from valetkey.core.errors import Code, Limited
from valetkey.core.session import Event, Session, State, Usage, next_state, state_of
from valetkey.flows.counts import forget_session
from valetkey.flows.gate import present
from valetkey.flows.line import line_of
from valetkey.flows.record import audit

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.core.session import Step
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

_PAST: Final = {
    Event.REVOKE: "session:revoked",
    Event.CLOSE: "session:closed",
    Event.FREEZE: "session:frozen",
    Event.UNFREEZE: "session:unfrozen",
}
_USABLE: Final = frozenset({State.OPEN, State.EXHAUSTED})


def note_event(
    world: World, tx: Tx, session: Session, event: Event, principal_id: str, *, above: str = ""
) -> None:
    """
    Write what happened to *session* to the log of its organization.

    Args:
        above: The session that it happened to in the first place, if that was one above.
    """
    facts = {"above": above} if above else {}
    audit(
        tx,
        session.organization_id,
        _PAST[event],
        at=world.clock.now(),
        subject_id=session.id,
        principal_id=principal_id,
        **facts,
    )


def add_branch(world: World, tx: Tx, child: Session) -> None:
    """
    Let stops above reach the new *child*.

    Raises:
        Limited: Too many are in use below its parent or its root.
    """
    if child.parent_id is None or child.root_id is None:
        return
    in_tree = _branches(tx, child.root_id)
    most, most_in_tree = world.bounds.session_children, world.bounds.session_tree
    if _is_full(in_tree, child.parent_id, most, most_in_tree):
        in_tree = _pruned(world, tx, in_tree)
    if _is_full(in_tree, child.parent_id, most, most_in_tree):
        detail = f"expected at most {most} sessions under {child.parent_id} and {most_in_tree}"
        detail += f" in the tree of {child.root_id}, got one more; end one, or wait for its end"
        raise Limited(Code.TOO_MANY_CHILD_SESSIONS, detail)
    tx.add(Branch(child.id, child.root_id, child.parent_id))


def end_below(
    world: World,
    tx: Tx,
    session: Session,
    event: Event,
    *,
    principal_id: str,
    steps: tuple[Step, ...],
) -> None:
    """
    End all that is below *session*, which has just ended, and forget that any of it is to be ended.

    Args:
        steps: That each of them took.
    """
    if session.root_id is not None:
        tx.drop(Branch, session.id)
    forget_session(tx, session)
    for one, usage in _below(tx, session):
        tx.drop(Branch, one.id)
        state = next_state(state_of(one, usage, now=world.clock.now()), event)
        if state is not None:
            ended = replace(one, state=state, steps=(*one.steps, *steps))
            tx.put(ended)
            forget_session(tx, one)
            note_event(world, tx, ended, event, principal_id, above=session.id)


def switch_below(
    world: World,
    tx: Tx,
    session: Session,
    event: Event,
    *,
    principal_id: str,
    steps: tuple[Step, ...],
) -> None:
    """
    Note with all that stands or falls with *session* that it was frozen or unfrozen.

    Their own states stay as they are, for they are in use only while all above them are. One that
    was frozen by itself, and what is below it, has not changed.

    Args:
        steps: That each of them took.
    """
    now = world.clock.now()
    above = line_of(tx, session)[1:]
    if above and state_in_line(above, now=now) not in _USABLE:
        return
    unchanged: set[str] = set()
    for one, usage in _below(tx, session):
        own = state_of(one, usage, now=now)
        if own not in _USABLE or one.parent_id in unchanged:
            unchanged.add(one.id)
            continue
        switched = replace(one, steps=(*one.steps, *steps))
        tx.put(switched)
        note_event(world, tx, switched, event, principal_id, above=session.id)


def _branches(view: View, root_id: str) -> list[Branch]:
    return view.find(Branch, root_id=root_id)


def _is_full(in_tree: Sequence[Branch], parent_id: str, most: int, most_in_tree: int) -> bool:
    siblings = sum(one.parent_id == parent_id for one in in_tree)
    return siblings >= most or len(in_tree) >= most_in_tree


def _pruned(world: World, tx: Tx, in_tree: Sequence[Branch]) -> list[Branch]:
    """Return those of *in_tree* that may be used again; the others need not be stopped any more."""
    kept = []
    for one in in_tree:
        session = present(tx.get(Session, one.id), "session")
        if state_in_line(line_of(tx, session), now=world.clock.now()) in OVER:
            tx.drop(Branch, one.id)
        else:
            kept.append(one)
    return kept


def _below(view: View, session: Session) -> Iterator[tuple[Session, Usage]]:
    """Yield what is below *session* and may not be over, parents before their children."""
    in_tree = _branches(view, session.root_id or session.id)
    parents = [session.id]
    while parents:
        found = [one for one in in_tree if one.parent_id in parents]
        for one in found:
            below = present(view.get(Session, one.id), "session")
            yield below, present(view.get(Usage, one.id), "session")
        parents = [one.id for one in found]
