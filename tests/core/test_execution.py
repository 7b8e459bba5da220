"""What an owner or a session key signs for calls, and who is found to have signed it."""

from __future__ import annotations

import pytest

from tests.core.test_owner_signature import OWNER, OWNER_KEY, clone_of, delegated, personally
from valetkey.core import execution
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.model import Call
from valetkey.core.permission.targets import ENTRY_POINTS
from valetkey.spec import eip712
from valetkey.spec.secp256k1 import address_of_key, sign_digest

TARGET = b"\x70" * 20
CALLS = (Call(TARGET, 0, b"\x01\x02\x03\x04"), Call(TARGET, 5, b""))
KEY = b"\x0b" * execution.NONCE_KEY_BYTES
PLAN = execution.plan_execution(delegated(OWNER), CALLS, nonce_key=KEY, deadline=1000)
OTHER_KEY = b"\x02" * 32


def test_a_plan_can_be_recomputed_from_its_typed_data() -> None:
    """Whoever signs needs to believe nobody: the digest is that of the typed data, in full."""
    typed = execution.execution_typed_data(delegated(OWNER), PLAN)
    assert eip712.digest(eip712.from_json(typed)) == PLAN.digest
    assert typed["message"] == {
        "calls": [
            {"to": f"0x{TARGET.hex()}", "value": "0", "data": "0x01020304"},
            {"to": f"0x{TARGET.hex()}", "value": "5", "data": "0x"},
        ],
        "nonce": str(int.from_bytes(KEY) << 64),
        "deadline": "1000",
    }


def test_everything_that_is_asked_for_is_in_the_digest() -> None:
    """Other calls, another nonce, deadline, account or chain: something else is signed."""
    account = delegated(OWNER)
    plans = [
        execution.plan_execution(account, CALLS[:1], nonce_key=KEY, deadline=1000),
        execution.plan_execution(account, (), nonce_key=KEY, deadline=1000),
        execution.plan_execution(account, CALLS, nonce_key=bytes(24), deadline=1000),
        execution.plan_execution(account, CALLS, nonce_key=KEY, deadline=1001),
        execution.plan_execution(delegated(TARGET), CALLS, nonce_key=KEY, deadline=1000),
        PLAN,
    ]
    assert len({one.digest for one in plans}) == len(plans)


def test_who_signed_is_found_in_both_forms() -> None:
    """With v 27 or 28, or 0 or 1 as some clients leave it; the other form is somebody else's."""
    digest = PLAN.digest
    plain, personal = sign_digest(digest, OWNER_KEY), personally(digest)
    raised = personal[:64] + bytes((personal[64] + 4,))
    for given, taken, is_personal in (
        (plain, plain, False),
        (plain[:64] + bytes((plain[64] - 27,)), plain, False),
        (personal, raised, True),
        (personal[:64] + bytes((personal[64] - 27,)), raised, True),
        (raised, raised, True),
    ):
        found = execution.signers_of(digest, given)
        mine = [one for one in found if one.address == OWNER]
        assert mine == [execution.Signer(OWNER, taken, is_personal)]
        assert all(one.is_personal is not is_personal for one in found if one not in mine)


@pytest.mark.parametrize(
    "signature",
    [b"", bytes(64), bytes(65), bytes(64) + b"\x1b", b"\xff" * 65, b"\xff" * 66],
    ids=["nothing", "short", "zeros", "no point", "high", "long"],
)
def test_what_is_no_signature_is_nobodys(signature: bytes) -> None:
    """Neither form gives an address, and nothing else goes wrong."""
    assert execution.signers_of(PLAN.digest, signature) == ()


@pytest.mark.parametrize("v", [*range(2, 27), 29, 30, *range(33, 64), 255])
def test_no_other_v_is_taken(v: int) -> None:
    """A signature has the few forms that wallets write: another byte there is no signature."""
    for made in (sign_digest(PLAN.digest, OWNER_KEY), personally(PLAN.digest)):
        assert execution.signers_of(PLAN.digest, made[:64] + bytes((v,))) == ()


def test_an_owner_signs_in_the_forms_that_the_account_takes() -> None:
    """EIP-191 only where the clone was made for it, and never where the account is its owner."""
    plain = execution.signers_of(PLAN.digest, sign_digest(PLAN.digest, OWNER_KEY))
    personal = execution.signers_of(PLAN.digest, personally(PLAN.digest))
    for account, takes_personal in (
        (delegated(OWNER), False),
        (clone_of(OWNER, personal=False), False),
        (clone_of(OWNER, personal=True), True),
    ):
        found = execution.owner_among(account, plain)
        assert found is not None
        assert (found.address, found.is_personal) == (OWNER, False)
        assert (execution.owner_among(account, personal) is not None) is takes_personal
    other = execution.signers_of(PLAN.digest, sign_digest(PLAN.digest, OTHER_KEY))
    assert execution.owner_among(delegated(OWNER), other) is None
    assert other[0].address == address_of_key(OTHER_KEY)


ACCOUNT, CODE = b"\xac" * 20, b"\xc0" * 20
REFUSED = {
    "the account": ([Call(ACCOUNT, 0, b"")], Code.TARGET_FORBIDDEN),
    "its code": ([CALLS[0], Call(CODE, 0, b"")], Code.TARGET_FORBIDDEN),
    "the zero address": ([Call(bytes(20), 0, b"")], Code.TARGET_FORBIDDEN),
    "an EntryPoint": ([Call(min(ENTRY_POINTS), 0, b"")], Code.TARGET_FORBIDDEN),
    "too many": ([CALLS[0]] * 65, Code.MALFORMED_CALL),
    "too long": ([Call(TARGET, 0, bytes(2**15))] * 2 + [CALLS[0]], Code.MALFORMED_CALL),
}


@pytest.mark.parametrize("case", REFUSED)
def test_some_calls_nobody_may_ask_for(case: str) -> None:
    """Whoever would sign them; the call is named."""
    calls, code = REFUSED[case]
    with pytest.raises(Malformed) as refused:
        execution.check_calls(calls, never=(ACCOUNT, CODE))
    assert refused.value.code is code
    if code is Code.TARGET_FORBIDDEN:
        assert refused.value.facts["call"] == len(calls) - 1


def test_as_many_and_as_long_calls_as_there_may_be() -> None:
    """None at all, 64, and so many bytes together pass."""
    for calls in ([], [CALLS[0]] * 64, [Call(TARGET, 0, bytes(2**15))] * 2):
        execution.check_calls(calls, never=(ACCOUNT, CODE))
    longest = [Call(TARGET, 0, bytes(2**15))] * 2
    assert sum(len(one.data) for one in longest) == execution.MAX_DATA_BYTES
