"""Calls that a session key signs as the owner would (ERC-7821), made as a run under its grant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.chain.executions import execution, fresh_nonce, op_data, paid, signed
from tests.chain.session import Owner, Session, token_rule
from tests.chain.world import OTHER_RECIPIENT, RECIPIENT, selector, transfer, words
from valetkey.spec import erc7821
from valetkey.spec import permission_bytes as pb
from valetkey.spec.erc7821 import Call

if TYPE_CHECKING:
    from tests.chain.world import World

MALFORMED = pb.Refusal("Malformed")
REFUSED = pb.Refusal("SignatureRefused")
USED = pb.Refusal("NonceUsed")
NATIVE = pb.Meter(pb.NATIVE_VALUE, 0)


def capped(account: Owner, **fields: Any) -> Session:  # noqa: ANN401
    """Return a session that may pay ten units to one recipient."""
    to = pb.Constraint(0, pb.Operator.EQUALS, (int.from_bytes(RECIPIENT, "big"),))
    rule = token_rule(account.world, meters=[pb.Meter(1, 0)], constraints=[to])
    return Session.opened(account, rule, caps=(pb.Cap(10),), **{"max_calls": 4} | fields)


def next_nonce(session: Session, nonce: int) -> int:
    """Return the next nonce under the key of *nonce*."""
    asked = erc7821.execute_nonce_calldata(nonce >> 64)
    return int.from_bytes(session.world.call(session.account, asked), "big")


def test_an_execution_is_a_run(account: Owner) -> None:
    """First use with the owner's signature, then without; runs share counters and nonces."""
    session = capped(account)
    before = account.world.balance_of(RECIPIENT)
    nonce = fresh_nonce()
    assert session.submit(execution(session, paid(session, 3), nonce=nonce, first=True)).succeeded
    assert next_nonce(session, nonce) == nonce + 1
    assert session.submit(session.run(transfer(2), nonce=1)).succeeded
    batch = [paid(session, 4), paid(session, 1)]
    assert session.submit(execution(session, *batch, nonce=nonce + 1, personal=True)).succeeded
    assert account.world.balance_of(RECIPIENT) == before + 10
    expected = pb.SlotState(pb.Status.OPEN, calls_used=4, nonce_base=3, spent=10)
    assert session.state == expected


def test_an_execution_of_nothing_is_one_use(account: Owner) -> None:
    """As an empty run is, and it counts as one call."""
    session = Session.opened(account)
    assert session.submit(execution(session, first=True)).succeeded
    assert session.state == pb.SlotState(pb.Status.OPEN, calls_used=1, nonce_base=1)


def test_an_execution_is_refused_for_what_a_run_is_refused_for(account: Owner) -> None:
    """The same refusals with the same indexes, for there is one checker."""
    session = capped(account)
    session.register()
    good = paid(session)
    asked: list[tuple[list[Call], dict[str, Any], str, tuple[int, ...]]] = [
        ([paid(session, 11)], {}, "CapExceeded", (0, 0)),
        ([good, paid(session, 10)], {}, "CapExceeded", (1, 0)),
        ([paid(session, 1, OTHER_RECIPIENT)], {}, "ArgumentRefused", (0, 0)),
        ([Call(good.to, 0, good.data[:36])], {}, "ArgumentMissing", (0, 1)),
        ([good] * 5, {}, "TooManyCalls", ()),
        ([good], {"rules": [1]}, "NoSuchRule", (0,)),
        ([good, good], {"rules": [0, 9]}, "NoSuchRule", (1,)),
        ([Call(RECIPIENT, 0, good.data)], {}, "RuleMismatch", (0,)),
        ([good, Call(good.to, 1, good.data)], {}, "RuleMismatch", (1,)),
        ([Call(good.to, 0, b"\0" * 4 + good.data[4:])], {}, "RuleMismatch", (0,)),
        ([good], {"run_nonce": 31}, "NonceTooFar", ()),
        ([good], {"run_deadline": account.world.now()}, "DeadlinePassed", ()),
    ]
    for calls, fields, name, facts in asked:
        data = execution(session, *calls, **({"rules": [0] * len(calls)} | fields))
        assert session.refusal(data) == pb.Refusal(name, facts)
    assert session.refusal(execution(session, good)) is None
    assert account.send_self(pb.freeze_calldata(session.id)).succeeded
    assert session.refusal(execution(session, good)) == pb.Refusal("GrantFrozen")
    assert account.send_self(pb.revoke_calldata(session.id)).succeeded
    for first in (False, True):
        data = execution(session, good, first=first)
        assert session.refusal(data) == pb.Refusal("GrantRevoked")


