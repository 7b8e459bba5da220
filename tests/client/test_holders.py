"""Who holds a session, and with which key: here, elsewhere, on the server."""

from __future__ import annotations

import json
import traceback
from typing import TYPE_CHECKING

import pytest

from tests.client.both import Client, close, done, first
from tests.client.loopback import lying
from tests.client.service import CHAIN, OTHER, SHOP, Service
from tests.leaks import forms_of, secret
from valetkey import (
    Conflict,
    Forbidden,
    Malformed,
    Owner,
    RefusedToSign,
    SessionKey,
    StampKey,
    Unauthenticated,
)
from valetkey.client.permission import EARLY_S
from valetkey.core.errors import Code

if TYPE_CHECKING:
    from valetkey.wire.wallet import Account


async def test_the_session_key_is_in_no_request_text_or_error(
    service: Service, make: Client, owner: Owner, account: Account
) -> None:
    """It never leaves the process that made it, whatever happens."""
    key = SessionKey.generate()
    needles = forms_of(secret(bytes.fromhex(key.export()[2:])))
    shown: list[str] = []
    with lying(service.url, {}) as proxy:
        vk = make(proxy.url, api_key=service.api_key)
        session = await done(vk.sessions.open(account, service.draft(), owner=owner, key=key))
        await done(session.transfer(service.token, SHOP, 1))
        for failing in (session.transfer, session.pay):
            arguments = (OTHER, 1) if failing == session.pay else (service.token, OTHER, 1)
            with pytest.raises(Forbidden) as refused:
                await done(failing(*arguments))
            shown.append("".join(traceback.format_exception(refused.value)))
        await first(session.watch(), 1)
        await done(session.close())
        await close(vk)
        shown += [f"{came.target} {came.headers} {came.body!r}" for came in proxy.came]
    shown += [repr(session), repr(key), repr(vk), session.kill_note.content.calldata]
    assert not [text for text in shown for needle in needles if needle in text]


