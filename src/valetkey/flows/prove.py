"""A proof becomes a principal, or nobody gets in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from valetkey.core.activity import SeenNonce
from valetkey.core.child_session import refusal_in_line, scopes_in_line, state_in_line
from valetkey.core.consent_link import ConsentLink
from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.dpop import Dpop, check_dpop, is_bound_to
from valetkey.core.errors import Code, Forbidden, Unauthenticated
from valetkey.core.ids import Prefix
from valetkey.core.principal import ANONYMOUS, Access, Principal, PrincipalKind
from valetkey.core.scope import Scope
from valetkey.core.session import Session, State, Usage
from valetkey.core.stamp import CLOCK_BOUND_S, Stamp, check_stamp, is_stamped_by
from valetkey.core.surface import Surface
from valetkey.core.token import MAX_TOKEN_CHARS, SESSIONS, TokenPrefix, fingerprint, is_mark
from valetkey.flows.gate import expect_scope
from valetkey.flows.line import line_of

if TYPE_CHECKING:
    from valetkey.core.child_session import Line
    from valetkey.core.wallet import PublicKey
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

TOUCH_S = 60


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token, as it came."""

    token: str = field(repr=False)


def _refused(*notes: str) -> Unauthenticated:
    """Return the one answer for whoever is unknown; *notes* are for the log, not for the wire."""
    refused = Unauthenticated(
        Code.PROOF_REFUSED, "expected a valid token or signature, got neither"
    )
    for note in notes:
        refused.add_note(note)
    return refused


async def authenticate(
    world: World,
    proof: Bearer | Stamp | Dpop | None,
    *,
    is_write: bool,
    is_leaving: bool = False,
    surface: Surface = Surface.NATIVE,
) -> Principal:
    """
    Return who *proof* proves.

    1. the proof itself; 2. it is of *surface*; 3. the session behind it is in use, and all above
    it; 4. a signed request is seen once; its use is noted.

    Args:
        is_write: A signed write may come again: it finds what it did the first time.
        is_leaving: The session is given back: a frozen one may be, and one that waits.
        surface: Where the request came in.

    Raises:
        Unauthenticated: The proof is refused, too old or was seen before.
        Forbidden: The session is frozen, pending or not started.
    """
    if proof is None:
        return ANONYMOUS
    asked = _Asked(is_write=is_write, is_leaving=is_leaving, surface=surface)
    if isinstance(proof, Bearer):
        return await _by_token(world, proof.token, asked)
    if isinstance(proof, Dpop):
        return await _by_bound_token(world, proof, asked)
    return await _by_stamp(world, proof, asked)


def prove_again(view: View, principal: Principal, *, now: int) -> Principal:
    """
    Return *principal*, who was proven some time ago, as it is now, if it may still read.

    Raises:
        Unauthenticated: The credential or session is over, or has another key by now.
        Forbidden: The session is frozen, or the credential may not read any more.
    """
    holder, line = _holder_of(view, principal.subject_id)
    if _key_of(holder) != principal.key:
        raise _refused("key_rotated")
    asked = _Asked(is_write=False, is_leaving=False, surface=Surface.NATIVE)
    if line is not None:
        return _of_session(line, asked, now=now)._replace(access=Access.READ)
    found = _of_credential(holder, asked)
    expect_scope(found, Scope.READ)
    return found._replace(access=Access.READ)


class _Asked(NamedTuple):
    """What a proof is shown for; see `authenticate`."""

    is_write: bool
    is_leaving: bool
    surface: Surface


async def _by_token(world: World, token: str, asked: _Asked) -> Principal:
    if len(token) > MAX_TOKEN_CHARS:
        raise _refused()
    if not token.startswith(SESSIONS):
        if token.startswith(TokenPrefix.CONSENT_LINK):
            return await _by_link(world, token, asked)
        mark = fingerprint(token)
        found = await world.store.read(
            lambda view: view.find(Credential, fingerprint=mark, limit=1)
        )
        is_it = found and is_mark(mark, found[0].fingerprint)
        return _of_credential(found[0] if is_it else None, asked)
    now = world.clock.now()
    line = await _line_of_token(world, token)
    session, usage = line[0]
    principal = _of_session(line, asked, now=now)
    if session.key is not None:
        detail = "expected DPoP and a proof by the key of this token, got the token alone"
        raise Unauthenticated(Code.PROOF_KEY_BOUND, detail)
    if now > usage.last_used_at and (session.idle_s or now - usage.last_used_at >= TOUCH_S):
        await world.store.write(lambda tx: _touch(tx, session.id, now=now))
    return principal


async def _by_link(world: World, token: str, asked: _Asked) -> Principal:
    mark = fingerprint(token)
    found = await world.store.read(lambda view: view.find(ConsentLink, fingerprint=mark, limit=1))
    if asked.surface is not Surface.NATIVE or not found:
        raise _refused()
    link = found[0]
    if not is_mark(mark, link.fingerprint):
        raise _refused()
    if world.clock.now() >= link.expires_at:
        detail = f"expected a link that works, got one that ran out at {link.expires_at}"
        raise Unauthenticated(Code.LINK_EXPIRED, f"{detail}; ask for a new one")
    return Principal(PrincipalKind.LINK, link.organization_id, link.id, Access.READ)


async def _line_of_token(world: World, token: str) -> Line:
    """Return the session that *token* was made for, and those above it, whatever became of them."""
    mark = fingerprint(token)

    def look_up(view: View) -> Line | None:
        found = view.find(Session, fingerprint=mark, limit=1)
        if not found or not is_mark(mark, found[0].fingerprint):
            return None
        return line_of(view, found[0])

    line = await world.store.read(look_up)
    if line is None:
        raise _refused()
    return line


