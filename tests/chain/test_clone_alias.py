"""Ways round to an account: through its factory, and through another account of its owner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.chain.clones import Clone, Factory
from tests.chain.session import Owner, Session, token_rule
from tests.chain.world import RECIPIENT, TRANSFER, fresh_secret, transfer, words
from valetkey.spec import clone, erc7710, erc7821
from valetkey.spec import permission_bytes as pb
from valetkey.spec.multicall import multicall_calldata
from valetkey.spec.secp256k1 import address_of_key

if TYPE_CHECKING:
    from tests.chain.world import World

ANYTHING = pb.Rule(pb.RuleKind.ANY_CALL, bytes(20), None)


@dataclass
class Both:
    """One key's two accounts, and a session on the first that may make any call."""

    owner: Owner
    account: Clone
    session: Session

    def refusal(self, to: bytes, data: bytes) -> object:
        """Return why the session may not call *to* with *data*, ``None`` if it may."""
        call = pb.RunCall(0, data, target=to)
        return self.session.refusal(self.session.run(call))


@pytest.fixture
def both(world: World) -> Both:
    """Return an account by delegation that owns a clone, and its widest session."""
    owner = Owner.delegated(world)
    account = Clone.deployed(Factory.on(world), secret=owner.secret)
    session = Session.opened(owner, ANYTHING)
    session.register()
    return Both(owner, account, session)


def test_a_wide_session_of_an_owner_is_not_the_owner_of_its_clone(both: Both) -> None:
    """What acts as the clone, hands it on, or lets out what is frozen there, is not in it."""
    payment = [erc7821.Call(both.account.world.token, 0, TRANSFER + words(RECIPIENT, 1))]
    execute = erc7821.execute_calldata(payment)
    to = address_of_key(both.session.secret)
    assert (
        both.account.world.refusal(both.account.address, execute, sender=both.owner.address) is None
    )
    for data in (
        execute,
        multicall_calldata([execute]),
        clone.transfer_ownership_calldata(to),
        pb.unfreeze_calldata(both.session.id),
    ):
        expected = pb.Refusal("SelectorRefused", (0,))
        assert both.refusal(both.account.address, data) == expected


def test_a_wide_session_does_not_use_sessions_that_its_account_holds(both: Both) -> None:
    """The account may be a session key somewhere else: what it sends there needs no signature."""
    held = Session.opened(both.account, token_rule(both.account.world), key=both.owner.address)
    held.register()
    unsigned = held.run(transfer(1))[:-65] + bytes(65)
    context = erc7710.permission_context(held.packed, [0])
    paid = erc7710.Execution(both.account.world.token, 0, TRANSFER + words(RECIPIENT, 1))
    part = erc7710.Redemption(context, erc7710.SINGLE, erc7710.single(paid))
    for data in (unsigned, erc7710.redeem_calldata([part])):
        found = both.account.world.refusal(held.account, data, sender=both.owner.address)
        assert found is None
        assert both.refusal(held.account, data) == pb.Refusal("SelectorRefused", (0,))


def test_a_session_that_calls_the_factory_is_a_stranger_to_its_account(both: Both) -> None:
    """The factory passes on what it is given; the account sees neither the owner nor itself."""
    on_clone = Session.opened(both.account, ANYTHING)
    on_clone.register()
    assert both.account.factory is not None
    for act in (
        pb.raise_epoch_calldata(),
        pb.unfreeze_calldata(on_clone.id),
        clone.transfer_ownership_calldata(address_of_key(fresh_secret())),
        erc7821.execute_calldata([]),
        multicall_calldata([pb.raise_epoch_calldata()]),
    ):
        data = both.account.deploy_data(act)
        expected = pb.Refusal("OnlyAccount")
        assert both.refusal(both.account.factory.address, data) == expected
        call = pb.RunCall(0, data, target=both.account.factory.address)
        assert on_clone.refusal(on_clone.run(call)) == expected


def test_no_wide_session_calls_its_own_account(both: Both) -> None:
    """Neither by delegation nor as a clone, whatever it would say there."""
    on_clone = Session.opened(both.account, ANYTHING)
    on_clone.register()
    for session in (both.session, on_clone):
        for data in (b"", pb.raise_epoch_calldata(), pb.state_of_calldata(session.id)):
            call = pb.RunCall(0, data, target=session.account)
            assert session.refusal(session.run(call)) == pb.Refusal("TargetRefused", (0,))
