"""Keys that users' clients lock: kept unread, given to who unlocks them, and guessed by nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pytest

from tests.flows.players import SURFACE, App, make_app
from tests.worlds import dump
from valetkey.core.activity import Request
from valetkey.core.errors import (
    Code,
    Forbidden,
    Limited,
    Malformed,
    NotFound,
    ValetkeyError,
)
from valetkey.core.locked_key import MAX_BLOB_CHARS, MOST_KEYS, MOST_WRONG, Lock, to_sign
from valetkey.core.terms import Terms
from valetkey.core.units import DAY_S
from valetkey.flows.freeze import freeze
from valetkey.flows.guests import log_in_guest
from valetkey.flows.locked_keys import LockKey, lock_key, locked_key, unlock_key
from valetkey.flows.prove import Bearer, authenticate
from valetkey.flows.terms import set_terms
from valetkey.spec.permission_bytes import personal_digest
from valetkey.spec.secp256k1 import address_of_key, sign_digest

if TYPE_CHECKING:
    from valetkey.core.principal import Principal

SECRET: Final = b"\x01" * 32
PROOF: Final = b"\x07" * 32
WRONG: Final = b"\x08" * 32
BLOB: Final = "what nobody here can read"


class Player:
    """A user who has logged in, with a key."""

    def __init__(self, app: App, principal: Principal, user_id: str) -> None:
        self.app, self.world = app, app.world
        self.principal, self.user_id = principal, user_id

    def wanted(self, *, blob: str = BLOB, proof: bytes = PROOF, secret: bytes = SECRET) -> LockKey:
        """Return what this user's client sends."""
        text = to_sign(self.user_id, Lock.PASSWORD, blob, proof)
        signature = sign_digest(personal_digest(text.encode()), secret)
        return LockKey(address_of_key(secret), Lock.PASSWORD, blob, proof, signature)

    async def keep(self, wanted: LockKey | None = None) -> None:
        """Leave a key here."""
        await lock_key(self.world, self.principal, wanted or self.wanted())

    async def unlock(self, proof: bytes = PROOF, secret: bytes = SECRET) -> str:
        """Ask for it."""
        address = address_of_key(secret)
        return (await unlock_key(self.world, self.principal, address=address, proof=proof))[1]


async def _player(app: App) -> Player:
    user, _, token = await log_in_guest(app.world, app.key, surface=SURFACE)
    principal = await authenticate(app.world, Bearer(token), is_write=True, surface=SURFACE)
    return Player(app, principal, user.id)


@pytest.fixture
async def player() -> Player:
    """Give a user who has logged in for days."""
    app = await make_app()
    terms = Terms(app.key.subject_id, "", idle_s=2 * DAY_S)
    await set_terms(app.world, app.founded.principal, Request("terms", "terms"), terms)
    return await _player(app)


async def test_a_key_comes_back_to_who_unlocks_it(player: Player) -> None:
    """As it was left; and what is kept has neither the blob nor the proof in it."""
    await player.keep()
    assert await player.unlock() == BLOB
    kept = str(await dump(player.world))
    assert BLOB not in kept
    assert PROOF.hex() not in kept
    assert BLOB not in repr(player.wanted())
    known = await locked_key(player.world, player.principal, address=address_of_key(SECRET))
    assert known.lock is Lock.PASSWORD


async def test_a_wrong_proof_gets_nothing_and_is_counted(player: Player) -> None:
    """Ten in a day, then not even the right one; the day after it is the right one again."""
    await player.keep()
    for _ in range(MOST_WRONG):
        with pytest.raises(Forbidden) as refused:
            await player.unlock(WRONG)
        assert refused.value.code is Code.PIN_REFUSED
    for proof in (WRONG, PROOF):
        with pytest.raises(Limited) as locked:
            await player.unlock(proof)
        assert locked.value.code is Code.PIN_LOCKED
    player.app.clock.advance(DAY_S)
    assert await player.unlock() == BLOB