def test_a_grant_that_is_not_open_is_not_executed_under(account: Owner) -> None:
    """Not granted, granted by another signature, not begun, or expired, first use or not."""
    session, other = capped(account), capped(account)
    now = account.world.now()
    stolen = other.owner_signature()
    for data in (
        execution(session, paid(session)),
        execution(session, paid(session), owner_signature=stolen),
    ):
        assert session.refusal(data) == pb.Refusal("NotGranted")
    early = capped(account, starts_at=now + 500)
    late = capped(account, starts_at=now - 20, expires_at=now)
    for one, name in ((early, "GrantNotStarted"), (late, "GrantExpired")):
        data = execution(one, paid(one), first=True)
        assert one.refusal(data) == pb.Refusal(name)


def test_one_signature_counts_once(account: Owner) -> None:
    """Not again as it was, nor with another run nonce, nor under another grant of the key."""
    session = capped(account)
    twin = Session(account, pb.decode_grant(session.packed), session.secret)
    twin.grant = pb.decode_grant(session.packed.replace(words(7)[-4:], words(8)[-4:], 1))
    assert twin.id != session.id
    session.register()
    twin.register()
    calls, nonce, until = [paid(session)], fresh_nonce(), account.world.now() + 900
    made = signed(session, calls, nonce=nonce, deadline=until)
    asked: dict[str, Any] = {"nonce": nonce, "deadline": until, "signature": made}
    assert session.submit(execution(session, *calls, **asked)).succeeded
    for one in (session, twin):
        for run_nonce in (0, 1, 5):
            data = execution(one, *calls, **asked, run_nonce=run_nonce)
            assert one.refusal(data) == USED
    ahead = execution(session, *calls, nonce=nonce + 2)
    assert session.refusal(ahead) == pb.Refusal("NonceTooFar")
    assert (session.state.calls_used, twin.state.calls_used) == (1, 0)


def test_the_two_deadlines_are_the_first_second_too_late(account: Owner) -> None:
    """That of what is signed, and that of the run."""
    session, world = capped(account), account.world
    session.register()
    edge = world.now() + 500
    both = [
        execution(session, paid(session), deadline=edge),
        execution(session, paid(session), run_deadline=edge),
    ]
    world.mine_at(edge - 1)
    assert [session.refusal(data) for data in both] == [None, None]
    world.mine_at(edge)
    assert [session.refusal(data) for data in both] == [pb.Refusal("DeadlinePassed")] * 2


def test_only_the_key_of_the_grant_signs(account: Owner) -> None:
    """Not the owner, a stranger, or another session; not for another account, chain or call."""
    session, other = capped(account), capped(account)
    session.register()
    other.register()
    calls, nonce, until = [paid(session)], fresh_nonce(), account.world.now() + 900
    asked: dict[str, Any] = {"nonce": nonce, "deadline": until}
    typed: dict[str, Any] = {"calls": calls, **asked}
    owner = Session(account, session.grant, account.secret)
    for signature in (
        signed(other, **typed),
        signed(owner, **typed),
        signed(owner, **typed, personal=True),
        signed(session, **typed, account=RECIPIENT),
        signed(session, **typed, chain_id=1),
        signed(session, [*calls, *calls], **asked),
        signed(session, calls, nonce=nonce + 1, deadline=until),
        signed(session, calls, nonce=nonce, deadline=until + 1),
        signed(session, **typed)[:64] + b"\0",
        signed(session, **typed)[:64] + b"\1",
        signed(session, **typed, personal=True)[:64] + b"\x1b",
        bytes(65),
        bytes(64) + b"\1",
    ):
        data = execution(session, *calls, **asked, signature=signature)
        assert session.refusal(data) == REFUSED
    good = execution(session, *calls, **asked, signature=signed(session, **typed))
    assert session.refusal(good) is None


def test_a_session_key_signs_no_calls_as_the_owner(account: Owner) -> None:
    """Without its grant behind it the signature is nobody's."""
    session = capped(account)
    session.register()
    calls = [paid(session)]
    data = op_data(session, calls)
    refusal = session.refusal(erc7821.execute_calldata(calls, op_data=data[:129]))
    assert refusal == REFUSED


def test_a_nonce_below_two_to_the_64_is_the_owners(account: Owner) -> None:
    """A session cannot use up what the owner has signed under key 0, nor stand in its way."""
    session = capped(account)
    session.register()
    for nonce in (0, 1, 2**64 - 1):
        assert session.refusal(execution(session, paid(session), nonce=nonce)) == REFUSED
    assert session.refusal(execution(session, paid(session), nonce=2**64)) is None


