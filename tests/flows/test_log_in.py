"""A one-time code makes a client's user known, and opens an ordinary session."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.flows.visitors import EMAIL, Client, make_client
from tests.worlds import dump, make_world
from valetkey.adapters.messenger.nobody import NobodyMessenger
from valetkey.core.activity import Request
from valetkey.core.contact import MOST_CODES, WINDOW_S
from valetkey.core.credential import Credential
from valetkey.core.errors import (
    Code,
    Limited,
    Malformed,
    Unauthenticated,
    Unavailable,
    ValetkeyError,
)
from valetkey.core.one_time_code import LIFE_S, MOST_TRIES
from valetkey.core.organization import Organization, User
from valetkey.core.session import Session, State
from valetkey.core.terms import DEFAULT_S, MOST_S, Terms
from valetkey.core.visit import Visit
from valetkey.flows.stop import revoke
from valetkey.flows.terms import set_terms

if TYPE_CHECKING:
    from valetkey.ports import Tx


@pytest.fixture
async def client() -> Client:
    """Give a client that has just come."""
    return await make_client()


def other(code: str) -> str:
    """Return a code that is not *code*."""
    return f"{(int(code) + 1) % 10**6:06d}"


async def test_a_code_opens_an_ordinary_session(client: Client) -> None:
    """It is the user's, on its surface, with the times of the API key, and in the audit log."""
    session = await client.enter(await client.ask())
    now = client.clock.now()
    assert session.state is State.OPEN
    assert session.user_id is not None
    assert (session.idle_s, session.expires_at) == (DEFAULT_S, now + MOST_S)
    user = await client.world.store.read(lambda view: view.get(User, session.user_id or ""))
    assert user is not None
    assert user.reference == EMAIL


async def test_the_cookie_from_before_the_log_in_is_replaced(client: Client) -> None:
    """Who knew an anonymous client's cookie does not have the session that it logs in to."""
    before = client.cookie
    await client.logged_in()
    assert client.cookie != before
    client.clock.advance(60)
    known, client.cookie = client.cookie, before
    assert await client.seen() is None
    client.cookie = known
    seen = await client.seen()
    assert seen is not None
    assert seen.session is not None


async def test_requests_on_their_way_are_still_known(client: Client) -> None:
    """One that left with the cookie before is the same client for a moment, and told no other."""
    session = await client.enter(await client.ask())
    before = client.cookie
    await client.seen()
    after, client.cookie = client.cookie, before
    seen = await client.seen(renews=True)
    assert seen is not None
    assert seen.session is not None
    assert seen.session.id == session.id
    assert seen.cookie is None
    assert client.cookie == before != after


async def test_the_same_address_is_the_same_user(client: Client) -> None:
    """However it is written, and whichever client it comes from."""
    first = await client.logged_in()
    again = await client.logged_in(" ALICE@Example.org ")
    bob = await client.logged_in("bob@example.org")
    assert again.user_id == first.user_id != bob.user_id


async def test_a_code_is_used_once(client: Client) -> None:
    """The second time it is as unknown as any other."""
    code = await client.ask()
    await client.enter(code)
    with pytest.raises(Unauthenticated) as refused:
        await client.enter(code)
    assert refused.value.code is Code.CODE_REFUSED


async def test_tries_are_counted(client: Client) -> None:
    """After the last wrong one the right one is refused as well: a code cannot be searched for."""
    code = await client.ask()
    for _ in range(MOST_TRIES):
        with pytest.raises(Unauthenticated):
            await client.enter(other(code))
    with pytest.raises(Unauthenticated):
        await client.enter(code)
    assert await client.world.store.read(lambda view: view.find(Session)) == []


async def test_a_code_runs_out(client: Client) -> None:
    """At its last second it works, and one later it does not."""
    code = await client.ask()
    client.clock.advance(LIFE_S)
    with pytest.raises(Unauthenticated):
        await client.enter(code)
    code = await client.ask()
    client.clock.advance(LIFE_S - 1)
    await client.enter(code)


async def test_a_new_code_takes_the_place_of_the_one_before(client: Client) -> None:
    """Two that work would be twice as easy to find."""
    before, after = await client.ask(), await client.ask()
    with pytest.raises(Unauthenticated):
        await client.enter(before if before != after else other(after))
    await client.enter(after)


async def test_a_code_is_for_one_client(client: Client) -> None:
    """Whoever has somebody's code and another client is not let in with it."""
    stranger = await make_client(client.world)
    await stranger.ask("mallory@example.org")
    code = await client.ask()
    if code != stranger.codes[0]:
        with pytest.raises(Unauthenticated):
            await stranger.enter(code)