async def test_right_tries_are_not_counted(player: Player) -> None:
    """Who knows the password may come as often as they have devices."""
    await player.keep()
    for _ in range(MOST_WRONG + 1):
        assert await player.unlock() == BLOB


async def test_guesses_between_right_ones_still_run_out(player: Player) -> None:
    """A right try takes back itself alone: others go on being counted."""
    await player.keep()
    for _ in range(MOST_WRONG):
        with pytest.raises(Forbidden):
            await player.unlock(WRONG)
        if _ < MOST_WRONG - 1:
            assert await player.unlock() == BLOB
    with pytest.raises(Limited):
        await player.unlock(WRONG)


async def test_only_the_key_itself_leaves_or_replaces_its_blob(player: Player) -> None:
    """Whoever has a user's token alone can put nothing in the place of their key."""
    await player.keep()
    other = player.wanted(blob="nothing", secret=b"\x02" * 32)
    for wanted in (
        replace(other, address=address_of_key(SECRET)),
        replace(player.wanted(), blob="nothing"),
        replace(player.wanted(), proof=WRONG),
        replace(player.wanted(), lock=Lock.AUTOMATIC),
        replace(player.wanted(), signature=b""),
        replace(player.wanted(), signature=b"\x00" * 65),
        replace(player.wanted(), address=b""),
    ):
        with pytest.raises(Malformed):
            await player.keep(wanted)
    assert await player.unlock() == BLOB
    await player.keep(player.wanted(blob="anew", proof=WRONG))
    assert await player.unlock(WRONG) == "anew"
    with pytest.raises(Forbidden):
        await player.unlock()


async def test_what_one_user_signed_is_kept_for_no_other(player: Player) -> None:
    """The text names the user: a signature that was seen is of no use elsewhere."""
    thief = await _player(player.app)
    await player.keep()
    with pytest.raises(Malformed):
        await thief.keep(player.wanted())
    with pytest.raises(NotFound):
        await thief.unlock()
    await thief.keep()
    assert await thief.unlock() == BLOB  # a key of its own, at the same address
    with pytest.raises(NotFound):
        await locked_key(thief.world, thief.principal, address=b"\x09" * 20)


@pytest.mark.parametrize(
    "changed",
    [
        {"blob": ""},
        {"blob": "x" * (MAX_BLOB_CHARS + 1)},
        {"blob": "ü"},
        {"proof": b""},
        {"proof": b"\x07" * 33},
    ],
)
async def test_what_is_too_long_or_no_proof_is_not_kept(
    player: Player, changed: dict[str, object]
) -> None:
    """Told why, and nothing is there."""
    before = await dump(player.world)
    with pytest.raises(Malformed):
        await player.keep(player.wanted(**changed))  # type: ignore[arg-type]
    assert await dump(player.world) == before


async def test_a_user_has_so_many_keys_and_no_more(player: Player) -> None:
    """Each of them can be locked anew."""
    secrets = [bytes([number + 1]) * 32 for number in range(MOST_KEYS + 1)]
    for secret in secrets[:-1]:
        await player.keep(player.wanted(secret=secret))
    with pytest.raises(Limited):
        await player.keep(player.wanted(secret=secrets[-1]))
    await player.keep(player.wanted(secret=secrets[0], blob="anew"))
    assert await player.unlock(secret=secrets[0]) == "anew"


async def test_a_session_that_is_stopped_unlocks_nothing(player: Player) -> None:
    """A stop holds for the keys as for everything else."""
    await player.keep()
    asked = (player.world, player.app.founded.principal, Request("freeze", "freeze"))
    await freeze(*asked, session_id=player.principal.subject_id)
    for verb in (player.unlock, player.keep):
        with pytest.raises(ValetkeyError) as refused:
            await verb()
        assert refused.value.code is Code.SESSION_FROZEN


async def test_who_is_no_user_has_no_keys(player: Player) -> None:
    """Neither the app's key nor the organization's own."""
    for principal in (player.app.key, player.app.founded.principal):
        with pytest.raises(ValetkeyError):
            await lock_key(player.world, principal, player.wanted())
