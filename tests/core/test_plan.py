"""What is signed and sent: it is what was asked for, and the owner's word is the owner's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.core.examples import (
    ACCOUNT,
    ANN,
    BOB,
    EVE,
    PERMISSION,
    TOKEN,
    TRANSFER,
    pay,
    permission_with,
    transfer,
)
from tests.core.strategies import START
from valetkey.core import plan
from valetkey.core.activity import Intent, RunPlan
from valetkey.core.chain import Authorization
from valetkey.core.errors import ChainRejected, Code, Malformed
from valetkey.core.grant import Grant
from valetkey.core.permission.compile import compile_grant
from valetkey.core.permission.decide import Deny
from valetkey.core.permission.model import Call, Cap, Constraint, Operator, Permission, Rule
from valetkey.core.sponsorship import Fund
from valetkey.core.wallet import Account
from valetkey.spec import permission_bytes as packed
from valetkey.spec.eip712 import digest, from_json
from valetkey.spec.secp256k1 import address_of_key, sign_digest

OWNER_KEY = b"\x01" * 32
SIGNATURE = b"\x05" * 65
PAYS = permission_with(
    rules=(*PERMISSION.rules, Rule(ANN, None)),
    caps=(*PERMISSION.caps, Cap(None, 18, lifetime=9)),
)


def compiled(permission: Permission) -> bytes:
    """Return the grant of *permission*, which must compile."""
    packed_grant = compile_grant(permission, key=BOB, salt=1)
    assert isinstance(packed_grant, bytes)
    return packed_grant


PACKED = compiled(PAYS)
GRANT = Grant(
    packed=PACKED,
    grant_id=plan.grant_id_of(PACKED),
    epoch=3,
    session_key=BOB,
    owner_signature=b"\x06" * 65,
)
ON_CHAIN = Account(
    id="acc_1",
    organization_id="org_1",
    wallet_id="wal_1",
    user_id=None,
    chain="eip155:31337",
    address=ACCOUNT,
    created_at=0,
)
CALLS = (transfer(5), pay(2))


def planned(
    *calls: Call, account: Account = ON_CHAIN, nonce: int = 4, deadline: int = START + 60
) -> RunPlan:
    """Return the plan of *calls*: a transfer under the first rule, a payment under the second."""
    rules = [int(call.to == ANN) for call in calls]
    return plan.plan_run(GRANT, account, PAYS, calls, rules=rules, nonce=nonce, deadline=deadline)


RUN = planned(*CALLS)


def test_a_run_carries_exactly_the_calls_that_were_decided() -> None:
    """Each names its rule and brings its arguments and value; the digest covers all of it."""
    decoded = packed.decode_calls(packed.decode_grant(PACKED), RUN.packed_calls)
    assert decoded == (
        packed.RunCall(0, CALLS[0].arguments),
        packed.RunCall(1, b"", 2),
    )
    assert (RUN.calls, RUN.rules, RUN.nonce, RUN.deadline) == (CALLS, (0, 1), 4, START + 60)
    typed = packed.run_typed_data(
        GRANT.grant_id,
        RUN.packed_calls,
        nonce=4,
        deadline=START + 60,
        chain_id=31337,
        account=ACCOUNT,
    )
    assert digest(typed) == RUN.digest


CHANGES = [
    planned(*CALLS, nonce=5),
    planned(*CALLS, deadline=START + 61),
    planned(transfer(6), pay(2)),
    planned(*CALLS[:1]),
    planned(*CALLS, account=replace(ON_CHAIN, address=EVE)),
    planned(*CALLS, account=replace(ON_CHAIN, chain="eip155:1")),
]


@pytest.mark.parametrize("other", CHANGES)
def test_another_run_is_another_digest(other: RunPlan) -> None:
    """Nonce, deadline, calls, account and chain: a signature is for one run on one account."""
    assert other.digest != RUN.digest


def test_a_call_that_no_run_can_carry_is_malformed() -> None:
    """Whatever was decided: value past 16 bytes is refused here, not half encoded."""
    with pytest.raises(Malformed) as refused:
        planned(pay(1 << 128))
    assert refused.value.code is Code.MALFORMED_CALL


@pytest.mark.parametrize("first_use", [True, False])
def test_the_owner_signature_goes_along_once(*, first_use: bool) -> None:
    """With the first use, when the chain does not know the grant yet."""
    intent = plan.run_intent(GRANT, ON_CHAIN, RUN, SIGNATURE, first_use=first_use)
    owner_signature = GRANT.owner_signature if first_use else None
    data = packed.run_calldata(
        PACKED,
        RUN.packed_calls,
        SIGNATURE,
        nonce=4,
        deadline=START + 60,
        owner_signature=owner_signature,
    )
    assert intent == Intent(ACCOUNT, data, Fund.RUNS, deadline=START + 60)


def test_stops_are_paid_from_the_fund_of_stops() -> None:
    """A kill note and a freeze; to unfreeze is to spend again."""
    kill = plan.kill_intent(GRANT, ON_CHAIN, b"\x07" * 65)
    freeze = plan.freeze_intent(GRANT, ON_CHAIN, SIGNATURE, freeze=True)
    unfreeze = plan.freeze_intent(GRANT, ON_CHAIN, SIGNATURE, freeze=False)
    assert [intent.fund for intent in (kill, freeze, unfreeze)] == [
        Fund.STOPS,
        Fund.STOPS,
        Fund.RUNS,
    ]
    assert kill.data == packed.revoke_signed_calldata(GRANT.grant_id, b"\x07" * 65)
    assert freeze.data == packed.freeze_signed_calldata(GRANT.grant_id, SIGNATURE)
    assert unfreeze.data == packed.unfreeze_signed_calldata(GRANT.grant_id, SIGNATURE)
    assert {intent.deadline for intent in (kill, freeze, unfreeze)} == {None}


def test_a_delegation_is_a_transaction_to_the_account_itself() -> None:
    """EIP-7702: the authorization is all that it brings."""
    authorization = Authorization(31337, EVE, 0, SIGNATURE)
    intent = plan.delegate_intent(ON_CHAIN, authorization)
    assert (intent.to, intent.data, intent.authorizations) == (ACCOUNT, b"", (authorization,))
    first = plan.delegation_digest(chain="eip155:31337", delegate=EVE, nonce=0)
    assert len(first) == 32
    assert first != plan.delegation_digest(chain="eip155:31337", delegate=EVE, nonce=1)
    assert first != plan.delegation_digest(chain="eip155:1", delegate=EVE, nonce=0)
    assert first != plan.delegation_digest(chain="eip155:31337", delegate=ANN, nonce=0)


def test_what_the_owner_reads_is_what_the_owner_signs() -> None:
    """The typed data that a wallet shows has the digests that are checked."""
    shown = plan.consent(GRANT, ON_CHAIN)
    digests = (digest(from_json(shown["grant"])), digest(from_json(shown["kill_note"])))
    assert digests == plan.consent_digests(GRANT, ON_CHAIN)
    for freeze in (True, False):
        typed, signed = plan.freeze_consent(GRANT, ON_CHAIN, 7, freeze=freeze)
        assert digest(from_json(typed)) == signed
        assert signed != plan.freeze_consent(GRANT, ON_CHAIN, 8, freeze=freeze)[1]
        assert signed != plan.freeze_consent(GRANT, ON_CHAIN, 7, freeze=not freeze)[1]
        assert signed not in digests


def test_a_signature_is_by_one_address() -> None:
    """Anything else is nobody's, and no error."""
    owner = address_of_key(OWNER_KEY)
    message = RUN.digest
    signature = sign_digest(message, OWNER_KEY)
    assert plan.is_signed_by(message, signature, owner)
    assert not plan.is_signed_by(message, signature, EVE)
    assert not plan.is_signed_by(GRANT.grant_id, signature, owner)
    for broken in (b"", signature[:64], signature[:64] + b"\x1d", bytes(65)):
        assert not plan.is_signed_by(message, broken, owner)


