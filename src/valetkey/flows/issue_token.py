"""Tokens signed by us, and the keys that sign them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from valetkey.core.child_session import ends_in_line, refusal_in_line
from valetkey.core.errors import Code, Conflict, Forbidden, Unavailable
from valetkey.core.ids import Prefix
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Session
from valetkey.core.session_token import claims_of, key_id_of, to_sign, token_of
from valetkey.core.wallet import Curve, PublicKey, SealedKey
from valetkey.flows.gate import expect_known, forbid, present
from valetkey.flows.line import line_of
from valetkey.flows.record import expect_still

if TYPE_CHECKING:
    from collections.abc import Sequence

    from valetkey.core.principal import Principal
    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

SERVER: Final = "server"  # the organization of the server's own keys
TOKEN_KEYS: Final = "server/token"  # noqa: S105 - a name
_NUMBER: Final = re.compile(r"/n(\d{9})/")
KEPT_KEYS: Final = 2  # the one that signs, and the one before it: tokens of it are still about


@dataclass(frozen=True, slots=True)
class Issued:
    """A token, and the first second at which it is refused."""

    token: str = field(repr=False)
    expires_at: int


async def issue_token(
    world: World, principal: Principal, *, issuer: str, audience: str, life_s: int | None
) -> Issued:
    """
    Return a token that says which session *principal* is, for *audience* to check without us.

    Args:
        issuer: Our public URL.
        life_s: Seconds; at most 60 where the session may write, else 300.

    Raises:
        Unauthenticated: The session has another key by now.
        Forbidden: The principal is no session, or one that may not be used now; or it may write,
            and the proof is for reading: it does not cover what is asked.
        Malformed: *audience* or *life_s* is out of bounds.
        Unavailable: No key was made yet (`ensure_token_key`).
    """
    expect_known(principal)
    if principal.kind is not PrincipalKind.SESSION:
        raise Forbidden(Code.NOT_ALLOWED, "expected the proof of a session, which the token names")
    key = await _signing_key(world)
    now = world.clock.now()
    token_id = world.new_id(Prefix.REQUEST)

    def body(view: View) -> dict[str, object]:
        session = present(view.get(Session, principal.subject_id), "session")
        expect_still(world, view, principal)
        line = line_of(view, session)
        denied = refusal_in_line(line, now=now)
        if denied is not None:
            raise forbid(denied)
        if principal.access is not session.access:
            detail = "expected a signed request, for the session may write, got a proof for reading"
            raise Forbidden(Code.READ_ONLY, detail)
        return claims_of(
            session,
            ends_at=ends_in_line(line),
            issuer=issuer,
            audience=audience,
            life_s=life_s,
            token_id=token_id,
            now=now,
        )

    claims = await world.store.read(body)
    signed = to_sign(claims, key.public_key)
    token = token_of(signed, await world.vault.sign(key, signed))
    return Issued(token, int(str(claims["exp"])))


async def token_keys(world: Sight) -> list[PublicKey]:
    """Return the public keys that check our tokens, the one that signs now first."""
    return [key.public_key for key in await world.store.read(_keys)]


async def rotate_token_key(world: World) -> str:
    """
    Sign tokens with a new key from now on, and return its id.

    The key before it stays published, so that what it has signed is checked to its end; those
    before that are taken away.

    Raises:
        Conflict: Another rotation came first.
    """
    key = await _make_key(world, await world.store.read(_keys))

    def body(tx: Tx) -> None:
        before = _keys(tx)
        if before and before[0].id > key.id:
            detail = "expected no other rotation at the same time, got one; look, and rotate again"
            raise Conflict(Code.CONFLICT, detail)
        tx.add(key)
        for old in before[KEPT_KEYS - 1 :]:
            tx.drop(SealedKey, old.id)

    await world.store.write(body)
    return key_id_of(key.public_key)


async def ensure_token_key(world: World) -> None:
    """Make the first key that signs tokens, unless there is one. Several processes may ask."""
    if await world.store.read(_keys):
        return
    key = await _make_key(world, ())

    def body(tx: Tx) -> None:
        if not _keys(tx):
            tx.add(key)

    await world.store.write(body)


async def _signing_key(world: World) -> SealedKey:
    keys = await world.store.read(_keys)
    if not keys:
        raise Unavailable(
            Code.STORE_UNAVAILABLE,
            "expected a key that signs tokens, got none; `valetkey keys rotate-token` makes one",
        )
    return keys[0]


async def _make_key(world: World, before: Sequence[SealedKey]) -> SealedKey:
    """Return a key whose id comes behind those *before*, newest first, whatever the clock says."""
    found = _NUMBER.search(before[0].id) if before else None
    number = int(found[1]) + 1 if found else 1
    key_id = f"{TOKEN_KEYS}/n{number:09d}/{world.new_id(Prefix.CREDENTIAL)}"
    return await world.vault.create(
        Curve.P256, key_id=key_id, organization_id=SERVER, wallet_id=TOKEN_KEYS
    )


def _keys(view: View) -> list[SealedKey]:
    return view.find(SealedKey, organization_id=SERVER, wallet_id=TOKEN_KEYS, newest_first=True)
