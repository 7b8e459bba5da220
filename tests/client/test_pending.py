"""What waits on Openfort's surface is signed only if it follows from what was asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.leaks import secret
from valetkey import Owner, RefusedToSign, SessionKey, call
from valetkey.client.pending import (
    LAG_S,
    MAX_DEADLINE_S,
    Asked,
    AskedCalls,
    AskedRevocation,
    AskedSession,
    NextAction,
)
from valetkey.client.vendor_json import Payload, Recomputable
from valetkey.core.permission.compile import compile_grant
from valetkey.core.permission.whitelist import Whitelist, whitelist_permission
from valetkey.core.plan import is_signed_by
from valetkey.spec import erc7821
from valetkey.spec import permission_bytes as packed
from valetkey.spec.eip712 import digest, to_json

if TYPE_CHECKING:
    from valetkey.spec.eip712 import TypedData

NOW: Final = 1_800_000_000
CHAIN_ID: Final = 80002
ACCOUNT: Final = b"\xac" * 20
RELAYER: Final = b"\x0e" * 20
GAME: Final = b"\x25" * 20
SHOP: Final = b"\x52" * 20
KEY: Final = SessionKey.load(secret(b"\x07" * 32).hex())
OWNER: Final = Owner.from_key(secret(b"\x08" * 32))
CALLS: Final = (call(GAME, "mint(address)", f"0x{ACCOUNT.hex()}"),)
SESSION: Final = AskedSession(
    account=ACCOUNT,
    chain_id=CHAIN_ID,
    key=KEY.address,
    whitelist=(GAME,),
    limit=3,
    valid_after=0,
    valid_until=NOW + 3600,
    now=NOW,
)
ASKED_CALLS: Final = AskedCalls(ACCOUNT, CHAIN_ID, CALLS, NOW)
GRANT_ID: Final = b"\x99" * 32


def grant(
    *,
    account: bytes = ACCOUNT,
    chain_id: int = CHAIN_ID,
    key: bytes = KEY.address,
    targets: tuple[bytes, ...] = (GAME,),
    max_calls: int | None = 3,
    starts_at: int = NOW - 12,
    expires_at: int = NOW + 3601,
    moves_value: bool = False,
) -> TypedData:
    """Return what a server asks an owner to sign."""
    wanted = Whitelist(
        f"eip155:{CHAIN_ID}", targets, max_calls, starts_at, expires_at, moves_value=moves_value
    )
    data = compile_grant(whitelist_permission(wanted, relayer=RELAYER), key=key, salt=7)
    assert isinstance(data, bytes)
    return packed.grant_typed_data(
        packed.decode_grant(data), epoch=4, chain_id=chain_id, account=account
    )


def revocation(*, account: bytes = ACCOUNT, chain_id: int = CHAIN_ID) -> TypedData:
    """Return what a server asks an owner to sign to end a session."""
    return packed.revoke_typed_data(GRANT_ID, chain_id=chain_id, account=account)


def execution(
    *,
    account: bytes = ACCOUNT,
    chain_id: int = CHAIN_ID,
    to: bytes = GAME,
    value: int = 0,
    data: bytes = CALLS[0].data,
    deadline: int = NOW + 1800,
    times: int = 1,
) -> TypedData:
    """Return what a server asks a session key to sign."""
    calls = [erc7821.Call(to, value, data)] * times
    return erc7821.execute_typed_data(
        calls, nonce=5 << 64, deadline=deadline, chain_id=chain_id, account=account
    )


def waiting(asked: Asked, typed: TypedData, **hashes: str) -> NextAction:
    """Return what came: *typed*, and the hash under all of its names but those given."""
    own = f"0x{digest(typed).hex()}"
    names = {"signable_hash": own, "user_operation_hash": own, "user_op_hash": own, **hashes}
    return NextAction(Payload(**names, valetkey=Recomputable(to_json(typed))), asked)


@pytest.mark.parametrize(
    ("asked", "typed"),
    [
        (SESSION, grant()),
        (replace(SESSION, limit=None), grant(max_calls=None)),
        (replace(SESSION, whitelist=()), grant(targets=())),
        (replace(SESSION, whitelist=(SHOP, GAME, SHOP)), grant(targets=(GAME, SHOP))),
        (replace(SESSION, valid_after=NOW + 60), grant(starts_at=NOW + 60)),
        (replace(SESSION, valid_after=NOW - 3600), grant()),
        (replace(SESSION, as_vendor=True), grant(moves_value=True)),
        (AskedRevocation(ACCOUNT, CHAIN_ID), revocation()),
        (ASKED_CALLS, execution()),
        (replace(ASKED_CALLS, calls=()), execution(times=0)),
    ],
)
def test_what_was_asked_for_is_signed(asked: Asked, typed: TypedData) -> None:
    """The owner's and the session key's signatures are over the digest that was computed here."""
    for signer in (OWNER, KEY):
        signature = bytes.fromhex(waiting(asked, typed).sign(signer)[2:])
        assert is_signed_by(digest(typed), signature, signer.address)


LIES: Final[list[tuple[Asked, TypedData, str]]] = [
    (SESSION, grant(account=SHOP), "grant.domain"),
    (SESSION, grant(chain_id=1), "grant.domain"),
    (SESSION, grant(key=SHOP), "grant.key"),
    (SESSION, grant(targets=(SHOP,)), "grant.rules"),
    (SESSION, grant(targets=(GAME, SHOP)), "grant.rules"),
    (SESSION, grant(targets=()), "grant.rules"),
    (SESSION, grant(moves_value=True), "grant.rules"),
    (SESSION, grant(max_calls=4), "grant.maxCalls"),
    (SESSION, grant(max_calls=None), "grant.maxCalls"),
    (SESSION, grant(expires_at=NOW + 3602), "grant.expiresAt"),
    (SESSION, grant(starts_at=NOW - LAG_S - 1), "grant.startsAt"),
    (SESSION, grant(starts_at=NOW + LAG_S + 1), "grant.startsAt"),
    (replace(SESSION, valid_after=NOW + 60), grant(starts_at=NOW + 59), "grant.startsAt"),
    (SESSION, revocation(), "grant"),
    (SESSION, execution(), "grant"),
    (AskedRevocation(ACCOUNT, CHAIN_ID), revocation(account=SHOP), "revoke.domain"),
    (AskedRevocation(ACCOUNT, CHAIN_ID), revocation(chain_id=1), "revoke.domain"),
    (AskedRevocation(ACCOUNT, CHAIN_ID), grant(), "revoke.grant"),
    (ASKED_CALLS, execution(account=SHOP), "execute.domain"),
    (ASKED_CALLS, execution(chain_id=1), "execute.domain"),
    (ASKED_CALLS, execution(to=SHOP), "execute.calls[0].to"),
    (ASKED_CALLS, execution(value=1), "execute.calls[0].value"),
    (ASKED_CALLS, execution(data=b"\x01" * 36), "execute.calls[0].data"),
    (ASKED_CALLS, execution(times=2), "execute.calls"),
    (ASKED_CALLS, execution(times=0), "execute.calls"),
    (ASKED_CALLS, execution(deadline=NOW), "execute.deadline"),
    (ASKED_CALLS, execution(deadline=NOW + MAX_DEADLINE_S + 1), "execute.deadline"),
    (ASKED_CALLS, grant(), "execute.nonce"),
]


@pytest.mark.parametrize(("asked", "typed", "where"), LIES)
def test_anything_else_is_not_signed(asked: Asked, typed: TypedData, where: str) -> None:
    """A grant that gives more, calls that do something else: the first difference is named."""
    for signer in (OWNER, KEY):
        with pytest.raises(RefusedToSign, match="nothing was signed") as refused:
            waiting(asked, typed).sign(signer)
        assert refused.value.what.startswith(where)


@pytest.mark.parametrize("name", ["signable_hash", "user_operation_hash", "user_op_hash"])
def test_a_hash_that_does_not_follow_is_not_signed(name: str) -> None:
    """Each of the names that the vendor gave the hash has to be the hash of what was asked for."""
    with pytest.raises(RefusedToSign) as refused:
        waiting(ASKED_CALLS, execution(), **{name: "0x" + "11" * 32}).sign(KEY)
    assert refused.value.what == name


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["types", "domain", "message", "primaryType", "grant"]), inner
            )
        ),
        max_leaves=12,
    )
)
def test_garbage_is_refused(garbage: Any) -> None:  # noqa: ANN401 - any JSON
    """Whatever stands where the typed data should: a refusal, and no other error."""
    valetkey = Recomputable(garbage if isinstance(garbage, dict) else {"types": garbage})
    action = NextAction(Payload("0x", "0x", "0x", valetkey), ASKED_CALLS)
    with pytest.raises(RefusedToSign):
        action.verify()
