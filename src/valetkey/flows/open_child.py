"""Open a session under another one: narrower, counted against it, and over when it is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from valetkey.core.child_session import (
    Beyond,
    expect_signable,
    expect_within,
    refusal_in_line,
)
from valetkey.core.command import OpenSession, check_open
from valetkey.core.errors import Code, Forbidden, Malformed
from valetkey.core.ids import Prefix
from valetkey.core.permission.canonical import permission_id
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.model import Permission
from valetkey.core.principal import PrincipalKind
from valetkey.core.session import Session, State, Usage
from valetkey.core.surface import Surface
from valetkey.core.token import fingerprint
from valetkey.core.wallet import Account
from valetkey.flows.gate import expect_reach, expect_write, forbid, present
from valetkey.flows.line import line_of, root_of
from valetkey.flows.opening import (
    Opened,
    findings_of,
    opened_by,
    refuse_shared_key,
    token_for,
    unspent,
    write_opened,
)
from valetkey.flows.record import admit, earlier

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World
    from valetkey.ports import Tx, View

# How the first goes beyond the second, None if it is within it. To find out may take long, so
# whoever calls says where it is done.
Compare: TypeAlias = Callable[[Permission, Permission], Awaitable[Beyond | None]]


def _freely(_: Tx) -> None:
    """Open it by nobody's leave but the parent's."""


async def open_child(
    world: World,
    principal: Principal,
    request: Request,
    *,
    parent_id: str,
    command: OpenSession,
    compare: Compare,
    by_leave: Callable[[Tx], None] = _freely,
) -> Opened:
    """
    Open a session under the one called *parent_id*, for its holder or its organization.

    1. who asks; 2. form and times; 3. not more than the parent, whose user and account it has; 4. a
    permission within the parent's, in tokens that have the decimals it says; 5. in one transaction:
    the parent and all above it are in use, there is room, it is written down.

    Args:
        command: Without user and account; the permission, if there is one, not yet checked.
        by_leave: Begins the transaction by using up what lets it be opened.

    Raises:
        Malformed: Something has another form than it must; the detail says which.
        Forbidden: It would be more than its parent, or its parent is not in use.
        Limited: As many are in use below the parent, or below its root, as there may be.
    """
    expect_write(principal)  # 1
    parent, root, before = await world.store.read(
        lambda view: _facts(view, principal, request, parent_id)
    )
    if before is not None:
        return before
    command = replace(command, user_id=parent.user_id, account_id=parent.account_id)
    check_open(command, now=world.clock.now(), max_session_s=world.bounds.max_session_s)  # 2
    expect_within(command, parent, most_depth=world.bounds.session_depth)  # 3
    command = await _within(world, command, parent, root, compare)  # 4
    findings = await findings_of(world, command.permission)
    token = token_for(world, command)
    session = _session(world, command, parent, token)
    usage = Usage(session.id, session.created_at, unspent(command.permission))

    def body(tx: Tx) -> Opened:  # 5
        admit(world, tx, principal, request)
        _, _, again = _facts(tx, principal, request, parent_id)
        if again is not None:
            return again
        by_leave(tx)
        _expect_in_use(world, tx, parent_id)
        refuse_shared_key(world, tx, session)
        write_opened(world, tx, principal, request, (session, usage))
        return Opened(session, usage, token, findings)

    world.checkpoint.reached("child:before_open")
    opened = await world.store.write(body)
    world.checkpoint.reached("child:after_open")
    return opened


def _facts(
    view: View, principal: Principal, request: Request, parent_id: str
) -> tuple[Session, Session, Opened | None]:
    parent = present(view.get(Session, parent_id), "session")
    if principal.kind is PrincipalKind.SESSION and principal.subject_id != parent_id:
        present(None, "session")
    expect_reach(view, principal, parent.organization_id, "session", widens=True)
    return parent, root_of(view, parent), opened_by(view, earlier(view, principal, request))


def _expect_in_use(world: World, view: View, parent_id: str) -> None:
    parent = present(view.get(Session, parent_id), "session")
    denied = refusal_in_line(line_of(view, parent), now=world.clock.now())
    if denied is not None:
        raise forbid(denied)


async def _within(
    world: World, command: OpenSession, parent: Session, root: Session, compare: Compare
) -> OpenSession:
    """Return *command* with its permission well formed, bound to our relayer, and looked at."""
    permission = command.permission
    if permission is None:
        return command
    expect_signable(root)
    if parent.permission is None:  # then it only reads, which was looked at before
        raise Forbidden(Code.READ_ONLY, "expected a parent with a permission, got one that reads")
    chain = world.chain(parent.permission.chain)
    if permission.chain != chain.chain:
        detail = f"permission.chain: expected {chain.chain}, got {permission.chain}"
        raise Malformed(Code.WRONG_CHAIN, detail)
    if permission.relayer is None:
        permission = replace(permission, relayer=parent.permission.relayer)
    account = await world.store.read(
        lambda view: present(view.get(Account, parent.account_id or ""), "account")
    )
    forbidden = (*account.own, chain.implementation)
    permission = check_permission(permission, forbidden=forbidden)
    found = await compare(permission, parent.permission)
    if found is not None:
        raise found.error()
    return replace(command, permission=permission)


def _session(world: World, command: OpenSession, parent: Session, token: str | None) -> Session:
    """Return the child: who and what for are its parent's, the rest is *command*'s."""
    permission = command.permission
    return Session(
        id=world.new_id(Prefix.SESSION),
        organization_id=parent.organization_id,
        user_id=parent.user_id,
        wallet_id=parent.wallet_id,
        account_id=parent.account_id,
        proof=command.proof,
        access=command.access,
        state=State.OPEN,
        label=command.label,
        device=command.device,
        created_at=world.clock.now(),
        starts_at=command.starts_at,
        expires_at=command.expires_at,
        idle_s=command.idle_s,
        fingerprint=fingerprint(token) if token else None,
        key=command.key,
        permission=permission,
        permission_id=permission_id(permission) if permission else None,
        owner_key=parent.owner_key,
        grant=None,
        surface=Surface.NATIVE,  # where children are opened; their parents may be a vendor's
        parent_id=parent.id,
        root_id=parent.root_id or parent.id,
        depth=parent.depth + 1,
    )
