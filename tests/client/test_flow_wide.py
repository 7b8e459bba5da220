"""Wide rules and rules in a tree, the whole way: the holder checks what it signs, the chain too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.client.both import Client, done
from tests.client.service import OTHER, SHOP, Service
from valetkey import Forbidden, Owner, call, permission, transfer
from valetkey.core.errors import Code
from valetkey.core.permission.model import ANYTHING

if TYPE_CHECKING:
    from valetkey.wire.wallet import Account

ANYONE = "0x" + "77" * 20


async def test_a_run_under_many_rules_brings_those_that_it_uses(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """Nine rules are one root on chain; a batch of two of them is proved, signed and made."""
    games = ["0x" + f"{number}" * 20 for number in range(41, 49)]
    others = [permission.function(game, "play(uint256)") for game in games]
    draft = permission.build(
        [*others, permission.function(service.token, "transfer(address,uint256)")],
        caps=[permission.token_cap(service.token, decimals=6, lifetime="2")],
        to=ANYTHING,
        expires_in=3600,
    )
    paid = service.balance(SHOP)
    session = await done(vk.sessions.open(account, draft, owner=owner))
    play = call(games[4], "play(uint256)", 7)
    activity = await done(session.run([transfer(service.token, SHOP, 1_000_000), play]))
    assert (activity.state, service.balance(SHOP) - paid) == ("done", 1_000_000)
    activity = await done(session.run([play]))  # the second use: the grant is known
    assert activity.state == "done"
    with pytest.raises(Forbidden) as refused:
        await done(session.transfer(service.token, SHOP, "1.5"))
    assert refused.value.code is Code.CAP_EXCEEDED
    assert (await done(session.revoke())).session.state == "revoked"


async def test_wide_rules_reach_what_no_rule_names_and_move_nothing(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """Any function of one contract, any call elsewhere; what moves value is refused with why."""
    draft = permission.build(
        [permission.payment(SHOP)],
        caps=[permission.native_cap(lifetime="0.001")],
        to=ANYTHING,
        expires_in=3600,
    ).and_wide(permission.any_function(service.token), permission.any_call(payable=True))
    session = await done(vk.sessions.open(account, draft, owner=owner))
    activity = await done(
        session.run(
            [
                call(service.token, "totalSupply()"),
                call(ANYONE, "anything(uint256)", 1, value_wei=5),
                call(OTHER, "anything()"),
            ]
        )
    )
    assert activity.state == "done"
    cases = [
        (transfer(service.token, SHOP, 1), Code.SELECTOR_REFUSED, "wide_rules[0]"),
        (call(ANYONE, "approve(address,uint256)", SHOP, 1), Code.SELECTOR_REFUSED, "wide_rules[1]"),
        (call(SHOP, "anything()"), Code.SELECTOR_NOT_ALLOWED, "rules"),
        (call(account.address, "anything()"), Code.TARGET_FORBIDDEN, "rules"),
        (call(ANYONE, "a()", value_wei=10**15), Code.CAP_EXCEEDED, "caps[0].lifetime"),
    ]
    for asked, code, caveat in cases:
        with pytest.raises(Forbidden) as refused:
            await done(session.run([asked]))
        assert (refused.value.code, refused.value.facts["caveat"]) == (code, caveat)