def test_v_comes_and_goes() -> None:
    """A vault says 0 or 1, Ethereum 27 or 28."""
    plain = bytes(64)
    for recovery in (0, 1):
        signature = plan.with_v(plain + bytes([recovery]))
        assert signature == plain + bytes([27 + recovery])
        assert plan.without_v(signature) == plain + bytes([recovery])


CONSTRAINED = permission_with(
    rules=(
        Rule(TOKEN, TRANSFER, where=(Constraint(2, Operator.AT_MOST, (9,)),)),
        Rule(ANN, None),
    ),
    caps=(Cap(TOKEN, 0, per_call=5, lifetime=7), Cap(None, 18, lifetime=9)),
)
NAMED: list[tuple[Code, dict[str, object], tuple[Code, str] | None]] = [
    (
        Code.ARGUMENT_REFUSED,
        {"call": 0, "argument": 2},
        (Code.ARGUMENT_REFUSED, "rules[0].where[0]"),
    ),
    (Code.ARGUMENT_REFUSED, {"call": 0, "argument": 0}, (Code.RECIPIENT_NOT_ALLOWED, "recipients")),
    (
        Code.ARGUMENT_REFUSED,
        {"call": 0, "argument": 1},
        (Code.PER_CALL_CAP_EXCEEDED, "caps[0].per_call"),
    ),
    (Code.CAP_EXCEEDED, {"call": 0, "cap": 0}, (Code.CAP_EXCEEDED, "caps[0].lifetime")),
    (Code.CAP_EXCEEDED, {"call": 1, "cap": 1}, (Code.CAP_EXCEEDED, "caps[1].lifetime")),
    (Code.CAP_EXCEEDED, {"call": 0, "cap": 2}, None),
    (Code.CAP_EXCEEDED, {"call": 0}, None),
    (Code.ARGUMENT_REFUSED, {"call": 0, "argument": 9}, None),
    (Code.ARGUMENT_MISSING, {"call": 0, "argument": 2}, None),
    (Code.ARGUMENT_REFUSED, {"call": 2, "argument": 2}, None),
    (Code.ARGUMENT_REFUSED, {}, None),
    (Code.NOT_GRANTED, {}, None),
]


@pytest.mark.parametrize(("code", "facts", "caveat"), NAMED)
def test_a_refusal_by_the_chain_is_named_by_its_caveat(
    code: Code, facts: dict[str, object], caveat: tuple[Code, str] | None
) -> None:
    """Argument and counter numbers are led back to the place in the permission."""
    denied = plan.caveat_of(ChainRejected(code, "refused", **facts), CONSTRAINED, (0, 1))
    expected = None if caveat is None else Deny(*caveat, "refused", facts["call"])  # type: ignore[arg-type]  # an index
    assert denied == expected


def test_a_chain_is_a_number() -> None:
    """Behind ``eip155:``."""
    assert plan.chain_id_of("eip155:8453") == 8453
    assert Call(TOKEN, 0, b"").arguments == b""
