"""The RSA keys that sign tokens on vendors' surfaces: one that signs now, one that signs next."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Conflict, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.session_token import key_id_of, to_sign_rsa, token_of
from valetkey.core.wallet import Curve, PublicKey, SealedKey
from valetkey.flows.issue_token import SERVER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from valetkey.flows.sight import Sight
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

RSA_KEYS: Final = "server/rsa-token"
CURRENT: Final = 0
NEXT: Final = 1
KEPT: Final = 3  # the next, the current, and the one before it: tokens of it are still about
_NUMBER: Final = re.compile(r"/n(\d{9})/")


async def sign_claims(world: World, claims: Mapping[str, object], *, index: int) -> tuple[str, str]:
    """
    Return a token of *claims*, and the id of the key that signed it (RS256).

    Args:
        index: 0 is the key that signs now, 1 the one that will be next.

    Raises:
        Malformed: *index* is another one.
    """
    if index not in {CURRENT, NEXT}:
        detail = f"keyIndex: expected {CURRENT} or {NEXT}, got {index}"
        raise Malformed(Code.MALFORMED_BODY, detail)
    key = (await _ensured(world))[index]
    signed = to_sign_rsa(claims, key.public_key)
    return token_of(signed, await world.vault.sign(key, signed)), key_id_of(key.public_key)


async def made_rsa_keys(world: Sight) -> list[PublicKey]:
    """Return the public keys as `rsa_token_keys` does; none if nobody has asked for any yet."""
    return [key.public_key for key in _in_order(await world.store.read(_newest))]


async def rsa_token_keys(world: World) -> list[PublicKey]:
    """Return the public keys that check such tokens: the current, the next, the one before."""
    return [key.public_key for key in await _ensured(world)]


async def rotate_rsa_key(world: World) -> str:
    """
    Sign with the next key from now on, and return its id; another is made to be next.

    Raises:
        Conflict: Another rotation came first.
    """
    before = await _ensured(world)
    newest = before[NEXT]
    await _add(world, newest.id)
    return key_id_of(newest.public_key)


async def _ensured(world: World) -> list[SealedKey]:
    """Return the keys, the current one first; the first two are made when they are asked for."""
    keys = await world.store.read(_newest)
    while len(keys) <= NEXT:
        with suppress(Conflict):  # another process was faster, which is as good
            await _add(world, keys[0].id if keys else "")
        keys = await world.store.read(_newest)
    return _in_order(keys)


async def _add(world: World, behind: str) -> None:
    """Add a key behind the one that was the newest, unless another is the newest by now."""
    found = _NUMBER.search(behind)
    number = int(found[1]) + 1 if found else 1
    key_id = f"{RSA_KEYS}/n{number:09d}/{world.new_id(Prefix.CREDENTIAL)}"
    key = await world.vault.create(
        Curve.RSA, key_id=key_id, organization_id=SERVER, wallet_id=RSA_KEYS
    )

    def body(tx: Tx) -> None:
        now = _newest(tx)
        if (now[0].id if now else "") != behind:
            detail = "expected no other rotation at the same time, got one; look, and rotate again"
            raise Conflict(Code.CONFLICT, detail)
        tx.add(key)
        for old in now[KEPT - 1 :]:
            tx.drop(SealedKey, old.id)

    await world.store.write(body)


def _newest(view: View) -> list[SealedKey]:
    return view.find(SealedKey, organization_id=SERVER, wallet_id=RSA_KEYS, newest_first=True)


def _in_order(newest: Sequence[SealedKey]) -> list[SealedKey]:
    return [*newest[1:2], *newest[:1], *newest[2:]]
