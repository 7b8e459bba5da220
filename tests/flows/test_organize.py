"""Organizations, users and credentials."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows.family import make_child, make_stranger
from tests.flows.keys import public_key
from tests.flows.scene import USDC
from tests.worlds import dump
from valetkey.core.activity import Request
from valetkey.core.budget import BudgetLine
from valetkey.core.credential import Credential, CredentialKind
from valetkey.core.errors import Code, Conflict, Forbidden, Malformed, NotFound, Unauthenticated
from valetkey.core.organization import User
from valetkey.core.principal import ANONYMOUS, Principal
from valetkey.core.wallet import Curve
from valetkey.flows import (
    budgets,
    credentials,
    lists,
    open_session,
    organize,
    prove,
    reads,
    stop,
)
from valetkey.flows.prove import Bearer

if TYPE_CHECKING:
    from tests.flows.scene import Scene
    from valetkey.core.audit import AuditLine


async def test_a_child_has_funds_of_its_own(scene: Scene) -> None:
    """What a child spends on gas never comes out of its parent's fund."""
    child = await make_child(scene)
    lines = await reads.listed(
        scene.world, child.principal, BudgetLine, organization_id=child.organization.id
    )
    assert {one.scope_id for one in lines} == {child.organization.id}
    assert len(lines) == 2
    assert child.organization.parent_id == scene.founded.organization.id


async def test_the_first_key_of_a_child_is_shown_once(stored: Scene) -> None:
    """It proves the child, its parent's key does not; a repeated request does not show it again."""
    request = stored.request()
    child, token = await organize.open_organization(
        stored.world, stored.principal, request, name="Child"
    )
    who = await prove.authenticate(stored.world, Bearer(token or ""), is_write=True)
    assert who.organization_id == child.id
    again = await organize.open_organization(stored.world, stored.principal, request, name="Child")
    assert again == (child, None)
    lines, _ = await lists.audit_log(stored.world, who, organization_id=child.id)
    assert ("credential:added", who.subject_id) in _named(lines)


async def test_opening_a_child_is_in_the_logs_of_both(scene: Scene) -> None:
    """Nothing changes without a line in the log of the organization that asked for it."""
    child = await make_child(scene)
    parent = scene.founded.organization.id
    for organization_id in (parent, child.organization.id):
        lines, _ = await lists.audit_log(
            scene.world, scene.principal, organization_id=organization_id
        )
        assert ("organization:opened", child.organization.id) in _named(lines)


async def test_a_parent_reads_its_child(scene: Scene) -> None:
    """A parent may read what its children have."""
    child = await make_child(scene)
    user = await organize.add_user(scene.world, child.principal, scene.request(), reference="u")
    found = await reads.owned(scene.world, scene.principal, User, "user", key=user.id)
    assert found == user
    children = await reads.children(scene.world, scene.principal)
    assert children == [child.organization]


async def test_a_parent_reduces_power_in_its_child(scene: Scene) -> None:
    """A parent may end sessions and keys of its child."""
    child = await make_child(scene)
    opened = await open_session.open_session(
        scene.world, child.principal, scene.request(), scene.command(None)
    )
    stopped = await stop.revoke(
        scene.world, scene.principal, scene.request(), session_id=opened.session.id
    )
    assert stopped.session.state == "revoked"
    revoked = await credentials.revoke_credential(
        scene.world, scene.principal, scene.request(), credential_id=child.principal.subject_id
    )
    assert revoked.revoked_at == scene.clock.now()


async def test_a_parent_never_widens_power_in_its_child(scene: Scene) -> None:
    """A parent opens no session, sets no budget and unfreezes nothing in a child."""
    child = await make_child(scene)
    holding = await scene.wallet(principal=child.principal)
    before = await dump(scene.world)
    with pytest.raises(Forbidden) as refused:
        await open_session.open_session(
            scene.world, scene.principal, scene.request(), scene.command(holding)
        )
    assert refused.value.code is Code.NOT_ALLOWED
    command = budgets.SetBudget(holding.wallet.id, "native", 1, 0)
    with pytest.raises(Forbidden):
        await budgets.set_budget(scene.world, scene.principal, scene.request(), command)
    with pytest.raises(Forbidden):
        await scene.delegate(holding)
    assert await dump(scene.world) == before


async def test_a_child_does_not_reach_its_parent(scene: Scene) -> None:
    """Reading goes down, never up."""
    child = await make_child(scene)
    with pytest.raises(NotFound):
        await reads.organization(scene.world, child.principal, key=scene.founded.organization.id)


async def test_ids_of_another_organization_are_not_found(scene: Scene) -> None:
    """Whether an id exists elsewhere cannot be told from the answer."""
    stranger = await make_stranger(scene)
    holding = await scene.wallet()
    held = await scene.open(holding)
    world, who = scene.world, stranger.principal
    asked = [
        reads.session(world, who, session_id=held.id),
        reads.owned(world, who, Credential, "credential", key=scene.principal.subject_id),
        lists.audit_log(world, who, organization_id=scene.founded.organization.id),
        lists.sessions(world, who, organization_id=scene.founded.organization.id),
        stop.revoke(world, who, scene.request(), session_id=held.id),
        credentials.revoke_credential(
            world, who, scene.request(), credential_id=scene.principal.subject_id
        ),
        open_session.open_session(world, who, scene.request(), scene.command(holding)),
        budgets.set_budget(
            world, who, scene.request(), budgets.SetBudget(holding.wallet.id, "native", 1, 0)
        ),
    ]
    before = await dump(world)
    for one in asked:
        with pytest.raises(NotFound):
            await one
    assert await dump(world) == before


