"""Tokens of others log an organization's users in: checked for real, and revocable here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.players import SURFACE, App, make_app
from tests.issuer import LIFE_S, make_key
from tests.worlds import dump, with_bounds
from valetkey.core.activity import Request
from valetkey.core.errors import (
    Code,
    Forbidden,
    Limited,
    Malformed,
    NotFound,
    Unauthenticated,
    ValetkeyError,
)
from valetkey.core.session import State
from valetkey.core.stamp import CLOCK_BOUND_S
from valetkey.core.terms import DEFAULT_S
from valetkey.flows.freeze import freeze
from valetkey.flows.guests import log_in_guest
from valetkey.flows.profiles import take_out
from valetkey.flows.prove import Bearer, authenticate
from valetkey.flows.providers import providers, remove_provider
from valetkey.flows.stop import close, revoke

if TYPE_CHECKING:
    from valetkey.core.principal import Principal


@pytest.fixture
async def app() -> App:
    """Give an app whose organization trusts an issuer."""
    made = await make_app()
    await made.trust()
    return made


async def test_a_token_logs_its_subject_in_and_is_the_proof_from_then_on(app: App) -> None:
    """One user for each subject, one session while it is in use, as the key's terms have it."""
    logged_in = await app.log_in(app.token())
    again = await app.prove(app.token())
    assert again.subject_id == logged_in.session.id
    assert (await app.log_in(app.token())).user == logged_in.user
    assert (logged_in.session.idle_s, logged_in.session.surface) == (DEFAULT_S, SURFACE)
    assert logged_in.user.reference == "custom:alice"
    other = await app.log_in(app.token("bob"))
    assert other.user.id != logged_in.user.id
    assert other.session.id != logged_in.session.id


async def test_whoever_shows_a_token_first_is_logged_in_by_it(app: App) -> None:
    """The token is the proof: there is no other step."""
    principal = await app.prove(app.token())
    assert (await app.log_in(app.token())).session.id == principal.subject_id


async def test_two_organizations_with_one_issuer_have_users_of_their_own(app: App) -> None:
    """Who is trusted by both is nobody's way from one into the other."""
    there = await make_app(app.world)
    there.issuer = app.issuer
    with pytest.raises(Malformed, match="provider"):
        await there.log_in(app.token())
    await there.trust()
    here, other = await app.log_in(app.token()), await there.log_in(app.token())
    assert here.user.organization_id != other.user.organization_id
    assert here.session.id != other.session.id


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"iss": "https://login.example/"}, Code.PROOF_REFUSED),
        ({"iss": None}, Code.PROOF_REFUSED),
        ({"aud": "another"}, Code.PROOF_REFUSED),
        ({"aud": []}, Code.PROOF_REFUSED),
        ({"aud": None}, Code.PROOF_REFUSED),
        ({"sub": None}, Code.PROOF_REFUSED),
        ({"sub": ""}, Code.PROOF_REFUSED),
        ({"sub": 5}, Code.PROOF_REFUSED),
        ({"sub": "x" * 300}, Code.PROOF_REFUSED),
        ({"sub": "a\x1b[2Jb"}, Code.PROOF_REFUSED),
        ({"sub": "a\u202eb"}, Code.PROOF_REFUSED),
        ({"exp": None}, Code.PROOF_REFUSED),
        ({"iat": None}, Code.PROOF_REFUSED),
        ({"exp": True}, Code.PROOF_REFUSED),
        ({"exp": "soon"}, Code.PROOF_REFUSED),
        ({"exp": 5}, Code.PROOF_TOO_OLD),
        ({"iat": 2**40}, Code.PROOF_TOO_OLD),
        ({"nbf": 2**40}, Code.PROOF_TOO_OLD),
    ],
)
async def test_a_token_that_says_something_else_logs_nobody_in(
    app: App, changed: dict[str, object], code: Code
) -> None:
    """Issuer, audience, times and subject: each is looked at, and nobody is made."""
    before = await dump(app.world)
    with pytest.raises(Unauthenticated) as refused:
        await app.log_in(app.token_that_says(changed))
    assert refused.value.code is code
    assert await dump(app.world) == before


