"""Organizations, users and credentials: made, listed, withdrawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from valetkey.core.budget import BudgetLine
from valetkey.core.chain import Counter
from valetkey.core.errors import Code, Limited
from valetkey.core.ids import Prefix
from valetkey.core.organization import MAX_LEVELS, Organization, User
from valetkey.core.quota import Quota
from valetkey.core.scope import Scope
from valetkey.core.sponsorship import Fund, fund_line_id
from valetkey.flows.counts import count_one
from valetkey.flows.credentials import add_first, new_owner, owner_for
from valetkey.flows.gate import expect_scope, expect_secret, present
from valetkey.flows.record import admit, audit, begin, write_down

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.core.wallet import Clones
    from valetkey.flows.world import World
    from valetkey.ports import Tx


async def found(world: World, *, name: str) -> tuple[Organization, str]:
    """
    Return a new organization without a parent, and its first secret key, shown this once.

    Only whoever runs the server can do this: no route leads here.
    """
    organization = Organization(
        id=world.new_id(Prefix.ORGANIZATION),
        parent_id=None,
        name=name,
        created_at=world.clock.now(),
    )
    credential, token = new_owner(world, organization.id)

    def body(tx: Tx) -> None:
        _add_organization(world, tx, organization, principal_id="operator")
        add_first(world, tx, credential, principal_id="operator")

    await world.store.write(body)
    return organization, token or ""


async def open_organization(
    world: World, principal: Principal, request: Request, *, name: str
) -> tuple[Organization, str | None]:
    """
    Return a child of the principal's organization, with funds of its own, and its first secret key.

    The key is shown this once, None when the request is repeated: whoever opened the child hands it
    on, and acts for the child as long as they keep it. The child revokes it when it has its own.
    It owns the child, held to the scopes that whoever opened it has.

    Raises:
        Limited: As many organizations as the operator allows stand below the first one, for each
            spends the operator's money; or as many levels as there may be.
    """
    expect_scope(principal, Scope.ORGANIZATIONS_WRITE)
    organization = Organization(
        id=world.new_id(Prefix.ORGANIZATION),
        parent_id=principal.organization_id,
        name=name,
        created_at=world.clock.now(),
    )
    first, token = new_owner(world, organization.id)

    def body(tx: Tx) -> tuple[Organization, str | None]:
        before = admit(world, tx, principal, request)
        if before is not None:
            return present(tx.get(Organization, before.subject_id), "organization"), None
        credential = owner_for(tx, principal, first)
        _expect_room(tx, principal.organization_id, most=world.bounds.children)
        _add_organization(world, tx, organization, principal_id=principal.subject_id)
        add_first(world, tx, credential, principal_id=principal.subject_id)
        activity = begin(
            world,
            principal,
            request,
            "organization:open",
            organization_id=principal.organization_id,
            subject_id=organization.id,
        )
        write_down(world, tx, activity, "organization:opened")
        return organization, token

    return await world.store.write(body)


async def add_user(
    world: World,
    principal: Principal,
    request: Request,
    *,
    reference: str,
    clones: Clones | None = None,
) -> User:
    """
    Return a new user of the principal's organization.

    Args:
        clones: What makes their accounts, if these are to be clones.
    """
    expect_secret(principal)
    user = User(
        id=world.new_id(Prefix.USER),
        organization_id=principal.organization_id,
        reference=reference,
        created_at=world.clock.now(),
        clones=clones,
    )

    def body(tx: Tx) -> User:
        before = admit(world, tx, principal, request)
        if before is not None:
            return present(tx.get(User, before.subject_id), "user")
        count_one(world, tx, user.organization_id, Quota.USERS)
        tx.add(user)
        owner = user.organization_id
        activity = begin(
            world, principal, request, "user:add", organization_id=owner, subject_id=user.id
        )
        write_down(world, tx, activity, "user:added")
        return user

    return await world.store.write(body)


def _expect_room(tx: Tx, organization_id: str, *, most: int) -> None:
    """Let pass if fewer than *most* stand below the first one: children of children count, too."""
    first = present(tx.get(Organization, organization_id), "organization")
    levels = 0
    while first.parent_id is not None:
        first = present(tx.get(Organization, first.parent_id), "organization")
        levels += 1
    if levels == MAX_LEVELS:
        detail = f"expected at most {MAX_LEVELS} levels of organizations below the first one"
        raise Limited(Code.TOO_MANY_CHILDREN, f"{detail}, got one more")
    below = [first]
    for one in below:
        left = most - len(below) + 1
        if left <= 0:
            detail = f"expected at most {most} organizations below the first one, got one more"
            raise Limited(Code.TOO_MANY_CHILDREN, f"{detail}; the operator sets bounds.children")
        below += tx.find(Organization, parent_id=one.id, limit=left)


def _add_organization(
    world: World, tx: Tx, organization: Organization, *, principal_id: str
) -> None:
    tx.add(organization)
    for fund, limit in (
        (Fund.RUNS, world.bounds.runs_fund_wei),
        (Fund.STOPS, world.bounds.stops_fund_wei),
    ):
        line = BudgetLine(
            id=fund_line_id(organization.id, fund),
            organization_id=organization.id,
            scope_id=organization.id,
            asset="fees",
            limit=limit,
            window_s=0,
            starts_at=organization.created_at,
            counter=Counter(0, 0),
        )
        tx.add(line)
    audit(
        tx,
        organization.id,
        "organization:opened",
        at=organization.created_at,
        subject_id=organization.id,
        principal_id=principal_id,
    )
