"""Keys of those who vouch for users, where they are looked up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.flows.players import App, make_app
from tests.issuer import KEYS_URL, Issuer, make_key
from valetkey.adapters.outbound.memory import MemoryOutbound
from valetkey.core.errors import Unauthenticated, Unavailable
from valetkey.flows.issuer_keys import AGAIN_S, LAST_S, LIVE_S
from valetkey.ports import Fetched

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
async def app() -> App:
    """Give an app whose issuer shows its keys at a URL."""
    made = await make_app()
    await made.trust(keys="", keys_url=KEYS_URL)
    show(made)
    return made


def way_out(app: App) -> MemoryOutbound:
    """Return what was looked for."""
    assert isinstance(app.world.outbound, MemoryOutbound)
    return app.world.outbound


def show(app: App, issuer: Issuer | None = None) -> None:
    """Have these keys be where they are looked for."""
    body = (issuer or app.issuer).keys_text.encode()
    way_out(app).there[KEYS_URL] = Fetched(200, body)


def hide(app: App) -> None:
    """Have nobody answer."""
    way_out(app).there[KEYS_URL] = Fetched(None, reason="no answer")


async def test_keys_are_looked_up_once_and_kept_for_an_hour(app: App) -> None:
    """Each token is checked, none asks again."""
    for subject in ("alice", "bob", "alice"):
        await app.log_in(app.token(subject))
    assert way_out(app).fetched == [KEYS_URL]
    app.clock.advance(LIVE_S)
    await app.log_in(app.token())
    assert way_out(app).fetched == [KEYS_URL] * 2


async def test_all_who_come_at_once_wait_for_one_look_up(app: App) -> None:
    """A storm of tabs logs nobody out, and asks the issuer once."""
    proven = await asyncio.gather(*(app.prove(app.token()) for _ in range(20)))
    assert len({one.subject_id for one in proven}) == 1
    assert way_out(app).fetched == [KEYS_URL]


async def test_a_new_key_of_the_issuer_is_found_when_a_token_names_it(app: App) -> None:
    """Whoever rotates keys logs nobody out."""
    await app.log_in(app.token())
    app.issuer = Issuer(make_key("second"))
    show(app)
    app.clock.advance(AGAIN_S)
    assert (await app.log_in(app.token())).session.id


async def test_made_up_names_of_keys_have_nobody_asked_again_and_again(app: App) -> None:
    """A stranger cannot have us ask an issuer as often as they like."""
    await app.log_in(app.token())
    for number in range(9):
        with pytest.raises(Unauthenticated):
            await app.log_in(app.token(key=make_key(f"made up {number}")))
    assert way_out(app).fetched == [KEYS_URL]


async def test_keys_that_are_known_go_on_while_nobody_answers_for_a_day(app: App) -> None:
    """An issuer that is down for an hour logs nobody out; one that is gone does not vouch on."""
    await app.log_in(app.token())
    hide(app)
    app.clock.advance(LIVE_S)
    assert await app.prove(app.token())
    app.clock.advance(LAST_S - LIVE_S)
    with pytest.raises(Unavailable):
        await app.prove(app.token())


@pytest.mark.parametrize(
    "told",
    [
        lambda: Fetched(None, reason="no answer"),
        lambda: Fetched(500, b"{}"),
        lambda: Fetched(302, b""),
        lambda: Fetched(200, b"<html>"),
        lambda: Fetched(200, b"\xff"),
        lambda: Fetched(200, b'{"keys":[]}'),
    ],
)
async def test_where_no_keys_are_nobody_is_logged_in_and_nobody_out(
    app: App, told: Callable[[], Fetched]
) -> None:
    """It is said that they could not be looked up: a 401 would log the app's users out."""
    way_out(app).there[KEYS_URL] = told()
    for _ in range(2):
        with pytest.raises(Unavailable, match="try again"):
            await app.log_in(app.token())
    assert way_out(app).fetched == [KEYS_URL]
    show(app)
    app.clock.advance(AGAIN_S)
    assert (await app.log_in(app.token())).session.id