def test_a_bound_relayer_alone_submits(account: Owner) -> None:
    """Not the session key itself either: who enters the account stays the sender."""
    world = account.world
    session = capped(account, relayer=world.relayer.address)
    session.register()
    data = execution(session, paid(session))
    for sender in (RECIPIENT, account.address, session.grant.key, bytes(20)):
        found = world.refusal(account.address, data, sender=sender)
        assert found == pb.Refusal("RelayerNotAllowed")
    assert session.submit(data).succeeded


def test_a_failing_call_undoes_the_use_and_the_nonce(account: Owner) -> None:
    """The same signature counts when the call does not fail any more."""
    world = account.world
    failing = world.deploy("FailingTarget")
    rule = pb.Rule(pb.RuleKind.CALL, failing, selector("fail(uint256)"))
    session = Session.opened(account, token_rule(world), rule)
    session.register()
    before, nonce = world.balance_of(RECIPIENT), fresh_nonce()
    fail = Call(failing, 0, selector("fail(uint256)") + words(9))
    data = execution(session, paid(session), fail, rules=(0, 1), nonce=nonce)
    assert session.refusal(data) == selector("Because(uint256)") + words(9)
    assert not session.submit(data).succeeded
    assert world.balance_of(RECIPIENT) == before
    assert (session.state.calls_used, session.state.nonce_base) == (0, 0)
    assert next_nonce(session, nonce) == nonce


def test_no_session_reaches_the_account_itself(account: Owner) -> None:
    """Neither by its address nor by the zeros that stand for it, under the widest rule."""
    rule = pb.Rule(pb.RuleKind.ANY_CALL, bytes(20), None)
    session = Session.opened(account, rule)
    session.register()
    for target in (account.address, bytes(20)):
        for data in (pb.raise_epoch_calldata(), b"", erc7821.execute_calldata([])):
            asked = execution(session, Call(target, 0, data))
            assert session.refusal(asked) == pb.Refusal("TargetRefused", (0,))


def test_rules_of_a_tree_are_used_with_their_proofs(account: Owner) -> None:
    """In the open form; a proof that leads elsewhere is none."""
    rules = [token_rule(account.world), pb.Rule(pb.RuleKind.SEND, RECIPIENT, None, (NATIVE,))]
    session = Session.in_tree(account, *rules, caps=(pb.Cap(9),))
    calls = [pb.RunCall(1, b"", 4)]
    packed = pb.pack_run(session.grant, calls, session.tree)
    send = Call(RECIPIENT, 4)
    first = execution(session, send, grant=packed.grant, first=True)
    before = account.world.wei_of(RECIPIENT)
    assert session.submit(first).succeeded
    assert account.world.wei_of(RECIPIENT) == before + 4
    assert session.state.spent == 4
    assert session.refusal(execution(session, send, grant=packed.grant)) is None
    bent = packed.grant[:-1] + bytes((packed.grant[-1] ^ 1,))
    assert session.refusal(execution(session, send, grant=bent)) == pb.Refusal("NotGranted")
    # The root read as a list of rules: which of them does not fit, chance says.
    assert isinstance(session.refusal(execution(session, send)), pb.Refusal)


def test_a_p256_key_signs_executions(world: World, owner: Owner) -> None:
    """Where the chain checks such keys; a broken signature is none."""
    session = Session.with_p256(owner)
    if not world.has_p256():
        refusal = session.refusal(execution(session, paid(session), first=True))
        assert refusal == REFUSED
        return
    before = world.balance_of(RECIPIENT)
    assert session.submit(execution(session, paid(session), first=True)).succeeded
    assert world.balance_of(RECIPIENT) == before + 1
    data = execution(session, paid(session), signature=session.signature(words(3)))
    assert session.refusal(data) == REFUSED
    assert session.refusal(execution(session, paid(session), signature=bytes(65))) == REFUSED


def test_an_owner_that_holds_a_session_too_signs_once(account: Owner) -> None:
    """The nonce is one for both, whichever of the two forms is submitted first."""
    world = account.world
    key = account.key.address if hasattr(account, "key") else account.address
    held = Session.opened(account, token_rule(world), key=key)
    session = Session(account, held.grant, account.secret)
    session.register()
    for is_owner_first in (False, True):
        data = op_data(session, calls := [paid(session)])
        forms = [erc7821.execute_calldata(calls, op_data=one) for one in (data, data[:129])]
        first, second = reversed(forms) if is_owner_first else forms
        assert session.submit(first).succeeded
        assert session.refusal(second) == USED
    assert session.state.calls_used == 1