async def _by_bound_token(world: World, dpop: Dpop, asked: _Asked) -> Principal:
    """
    Return the session, with what it may read: the proof covers no body, so it writes nothing.

    1. what the proof says of itself; 2. the token, and the key that it is bound to; 3. its session
    is in use; 4. it is seen once, and the key is still the session's.
    """
    now = world.clock.now()
    nonces = await world.nonces.good(world.vault, world.auditor, now=now)
    check_dpop(dpop, nonces=nonces, now=now)  # 1
    if len(dpop.token) > MAX_TOKEN_CHARS or not dpop.token.startswith(SESSIONS):
        raise _refused()
    line = await _line_of_token(world, dpop.token)  # 2
    session = line[0][0]
    if session.key is None or not is_bound_to(dpop, session.key):
        raise _refused("another_key")
    principal = _of_session(line, asked, now=now)  # 3
    seen = SeenNonce(f"dpop/{session.id}/{dpop.proof.proof_id}", "", _forget_at(now))
    key = session.key
    is_new = await world.store.write(  # 4
        lambda tx: _note(tx, seen, key, session.id, may_repeat=False, now=now)
    )
    if not is_new:
        detail = "this proof was seen before; make a new one for each request"
        raise Unauthenticated(Code.PROOF_REPLAYED, detail)
    return principal._replace(access=Access.READ)


async def _by_stamp(world: World, stamp: Stamp, asked: _Asked) -> Principal:
    """1. what the signature covers; 2. whose key made it; 3. in use; 4. seen once."""
    now = world.clock.now()
    nonce = check_stamp(stamp, now=now)  # 1
    holder, line = await world.store.read(lambda view: _holder_of(view, stamp.key_id))
    key = _key_of(holder)
    if key is None or not is_stamped_by(stamp, key):  # 2
        raise _refused()
    if line is not None:  # 3
        principal = _of_session(line, asked, now=now)
    else:
        principal = _of_credential(holder, asked)
    mark = hashlib.sha256(stamp.base).hexdigest()
    seen = SeenNonce(f"{stamp.key_id}/{nonce}", mark, _forget_at(now))
    is_new = await world.store.write(  # 4
        lambda tx: _note(tx, seen, key, stamp.key_id, may_repeat=asked.is_write, now=now)
    )
    if not is_new:
        detail = "this signed request was seen before; sign it again with a new nonce"
        raise Unauthenticated(Code.PROOF_REPLAYED, detail)
    return principal._replace(request_id=nonce)


def _holder_of(view: View, key_id: str) -> tuple[Session | Credential | None, Line | None]:
    if key_id.startswith(f"{Prefix.SESSION}_"):
        session = view.get(Session, key_id)
        return session, line_of(view, session) if session else None
    return view.get(Credential, key_id), None


def _key_of(holder: Session | Credential | None) -> PublicKey | None:
    return holder.key if isinstance(holder, Session) else holder.public_key if holder else None


def _forget_at(now: int) -> int:
    # A clock that is a bound ahead is still fresh two bounds from now, that second included.
    return now + 2 * CLOCK_BOUND_S + 1


def _note(
    tx: Tx, seen: SeenNonce, key: PublicKey, holder_id: str, *, may_repeat: bool, now: int
) -> bool:
    """
    Note that a proof by *key* was used, and say whether it is the first use.

    Raises:
        Unauthenticated: The holder has another key by now.
    """
    if _key_of(_holder_of(tx, holder_id)[0]) != key:
        raise _refused("key_rotated")
    before = tx.get(SeenNonce, seen.id)
    if before is not None:
        return may_repeat and before.request_hash == seen.request_hash
    tx.add(seen)
    _touch(tx, holder_id, now=now)
    return True


def _touch(tx: Tx, session_id: str, *, now: int) -> None:
    usage = tx.get(Usage, session_id)
    if usage is not None and now > usage.last_used_at:
        tx.put(replace(usage, last_used_at=now))


def _of_credential(credential: Session | Credential | None, asked: _Asked) -> Principal:
    if not isinstance(credential, Credential) or credential.revoked_at is not None:
        raise _refused()
    _expect_surface(credential, asked)
    publishable = credential.kind is CredentialKind.PUBLISHABLE
    return Principal(
        kind=PrincipalKind.PUBLISHABLE if publishable else PrincipalKind.SECRET,
        organization_id=credential.organization_id,
        subject_id=credential.id,
        access=Access.READ if publishable else Access.WRITE,
        scopes=credential.granted,
        key=credential.public_key,
    )


def _of_session(line: Line, asked: _Asked, *, now: int) -> Principal:
    session = line[0][0]
    _expect_surface(session, asked)
    denied = refusal_in_line(line, now=now)
    if denied is not None and state_in_line(line, now=now) is not State.EXHAUSTED:
        may_open = denied.code in _MAY_OPEN
        if not (asked.is_leaving and may_open):
            kind = Forbidden if may_open else Unauthenticated
            raise kind(denied.code, denied.detail)
    who = (PrincipalKind.SESSION, session.organization_id, session.id, session.access)
    return Principal(*who, key=session.key, session_scopes=scopes_in_line(line))


_MAY_OPEN = {Code.SESSION_FROZEN, Code.SESSION_PENDING, Code.SESSION_NOT_STARTED}


def _expect_surface(holder: Session | Credential, asked: _Asked) -> None:
    """
    Let pass what was issued for this surface.

    Others are as unknown as what was never issued: only the log says why. Not the audit log, for a
    key that is meant to be in browsers could fill it.
    """
    if holder.surface is not asked.surface:
        raise _refused(f"other_surface {holder.surface} {holder.id}")
