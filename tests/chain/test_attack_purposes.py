"""Every signature that anybody makes, offered wherever another one is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chain.clones import Clone, signed_execution
from tests.chain.session import Owner, Session
from tests.chain.world import RECIPIENT, TRANSFER, transfer, words
from valetkey.devchain import CHAIN_ID, NodeError
from valetkey.spec import clone, erc1271, erc7739, erc7821
from valetkey.spec import permission_bytes as pb
from valetkey.spec.eip712 import digest
from valetkey.spec.secp256k1 import address_of_key, sign_digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.chain.world import World
    from valetkey.spec.eip712 import TypedData

REFUSALS = {pb.Refusal("SignatureRefused"), pb.Refusal("NotGranted")}
UNTIL = 2**39
NONCE = 1 << 64  # the least that a session key may sign for


def purposes(session: Session) -> dict[str, TypedData]:
    """Return all that an owner or a session key signs for this account and grant."""
    where = {"chain_id": CHAIN_ID, "account": session.account}
    domain = {
        "name": "valetkey",
        "version": "1",
        "chainId": CHAIN_ID,
        "verifyingContract": session.account,
    }
    calls = (payment(session),)
    return {
        "grant": pb.grant_typed_data(session.grant, epoch=0, **where),  # type: ignore[arg-type]
        "revoke": pb.revoke_typed_data(session.id, **where),  # type: ignore[arg-type]
        "freeze": pb.freeze_typed_data(session.id, 0, **where),  # type: ignore[arg-type]
        "unfreeze": pb.unfreeze_typed_data(session.id, 0, **where),  # type: ignore[arg-type]
        "execute": erc7821.execute_typed_data(calls, nonce=NONCE, deadline=UNTIL, **where),  # type: ignore[arg-type]
        "hand on": clone.transfer_ownership_typed_data(RECIPIENT, epoch=0, **where),  # type: ignore[arg-type]
        "text": erc7739.personal_typed_data(session.id, account=domain),
    }


def payment(session: Session) -> erc7821.Call:
    """Return what is executed; the session's rule covers it."""
    return erc7821.Call(session.world.token, 0, TRANSFER + words(RECIPIENT, 1))


def run_digest(session: Session) -> bytes:
    """Return what the session key signs for `asked`'s run."""
    return pb.run_digest(
        session.id,
        pb.encode_calls(session.grant, [transfer(1)]),
        nonce=0,
        deadline=UNTIL,
        chain_id=CHAIN_ID,
        account=session.account,
    )


def signatures(session: Session) -> Iterator[tuple[str, bytes]]:
    """Return each purpose with the signatures of the owner and of the session key for it."""
    forms = {name: digest(typed) for name, typed in purposes(session).items()}
    forms["run"] = run_digest(session)
    for name, hash_ in forms.items():
        for secret in (session.owner.secret, session.secret):
            yield name, sign_digest(hash_, secret)
            signed = sign_digest(pb.personal_digest(hash_), secret)
            yield name, signed[:64] + bytes((signed[64] + 4,))


def asked(session: Session, signature: bytes) -> dict[str, bytes]:
    """Return the calldata that offers *signature* for each purpose."""
    calls = pb.encode_calls(session.grant, [transfer(1)])
    run = pb.run_calldata(session.packed, calls, signature, nonce=0, deadline=UNTIL)
    first = pb.run_calldata(
        session.packed,
        calls,
        sign_digest(run_digest(session), session.secret),
        nonce=0,
        deadline=UNTIL,
        owner_signature=signature,
    )
    executed = (payment(session),)
    op_data = erc7821.op_data(NONCE, UNTIL, signature)
    under_grant = erc7821.session_op_data(
        NONCE,
        UNTIL,
        signature,
        grant=session.packed,
        run_nonce=0,
        run_deadline=UNTIL,
        rules=[0],
        owner_signature=session.owner_signature(),
    )
    return {
        "grant": pb.register_calldata(session.packed, signature),
        "grant in a first use": first,
        "revoke": pb.revoke_signed_calldata(session.id, signature),
        "revoke by key": pb.revoke_by_key_calldata(session.packed, signature),
        "freeze": pb.freeze_signed_calldata(session.id, signature),
        "execute": erc7821.execute_calldata(executed, op_data=op_data),
        "execute under the grant": erc7821.execute_calldata(executed, op_data=under_grant),
        "hand on": clone.transfer_ownership_signed_calldata(RECIPIENT, signature),
        "run": run,
    }


