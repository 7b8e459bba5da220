"""Reading through the SDK: filters, who is exposed, the audit log checked, tokens of OAuth 2."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from tests.client.both import Client, close, done, first
from tests.client.loopback import lying
from tests.client.service import SHOP
from valetkey import Malformed, Owner, StampKey

if TYPE_CHECKING:
    from tests.client.liar import Lies
    from tests.client.service import Service
    from valetkey.wire.wallet import Account


async def test_who_is_exposed_is_listed_and_revoked_until_nothing_is_left(
    vk: Client, service: Service, account: Account, owner: Owner
) -> None:
    """By account and token; each receipt says that both planes refuse."""
    opened = [await done(vk.sessions.open(account, service.draft(), owner=owner)) for _ in range(2)]
    ids = {session.id for session in opened}
    listed = await first(vk.sessions.list(token=service.token, account_id=account.id, state="open"))
    assert {one.id for one in listed} == ids
    exposed = await first(vk.exposure.list(token=service.token))
    assert ids <= {one.session.id for one in exposed}
    assert exposed[0].ways[0].place == "rules[0]"
    ended = await first(vk.exposure.revoke(token=service.token))
    assert ids <= {one.session.id for one in ended}
    assert {one.session.state for one in ended} == {"revoked"}
    assert await first(vk.exposure.list(token=service.token)) == []
    assert await first(vk.exposure.revoke(token=service.token)) == []
    with pytest.raises(Malformed, match="expected one of them, got none"):
        await first(vk.exposure.list())


async def test_activities_and_lines_are_narrowed(
    vk: Client, service: Service, account: Account, owner: Owner
) -> None:
    """By the session that acted, and by what happened to it."""
    session = await done(vk.sessions.open(account, service.draft(), owner=owner))
    await done(session.transfer(service.token, SHOP, "1"))
    runs = await first(vk.activities.list(session_id=session.id, kind="run", order="oldest"))
    assert [one.state for one in runs] == ["done"]
    lines = await first(vk.audit.lines(subject_id=session.id, action="opened"))
    assert [one.event for one in lines] == ["session:opened"]
    await done(session.revoke())


async def test_the_log_is_checked_by_who_reads_it(vk: Client) -> None:
    """Whole, and longer than a head that was kept."""
    kept = await done(vk.audit.head())
    await done(vk.users.add("somebody"))
    check = await done(vk.audit.verify(kept=kept))
    assert check.broken is None
    assert check.lines >= check.head.seq > kept.seq


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seq": 10**6, "hash": "0x" + "11" * 32}, "not signed by the key"),
        ({"public_key": "0x" + "11" * 32}, "not signed by the key"),
    ],
)
async def test_a_head_that_nobody_signed_is_found(
    vk: Client, change: dict[str, object], said: str
) -> None:
    """Whichever of the two was changed."""
    head = await done(vk.audit.head())
    check = await done(vk.audit.verify(kept=msgspec.structs.replace(head, **change)))
    assert said in check.broken.problem


async def test_a_server_that_cuts_or_changes_its_log_is_found(
    service: Service, make: Client
) -> None:
    """The attacks: the end is cut off, the middle taken out, a line changed; with a kept head."""
    lies: Lies = {}
    with lying(service.url, lies) as liar:
        vk = make(liar.url, api_key=service.api_key)
        for number in range(3):
            await done(vk.users.add(f"user {number}"))
        kept = await done(vk.audit.head())
        for lie, said in (
            (cut, "was cut"),
            (taken_out, "missing or moved"),
            (changed, "changed after it was written"),
        ):
            lies["/v1/audit?"] = lie
            check = await done(vk.audit.verify(kept=kept))
            assert said in check.broken.problem
        await close(vk)


async def test_heads_of_every_day_hold_together(vk: Client) -> None:
    """Each of them, in whatever order; one of another organization does not fit."""
    kept = []
    for number in range(3):
        await done(vk.users.add(f"day {number}"))
        kept.append(await done(vk.audit.head()))
    check = await done(vk.audit.verify(kept=kept[::-1]))
    assert check.broken is None
    child = await done(vk.organizations.open("Below"))
    other = await done(vk.audit.head(organization_id=child.id))
    check = await done(vk.audit.verify(kept=[*kept, other]))
    assert (check.lines, check.broken.problem) == (0, "a head is of another organization")


async def test_the_log_of_another_organization_is_not_taken_for_the_one_asked_for(
    service: Service, make: Client
) -> None:
    """The attack: a whole log, with its own genuine head, in the place of the one that is not."""
    lies: Lies = {}
    with lying(service.url, lies) as liar:
        vk = make(liar.url, api_key=service.api_key)
        child = await done(vk.organizations.open("Below"))
        own = msgspec.to_builtins(await done(vk.audit.head()))
        lies["/v1/audit/head"] = lambda head: head.update(own)
        check = await done(vk.audit.verify(organization_id=child.id))
        assert "expected the log of" in check.broken.problem
        await close(vk)


Items = dict[str, Any]


def cut(page: Items) -> None:
    """Leave the end away, and say that it is the end."""
    page["items"] = page["items"][:-2]
    page["next"] = None


def taken_out(page: Items) -> None:
    """Leave the first line away."""
    page["items"] = page["items"][1:]


def changed(page: Items) -> None:
    """Have the first line say something else."""
    page["items"][0]["subject_id"] = "x"


async def test_tokens_are_asked_about_exchanged_and_given_back(vk: Client) -> None:
    """A narrower token is under the first: it ends with it."""
    opened = await done(vk.sessions.open_reader(expires_in=600))
    given = await done(vk.tokens.exchange(opened.token, expires_in=60, label="gateway"))
    asked = await done(vk.tokens.introspect(given.access_token))
    assert (asked.active, asked.jti) == (True, given.session_id)
    assert given.expires_in <= 60
    await done(vk.tokens.revoke(opened.token))
    for token in (opened.token, given.access_token, "vk_session_nobody"):
        assert not (await done(vk.tokens.introspect(token))).active
    await done(vk.tokens.revoke("vk_session_nobody"))


async def test_a_refused_exchange_says_why(vk: Client) -> None:
    """In the words of OAuth, of which none is lost: what was expected, what came, and the code."""
    opened = await done(vk.sessions.open_reader(expires_in=60))
    with pytest.raises(Malformed, match=r"expires_at: expected \d+ at most, got \d+") as refused:
        await done(vk.tokens.exchange(opened.token, expires_in=600))
    assert refused.value.code == "not_within_parent"
    assert refused.value.facts["error"] == "invalid_request"


async def test_a_token_is_exchanged_for_one_that_is_bound(vk: Client) -> None:
    """To a key that stays here."""
    opened = await done(vk.sessions.open_reader(expires_in=600))
    given = await done(vk.tokens.exchange(opened.token, key=StampKey.generate()))
    assert given.token_type.lower() == "dpop"
    assert (await done(vk.tokens.introspect(given.access_token))).cnf is not None


async def test_a_session_gets_a_token_that_others_check(
    vk: Client, service: Service, account: Account, owner: Owner
) -> None:
    """Signed by one of the keys that the server shows."""
    session = await done(vk.sessions.open(account, service.draft(), owner=owner))
    issued = await done(session.token("https://shop.example", life_s=30))
    assert issued.token.count(".") == 2
    keys = await done(vk.tokens.keys())
    metadata = await done(vk.tokens.metadata())
    assert keys.keys[0].alg == "ES256"
    assert metadata.jwks_uri.endswith("/.well-known/jwks.json")
    await done(session.revoke())


async def test_lists_below_are_read_from_above(vk: Client) -> None:
    """A child's users by its id."""
    child = await done(vk.organizations.open("Child"))
    own = await first(vk.users.list(organization_id=child.id))
    assert own == []
    for listed in (vk.wallets, vk.accounts, vk.budgets, vk.credentials):
        assert isinstance(await first(listed.list(organization_id=child.id)), list)