async def test_a_session_can_wait_for_its_owner(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """A pending session can do nothing; the owner signs elsewhere, and it is open."""
    session = await done(vk.sessions.open(account, service.draft()))
    with pytest.raises(Conflict, match="waits"):
        _ = session.kill_note
    with pytest.raises(Forbidden) as refused:
        await done(session.transfer(service.token, SHOP, 1))
    assert refused.value.code is Code.SESSION_PENDING
    consent = await done(session.consent())
    opened = await done(session.grant_signed(*owner.sign_consent(consent)))
    assert opened.state == "open"
    assert (await done(session.transfer(service.token, SHOP, 1))).state == "done"


async def test_a_waiting_session_has_a_link_for_its_owner(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """It is at this server, its secret behind the #; one that waits for nobody has none."""
    session = await done(vk.sessions.open(account, service.draft()))
    assert session.consent_url.startswith(f"{service.url}/consent#vk_consent_")
    renewed = await done(vk.sessions.consent_link(session.id))
    assert renewed.url != session.consent_url
    await done(session.grant(owner))
    with pytest.raises(Conflict) as refused:
        await done(vk.sessions.consent_link(session.id))
    assert refused.value.code is Code.SESSION_STATE
    added = await done(vk.wallets.add(CHAIN, label="sealed"))
    sealed = await done(vk.sessions.open(added.account, service.draft()))
    assert sealed.consent_url is None


async def test_the_server_can_hold_the_owners_key(service: Service, vk: Client) -> None:
    """Then a session is open at once, and has a kill note all the same."""
    added = await done(vk.wallets.add(CHAIN, label="sealed"))
    service.endow(bytes.fromhex(added.account.address[2:]))
    assert (await done(vk.accounts.delegate(added.account))).state == "done"
    assert (await done(vk.accounts.state(added.account.id))).is_ready
    session = await done(vk.sessions.open(added.account, service.draft()))
    assert (await done(session.show())).owner_key == "sealed"
    assert (await done(session.transfer(service.token, SHOP, "0.01"))).state == "done"
    assert session.kill_note.account == added.account.address
    frozen = await done(session.freeze())
    assert ("chain", "included") in {(step.plane, step.name) for step in frozen.session.steps}


async def test_an_account_leaves_and_comes_back_without_its_sessions(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """One call: revoked on chain, signed by its owner, and our code is gone."""
    session = await done(vk.sessions.open(account, service.draft(), owner=owner))
    await done(session.transfer(service.token, SHOP, 1))
    waits = await done(vk.accounts.undelegate(account.id))
    assert (waits.activity.state, waits.alive) == ("awaiting_signature", [])
    left = await done(vk.accounts.undelegate(account.id, owner=owner))
    assert left.activity.state == "done"
    assert (await done(vk.accounts.state(account.id))).delegate is None
    await done(vk.accounts.delegate(account, owner=owner, implementation=service.implementation))
    with pytest.raises(Unauthenticated) as refused:
        await done(session.transfer(service.token, SHOP, 1))
    assert refused.value.code is Code.SESSION_REVOKED


async def test_a_p256_key_holds_a_session_whose_chain_key_is_the_servers(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """The permission is bound to the server's relayer, for nobody else may bring its runs."""
    session = await done(
        vk.sessions.open(account, service.draft(), owner=owner, key=StampKey.generate(), idle_s=900)
    )
    assert session.permission.relayer is not None
    assert (await done(session.transfer(service.token, SHOP, 1))).state == "done"
    with pytest.raises(Conflict, match="P-256"):
        session.export()


async def test_a_key_made_elsewhere_takes_its_session_up(
    service: Service, make: Client, vk: Client, owner: Owner, account: Account
) -> None:
    """An agent makes its key, tells the public half, and needs no API key."""
    key = SessionKey.generate()
    point = "0x" + key.public_key.data.hex()
    opened = await done(vk.sessions.open_for(point, account, service.draft(), owner=owner))
    agent = make(service.url)
    session = await done(agent.sessions.attach(opened.id, key, account=account.address))
    assert (await done(session.transfer(service.token, SHOP, "0.5"))).state == "done"
    kinds = [one.kind for one in await first(session.activities())]
    assert kinds == ["run", "session:grant", "session:open"]
    with pytest.raises(Unauthenticated):
        await done(agent.sessions.get(opened.id))
    await done(session.close())
    assert (await done(vk.sessions.get(opened.id))).state == "closed"
    await close(agent)


async def test_a_session_is_taken_up_only_as_it_was_promised(
    service: Service, make: Client, vk: Client, owner: Owner, account: Account
) -> None:
    """Another account, permission or key than the holder was told of is refused."""
    key = SessionKey.generate()
    point = "0x" + key.public_key.data.hex()
    opened = await done(vk.sessions.open_for(point, account, service.draft(), owner=owner))
    agent = make(service.url)
    told = service.draft("21").on(CHAIN, now=opened.starts_at + EARLY_S)
    with pytest.raises(RefusedToSign, match=r"grant\.caps\[0\]"):
        await done(agent.sessions.attach(opened.id, key, permission=told))
    with pytest.raises(Unauthenticated):
        await done(agent.sessions.attach(opened.id, SessionKey.generate()))
    held = await done(agent.sessions.attach(opened.id, key, account=OTHER))
    with pytest.raises(RefusedToSign, match="account"):
        await done(held.transfer(service.token, SHOP, 1))
    await close(agent)


async def test_an_exported_session_is_loaded_by_another_process(
    service: Service, make: Client, vk: Client, owner: Owner, account: Account
) -> None:
    """Explicitly, and only so; the text is checked when it comes back."""
    session = await done(vk.sessions.open(account, service.draft(), owner=owner))
    text = session.export()
    secret(bytes.fromhex(json.loads(text)["key"][2:]))
    agent = make(service.url)
    held = await done(agent.sessions.load(text))
    assert (await done(held.transfer(service.token, SHOP, 1))).state == "done"
    for wrong in ("{}", text[:-1], text.replace('"account"', '"konto"')):
        with pytest.raises(Malformed) as refused:
            await done(agent.sessions.load(wrong))
        assert text[-40:-10] not in "".join(traceback.format_exception(refused.value))
    await close(agent)


async def test_a_reader_reads_and_cannot_write(
    service: Service, make: Client, vk: Client, account: Account
) -> None:
    """A bearer token is for looking."""
    opened = await done(vk.sessions.open_reader(expires_in=600, account_id=account.id))
    reader = make(service.url, api_key=opened.token)
    assert (await done(reader.sessions.current())).id == opened.session.id
    assert (await done(reader.accounts.state(account.id, tokens=[service.token]))).tokens
    with pytest.raises(Forbidden):
        await done(reader.sessions.revoke(opened.session.id))
    with pytest.raises(Forbidden):
        await done(reader.users.add("mallory"))
    await close(reader)


async def test_a_p256_credential_signs_instead_of_a_token(vk: Client) -> None:
    """No bearer string at all: the organization's own requests are signed."""
    key = StampKey.generate()
    credential = await done(vk.credentials.add_key(key, label="backend"))
    signing = vk.signed_by(credential.id, key)
    user = await done(signing.users.add("signed"))
    assert await done(signing.users.get(user.id)) == user
    assert await done(signing.credentials.get(credential.id)) == credential
