"""What is to be signed: every field that a client may read, and all that makes the hash anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import msgspec
import pytest

from valetkey.core.execution import plan_execution
from valetkey.core.grant import Grant
from valetkey.core.permission.compile import NotOnChain, compile_grant
from valetkey.core.permission.model import Call
from valetkey.core.permission.whitelist import Whitelist, whitelist_permission
from valetkey.core.plan import grant_id_of
from valetkey.core.wallet import Account, Clone
from valetkey.http.dialects.openfort.next_action import (
    NextAction,
    to_execute,
    to_register,
    to_revoke,
)
from valetkey.spec import eip712

if TYPE_CHECKING:
    from valetkey.core.activity import ExecutionPlan

ADDRESS: Final = b"\xac" * 20
CLONE: Final = Clone(b"\xfa" * 20, b"\x1e" * 20, b"\x0e" * 20, bytes(32), personal=True)
DELEGATED: Final = Account("acc_1", "org_1", "wal_1", None, "eip155:80002", ADDRESS, 0)
CLONED: Final = replace(DELEGATED, address=CLONE.address, clone=CLONE)
BOTH: Final = pytest.mark.parametrize("account", [CLONED, DELEGATED], ids=["clone", "delegated"])


def grant() -> Grant:
    """Return a grant that a relayer is bound to."""
    wanted = Whitelist("eip155:80002", (b"\x25" * 20,), 3, 1_800_000_000, 1_800_003_601)
    permission = whitelist_permission(wanted, relayer=b"\x99" * 20)
    packed = compile_grant(permission, key=b"\x5e" * 20, salt=7)
    assert not isinstance(packed, NotOnChain)
    return Grant(packed, grant_id_of(packed), 0, b"\x5e" * 20)


def plan(account: Account) -> ExecutionPlan:
    """Return two calls that wait for a signature."""
    calls = [Call(b"\x25" * 20, 0, b"\x01\x02\x03\x04"), Call(b"\x26" * 20, 5, b"")]
    return plan_execution(account, calls, nonce_key=b"\x07" * 24, deadline=1_800_000_900)


def told(action: NextAction) -> dict[str, Any]:
    """Return the payload as clients get it, whose hashes are one that can be computed."""
    said: dict[str, Any] = msgspec.to_builtins(action)
    assert said["type"] == "sign_with_wallet"
    payload: dict[str, Any] = said["payload"]
    assert set(payload) == {
        "userOp",
        "userOpHash",
        "userOperation",
        "userOperationHash",
        "signableHash",
        "valetkey",
    }
    assert payload["userOp"] == payload["userOperation"]
    typed = eip712.from_json(payload["valetkey"]["typed_data"])
    own = "0x" + eip712.digest(typed).hex()
    names = ("signableHash", "userOperationHash", "userOpHash")
    assert [payload[name] for name in names] == [own] * 3
    assert payload["valetkey"]["digest"] == own
    return payload


@BOTH
def test_each_hash_is_that_of_the_typed_data_beside_it(account: Account) -> None:
    """Whoever signs can see what: a grant, its revocation, or calls."""
    kinds = [
        told(action)["valetkey"]["typed_data"]["primaryType"]
        for action in (
            to_register(grant(), account),
            to_revoke(grant(), account),
            to_execute(plan(account), account),
        )
    ]
    assert kinds == ["Grant", "Revoke", "Execute"]


@BOTH
def test_the_operation_is_all_hex_and_of_its_generation(account: Account) -> None:
    """SDKs check the types of its members, and know two shapes of it."""
    for action in (to_register(grant(), account), to_execute(plan(account), account)):
        operation = told(action)["userOperation"]
        assert operation["sender"] == "0x" + account.address.hex()
        assert all(int(value, 16) >= 0 for value in operation.values() if value != "0x")
        is_old = account.clone is not None
        assert ("initCode" in operation, "paymasterAndData" in operation) == (is_old, is_old)
        assert ("paymasterPostOpGasLimit" in operation) is not is_old
        assert operation["signature"] == "0x"


def test_what_is_signed_already_shows_the_signature() -> None:
    """The projection of an operation that went off has it."""
    signed = replace(plan(CLONED), signature=b"\x01" * 65)
    operation = told(to_execute(signed, CLONED))["userOperation"]
    assert operation["signature"] == "0x" + "01" * 65
    assert int(operation["nonce"], 16) == int.from_bytes(b"\x07" * 24) << 64
