"""Open a session: check it, write it down, and say what the owner has to sign."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from valetkey.core.command import OpenSession, check_open
from valetkey.core.errors import ChainRejected, Code, Malformed
from valetkey.core.grant import Grant
from valetkey.core.ids import Prefix
from valetkey.core.organization import User
from valetkey.core.permission.canonical import permission_id
from valetkey.core.permission.checks import check_permission
from valetkey.core.permission.compile import NotOnChain, compile_grant
from valetkey.core.plan import grant_id_of
from valetkey.core.principal import PrincipalKind
from valetkey.core.scope import Scope
from valetkey.core.session import Proof, Session, State, Usage
from valetkey.core.token import fingerprint
from valetkey.core.wallet import Account, Curve, Wallet, grant_key_of
from valetkey.flows.consent_link import write_link
from valetkey.flows.gate import expect_reach, expect_secret, expect_write, present
from valetkey.flows.grant import owner_key_of, sign_as_owner
from valetkey.flows.opening import (
    Opened,
    findings_of,
    opened_by,
    refuse_many_waiting,
    refuse_shared_key,
    token_for,
    unspent,
    write_opened,
)
from valetkey.flows.paid_by import refresh_if_changed
from valetkey.flows.reached import expect_account
from valetkey.flows.record import admit, earlier
from valetkey.flows.sponsoring import expect_named, expect_registering
from valetkey.flows.standing import epoch_of

if TYPE_CHECKING:
    from valetkey.core.activity import Request
    from valetkey.core.permission.model import Permission
    from valetkey.core.principal import Principal
    from valetkey.core.wallet import SealedKey
    from valetkey.flows.world import World
    from valetkey.ports import Chain, Tx, View

SALT_BYTES = 4


@dataclass(frozen=True, slots=True)
class _Facts:
    account: Account | None = None
    wallet: Wallet | None = None


@dataclass(frozen=True, slots=True)
class _Made:
    id: str
    token: str | None
    permission: Permission | None
    grant: Grant | None


async def open_session(
    world: World, principal: Principal, request: Request, command: OpenSession
) -> Opened:
    """
    Open a session, or leave it ``pending`` until the owner has signed what `consent` gives.

    1. who asks: a backend, or the client whose user has the account; 2. form and times; 3. the
    chain checks such keys, and the permission compiles, or the session is bound to this server's
    relayer; 4. its tokens have the decimals that its caps
    say; 5. the key is nobody else's; 6. written down; 7. signed, if the owner's key is here.

    Raises:
        Malformed: Something has another form than it must; the detail says which.
        Forbidden: A bearer token was asked to write; or the sponsorship does not pay for the grant,
            or a client named none.
        Conflict: The key holds a session of another account.
        Limited: Too many sessions are open, or of a client's account wait for the owner.
        ChainRejected: The key is on P-256, and the chain checks no such signatures.
    """
    _expect_opener(principal)  # 1
    before = await world.store.read(lambda view: opened_by(view, earlier(view, principal, request)))
    if before is not None:
        return await _signed(world, before)
    check_open(command, now=world.clock.now(), max_session_s=world.bounds.max_session_s)  # 2
    await refresh_if_changed(world)
    facts = await world.store.read(lambda view: _facts(view, principal, command))
    session_id = world.new_id(Prefix.SESSION)
    server_key = await _server_key(world, principal, command, session_id)
    permission = _bound(world, command, facts.account)
    grant = await _grant(world, command, permission, facts, server_key)  # 3
    findings = await findings_of(world, permission)  # 4
    token = token_for(world, command)
    made = _Made(session_id, token, permission, grant)
    session = _session(world, principal, command, facts, made)
    usage = Usage(session.id, session.created_at, unspent(permission))

    def body(tx: Tx) -> Opened:  # 5, 6
        again = opened_by(tx, admit(world, tx, principal, request))
        if again is not None:
            return again
        if facts.account is not None:
            expect_registering(world, tx, facts.account, command.sponsorship_id)
        if not command.shares_key:
            refuse_shared_key(world, tx, session)
        refuse_many_waiting(world, tx, principal, session)
        write_opened(world, tx, principal, request, (session, usage))
        if server_key is not None:
            tx.add(server_key)
        return Opened(session, usage, token, findings, write_link(world, tx, session))

    return await _signed(world, await world.store.write(body))  # 7


async def _signed(world: World, opened: Opened) -> Opened:
    """Return the session, open, if it waits for an owner's key that is here; else as it is."""
    session = opened.session
    if session.state is not State.PENDING:
        return opened
    owner = await world.store.read(lambda view: owner_key_of(view, session))
    if owner is None:
        return opened
    return replace(opened, session=await sign_as_owner(world, session.id, owner))