def test_no_signature_serves_a_purpose_that_it_was_not_made_for(account: Owner) -> None:
    """
    Of all pairs of what was signed and what is asked, only those of one purpose pass.

    Unfreezing is signed like everything else, and asked for nowhere here: nothing is frozen.
    """
    session = Session.opened(account)
    passed: set[tuple[str, str]] = set()
    for name, signature in signatures(session):
        for purpose, data in asked(session, signature).items():
            if purpose == "hand on" and not isinstance(account, Clone):
                continue
            found = account.world.refusal(account.address, data)
            assert found is None or found in REFUSALS
            if found is None:
                passed.add((name, purpose))
    expected = {(name, name) for name in ("grant", "revoke", "freeze", "execute")}
    expected |= {("grant", "grant in a first use"), ("revoke", "revoke by key")}
    expected.add(("execute", "execute under the grant"))
    if isinstance(account, Clone):
        expected.add(("hand on", "hand on"))
    assert passed == expected


def test_what_is_signed_for_the_account_is_not_signed_as_the_account(account: Owner) -> None:
    """On a clone nothing but the text passes by ERC-1271; a session key's never does."""
    session = Session.opened(account)
    signed = dict(signatures(session))
    for hash_ in [*map(digest, purposes(session).values()), run_digest(session)]:
        for signature in signed.values():  # the last of each purpose: the session key's
            data = erc1271.is_valid_signature_calldata(hash_, signature)
            assert not erc1271.is_valid(account.world.call(account.address, data))
    if isinstance(account, Clone):
        for typed in purposes(session).values():
            data = erc1271.is_valid_signature_calldata(digest(typed), account.sign(typed))
            assert not erc1271.is_valid(account.world.call(account.address, data))


def test_nothing_is_replayed_on_a_chain_that_forks(account: Owner) -> None:
    """The chain's number is asked of the chain each time, not written into the code."""
    world, session = account.world, Session.opened(account)
    run = session.run(transfer(1), first=True)
    execution = signed_execution(account, [payment(session)])
    register = pb.register_calldata(session.packed, session.owner_signature())
    for data in (run, execution, register):
        assert world.refusal(account.address, data) is None
    try:
        world.rpc.ask("anvil_setChainId", CHAIN_ID + 1)
    except NodeError:
        pytest.skip("this chain keeps its number")
    try:
        for data in (run, execution, register):
            assert world.refusal(account.address, data) in REFUSALS
    finally:
        world.rpc.ask("anvil_setChainId", CHAIN_ID)
    assert world.refusal(account.address, run) is None


def test_the_owner_as_its_own_session_key_gains_nothing_by_it(world: World) -> None:
    """Though the sender is the account itself, a run is held to its grant; a stranger is nobody."""
    owner = Owner.delegated(world)
    session = Session.opened(owner, key=owner.address, max_calls=1)
    session.secret = owner.secret
    session.register()
    unsigned = session.run(transfer(1))[:-65] + bytes(65)
    for sender in (None, RECIPIENT, world.code):
        refusal = world.refusal(owner.address, unsigned, sender=sender)
        assert refusal == pb.Refusal("SignatureRefused")
    assert world.refusal(owner.address, unsigned, sender=owner.address) is None
    assert owner.send_self(unsigned).succeeded
    again = session.run(transfer(1), nonce=1)[:-65] + bytes(65)
    found = world.refusal(owner.address, again, sender=owner.address)
    assert found == pb.Refusal("TooManyCalls")
    assert address_of_key(session.secret) == owner.address