async def test_a_token_of_another_key_logs_nobody_in(app: App) -> None:
    """Whatever it calls itself."""
    for key in (make_key("first"), make_key("second")):
        with pytest.raises(Unauthenticated, match="signature"):
            await app.log_in(app.token(key=key))


async def test_an_audience_may_be_one_of_several(app: App) -> None:
    """RFC 7519, section 4.1.3."""
    assert (await app.log_in(app.token(aud=["other", "shop"]))).session.id


async def test_a_token_is_good_until_its_last_second(app: App) -> None:
    """``exp`` is the first second at which it is refused; a clock may be a minute behind."""
    token, early = app.token(), app.token(iat=app.clock.now() + CLOCK_BOUND_S)
    assert await app.prove(early)
    app.clock.advance(LIFE_S - 1)
    assert await app.prove(token)
    app.clock.advance(1)
    with pytest.raises(Unauthenticated) as refused:
        await app.prove(token)
    assert refused.value.code is Code.PROOF_TOO_OLD


async def test_an_unknown_provider_is_a_readable_refusal_and_no_log_out(app: App) -> None:
    """A wrong name is a mistake in the app, not a credential that is not valid."""
    for name in ("firebase", "", "x" * 300, "custom/../custom"):
        with pytest.raises(Malformed, match="provider"):
            await app.log_in(app.token(), name)


async def test_a_revoked_session_is_over_for_every_token_from_before(app: App) -> None:
    """A token of somebody else's cannot be taken back; what it opens here can."""
    token = app.token()
    session = (await app.log_in(token)).session
    request = Request("revoke", "revoke")
    await revoke(app.world, app.founded.principal, request, session_id=session.id)
    for verb in (app.prove, app.log_in):
        with pytest.raises(Unauthenticated) as refused:
            await verb(token)
        assert refused.value.code is Code.SESSION_REVOKED
    app.clock.advance(1)
    fresh = await app.log_in(app.token())
    assert fresh.session.id != session.id
    assert fresh.user.id == session.user_id


async def test_a_frozen_session_stays_frozen_whatever_token_comes(app: App) -> None:
    """A newer token opens no second one beside it."""
    session = (await app.log_in(app.token())).session
    request = Request("freeze", "freeze")
    await freeze(app.world, app.founded.principal, request, session_id=session.id)
    app.clock.advance(1)
    for verb in (app.prove, app.log_in):
        with pytest.raises(Forbidden) as refused:
            await verb(app.token())
        assert refused.value.code is Code.SESSION_FROZEN


async def test_whom_the_organization_has_taken_out_does_not_come_in_again(app: App) -> None:
    """The provider goes on vouching; the organization's word stands above it."""
    user, session, _ = await app.log_in(app.token())
    asked = (app.world, app.founded.principal)
    await revoke(*asked, Request("revoke", "revoke"), session_id=session.id)
    await take_out(*asked, Request("take out", "take out"), user_id=user.id)
    app.clock.advance(1)
    for verb in (app.prove, app.log_in):
        with pytest.raises(Forbidden, match="taken out"):
            await verb(app.token())
    assert (await app.log_in(app.token("bob"))).user.id != user.id


async def test_a_session_that_ended_by_itself_or_by_its_user_is_followed_by_another(
    app: App,
) -> None:
    """Nobody was shut out: whom the provider still vouches for comes in again."""
    token = app.token()
    first = (await app.log_in(token)).session
    app.clock.advance(DEFAULT_S)
    second = await app.prove(token)
    assert second.subject_id != first.id
    await close(app.world, second, Request("close", "close"))
    third = await app.log_in(token)
    assert third.session.id not in {first.id, second.subject_id}
    assert third.session.state is State.OPEN


