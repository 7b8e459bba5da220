"""
What other vendors' session accounts let through, or do by surprise, tried on ours with raw calls.

Elsewhere already, and not again here:

* value without a cap under rules for one function: `test_runs`, `test_execute_session`; the
  functions that move value, under a whole contract: `test_wide`, `test_differential`
* a call target that is the account itself, or leads to it: `test_clone_alias`, `test_adversarial`
* a key that outlives its owner: `test_clone_owner`
* boundary seconds of runs and windows: `test_times`; a window of 0 is the whole life: `test_runs`
* amounts from every constraint and function: `test_differential`
* a signature of nobody's on ERC-1271: `test_citizen`, `test_attack_purposes`
* a stop that is presented twice, or after which something is opened again: `test_control`,
  `test_never`
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chain.clones import Clone
from tests.chain.executions import execution, paid
from tests.chain.session import Owner, Session
from tests.chain.test_citizen import ORDER, TEXT, domain_of, is_signed
from tests.chain.world import RECIPIENT, TRANSFER, USDC, World, selector, transfer, words
from valetkey.spec import clone, erc7739, erc7821
from valetkey.spec import permission_bytes as pb
from valetkey.spec.eip712 import digest
from valetkey.spec.erc7821 import Call
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import address_of_key, sign_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

ANY_CALL = pb.Rule(pb.RuleKind.ANY_CALL, bytes(20), None)
RECORD = selector("record(uint256)") + words(1)


def whole_contract(world: World) -> tuple[pb.Rule, bytes]:
    """Return the rule for every function of a new contract, and the contract."""
    target = world.deploy("FailingTarget")
    return pb.Rule(pb.RuleKind.ANY_SELECTOR, target, None), target


@pytest.mark.parametrize("is_whitelisted", [True, False], ids=["contract", "anything"])
def test_a_key_without_a_cap_sends_no_value(account: Owner, is_whitelisted: bool) -> None:  # noqa: FBT001
    """Neither with a call nor alone, by run or by execution, to a contract or a person."""
    world = account.world
    rule, target = whole_contract(world)
    session = Session.opened(account, rule if is_whitelisted else ANY_CALL)
    session.register()
    before = world.wei_of(account.address)
    places = (target,) if is_whitelisted else (target, RECIPIENT)
    for call in [
        Call(place, value, data)
        for place in places
        for value in (1, 10**18)
        for data in (b"", RECORD)
    ]:
        asked = execution(session, call)
        assert session.refusal(asked) == pb.Refusal("RuleMismatch", (0,))
        assert not session.submit(asked).succeeded
        # As a run under a rule with a meter would say it: the value stands where the length should.
        head = b"\1\0" + call.value_wei.to_bytes(16)
        where = b"" if is_whitelisted else call.to
        packed = head + where + len(call.data).to_bytes(2) + call.data
        assert session.refusal(session.packed_run(packed)) is not None
    assert world.wei_of(account.address) == before
    assert session.refusal(execution(session, Call(target, 0, RECORD))) is None


def forms(account: Owner, secret: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Return hashes that apps ask about, with every form in which a key could sign each."""
    domain = domain_of(account)
    nested = erc7739.nested_typed_data(ORDER, account=domain)
    text = erc7739.personal_typed_data(TEXT, account=domain)
    for asked, signed in (
        (digest(ORDER), digest(ORDER)),
        (digest(ORDER), digest(nested)),
        (pb.personal_digest(TEXT), pb.personal_digest(TEXT)),
        (pb.personal_digest(TEXT), digest(text)),
    ):
        plain = sign_digest(signed, secret)
        personal = sign_digest(pb.personal_digest(signed), secret)
        lifted = personal[:64] + bytes((personal[64] + 4,))
        for signature in (plain, personal, lifted):
            yield asked, signature
            yield asked, erc7739.wrap_signature(ORDER, signature)


def test_the_widest_session_key_signs_nothing_as_the_account(account: Owner) -> None:
    """In no form, plain, personal or nested, for data or texts; and asking costs no use."""
    session = Session.opened(account, ANY_CALL)
    session.register()
    for hash_, signature in forms(account, session.secret):
        assert not is_signed(account, hash_, signature)
    assert any(is_signed(account, *form) for form in forms(account, account.secret))
    assert session.state == pb.SlotState(pb.Status.OPEN)


def test_a_key_that_is_granted_again_has_the_new_whitelist_and_no_old_one(account: Owner) -> None:
    """Everything hangs on the grant, nothing on the key: what is revoked stays revoked."""
    world = account.world
    (old_rule, old), (new_rule, new) = whole_contract(world), whole_contract(world)
    before = Session.opened(account, old_rule, max_calls=2)
    before.register()
    assert before.submit(execution(before, Call(old, 0, RECORD))).succeeded
    assert account.send_self(pb.revoke_calldata(before.id)).succeeded
    after = Session.opened(account, new_rule, key=before.grant.key, salt=8)
    after.secret = before.secret
    after.register()
    assert after.state.calls_used == 0
    assert after.submit(execution(after, Call(new, 0, RECORD))).succeeded
    mismatch = pb.Refusal("RuleMismatch", (0,))
    assert after.refusal(execution(after, Call(old, 0, RECORD))) == mismatch
    for first in (False, True):
        data = execution(before, Call(old, 0, RECORD), first=first)
        assert before.refusal(data) == pb.Refusal("GrantRevoked")
    again = pb.register_calldata(before.packed, before.owner_signature())
    assert before.refusal(again) == pb.Refusal("GrantRevoked")


