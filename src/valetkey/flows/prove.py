"""A proof becomes a principal, or nobody gets in."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from valetkey.core.activity import SeenNonce
from valetkey.core.consent_link import ConsentLink
from valetkey.core.credential import Credential
from valetkey.core.dpop import Dpop, check_dpop, is_bound_to
from valetkey.core.errors import Code, Unauthenticated
from valetkey.core.principal import ANONYMOUS, Access, Principal, PrincipalKind
from valetkey.core.session import Session, Usage
from valetkey.core.stamp import CLOCK_BOUND_S, Stamp, check_stamp, is_stamped_by
from valetkey.core.surface import Surface
from valetkey.core.token import MAX_TOKEN_CHARS, SESSIONS, TokenPrefix, fingerprint, is_mark
from valetkey.flows.holder import Asked, holder_of, key_of, of_credential, of_session, refused
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
    asked = Asked(is_write=is_write, is_leaving=is_leaving, surface=surface)
    if isinstance(proof, Bearer):
        return await _by_token(world, proof.token, asked)
    if isinstance(proof, Dpop):
        return await _by_bound_token(world, proof, asked)
    return await _by_stamp(world, proof, asked)


async def _by_token(world: World, token: str, asked: Asked) -> Principal:
    if len(token) > MAX_TOKEN_CHARS:
        raise refused()
    if not token.startswith(SESSIONS):
        if token.startswith(TokenPrefix.CONSENT_LINK):
            return await _by_link(world, token, asked)
        mark = fingerprint(token)
        found = await world.store.read(
            lambda view: view.find(Credential, fingerprint=mark, limit=1)
        )
        is_it = found and is_mark(mark, found[0].fingerprint)
        return of_credential(found[0] if is_it else None, asked)
    now = world.clock.now()
    line = await _line_of_token(world, token)
    session, usage = line[0]
    principal = of_session(line, asked, now=now)
    if session.key is not None:
        detail = "expected DPoP and a proof by the key of this token, got the token alone"
        raise Unauthenticated(Code.PROOF_KEY_BOUND, detail)
    if now > usage.last_used_at and (session.idle_s or now - usage.last_used_at >= TOUCH_S):
        await world.store.write(lambda tx: _touch(tx, session.id, now=now))
    return principal


async def _by_link(world: World, token: str, asked: Asked) -> Principal:
    mark = fingerprint(token)
    found = await world.store.read(lambda view: view.find(ConsentLink, fingerprint=mark, limit=1))
    if asked.surface is not Surface.NATIVE or not found:
        raise refused()
    link = found[0]
    if not is_mark(mark, link.fingerprint):
        raise refused()
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
        raise refused()
    return line


async def _by_bound_token(world: World, dpop: Dpop, asked: Asked) -> Principal:
    """
    Return the session, with what it may read: the proof covers no body, so it writes nothing.

    1. what the proof says of itself; 2. the token, and the key that it is bound to; 3. its session
    is in use; 4. it is seen once, and the key is still the session's.
    """
    now = world.clock.now()
    nonces = await world.nonces.good(world.vault, world.auditor, now=now)
    check_dpop(dpop, nonces=nonces, now=now)  # 1
    if len(dpop.token) > MAX_TOKEN_CHARS or not dpop.token.startswith(SESSIONS):
        raise refused()
    line = await _line_of_token(world, dpop.token)  # 2
    session = line[0][0]
    if session.key is None or not is_bound_to(dpop, session.key):
        raise refused("another_key")
    principal = of_session(line, asked, now=now)  # 3
    seen = SeenNonce(f"dpop/{session.id}/{dpop.proof.proof_id}", "", _forget_at(now))
    key = session.key
    is_new = await world.store.write(  # 4
        lambda tx: _note(tx, seen, key, session.id, may_repeat=False, now=now)
    )
    if not is_new:
        detail = "this proof was seen before; make a new one for each request"
        raise Unauthenticated(Code.PROOF_REPLAYED, detail)
    return principal._replace(access=Access.READ)


async def _by_stamp(world: World, stamp: Stamp, asked: Asked) -> Principal:
    """1. what the signature covers; 2. whose key made it; 3. in use; 4. seen once."""
    now = world.clock.now()
    nonce = check_stamp(stamp, now=now)  # 1
    holder, line = await world.store.read(lambda view: holder_of(view, stamp.key_id))
    key = key_of(holder)
    if key is None or not is_stamped_by(stamp, key):  # 2
        raise refused()
    if line is not None:  # 3
        principal = of_session(line, asked, now=now)
    else:
        principal = of_credential(holder, asked)
    mark = hashlib.sha256(stamp.base).hexdigest()
    seen = SeenNonce(f"{stamp.key_id}/{nonce}", mark, _forget_at(now))
    is_new = await world.store.write(  # 4
        lambda tx: _note(tx, seen, key, stamp.key_id, may_repeat=asked.is_write, now=now)
    )
    if not is_new:
        detail = "this signed request was seen before; sign it again with a new nonce"
        raise Unauthenticated(Code.PROOF_REPLAYED, detail)
    return principal._replace(request_id=nonce)


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
    if key_of(holder_of(tx, holder_id)[0]) != key:
        raise refused("key_rotated")
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