def _session(
    world: World, principal: Principal, command: OpenSession, facts: _Facts, made: _Made
) -> Session:
    account, wallet = facts.account, facts.wallet
    permission = made.permission
    return Session(
        id=made.id,
        organization_id=principal.organization_id,
        user_id=command.user_id or (account.user_id if account else None),
        wallet_id=wallet.id if wallet else None,
        account_id=command.account_id,
        proof=command.proof,
        access=command.access,
        state=State.PENDING if made.grant else State.OPEN,
        label=command.label,
        device=command.device,
        created_at=world.clock.now(),
        starts_at=command.starts_at,
        expires_at=command.expires_at,
        idle_s=command.idle_s,
        fingerprint=fingerprint(made.token) if made.token else None,
        key=command.key,
        permission=permission,
        permission_id=permission_id(permission) if permission else None,
        owner_key=wallet.owner_key if wallet else None,
        grant=made.grant,
        surface=command.surface,
        sponsorship_id=command.sponsorship_id,
    )


def _expect_opener(principal: Principal) -> None:
    if principal.kind is PrincipalKind.SESSION:
        expect_write(principal)
    else:
        expect_secret(principal)


def _facts(view: View, principal: Principal, command: OpenSession) -> _Facts:
    if principal.kind is PrincipalKind.SESSION and command.account_id is None:
        return present(None, "account")
    if command.user_id is not None:
        user = present(view.get(User, command.user_id), "user")
        expect_reach(view, principal, user.organization_id, "user", widens=True)
    if command.account_id is None:
        return _Facts()
    account = present(view.get(Account, command.account_id), "account")
    expect_account(view, principal, account, scope=Scope.SESSIONS_OPEN, widens=True)
    expect_named(principal, command.sponsorship_id)
    if command.user_id is not None and account.user_id not in {None, command.user_id}:
        detail = "user_id: expected the user of the account, got another"
        raise Malformed(Code.MALFORMED_BODY, detail)
    wallet = present(view.get(Wallet, account.wallet_id), "wallet")
    return _Facts(account, wallet)


async def _server_key(
    world: World, principal: Principal, command: OpenSession, session_id: str
) -> SealedKey | None:
    """Make the chain key of a ``stamp`` session: the holder proves to us, we prove to the chain."""
    if command.proof is not Proof.STAMP or command.permission is None:
        return None
    return await world.vault.create(
        Curve.SECP256K1,
        key_id=f"{session_id}/key",
        organization_id=principal.organization_id,
        wallet_id=session_id,
    )


def _bound(world: World, command: OpenSession, account: Account | None) -> Permission | None:
    """Return the permission, well formed, and bound to our relayer if this server holds the key."""
    permission = command.permission
    if permission is None or account is None:
        return permission
    chain = world.chain(account.chain)
    if permission.chain != account.chain:
        detail = f"permission.chain: expected {account.chain}, got {permission.chain}"
        raise Malformed(Code.WRONG_CHAIN, detail)
    if command.proof is Proof.STAMP and permission.relayer is None:
        permission = replace(permission, relayer=world.relayer_address)
    if permission.relayer not in {None, world.relayer_address}:
        detail = f"relayer: expected 0x{world.relayer_address.hex()} or none"
        raise Malformed(Code.MALFORMED_PERMISSION, detail)
    if command.idle_s is not None and permission.relayer is None:
        detail = "idle_s: only a server can count it; bind the relayer or leave it out"
        raise Malformed(Code.NOT_ON_CHAIN, detail)
    return check_permission(permission, forbidden=(*account.own, chain.implementation))


async def _session_key(
    chain: Chain, command: OpenSession, server_key: SealedKey | None
) -> bytes | None:
    """Return the key of the session as its grant names it; None without one."""
    key = server_key.public_key if server_key else command.key
    if key is None:
        return command.key_address
    if key.curve is Curve.P256 and not await chain.checks_p256():
        detail = f"key: expected one on secp256k1, for {chain.chain} checks no P-256 signatures"
        raise ChainRejected(Code.KEY_TYPE_REFUSED, detail)
    return grant_key_of(key)


async def _grant(
    world: World,
    command: OpenSession,
    permission: Permission | None,
    facts: _Facts,
    server_key: SealedKey | None,
) -> Grant | None:
    if permission is None or facts.account is None:
        return None
    chain = world.chain(facts.account.chain)
    session_key = await _session_key(chain, command, server_key)
    if session_key is None:
        return None
    salt = int.from_bytes(world.entropy.take(SALT_BYTES))
    packed = compile_grant(permission, key=session_key, salt=salt)
    if isinstance(packed, NotOnChain):
        detail = f"{packed.caveat}: {packed.detail}"
        raise Malformed(Code.NOT_ON_CHAIN, detail, caveat=packed.caveat)
    return Grant(
        packed=packed,
        grant_id=grant_id_of(packed),
        epoch=await epoch_of(chain, facts.account),
        session_key=session_key,
        key_id=server_key.id if server_key else None,
    )


__all__ = ["OpenSession", "Opened", "open_session"]