def test_registering_twice_is_no_error_and_changes_nothing(account: Owner) -> None:
    """Neither a failure behind a transaction that seems to succeed, nor a fresh budget."""
    session = Session.opened(account, max_calls=3)
    data = pb.register_calldata(session.packed, session.owner_signature())
    granted = keccak256(b"Granted(bytes32)")
    assert session.submit(data).topics == ((granted, session.id),)
    assert session.submit(execution(session, paid(session))).succeeded
    used = session.state
    again = session.submit(data)
    assert again.succeeded
    assert again.topics == ()
    assert session.state == used
    assert account.send_self(pb.freeze_calldata(session.id)).succeeded
    assert session.refusal(data) == pb.Refusal("GrantFrozen")


def test_registrations_count_in_any_order(account: Owner) -> None:
    """None waits for another, signed before or after it."""
    sessions = [Session.opened(account, salt=salt) for salt in (1, 2, 3)]
    signed = [pb.register_calldata(one.packed, one.owner_signature()) for one in sessions]
    for session, data in reversed(list(zip(sessions, signed, strict=True))):
        assert session.submit(data).succeeded
        assert session.state.status is pb.Status.OPEN


def test_a_grant_that_could_never_be_used_is_not_taken(account: Owner) -> None:
    """Expired, or of no calls: the transaction fails, and says why."""
    now = account.world.now()
    ended = Session.opened(account, starts_at=now - 100, expires_at=now)
    data = pb.register_calldata(ended.packed, ended.owner_signature())
    assert ended.refusal(data) == pb.Refusal("GrantExpired")
    assert not ended.submit(data).succeeded
    packed = bytearray(Session.opened(account).packed)
    packed[36:40] = bytes(4)  # max_calls
    with pytest.raises(pb.GrantFormatError):
        pb.decode_grant(bytes(packed))
    none = pb.register_calldata(bytes(packed), bytes(65))
    assert account.world.refusal(account.address, none) == pb.Refusal("Malformed")


@pytest.mark.parametrize("is_run", [True, False], ids=["run", "execution"])
def test_a_call_that_fails_burns_no_use(account: Owner, is_run: bool) -> None:  # noqa: FBT001
    """Nothing is booked and no nonce is used, so the same signature counts once it can succeed."""
    world = account.world
    token = world.deploy("DemoToken")
    rule = pb.Rule(pb.RuleKind.CALL, token, TRANSFER, (pb.Meter(1, 0),))
    session = Session.opened(account, rule, caps=(pb.Cap(USDC),), max_calls=1)
    session.register()
    call = Call(token, 0, TRANSFER + words(RECIPIENT, USDC))
    data = session.run(transfer(USDC)) if is_run else execution(session, call)
    for _ in range(2):
        assert not session.submit(data).succeeded
        assert session.state == pb.SlotState(pb.Status.OPEN)
    mint = selector("mint(address,uint256)") + words(account.address, USDC)
    assert world.send(token, mint).succeeded
    assert session.submit(data).succeeded
    assert session.state == pb.SlotState(pb.Status.OPEN, calls_used=1, nonce_base=1, spent=USDC)


def test_executions_begin_and_end_at_the_second(account: Owner) -> None:
    """``starts_at`` is the first valid second, ``expires_at`` the first invalid one."""
    world = account.world
    start = world.now() + 500
    session = Session.opened(account, starts_at=start, expires_at=start + 100)
    session.register()
    data = execution(session, paid(session), deadline=start + 900, run_deadline=start + 900)
    for at, expected in (
        (start - 1, pb.Refusal("GrantNotStarted")),
        (start, None),
        (start + 99, None),
        (start + 100, pb.Refusal("GrantExpired")),
    ):
        world.mine_at(at)
        assert session.refusal(data) == expected


def test_a_session_key_does_nothing_to_the_account_by_sending_it(account: Owner) -> None:
    """It registers no key, ends nothing but its own, executes nothing, and owns nothing."""
    world = account.world
    session, other = Session.opened(account, ANY_CALL), Session.opened(account)
    for one in (session, other):
        one.register()
    key = address_of_key(session.secret)
    only = pb.Refusal("OnlyAccount")
    wider = Session.opened(account, ANY_CALL, key=key, salt=9)
    forged = Session(Owner(world, session.secret), wider.grant, session.secret).owner_signature()
    asked = {
        pb.register_calldata(wider.packed, forged): pb.Refusal("NotGranted"),
        pb.revoke_calldata(other.id): only,
        pb.freeze_calldata(other.id): only,
        pb.unfreeze_calldata(other.id): only,
        pb.raise_epoch_calldata(): only,
        erc7821.execute_calldata([paid(session)]): only,
    }
    if isinstance(account, Clone):
        asked[clone.transfer_ownership_calldata(key)] = only
    for data, expected in asked.items():
        assert world.refusal(account.address, data, sender=key) == expected
        inside = execution(session, Call(account.address, 0, data))
        refusal = world.refusal(account.address, inside, sender=key)
        assert refusal == pb.Refusal("TargetRefused", (0,))
