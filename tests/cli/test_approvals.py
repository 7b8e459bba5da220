"""What sessions left approved, listed and cleared from the command line."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.cli.conftest import lived_in
from tests.cli.program import valetkey
from valetkey.client import Call, Owner, Valetkey, permission
from valetkey.core.permission.effects import selector_of
from valetkey.devchain import DevKey, fund, transact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from valetkey.cli.local import Local

SPENDER: Final = b"\x51" * 20
APPROVE: Final = "approve(address,uint256)"
UNIT: Final = 10**6


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    """Return a server of its own: these tests add accounts."""
    with lived_in(tmp_path_factory.mktemp("approvals")) as found:
        yield found.local


def env(local: Local) -> dict[str, str]:
    """Return what says which server."""
    return {"VALETKEY_URL": local.url, "VALETKEY_API_KEY": local.secret}


def approved(local: Local, owner: Owner | None) -> str:
    """Return an account on which a session, revoked since, has approved the spender."""
    token = local.deployment.token
    with Valetkey(local.url, api_key=local.secret) as vk:
        added = vk.wallets.add(local.chain, address=owner)
        code = local.deployment.implementation if owner else None
        vk.accounts.delegate(added.account, owner=owner, implementation=code)
        draft = permission.build(
            [permission.function(token, APPROVE)],
            caps=[permission.token_cap(token, decimals=6, lifetime="5")],
            to=[SPENDER],
            expires_in=600,
        )
        session = vk.sessions.open(added.account, draft, owner=owner)
        words = SPENDER.rjust(32, b"\0") + (3 * UNIT).to_bytes(32)
        session.run([Call(token, 0, selector_of(APPROVE) + words)])
        stopped = session.revoke()
        assert [one.amount for one in stopped.approvals or []] == [str(3 * UNIT)]
        return added.account.id


def left(local: Local, account_id: str) -> list[dict[str, Any]]:
    """Return what `list` tells."""
    told = valetkey("approvals", "list", account_id, "--json", env=env(local))
    assert told.code == 0
    found: list[dict[str, Any]] = told.document["items"]
    return found


def test_the_server_clears_them_where_the_key_is_here(local: Local) -> None:
    """One command; the list is empty afterwards."""
    account_id = approved(local, None)
    assert [one["amount"] for one in left(local, account_id)] == [str(3 * UNIT)]
    done = valetkey("approvals", "clear", account_id, env=env(local))
    assert (done.code, "1 of 1 approvals cleared" in done.out) == (0, True), done.out
    assert left(local, account_id) == []
    again = valetkey("approvals", "clear", account_id, "--json", env=env(local))
    assert (again.code, again.document["cleared"]) == (0, False)


def test_an_owner_outside_gets_the_calls_to_send(local: Local) -> None:
    """Sent from the account itself, they clear what is listed."""
    secret = secrets.token_bytes(32)
    owner = Owner.from_key(secret)
    fund(local.node.rpc, local.deployment, owner.address, 10**18)
    account_id = approved(local, owner)
    told = valetkey("approvals", "clear", account_id, env=env(local))
    (call,) = (one["clear"] for one in left(local, account_id))
    assert told.code == 1
    assert f"to {call['to']} data {call['data']}" in told.out
    to, data = (bytes.fromhex(call[name][2:]) for name in ("to", "data"))
    transact(local.node.rpc, DevKey(secret, owner.address), to, data=data)
    assert left(local, account_id) == []


def test_nobody_elses_account_is_listed(local: Local) -> None:
    """There is no account with that id."""
    account_id = "acc_" + "0" * 24
    told = valetkey("approvals", "list", account_id, "--json", env=env(local))
    assert (told.code, told.error) == (1, "not_found")


@pytest.mark.parametrize("verb", ["list", "clear"])
def test_it_needs_an_account(verb: str) -> None:
    """A command without what it is about is used wrongly."""
    assert valetkey("approvals", verb).code == 2
