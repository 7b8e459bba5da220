"""Sessions redeemed as delegations (ERC-7710): the session key sends the calls in full."""

from __future__ import annotations

import pytest
from eth_abi.abi import encode

from tests.chain.clones import Clone
from tests.chain.redemptions import paid, redeem, redemption, refusal, submit
from tests.chain.session import Owner, Session, token_rule
from tests.chain.world import (
    OTHER_RECIPIENT,
    RECIPIENT,
    fresh_secret,
    selector,
    transfer,
)
from valetkey.spec import erc7710
from valetkey.spec import permission_bytes as pb
from valetkey.spec.erc7710 import Execution, Redemption
from valetkey.spec.secp256k1 import address_of_key

MALFORMED = pb.Refusal("Malformed")


def capped(account: Owner) -> Session:
    """Return a session that may pay ten units to one recipient."""
    to = pb.Constraint(0, pb.Operator.EQUALS, (int.from_bytes(RECIPIENT, "big"),))
    rule = token_rule(account.world, meters=[pb.Meter(1, 0)], constraints=[to])
    return Session.opened(account, rule, caps=(pb.Cap(10),), max_calls=4)


def test_a_redemption_is_a_run(account: Owner) -> None:
    """First use with the owner's signature, then without; both kinds share counters and nonces."""
    session = capped(account)
    before = account.world.balance_of(RECIPIENT)
    assert submit(session, redeem(session, paid(session, 3), first=True)).succeeded
    assert session.submit(session.run(transfer(2), nonce=1)).succeeded
    batch = redeem(session, paid(session, 4), paid(session, 1), rules=(0, 0))
    assert submit(session, batch).succeeded
    assert account.world.balance_of(RECIPIENT) == before + 10
    expected = pb.SlotState(pb.Status.OPEN, calls_used=4, nonce_base=3, spent=10)
    assert session.state == expected


def test_a_redemption_is_refused_for_what_a_run_is_refused_for(account: Owner) -> None:
    """The same refusals with the same indexes, for there is one checker."""
    session = capped(account)
    session.register()
    good = paid(session)
    for data, name, facts in (
        (redeem(session, paid(session, 11)), "CapExceeded", (0, 0)),
        (redeem(session, good, paid(session, 10), rules=(0, 0)), "CapExceeded", (1, 0)),
        (redeem(session, paid(session, 1, OTHER_RECIPIENT)), "ArgumentRefused", (0, 0)),
        (redeem(session, Execution(good.target, 0, good.data[:36])), "ArgumentMissing", (0, 1)),
        (redeem(session, *[good] * 5, rules=[0] * 5), "TooManyCalls", ()),
        (redeem(session, good, rules=(1,)), "NoSuchRule", (0,)),
        (redeem(session, good, good, rules=(0, 9)), "NoSuchRule", (1,)),
    ):
        assert refusal(session, data) == pb.Refusal(name, facts)
    assert account.send_self(pb.freeze_calldata(session.id)).succeeded
    assert refusal(session, redeem(session, good)) == pb.Refusal("GrantFrozen")
    assert account.send_self(pb.revoke_calldata(session.id)).succeeded
    assert refusal(session, redeem(session, good)) == pb.Refusal("GrantRevoked")


def test_nobody_but_the_session_key_redeems(account: Owner) -> None:
    """Neither a relayer, nor the owner, nor another session's key; the context is no secret."""
    session, other = capped(account), capped(account)
    session.register()
    other.register()
    data = redeem(session, paid(session))
    assert refusal(session, data) is None
    owner = account.key.address if isinstance(account, Clone) else account.address
    stranger = address_of_key(fresh_secret())
    for sender in (stranger, owner, account.address, address_of_key(other.secret), bytes(20)):
        found = account.world.refusal(account.address, data, sender=sender)
        assert found == pb.Refusal("SignatureRefused")


def test_a_session_that_is_not_granted_is_not_redeemed(account: Owner) -> None:
    """Without the owner's signature, or with that over another grant."""
    session, other = capped(account), capped(account)
    assert refusal(session, redeem(session, paid(session))) == pb.Refusal("NotGranted")
    context = erc7710.permission_context(
        session.packed, [0], owner_signature=other.owner_signature()
    )
    stolen = Redemption(context, erc7710.SINGLE, erc7710.single(paid(session)))
    data = erc7710.redeem_calldata([stolen])
    assert refusal(session, data) == pb.Refusal("NotGranted")