async def test_a_use_begins_the_idle_time_anew(app: App) -> None:
    """As it does for every other session."""
    token = app.token(exp=app.clock.now() + 10 * DEFAULT_S)
    session = (await app.log_in(token)).session
    for _ in range(3):
        app.clock.advance(DEFAULT_S - 1)
        assert (await app.prove(token)).subject_id == session.id


async def test_a_provider_that_was_removed_logs_nobody_in(app: App) -> None:
    """From the next request on; and set again it has the users that it had."""
    token = app.token()
    user = (await app.log_in(token)).user
    request = Request("remove", "remove")
    asked = (app.world, app.founded.principal, request)
    await remove_provider(*asked, name="custom")
    assert await providers(app.world, app.founded.principal) == []
    with pytest.raises(Malformed):
        await app.prove(token)
    with pytest.raises(NotFound):
        await remove_provider(*asked[:2], Request("again", "again"), name="custom")
    await app.trust()
    assert (await app.log_in(token)).user == user


async def test_guests_are_users_with_a_token_of_their_own(app: App) -> None:
    """Each is new, the token proves it, and nothing of the token is kept."""
    first, second = [await log_in_guest(app.world, app.key, surface=SURFACE) for _ in range(2)]
    assert first.user.id != second.user.id
    principal = await _by_token(app, first.token)
    assert principal.subject_id == first.session.id
    assert first.token not in repr(first)
    assert first.token not in str(await dump(app.world))
    await revoke(app.world, app.founded.principal, Request("r", "r"), session_id=first.session.id)
    with pytest.raises(Unauthenticated):
        await _by_token(app, first.token)


async def test_guests_and_strangers_are_no_more_users_than_there_may_be(app: App) -> None:
    """Whoever signs up again and again runs into the quota, and nothing half-made is left."""
    app.world = with_bounds(app.world, users=2)
    await log_in_guest(app.world, app.key, surface=SURFACE)
    await app.log_in(app.token())
    before = await dump(app.world)

    async def guest() -> object:
        return await log_in_guest(app.world, app.key, surface=SURFACE)

    for come in (guest, lambda: app.log_in(app.token("bob"))):
        with pytest.raises(Limited) as refused:
            await come()
        assert refused.value.code is Code.QUOTA_EXCEEDED
    assert await dump(app.world) == before


@pytest.mark.parametrize(
    "changed",
    [
        {"name": ""},
        {"name": "Custom"},
        {"name": "a/b"},
        {"name": "x" * 41},
        {"issuer": ""},
        {"issuer": "https://\x1b[2J"},
        {"audiences": ()},
        {"audiences": ("",)},
        {"audiences": ("a",) * 9},
        {"keys": ""},
        {"keys": "{}"},
        {"keys_url": "https://login.example/jwks.json"},
        {"keys": "", "keys_url": "http://login.example/jwks.json"},
        {"keys": "", "keys_url": "https://user:pw@login.example/"},
    ],
)
async def test_a_provider_that_could_vouch_for_nobody_is_not_kept(
    app: App, changed: dict[str, object]
) -> None:
    """Told why, and what was there stays."""
    before = await dump(app.world)
    with pytest.raises(ValetkeyError):
        await app.trust(**changed)
    assert await dump(app.world) == before


async def test_there_are_so_many_providers_and_no_more(app: App) -> None:
    """One of the same name replaces the one before."""
    for number in range(7):
        await app.trust(name=f"p{number}")
    await app.trust(name="p3", issuer="https://other.example")
    with pytest.raises(Limited):
        await app.trust(name="p7")
    found = await providers(app.world, app.founded.principal)
    assert len(found) == 8
    assert next(one for one in found if one.name == "p3").issuer == "https://other.example"


async def _by_token(app: App, token: str) -> Principal:
    return await authenticate(app.world, Bearer(token), is_write=True, surface=SURFACE)
