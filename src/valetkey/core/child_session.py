"""
Child sessions: opened under another one by its holder, and never more than that one.

A child is in use only while every session above it is, and whatever it does counts against all of
them. Its runs are made under the grant of the session at the top, its root: the account's contract
knows of no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from valetkey.core.errors import Code, Forbidden, Malformed
from valetkey.core.permission.decide import Allow, Deny, decide
from valetkey.core.principal import Access
from valetkey.core.scope import held
from valetkey.core.session import Proof, Session, State, Usage, ends_at, refusal, state_of

if TYPE_CHECKING:
    from valetkey.core.command import OpenSession
    from valetkey.core.permission.decide import Spent
    from valetkey.core.permission.model import Call

# A session, then its parent, and so on up to the root; each with what is booked on it.
Line: TypeAlias = Sequence[tuple[Session, Usage]]

OVER: Final = frozenset({State.REVOKED, State.CLOSED, State.EXPIRED})
_GRAVEST_FIRST: Final = (
    State.REVOKED,
    State.CLOSED,
    State.EXPIRED,
    State.PENDING,
    State.FROZEN,
    State.EXHAUSTED,
    State.OPEN,
)


@dataclass(frozen=True, slots=True)
class Branch:
    """
    A child session that is not known to be over: what a stop above it has to reach.

    Args:
        id: The child's.
        root_id: Of the session at the top of its tree.
    """

    id: str
    root_id: str
    parent_id: str


def state_in_line(line: Line, *, now: int) -> State:
    """Return the state of the first of *line*, with what stops it from above in it."""
    if len(line) == 1:  # nearly all of them
        return state_of(*line[0], now=now)
    return _GRAVEST_FIRST[min(_gravity(*one, now=now) for one in line)]


def refusal_in_line(line: Line, *, now: int) -> Deny | None:
    """Return why the first of *line* may not be used at *now*, or None if it may."""
    gravest = line
    if len(line) > 1:
        gravest = sorted(line, key=lambda one: _gravity(*one, now=now))
    for session, usage in gravest:
        denied = refusal(session, usage, now=now)
        if denied is not None:
            return _from(session, line, denied)
    return None


def scopes_in_line(line: Line) -> frozenset[str]:
    """Return what the first of *line* may do here: what it and all above it have."""
    scopes = _scopes_of(line[0][0])
    for above, _ in line[1:]:
        scopes &= _scopes_of(above)
    return scopes


def _scopes_of(session: Session) -> frozenset[str]:
    return held(session.permission.scopes if session.permission else ())


def ends_in_line(line: Line) -> int:
    """Return the first second at which the first of *line* is over, if none of it is used again."""
    return min([ends_at(*one) for one in line])


def decide_in_line(
    calls: Sequence[Call], line: Line, known: Spent, *, now: int, account: bytes
) -> tuple[Allow, ...] | Deny:
    """
    Say whether every permission of *line* covers all of *calls*; an answer for each, in order.

    Args:
        line: Each with a permission.
        known: What counts as spent of the last one, the root: its chain may know more than we do.
    """
    answers: list[Allow] = []
    for session, usage in line:
        permission = session.permission
        if permission is None:
            return _from(session, line, Deny(Code.READ_ONLY, "permission", "it only reads"))
        spent = known if session.parent_id is None else usage.spent
        answer = decide(calls, permission, spent, now=now, account=account)
        if isinstance(answer, Deny):
            return _from(session, line, answer)
        answers.append(answer)
    return tuple(answers)


def expect_within(command: OpenSession, parent: Session, *, most_depth: int) -> None:
    """
    Let *command* pass if a child of *parent* may be so, its permission left aside.

    1. it is not too deep; 2. this server can check its proof and act for it; 3. it changes nothing
    if the parent may not; 4. its time is within the parent's.

    Args:
        command: Checked by `check_open`.

    Raises:
        Malformed: Its runs are to be signed by a key that the account's contract does not know.
        Forbidden: It would be more than its parent.
    """
    if parent.depth >= most_depth:  # 1
        detail = f"expected at most {most_depth} levels below a session, got one more"
        raise Forbidden(Code.SESSION_TOO_DEEP, detail)
    if command.proof is Proof.CHAIN:  # 2
        detail = "proof: expected bearer or stamp, for the contract knows the root's key alone"
        raise Malformed(Code.MALFORMED_BODY, detail)
    if command.access is Access.WRITE and parent.access is not Access.WRITE:  # 3
        raise _beyond("access", "read, as its parent's is", command.access.value)
    if command.starts_at < parent.starts_at:  # 4
        raise _beyond("starts_at", f"{parent.starts_at} or later", command.starts_at)
    if command.expires_at > parent.expires_at:
        raise _beyond("expires_at", f"{parent.expires_at} at most", command.expires_at)


def expect_signable(root: Session) -> None:
    """
    Let pass if this server signs the runs under the grant of *root*.

    Raises:
        Forbidden: Its chain key is with its holder, and nobody signs for a child.
    """
    if root.grant is None or root.grant.key_id is None:
        detail = f"the chain key of {root.id} is with its holder, so no child of it makes runs"
        raise Forbidden(
            Code.NOT_ALLOWED, f"{detail}; open it with proof stamp, or the child with access read"
        )


@dataclass(frozen=True, slots=True)
class Beyond:
    """The place in the parent's permission that the child's passes, and how; see `is_subset`."""

    caveat: str
    detail: str

    def error(self) -> Forbidden:
        """Return the error that says so."""
        detail = f"permission: expected one within the parent's, got more: {self.detail}"
        return Forbidden(Code.NOT_WITHIN_PARENT, detail, caveat=self.caveat)


def _beyond(where: str, expected: str, got: object) -> Forbidden:
    detail = f"{where}: expected {expected}, got {got}"
    return Forbidden(Code.NOT_WITHIN_PARENT, detail, caveat=where)


def _gravity(session: Session, usage: Usage, *, now: int) -> int:
    return _GRAVEST_FIRST.index(state_of(session, usage, now=now))


def _from(session: Session, line: Line, denied: Deny) -> Deny:
    """Return *denied* with the name of the session that it comes from, if that is not the first."""
    if session.id == line[0][0].id:
        return denied
    above = f"{session.id}, above this session"
    return replace(
        denied, caveat=f"{session.id}/{denied.caveat}", detail=f"{above}: {denied.detail}"
    )
