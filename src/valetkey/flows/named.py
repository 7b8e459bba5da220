"""Tokens and spenders that sessions of an account may have approved, in an order to page by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.approval import NamedSpender, named_id
from valetkey.core.permission.effects import EFFECTS
from valetkey.core.permission.model import Anything, Operator
from valetkey.core.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from valetkey.core.permission.model import Call, Permission, Rule
    from valetkey.ports import Tx, View

SCANNED: Final = 200  # sessions that are looked through for one page
_WORD: Final = 32
_ADDRESS: Final = 20
_LAST: Final = "~"  # behind every id of a session's spenders
Pair = tuple[bytes, bytes]


def note_named(tx: Tx, session: Session, calls: Sequence[Call]) -> None:
    """Keep whom *calls* name to take tokens, so that nobody has to read every run for it."""
    for call in calls:
        effect = EFFECTS.get(call.selector) if call.selector else None
        if effect is None or not effect.approves:
            continue
        word = call.arguments[effect.recipient * _WORD :][:_WORD]
        spender = word.ljust(_WORD, b"\0")[-_ADDRESS:]  # as the EVM reads past the end
        key = named_id(session.id, call.to, spender)
        if tx.get(NamedSpender, key) is None:
            tx.add(NamedSpender(key, session.account_id or "", session.id, call.to, spender))


def pairs_of(
    view: View, session: Session, *, after: str = "", limit: int
) -> list[tuple[str, Pair]]:
    """
    Return tokens and spenders that a run of *session* named, or that its permission lists.

    Args:
        after: Only those behind this id.

    Returns:
        At most *limit*, each with its id, in order of these.
    """
    rows = view.find(NamedSpender, session_id=session.id, after=after, limit=limit)
    found = {one.id: (one.token, one.spender) for one in rows}
    for pair in _allowed(session.permission) if session.permission else ():
        key = named_id(session.id, *pair)
        if key > after:
            found[key] = pair
    return sorted(found.items())[:limit]


def pairs_of_account(
    view: View, account_id: str, *, after: str, limit: int
) -> tuple[list[Pair], str | None]:
    """
    Return tokens and spenders of the sessions of an account, each once, and where to go on.

    Args:
        after: What was returned with the page before; empty for the first one.

    Returns:
        None as the second if that is all; else there may be more, also behind an empty page.
    """
    found: dict[Pair, None] = {}
    session_id = after.partition("/")[0]
    begun = view.get(Session, session_id) if session_id else None
    behind = view.find(Session, account_id=account_id, after=session_id, limit=SCANNED)
    at = after
    for session in (*([begun] if begun and begun.account_id == account_id else ()), *behind):
        while room := limit - len(found):
            some = pairs_of(view, session, after=at, limit=room)
            found.update((pair, None) for _, pair in some)
            at = some[-1][0] if len(some) == room else f"{session.id}/{_LAST}"
            if len(some) < room:
                break
        else:
            return list(found), at
    return list(found), at if len(behind) == SCANNED else None


def _allowed(permission: Permission) -> Iterator[Pair]:
    """Yield what a holder may have approved without us, as far as the permission lists it."""
    for rule in permission.rules:
        effect = EFFECTS.get(rule.selector) if rule.selector else None
        if effect is not None and effect.approves:
            for spender in _spenders(permission, rule, effect.recipient):
                yield rule.target, spender


def _spenders(permission: Permission, rule: Rule, argument: int) -> Iterator[bytes]:
    if not isinstance(permission.recipients, Anything):
        yield from permission.recipients
    for one in rule.where:
        if one.argument == argument and one.operator is not Operator.AT_MOST:
            yield from (value.to_bytes(_WORD)[-_ADDRESS:] for value in one.values)