async def test_an_address_gets_only_so_many_codes(client: Client) -> None:
    """No mailbox is flooded, and guesses stay few; after the window it goes on."""
    for _ in range(MOST_CODES):
        await client.ask()
    with pytest.raises(Limited) as refused:
        await client.ask()
    assert refused.value.code is Code.TOO_MANY_CODES
    client.clock.advance(WINDOW_S - 1)
    await client.seen()
    with pytest.raises(Limited):
        await client.ask()
    client.clock.advance(1)
    await client.ask()


@pytest.mark.parametrize("email", ["", "alice", "a@b", "a b@c.d", "@c.d", f"{'a' * 65}@c.d"])
async def test_what_is_no_address_gets_no_code(client: Client, email: str) -> None:
    """Nothing is kept of it."""
    with pytest.raises(Malformed):
        await client.ask(email)
    assert client.codes == []


async def test_a_code_that_nobody_takes_is_refused(client: Client) -> None:
    """Without a mailer nobody waits for a letter."""
    world = replace(client.world, messenger=NobodyMessenger())
    with pytest.raises(Unavailable) as refused:
        await replace(client, world=world).ask()
    assert refused.value.code is Code.MESSENGER_UNAVAILABLE


async def test_no_code_and_no_cookie_is_in_the_store(client: Client) -> None:
    """Nor can a code be guessed from what is: its hash is keyed with the client's lookup id."""
    code = await client.ask()
    visits = await client.world.store.read(lambda view: view.find(Visit))
    text = repr(visits)
    assert client.lookup not in text
    assert client.cookie not in text
    assert f"'{code}'" not in text


async def test_use_slides_the_end_of_a_session(client: Client) -> None:
    """Each use begins its time anew; unused it is over at its last second."""
    await client.logged_in()
    for _ in range(3):
        client.clock.advance(DEFAULT_S - 1)
        seen = await client.seen()
        assert seen is not None
        assert seen.session is not None
    client.clock.advance(DEFAULT_S)
    seen = await client.seen()
    assert seen is not None
    assert seen.session is None


async def test_a_revoked_session_is_nobodys(client: Client) -> None:
    """Natively revoked, it is over for the client at its next request."""
    session = await client.logged_in()
    await revoke(client.world, client.founded.principal, Request("r", "r"), session_id=session.id)
    seen = await client.seen()
    assert seen is not None
    assert seen.session is None
    with pytest.raises(Unauthenticated):
        _ = seen.principal


async def test_terms_are_for_sessions_that_come(client: Client) -> None:
    """A minute, and at most an hour, from the next log-in on; open sessions keep what they have."""
    before = await client.logged_in()
    wanted = Terms(client.key.subject_id, "", idle_s=60, most_s=3600)
    await set_terms(client.world, client.founded.principal, Request("t", "t"), wanted)
    after = await client.logged_in()
    assert (before.idle_s, after.idle_s) == (DEFAULT_S, 60)
    assert after.expires_at == client.clock.now() + 3600


@pytest.mark.parametrize("wanted", [(59, 3600), (MOST_S + 1, MOST_S), (120, 119), (60, MOST_S + 1)])
async def test_terms_have_bounds(client: Client, wanted: tuple[int, int]) -> None:
    """A minute to thirty days; nothing is changed by what is outside."""
    terms = Terms(client.key.subject_id, "", *wanted)
    with pytest.raises(Malformed):
        await set_terms(client.world, client.founded.principal, Request("t", "t"), terms)
    assert await client.world.store.read(lambda view: view.find(Terms)) == []


async def test_two_clients_do_not_mix() -> None:
    """Each has its own user and session, in one world."""
    world = await make_world()
    one, two = await make_client(world), await make_client(world)
    first, second = await one.logged_in(), await two.logged_in("bob@example.org")
    assert first.user_id != second.user_id
    foreign = replace(one, cookie=two.cookie)
    assert await foreign.seen() is None


@pytest.mark.parametrize("why", ["revoked", "moved"])
async def test_whose_key_is_shut_out_logs_nobody_in(client: Client, why: str) -> None:
    """A code that is out already opens nothing under a revoked key, or where nobody acts now."""
    code = await client.ask()

    def shut_out(tx: Tx) -> None:
        owner = tx.get(Organization, client.founded.organization.id)
        key = tx.get(Credential, client.key.subject_id)
        assert owner is not None
        assert key is not None
        if why == "moved":
            tx.put(replace(owner, moved_at=1, moved_for=bytes(32)))
        else:
            tx.put(replace(key, revoked_at=1))

    await client.world.store.write(shut_out)
    before, sent = await dump(client.world), len(client.codes)
    expected = Code.PROOF_REFUSED if why == "revoked" else Code.ORGANIZATION_MOVED
    for is_entering in (True, False):
        with pytest.raises(ValetkeyError) as refused:
            await (client.enter(code) if is_entering else client.ask())
        assert refused.value.code is expected
    assert await dump(client.world) == before
    assert len(client.codes) == sent