def test_a_call_that_its_rule_cannot_say_is_refused(account: Owner) -> None:
    """Another target or function, value where none is carried, calldata to a plain payment."""
    world = account.world
    rules = (
        token_rule(world),
        pb.Rule(pb.RuleKind.SEND, RECIPIENT, None, (pb.Meter(pb.NATIVE_VALUE, 0),)),
    )
    session = Session.opened(account, *rules, caps=(pb.Cap(10),))
    session.register()
    good = paid(session)
    for execution, rule in (
        (Execution(RECIPIENT, 0, good.data), 0),
        (Execution(good.target, 0, selector("approve(address,uint256)") + good.data[4:]), 0),
        (Execution(good.target, 0, good.data[:3]), 0),
        (Execution(good.target, 0), 0),
        (Execution(good.target, 1, good.data), 0),
        (Execution(RECIPIENT, 1, b"\0"), 1),
        (Execution(OTHER_RECIPIENT, 1), 1),
        (Execution(RECIPIENT, 1 << 128), 1),
        (Execution(account.address, 0, pb.raise_epoch_calldata()), 0),
        (Execution(good.target, 0, good.data + bytes(0x10000)), 0),
    ):
        data = redeem(session, execution, rules=(rule,))
        assert refusal(session, data) == pb.Refusal("RuleMismatch", (0,))
    before = world.wei_of(RECIPIENT)
    both = redeem(session, good, Execution(RECIPIENT, 7), rules=(0, 1))
    assert submit(session, both).succeeded
    assert world.wei_of(RECIPIENT) == before + 7
    assert session.state.spent == 7


def test_several_sessions_are_redeemed_together_or_not_at_all(account: Owner) -> None:
    """One key may hold several; each is checked on its own."""
    first = capped(account)
    second = Session(account, pb.decode_grant(first.packed), first.secret)
    second.grant = pb.decode_grant(first.packed.replace((7).to_bytes(4, "big"), b"\0\0\0\x08", 1))
    assert second.id != first.id
    before = account.world.balance_of(RECIPIENT)
    parts = [redemption(one, paid(one, 6), first=True) for one in (first, second)]
    assert submit(first, erc7710.redeem_calldata(parts)).succeeded
    assert account.world.balance_of(RECIPIENT) == before + 12
    parts = [redemption(one, paid(one, amount)) for one, amount in ((first, 4), (second, 5))]
    data = erc7710.redeem_calldata(parts)
    assert refusal(first, data) == pb.Refusal("CapExceeded", (0, 0))
    assert not submit(first, data).succeeded
    assert (first.state.spent, second.state.spent) == (6, 6)
    twice = erc7710.redeem_calldata([redemption(first, paid(first, 2))] * 2)
    assert submit(first, twice).succeeded
    assert (first.state.spent, first.state.nonce_base) == (10, 3)
    assert submit(first, erc7710.redeem_calldata([])).succeeded


def test_a_redemption_that_does_not_fit_together_is_malformed(account: Owner) -> None:
    """Lengths that differ, contexts and executions cut or too long, in every place."""
    session = capped(account)
    session.register()
    good = redemption(session, paid(session))
    mode, data = good.mode, good.data
    batch = erc7710.batch([paid(session)])
    for context, mode_, data_ in (
        (good.context[:-1], mode, data),
        (good.context + b"\0", mode, data),
        (b"", mode, data),
        (b"\xff\xff", mode, data),
        (b"\x80\0" + bytes(64), mode, data),
        (good.context, mode, data[:51]),
        (good.context, mode, b""),
        (good.context, erc7710.BATCH, b""),
        (good.context + b"\0", erc7710.BATCH, batch),
        (good.context[:-1], erc7710.BATCH, batch),
        (good.context, erc7710.BATCH, erc7710.batch([])),
        (good.context, erc7710.BATCH, erc7710.batch([paid(session)] * 256)),
    ):
        asked = erc7710.redeem_calldata([Redemption(context, mode_, data_)])
        assert refusal(session, asked) == MALFORMED
    contexts, modes = [good.context], [mode]
    columns: list[list[list[bytes]]] = [[[], modes, [data]], [contexts, [], [data]]]
    for uneven_columns in (*columns, [contexts, modes, []]):
        packed = encode(["bytes[]", "bytes32[]", "bytes[]"], uneven_columns)
        uneven = erc7710.redeem_calldata([])[:4] + packed
        assert refusal(session, uneven) == MALFORMED


@pytest.mark.parametrize("mode", [b"\0\1", b"\1\1", b"\xff", b"\1\0\0\0\0\0\x78\x21\0\1"])
def test_another_mode_is_refused(account: Owner, mode: bytes) -> None:
    """To try, to delegatecall, or anything that a mode may say besides."""
    session = capped(account)
    session.register()
    full = mode.ljust(32, b"\0")
    asked = Redemption(redemption(session, paid(session)).context, full, b"")
    data = erc7710.redeem_calldata([asked])
    assert refusal(session, data) == pb.Refusal("ModeRefused", (int.from_bytes(full, "big"),))


def test_every_truncation_of_a_redemption_is_refused(account: Owner) -> None:
    """Calldata that ends early is never another redemption."""
    session = capped(account)
    session.register()
    data = redeem(session, paid(session), paid(session), rules=(0, 0))
    assert refusal(session, data) is None
    for end in range(4, len(data) - 31, 7):
        assert refusal(session, data[:end]) is not None
