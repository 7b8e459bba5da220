"""What a session may not do: each time a readable 400, and nothing changed on the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_typing import Hash32

from tests.vendor.openfort.asset import make_asset
from tests.vendor.openfort.shop import CHAIN, HOUR_S, Opened, Shop, make_policy, make_shop, signed
from valetkey.devchain import create, dev_keys, fund
from valetkey.spec.permission_bytes import Status

if TYPE_CHECKING:
    from tests.vendor.openfort.page import Said

pytestmark = pytest.mark.asyncio(loop_scope="module")

ELSEWHERE: Final = "0x" + "e1" * 20
ETHER: Final = 10**18
# Runtime of one instruction that does not exist, behind what deploys it.
ALWAYS_FAILS: Final = bytes.fromhex("60fe60005360016000f3")


async def refused(shop: Shop, opened: Opened, *fields: str) -> str:
    """
    Return why the session's key may not do what *fields* say; nothing came of it.

    No policy is named, so that it is none which refuses.
    """
    before = shop.chain.minted(shop.address), shop.chain.wei(shop.address)
    said = await shop.act(opened, *fields, policy="")
    assert said.status == 400, said.body
    assert (shop.chain.minted(shop.address), shop.chain.wei(shop.address)) == before
    return said.error


def call(to: str, *more: str) -> tuple[str, ...]:
    """Return the fields of a call of *to* without data."""
    return (f"interactions[0][to]={to}", "interactions[0][data]=0x12345678", *more)


async def test_step_8_another_contract_is_refused(shop: Shop) -> None:
    """The whitelist holds; its contract may still be called."""
    opened = await shop.open()
    assert await refused(shop, opened, *call(ELSEWHERE))
    assert (await shop.act(opened)).body["response"]["status"] == 1


async def test_step_8_coins_are_refused(shop: Shop) -> None:
    """No session of this form moves any; the account has some."""
    opened = await shop.open()
    node, owner = shop.there.node, bytes.fromhex(shop.address[2:])
    fund(node.rpc, shop.there.deployment, owner, ETHER)
    assert await refused(shop, opened, *call(shop.there.asset, "interactions[0][value]=1"))


async def test_step_8_calls_are_counted(shop: Shop) -> None:
    """As many as the limit says, and no more."""
    opened = await shop.open("limit=1", f"whitelist[]={shop.there.asset}")
    assert (await shop.act(opened)).body["response"]["status"] == 1
    assert await refused(shop, opened)


async def test_step_8_it_begins_and_ends(shop: Shop) -> None:
    """Before its time and after it nothing is signed for it, though it is registered."""
    opened = await shop.open(f"validAfter={shop.there.clock.now() + 1000}")
    assert await refused(shop, opened)
    shop.chain.pass_time(1001)
    assert (await shop.act(opened)).body["response"]["status"] == 1
    shop.chain.pass_time(HOUR_S)
    assert await refused(shop, opened)


async def test_step_8_unknown_keys_are_refused(shop: Shop) -> None:
    """One that was never registered, and one of another account."""
    theirs = await (await make_shop(shop.there)).open()
    for key in (Account.create(), theirs.key):
        intent = await shop.intend(*shop.mint())
        before = shop.chain.minted(shop.address)
        said = await shop.sign_intent(intent, key)
        assert said.status == 400, said.body
        assert shop.chain.minted(shop.address) == before
        by_owner = await shop.sign_intent(intent, shop.owner)
        assert by_owner.body["response"]["status"] == 1, by_owner.body


async def test_step_8_the_account_itself_is_refused(shop: Shop) -> None:
    """Not even a key without a whitelist calls it, or could give itself everything."""
    opened = await shop.open("limit=5")
    assert await refused(shop, opened, *call(shop.address))
    assert await refused(shop, opened, *call("0x" + "00" * 20))


async def test_step_8_a_call_that_fails_is_said_to_have(shop: Shop) -> None:
    """With the reason; it was tried before, so that no transaction and no use is spent on it."""
    fails = "0x" + create(shop.there.node.rpc, dev_keys()[0], ALWAYS_FAILS).hex()
    opened = await shop.open("limit=1", f"whitelist[]={fails}")
    before = shop.chain.relayed
    said = await shop.act(opened, *call(fails), policy="")
    assert (said.status, said.body["response"]["status"]) == (200, 0), said.body
    assert said.body["response"]["error"]["reason"]
    assert shop.chain.relayed == before
    assert (await shop.chain.session(opened.id, shop.address)).calls == 1


async def test_step_9_a_session_key_signs_no_messages_of_the_account(shop: Shop) -> None:
    """Nothing of it passes ERC-1271, in neither form, while the key is live."""
    opened = await shop.open()
    await shop.act(opened)  # the account is there from now on
    digest = bytes(range(32))
    by_key = opened.key.sign_message(encode_defunct(primitive=digest)).signature
    raw = opened.key.unsafe_sign_hash(Hash32(digest)).signature
    assert not shop.chain.approves(shop.address, digest, bytes(by_key))
    assert not shop.chain.approves(shop.address, digest, bytes(raw))


async def test_step_9_a_revoked_key_comes_back_with_its_new_whitelist_alone(shop: Shop) -> None:
    """Nothing of before is left for it."""
    opened, other = await shop.open(), make_asset(shop.there.node)
    assert (await shop.revoke(opened)).body["isActive"] is False
    again = await shop.ask(f"whitelist[]={other}", key=opened.key)
    assert (await shop.sign(again)).body["isActive"] is True
    assert again.id != opened.id
    assert await refused(shop, again)
    mint = f"interactions[0][data]=0x6a627842{'00' * 12}{shop.address[2:]}"
    done = await shop.act(again, f"interactions[0][to]={other}", mint, policy="")
    assert done.body["response"]["status"] == 1, done.body
    view = await shop.chain.session(opened.id, shop.address)
    assert view.status is Status.REVOKED


async def test_a_live_key_is_not_registered_twice(shop: Shop) -> None:
    """It would be two sessions, and nobody could say which of them a signature is of."""
    opened = await shop.open()
    before = shop.chain.relayed
    again = await shop.ask(key=opened.key)
    assert again.said.status == 400, again.said.body
    assert again.said.error
    assert shop.chain.relayed == before


async def test_a_span_that_is_too_long_names_the_likely_mistake(shop: Shop) -> None:
    """An absolute time that was added to now."""
    said = (await shop.ask(for_s=shop.there.clock.now())).said
    assert said.status == 400
    assert "validUntil" in said.body["error"]["details"]


async def test_step_12_a_policy_pays_for_what_its_rules_say(shop: Shop) -> None:
    """Without the rule for accounts no registration; the answer says which rule it lacks."""
    policy = await make_policy(shop.curl, shop.contract, for_account=False)
    before = shop.chain.relayed
    said = await _asked(shop, policy)
    assert said.status == 400, said.body
    assert "account_functions" in said.error
    assert shop.chain.relayed == before
    rule = (f"policy={policy}", "type=account_functions")
    assert (await shop.curl.form("/v1/policy_rules", *rule)).status in {200, 201}
    assert (await _asked(shop, policy)).status == 200


async def test_step_12_a_rate_holds(shop: Shop) -> None:
    """The one call more is refused, and says so."""
    policy = await make_policy(shop.curl, shop.contract)
    rate = (
        *(f"policy={policy}", "type=rate_limit", "functionName=count_per_interval"),
        *("countLimit=1", "timeIntervalType=day", "timeIntervalValue=1"),
    )
    made = await shop.curl.form("/v1/policy_rules", *rate)
    assert made.status in {200, 201}, made.body
    opened = await shop.open()
    answers = [await shop.act(opened, policy=policy) for _ in range(2)]
    assert answers[0].body["response"]["status"] == 1, answers[0].body
    assert answers[1].status == 400, answers[1].body
    assert "count_per_interval" in answers[1].error


async def test_step_12_a_disabled_policy_pays_for_nothing(shop: Shop) -> None:
    """Until it is enabled again."""
    policy = await make_policy(shop.curl, shop.contract)
    path = f"/v1/policies/{policy}"
    disabled = await shop.curl.form(f"{path}/disable", method="PUT")
    assert (disabled.status, disabled.body["enabled"]) == (200, False)
    refused_one = await _asked(shop, policy)
    assert refused_one.status == 400, refused_one.body
    assert refused_one.error
    assert (await shop.curl.form(f"{path}/enable", method="PUT")).body["enabled"] is True
    assert (await _asked(shop, policy)).status == 200


async def _asked(shop: Shop, policy: str) -> Said:
    """Return the answer to asking for a session whose gas *policy* pays."""
    return await shop.curl.form(
        "/v1/sessions",
        *(f"address={Account.create().address}", CHAIN, *shop.times()),
        *(f"account={shop.account}", f"policy={policy}", f"whitelist[]={shop.there.asset}"),
    )


async def test_signatures_of_nobody_spend_nothing(shop: Shop) -> None:
    """Whatever is sent as one: the intent waits on, and its right signature is taken."""
    opened = await shop.open()
    intent = await shop.intend(*shop.mint())
    path = f"/v1/transaction_intents/{intent.body['id']}/signature"
    for bad in ("0x", "0x" + "00" * 65, "xyz...", "0x" + "ff" * 65, "0x" + "11" * 64):
        said = await shop.curl.form(path, f"signature={bad}", key=shop.there.public)
        assert said.status == 400, (bad, said.body)
    right = signed(opened.key, intent.payload["signableHash"])
    said = await shop.curl.form(path, f"signature={right}", key=shop.there.public)
    assert said.body["response"]["status"] == 1, said.body
