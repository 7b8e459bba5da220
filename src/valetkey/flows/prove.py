"""A proof becomes a principal, or nobody gets in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.activity import SeenNonce
from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.errors import Code, Forbidden, Unauthenticated
from valetkey.core.ids import Prefix
from valetkey.core.principal import ANONYMOUS, Access, Principal, PrincipalKind
from valetkey.core.session import Session, State, Usage, refusal, state_of
from valetkey.core.stamp import CLOCK_BOUND_S, Stamp, check_stamp, is_stamped_by
from valetkey.core.token import MAX_TOKEN_CHARS, TokenPrefix, fingerprint, matches

if TYPE_CHECKING:
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

TOUCH_S = 60


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token, as it came."""

    token: str


_REFUSED = Unauthenticated(Code.PROOF_REFUSED, "expected a valid token or signature, got neither")


async def authenticate(
    world: World, proof: Bearer | Stamp | None, *, is_write: bool, is_leaving: bool = False
) -> Principal:
    """
    Return who *proof* proves.

    1. the proof itself; 2. the session behind it is in use; 3. a signed request is seen once; its
    use is noted.

    Args:
        is_write: A signed write may come again: it finds what it did the first time.
        is_leaving: The session is given back: a frozen one may be, and one that waits.

    Raises:
        Unauthenticated: The proof is refused, too old or was seen before.
        Forbidden: The session is frozen, pending or not started.
    """
    if proof is None:
        return ANONYMOUS
    if isinstance(proof, Bearer):
        return await _by_token(world, proof.token, is_leaving=is_leaving)
    return await _by_stamp(world, proof, is_write=is_write, is_leaving=is_leaving)


async def _by_token(world: World, token: str, *, is_leaving: bool) -> Principal:
    if len(token) > MAX_TOKEN_CHARS:
        raise _REFUSED
    mark = fingerprint(token)
    if not token.startswith(TokenPrefix.SESSION):
        found = await world.store.read(lambda view: view.find(Credential, fingerprint=mark))
        return _of_credential(found[0] if found and matches(token, mark) else None)
    now = world.clock.now()

    def look_up(view: View) -> tuple[Session, Usage] | None:
        found = view.find(Session, fingerprint=mark, limit=1)
        if not found or found[0].fingerprint is None or not matches(token, found[0].fingerprint):
            return None
        usage = view.get(Usage, found[0].id)
        return (found[0], usage) if usage else None

    facts = await world.store.read(look_up)
    if facts is None:
        raise _REFUSED
    session, usage = facts
    principal = _of_session(session, usage, now=now, is_leaving=is_leaving)
    if now > usage.last_used_at and (session.idle_s or now - usage.last_used_at >= TOUCH_S):
        await world.store.write(lambda tx: _touch(tx, session.id, now=now))
    return principal


async def _by_stamp(world: World, stamp: Stamp, *, is_write: bool, is_leaving: bool) -> Principal:
    now = world.clock.now()
    nonce = check_stamp(stamp, now=now)
    session: Session | None = None
    credential: Credential | None = None
    usage: Usage | None = None
    if stamp.key_id.startswith(f"{Prefix.SESSION}_"):
        session, usage = await world.store.read(
            lambda view: (view.get(Session, stamp.key_id), view.get(Usage, stamp.key_id))
        )
        key = session.key if session else None
    else:
        credential = await world.store.read(lambda view: view.get(Credential, stamp.key_id))
        key = credential.public_key if credential else None
    if key is None or not is_stamped_by(stamp, key):
        raise _REFUSED
    if session and usage:
        principal = _of_session(session, usage, now=now, is_leaving=is_leaving)
    else:
        principal = _of_credential(credential)
    mark = hashlib.sha256(stamp.base).hexdigest()
    # A clock that is a bound ahead is still fresh two bounds from now, that second included.
    seen = SeenNonce(f"{stamp.key_id}/{nonce}", mark, now + 2 * CLOCK_BOUND_S + 1)

    def note(tx: Tx) -> bool:
        before = tx.get(SeenNonce, seen.id)
        if before is not None:
            return is_write and before.request_hash == mark
        tx.add(seen)
        _touch(tx, stamp.key_id, now=now)
        return True

    if not await world.store.write(note):
        detail = "this signed request was seen before; sign it again with a new nonce"
        raise Unauthenticated(Code.PROOF_REPLAYED, detail)
    return replace(principal, request_id=nonce)


def _touch(tx: Tx, session_id: str, *, now: int) -> None:
    usage = tx.get(Usage, session_id)
    if usage is not None and now > usage.last_used_at:
        tx.put(replace(usage, last_used_at=now))


def _of_credential(credential: Credential | None) -> Principal:
    if credential is None or credential.revoked_at is not None:
        raise _REFUSED
    publishable = credential.kind is CredentialKind.PUBLISHABLE
    return Principal(
        kind=PrincipalKind.PUBLISHABLE if publishable else PrincipalKind.SECRET,
        organization_id=credential.organization_id,
        subject_id=credential.id,
        access=Access.READ if publishable else Access.WRITE,
    )


def _of_session(session: Session, usage: Usage, *, now: int, is_leaving: bool) -> Principal:
    denied = refusal(session, usage, now=now)
    may_leave = is_leaving and denied is not None and denied.code in _MAY_OPEN
    if may_leave or state_of(session, usage, now=now) is State.EXHAUSTED:
        denied = None
    if denied is not None:
        kind = Forbidden if denied.code in _MAY_OPEN else Unauthenticated
        raise kind(denied.code, denied.detail)
    return Principal(PrincipalKind.SESSION, session.organization_id, session.id, session.access)


_MAY_OPEN = {Code.SESSION_FROZEN, Code.SESSION_PENDING, Code.SESSION_NOT_STARTED}
