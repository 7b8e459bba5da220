"""An organization's own things, and what it does with sessions that somebody else holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.client.both import Client, close, done, first
from tests.client.service import CHAIN, SHOP, Service
from valetkey import (
    Forbidden,
    Limited,
    Malformed,
    NotFound,
    Owner,
    Unauthenticated,
)
from valetkey.core.errors import Code

if TYPE_CHECKING:
    from valetkey.wire.wallet import Account


async def test_what_is_not_there_is_not_found(vk: Client) -> None:
    """An id of another organization looks the same as one that never was."""
    for get, prefix in ((vk.sessions.get, "ses"), (vk.accounts.get, "acc"), (vk.users.get, "usr")):
        with pytest.raises(NotFound):
            await done(get(f"{prefix}_" + "0" * 24))
    with pytest.raises(Malformed) as refused:
        await done(vk.users.get("ann"))
    assert refused.value.code is Code.MALFORMED_ID


async def test_the_rest_of_an_organization_is_there(
    service: Service, make: Client, vk: Client, account: Account
) -> None:
    """Children, users, credentials, budgets, the log: typed, and in pages."""
    child = await done(vk.organizations.open("Child"))
    known = await done(vk.organizations.get(child.id))
    assert known in await first(vk.organizations.list())
    assert (known.name, known.parent_id) == ("Child", child.parent_id)
    below = make(service.url, api_key=child.secret_key)
    assert await first(below.users.list()) == []
    await close(below)
    user = await done(vk.users.add("ann"))
    assert await done(vk.users.get(user.id)) == user
    assert user in await first(vk.users.list())
    assert account in await first(vk.accounts.list())
    wallet = await done(vk.wallets.get(account.wallet_id))
    assert wallet in await first(vk.wallets.list())
    budget = await done(vk.budgets.set(wallet.id, asset=service.token, limit=5, window_s=3600))
    assert budget in await first(vk.budgets.list())
    added = await done(vk.credentials.add("secret", label="ci"))
    second = make(service.url, api_key=added.token)
    assert (await done(second.server())).chains[0].chain == CHAIN
    await done(vk.credentials.revoke(added.credential.id))
    with pytest.raises(Unauthenticated):
        await done(second.users.get(user.id))
    await close(second)
    lines = await first(vk.audit.lines(), 3)
    assert [line.seq for line in lines] == [1, 2, 3]
    assert (await done(vk.audit.head())).seq >= 3


async def test_quotas_are_shown_and_set_for_those_below(vk: Client) -> None:
    """How much there is, and how much there may be."""
    child = await done(vk.organizations.open("Quotas"))
    told = await done(vk.organizations.set_quota(child.id, "users", 7))
    assert (told.quota, told.limit, told.current) == ("users", 7, 0)
    usage = await done(vk.organizations.usage(child.id))
    assert told in usage.quotas
    with pytest.raises(Forbidden):
        await done(vk.organizations.set_quota(child.parent_id, "users", 7))
    with pytest.raises(Malformed):
        await done(vk.organizations.set_quota(child.id, "everything", 7))


async def test_the_owner_says_where_sessions_are_as_wide_as_their_vendors(
    service: Service, make: Client, vk: Client
) -> None:
    """A switch of the organization itself; not for one below, nor for an operator."""
    child = await done(vk.organizations.open("Meaning"))
    own = child.parent_id or ""
    for surfaces in (["openfort"], []):
        told = await done(vk.organizations.set_vendor_meaning(own, surfaces))
        assert told.id == own
    with pytest.raises(Forbidden):
        await done(vk.organizations.set_vendor_meaning(child.id, ["openfort"]))
    with pytest.raises(Malformed):
        await done(vk.organizations.set_vendor_meaning(own, ["native"]))
    added = await done(vk.credentials.add("secret"))
    operator = make(service.url, api_key=added.token)
    with pytest.raises(Forbidden) as refused:
        await done(operator.organizations.set_vendor_meaning(own, ["openfort"]))
    assert refused.value.facts["scope"] == "custody:write"
    await close(operator)


async def test_a_credential_does_what_its_role_says(
    service: Service, make: Client, vk: Client
) -> None:
    """What is refused names the scope; a name that is none is refused before anything is sent."""
    added = await done(vk.credentials.add("secret", role="auditor"))
    auditor = make(service.url, api_key=added.token)
    assert (await done(auditor.audit.head())).seq >= 1
    with pytest.raises(Forbidden) as refused:
        await done(auditor.users.add("bob"))
    assert refused.value.code is Code.SCOPE_MISSING
    assert refused.value.facts["scope"] == "users:write"
    key = added.credential.id
    changed = await done(vk.credentials.set_role(key, "operator", scopes=["users:write"]))
    assert changed.scopes == ["self", "users:write"]
    assert (await done(auditor.users.add("bob"))).reference == "bob"
    await close(auditor)
    for role, scopes in (("admin", None), ("operator", ["*"])):
        with pytest.raises(Malformed):
            await done(vk.credentials.add("secret", role=role, scopes=scopes))
    public = await done(vk.credentials.add("publishable"))
    assert (public.credential.role, public.credential.scopes) == (None, [])


async def test_a_budget_above_the_session_limits_it(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """Limited is a kind of its own: later, or with a larger budget, it may work."""
    await done(vk.budgets.set(account.wallet_id, asset=service.token, limit=5))
    with pytest.raises(Limited):  # its holder could spend past what only the server counts
        await done(vk.sessions.open(account, service.draft(), owner=owner))
    bound = service.draft().bound_to((await done(vk.server())).chains[0].relayer)
    session = await done(vk.sessions.open(account, bound, owner=owner))
    with pytest.raises(Limited) as refused:
        await done(session.transfer(service.token, SHOP, 6))
    assert refused.value.code is Code.BUDGET_EXCEEDED
    assert (await done(session.transfer(service.token, SHOP, 5))).state == "done"


async def test_sessions_are_listed_and_stopped_by_id(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """Whoever has the API key can stop what somebody else opened."""
    mine = [
        await done(vk.sessions.open(account, service.draft(), owner=owner, label=f"{number}"))
        for number in range(2)
    ]
    listed = await first(vk.sessions.list(wallet_id=account.wallet_id, state="open"))
    assert [one.id for one in listed] == [session.id for session in reversed(mine)]
    frozen = await done(vk.sessions.freeze(mine[0].id, owner=owner))
    assert frozen.activity.state == "done"
    assert (await done(vk.sessions.unfreeze(mine[0].id, owner=owner))).session.state == "open"
    assert (await done(vk.sessions.revoke(mine[0].id))).session.state == "revoked"
    stopped = await done(vk.sessions.revoke_all("wallet", account.wallet_id))
    assert [one.session.id for one in stopped] == [mine[1].id]