async def test_the_same_request_makes_one_user(scene: Scene) -> None:
    """Repeating a request returns what it made; the same id for another one is refused."""
    request = scene.request()
    first = await organize.add_user(scene.world, scene.principal, request, reference="anna")
    again = await organize.add_user(scene.world, scene.principal, request, reference="anna")
    assert again == first
    other = Request(request.id, "another hash")
    with pytest.raises(Conflict) as refused:
        await organize.add_user(scene.world, scene.principal, other, reference="berta")
    assert refused.value.code is Code.REQUEST_ID_REUSED


async def test_an_api_key_is_shown_once_and_proves_until_it_is_revoked(scene: Scene) -> None:
    """A repeated request does not show the key again, and a revoked key proves nothing."""
    request = scene.request()

    async def make() -> tuple[Credential, str | None]:
        return await credentials.add_credential(
            scene.world,
            scene.principal,
            request,
            kind=CredentialKind.SECRET,
            label="ci",
            public_key=None,
        )

    credential, token = await make()
    assert token is not None
    assert await make() == (credential, None)
    proven = await prove.authenticate(scene.world, Bearer(token), is_write=True)
    assert proven.subject_id == credential.id
    for _ in range(2):
        await credentials.revoke_credential(
            scene.world, scene.principal, scene.request(), credential_id=credential.id
        )
    with pytest.raises(Unauthenticated) as refused:
        await prove.authenticate(scene.world, Bearer(token), is_write=False)
    assert refused.value.code is Code.PROOF_REFUSED


@pytest.mark.parametrize("kind", list(CredentialKind))
async def test_a_credential_has_a_key_only_if_it_signs(scene: Scene, kind: CredentialKind) -> None:
    """A P-256 credential needs its public key; an API key has none."""
    wrong = None if kind is CredentialKind.P256 else public_key(Curve.P256, scene.new_key())
    with pytest.raises(Malformed):
        await credentials.add_credential(
            scene.world,
            scene.principal,
            scene.request(),
            kind=kind,
            label="",
            public_key=wrong,
        )


async def test_only_a_backend_manages_an_organization(scene: Scene) -> None:
    """Neither nobody, nor a session, nor a publishable key adds users or keys."""
    held = await scene.open(await scene.wallet())
    publishable = await _publishable(scene)
    before = await dump(scene.world)
    for who, error in (
        (ANONYMOUS, Unauthenticated),
        (held.principal, Forbidden),
        (publishable, Forbidden),
    ):
        with pytest.raises(error):
            await organize.add_user(scene.world, who, scene.request(), reference="x")
    assert await dump(scene.world) == before


async def test_a_budget_is_of_a_known_asset(scene: Scene) -> None:
    """A budget that no run would ever be booked to is refused, not kept and ignored."""
    user = await organize.add_user(scene.world, scene.principal, scene.request(), reference="u")
    holding = await scene.wallet(user_id=user.id)
    wallet = holding.wallet.id
    for command in (
        budgets.SetBudget(wallet, "0xABCDEF0000000000000000000000000000000000", 1, 0),
        budgets.SetBudget(wallet, "usdc", 1, 0),
        budgets.SetBudget(wallet, "native", -1, 0),
        budgets.SetBudget(wallet, "native", 1, -5),
        budgets.SetBudget(wallet, "fees", 1, 0),
        budgets.SetBudget(user.id, "fees", 1, 3600),
    ):
        with pytest.raises(Malformed):
            await budgets.set_budget(scene.world, scene.principal, scene.request(), command)
    line = await budgets.set_budget(
        scene.world,
        scene.principal,
        scene.request(),
        budgets.SetBudget(user.id, "fees", 5 * USDC, 0),
    )
    assert line.limit == 5 * USDC


async def test_a_budget_keeps_what_is_booked_when_its_limit_changes(scene: Scene) -> None:
    """Raising or lowering a limit forgets nothing."""
    holding = await scene.wallet()
    token = f"0x{scene.token.hex()}"
    await _budget(scene, holding.wallet.id, token, 10 * USDC)
    held = await scene.open(holding)
    await scene.run(held, scene.transfer(4 * USDC))
    line = await _budget(scene, holding.wallet.id, token, 5 * USDC)
    assert (line.counter.spent, line.limit) == (4 * USDC, 5 * USDC)


async def _budget(scene: Scene, scope_id: str, asset: str, limit: int) -> BudgetLine:
    return await budgets.set_budget(
        scene.world,
        scene.principal,
        scene.request(),
        budgets.SetBudget(scope_id, asset, limit, 0),
    )


async def _publishable(scene: Scene) -> Principal:
    _, token = await credentials.add_credential(
        scene.world,
        scene.principal,
        scene.request(),
        kind=CredentialKind.PUBLISHABLE,
        label="browser",
        public_key=None,
    )
    return await prove.authenticate(scene.world, Bearer(token or ""), is_write=False)


def _named(lines: list[AuditLine]) -> set[tuple[str, str]]:
    return {(one.event, one.subject_id) for one in lines}
