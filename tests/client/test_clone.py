"""A session on an account that a factory makes, as its owner and its holder live through it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cli.program import valetkey
from tests.client.service import CHAIN, SHOP, USDC, Service, serving
from tests.leaks import secret
from valetkey import Forbidden, Owner, RefusedToSign, Valetkey
from valetkey.devchain import DevKey, Engine, choose, dev_keys, fund
from valetkey.devchain.transact import transact
from valetkey.spec.clone import transfer_ownership_calldata
from valetkey.wire.clone import NewClone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from valetkey import Session
    from valetkey.wire.wallet import Account


@pytest.fixture(scope="module", params=list(Engine), ids=str)
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    """Run the real server on each local chain in turn."""
    choice = choose(request.param)
    assert choice is not None, "install what tests/holes.py names"
    with serving(choice) as running:
        yield running


@pytest.fixture
def vk(service: Service) -> Iterator[Valetkey]:
    """Return a client with a secret key."""
    with Valetkey(service.url, api_key=service.api_key) as client:
        yield client


@pytest.fixture
def owner(service: Service) -> Owner:
    """Return an owner that nobody has met."""
    return service.owner()


def added(service: Service, vk: Valetkey, owner: Owner, *, personal: bool = True) -> Account:
    """Return the owner's clone, which has tokens and is not there yet."""
    account = vk.wallets.add(CHAIN, address=owner, clone=NewClone(personal=personal)).account
    service.endow(bytes.fromhex(account.address[2:]))
    assert not vk.accounts.state(account.id).is_deployed
    return account


def opened(service: Service, vk: Valetkey, account: Account, owner: Owner) -> Session:
    """Return a session on it."""
    return vk.sessions.open(account, service.draft(), owner=owner)


def killed(service: Service, session: Session, folder: Path) -> dict[str, object]:
    """Return what `valetkey kill` says of the session's note; no server is asked."""
    payer = dev_keys()[6]
    key, note = folder / "payer.key", session.kill_note.save(folder / "note.json")
    key.write_text(secret(payer.secret).hex())
    told = valetkey(
        *("kill", note, "--rpc", service.deployment.rpc_url),
        *("--payer-key-file", key, "--json"),
    )
    assert told.code == 0, told.err
    document: dict[str, object] = told.document
    return document


def test_from_the_first_use_to_the_end(service: Service, vk: Valetkey, owner: Owner) -> None:
    """Opened, used, refused, frozen, unfrozen, revoked: the limits hold as on any account."""
    account = added(service, vk, owner)
    assert account.owner != account.address
    assert account.clone is not None
    session = opened(service, vk, account, owner)
    paid = service.balance(SHOP)
    session.transfer(service.token, SHOP, 5 * USDC)
    state = vk.accounts.state(account.id)
    assert (state.is_deployed, state.is_ready, state.owner) == (True, True, account.owner)
    with pytest.raises(Forbidden):
        session.transfer(service.token, SHOP, 16 * USDC)
    session.freeze()
    with pytest.raises(Forbidden):
        session.transfer(service.token, SHOP, 1)
    session.unfreeze()
    session.transfer(service.token, SHOP, 15 * USDC)
    assert service.balance(SHOP) == paid + 20 * USDC
    stopped = session.revoke()
    assert [one.refused for one in stopped.tried] == [True, True]


@pytest.mark.parametrize("is_made", [True, False], ids=["there", "not there yet"])
def test_the_note_ends_it_without_the_server(
    service: Service, vk: Valetkey, owner: Owner, tmp_path: Path, *, is_made: bool
) -> None:
    """Through the factory: on an account that was never made, too."""
    account = added(service, vk, owner)
    session = opened(service, vk, account, owner)
    if is_made:
        session.transfer(service.token, SHOP, 1)
    assert session.kill_note.to == account.clone.factory if account.clone else False
    document = killed(service, session, tmp_path)
    assert (document["status"], document["account"]) == ("revoked", account.address)
    assert killed(service, session, tmp_path)["status"] == "already_revoked"
    with pytest.raises(Forbidden):
        session.transfer(service.token, SHOP, 1)
    assert vk.accounts.state(account.id).is_deployed


def test_who_the_account_is_handed_to_ends_every_session(
    service: Service, vk: Valetkey, owner: Owner
) -> None:
    """Past us, on chain: the next use is refused, and nobody opens one for the owner before."""
    seed = secret(bytes(31) + b"\x07")
    first = Owner.from_key(seed)
    account = vk.wallets.add(
        CHAIN, address=first, clone=NewClone(salt="0x" + bytes(31).hex() + "07")
    ).account
    service.endow(bytes.fromhex(account.address[2:]))
    session = opened(service, vk, account, first)
    session.transfer(service.token, SHOP, 1)
    fund(service.rpc, service.deployment, first.address, 10**18)
    data = transfer_ownership_calldata(owner.address)
    to = bytes.fromhex(account.address[2:])
    transact(service.rpc, DevKey(seed, first.address), to, data=data)
    with pytest.raises(Forbidden):
        session.transfer(service.token, SHOP, 1)
    assert session.show().state == "revoked"
    assert vk.accounts.state(account.id).owner == "0x" + owner.address.hex()


def test_a_session_is_put_on_its_chain_before_its_first_use(
    service: Service, vk: Valetkey, owner: Owner
) -> None:
    """By both signatures of its owner, or by those that are there."""
    account = added(service, vk, owner)
    session = vk.sessions.open(account, service.draft())
    assert session.show().state == "pending"
    registered = session.register(owner=owner)
    assert (registered.session.state, registered.activity.state) == ("open", "done")
    assert vk.accounts.state(account.id).is_deployed
    assert session.kill_note == session.fetch_kill_note()
    session.transfer(service.token, SHOP, 1)
    again = opened(service, vk, account, owner).register()
    assert (again.session.state, again.activity.state) == ("open", "done")


def test_nobody_signs_for_an_account_that_is_another_owners(
    service: Service, vk: Valetkey, owner: Owner
) -> None:
    """The address follows from the owner: it is worked out, not believed."""
    account = added(service, vk, owner)
    other = service.owner()
    with pytest.raises(RefusedToSign, match="account"):
        vk.sessions.open(account, service.draft(), owner=other)
    waiting = vk.sessions.open(account, service.draft())
    with pytest.raises(RefusedToSign):
        vk.sessions.grant(waiting.show(), owner=other)
    note = vk.sessions.grant(waiting.show(), owner=owner)
    assert note.to == account.clone.factory if account.clone else False
    assert waiting.show().state == "open"
