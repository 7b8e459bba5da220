"""The whole way on a real server and a real chain: open, act, watch, stop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.client.both import Client, close, done, first
from tests.client.loopback import lying
from tests.client.service import OTHER, SHOP, Service
from valetkey import (
    Attempts,
    ChainRejected,
    Forbidden,
    Owner,
    Unauthenticated,
    Unavailable,
    call,
    payment,
    permission,
    transfer,
)
from valetkey.core.errors import Code
from valetkey.devchain import dev_keys, transact

if TYPE_CHECKING:
    from pathlib import Path

    from valetkey.wire.wallet import Account


async def test_a_session_is_opened_used_watched_and_stopped(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """The main job, as the first page of the documentation shows it."""
    paid = service.balance(SHOP)
    session = await done(vk.sessions.open(account.id, service.draft(), owner=owner, label="shop"))

    activity = await done(session.transfer(service.token, SHOP, "1.5"))
    assert (activity.state, service.balance(SHOP) - paid) == ("done", 1_500_000)

    (now,) = await first(session.watch(), 1)
    assert (now.state, now.label, now.remaining[0].left) == ("open", "shop", "18500000")

    frozen = await done(session.freeze())
    assert frozen.session.state == "frozen"
    assert {(step.plane, step.name) for step in frozen.session.steps} >= {
        ("server", "refused"),
        ("chain", "included"),
    }
    with pytest.raises(Forbidden) as refused:
        await done(session.transfer(service.token, SHOP, "1"))
    assert refused.value.code is Code.SESSION_FROZEN

    assert (await done(session.unfreeze())).session.state == "open"
    await done(session.transfer(service.token, SHOP, "1"))
    assert (await done(session.revoke())).session.state == "revoked"
    with pytest.raises(Unauthenticated):
        await done(session.transfer(service.token, SHOP, "1"))
    assert service.balance(SHOP) - paid == 2_500_000


async def test_what_the_permission_does_not_allow_is_refused_with_the_rule(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """Each refusal is a type, a code and the place in the permission."""
    session = await done(vk.sessions.open(account, service.draft("2"), owner=owner))
    cases = [
        (transfer(service.token, OTHER, 1), Code.RECIPIENT_NOT_ALLOWED, "recipients"),
        (transfer(service.token, SHOP, 2_000_001), Code.CAP_EXCEEDED, "caps[0].lifetime"),
        (transfer(OTHER, SHOP, 1), Code.TARGET_NOT_ALLOWED, "rules"),
        (
            call(service.token, "approve(address,uint256)", SHOP, 1),
            Code.SELECTOR_NOT_ALLOWED,
            "rules",
        ),
        (payment(SHOP, "0.1"), Code.TARGET_NOT_ALLOWED, "rules"),
        (call(session.account, "raiseEpoch()"), Code.TARGET_FORBIDDEN, "rules"),
    ]
    for asked, code, caveat in cases:
        with pytest.raises(Forbidden) as refused:
            await done(session.run([asked]))
        assert (refused.value.code, refused.value.facts["caveat"]) == (code, caveat)
        verdict = await done(session.preview([asked]))
        assert (verdict.allowed, verdict.code, verdict.caveat) == (False, code, caveat)
    assert (await done(session.preview([transfer(service.token, SHOP, 1)]))).allowed
    assert (await done(session.show())).calls == 0


async def test_a_run_makes_all_its_calls_or_none(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """A call that fails on chain is an exception with its code, and moves nothing."""
    draft = permission.build(
        [
            permission.function(service.token, "transfer(address,uint256)"),
            permission.payment(SHOP),
        ],
        caps=[
            permission.token_cap(service.token, decimals=6, lifetime="1000"),
            permission.native_cap(lifetime="1"),
        ],
        to=[SHOP],
        expires_in=600,
    )
    session = await done(vk.sessions.open(account, draft, owner=owner))
    paid = service.balance(SHOP)
    both = [transfer(service.token, SHOP, 5), payment(SHOP, "0.25")]
    assert (await done(session.run(both))).outcome.succeeded
    too_much = [transfer(service.token, SHOP, 5), transfer(service.token, SHOP, 500_000_000)]
    with pytest.raises(ChainRejected) as refused:
        await done(session.run(too_much))
    assert refused.value.code is Code.CALL_REVERTED
    assert str(refused.value.facts["activity_id"]).startswith("act_")
    assert (await done(session.pay(SHOP, "0.25"))).state == "done"
    assert service.balance(SHOP) - paid == 5


async def test_a_run_whose_answer_is_lost_can_be_found_again(
    service: Service, make: Client, owner: Owner, account: Account
) -> None:
    """Who got no answer learns which activity to ask for, and does not pay twice."""
    paid = service.balance(SHOP)
    with lying(service.url, {"/signature": lambda told: told.update(hangs_up=True)}) as proxy:
        attempts = Attempts(most=2, first_wait_s=0.0)
        vk = make(proxy.url, api_key=service.api_key, attempts=attempts)
        session = await done(vk.sessions.open(account, service.draft(), owner=owner))
        with pytest.raises(Unavailable) as lost:
            await done(session.transfer(service.token, SHOP, 3))
        activity = await done(vk.activities.get(str(lost.value.facts["activity_id"])))
        await close(vk)
    sent = [came for came in proxy.came if came.target.endswith("/signature")]
    assert [came.headers["signature"] for came in sent] == [sent[0].headers["signature"]] * 2
    assert (activity.state, service.balance(SHOP) - paid) == ("done", 3)


async def test_a_kill_note_ends_a_session_without_the_server(
    service: Service, vk: Client, owner: Owner, account: Account, tmp_path: Path
) -> None:
    """Anybody may submit it: here a stranger, straight to the node."""
    session = await done(vk.sessions.open(account, service.draft(), owner=owner))
    await done(session.transfer(service.token, SHOP, 1))
    note = json.loads(session.kill_note.save(tmp_path / "kill.json").read_text())
    stranger = dev_keys()[3]
    transact(
        service.rpc,
        stranger,
        to=bytes.fromhex(note["account"][2:]),
        data=bytes.fromhex(note["calldata"][2:]),
    )
    with pytest.raises(Forbidden) as refused:
        await done(session.transfer(service.token, SHOP, 1))
    assert refused.value.code is Code.SESSION_REVOKED


async def test_a_session_ends_with_its_block(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """As a context manager it is closed at the end, also when somebody was faster."""
    session = await done(vk.sessions.open(account, service.draft(), owner=owner))
    if hasattr(session, "__aenter__"):
        async with session:
            await session.transfer(service.token, SHOP, 1)
    else:
        with session:
            session.transfer(service.token, SHOP, 1)
    assert (await done(session.show())).state == "closed"
    if hasattr(session, "__aenter__"):
        async with session:
            pass
    else:
        with session:
            pass


async def test_watching_shows_changes_and_ends_with_the_session(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """Each change once, and nothing after the end."""
    session = await done(vk.sessions.open(account, service.draft(), owner=owner))
    seen: list[tuple[str, int]] = []
    watch = session.watch()
    for step in (session.show, lambda: session.transfer(service.token, SHOP, 1), session.revoke):
        await done(step())
        now = await done(anext(watch) if hasattr(watch, "__anext__") else next(watch))
        seen.append((now.state, now.calls))
    assert seen == [("open", 0), ("open", 1), ("revoked", 1)]
    assert await first(watch) == []
