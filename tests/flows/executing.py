"""Calls of an account that somebody asks for, and somebody signs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.flows.holders import as_holder
from tests.flows.people import Held
from tests.worlds import CHAIN
from valetkey.core.credential import CredentialKind
from valetkey.core.plan import delegation_digest
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.session import Proof
from valetkey.core.surface import Surface
from valetkey.flows import executions, open_session, organize
from valetkey.flows.credentials import add_credential
from valetkey.spec import secp256k1
from valetkey.spec.permission_bytes import personal_digest

if TYPE_CHECKING:
    from tests.flows.scene import Holding, Scene
    from valetkey.core.activity import Activity, Request
    from valetkey.core.organization import User
    from valetkey.core.permission.model import Call, Permission


async def ask(
    scene: Scene,
    holding: Holding,
    *calls: Call,
    principal: Principal | None = None,
    request: Request | None = None,
    authorization: bytes | None = None,
    sponsorship_id: str | None = None,
) -> Activity:
    """Ask for what has to be signed so that the account makes *calls*."""
    return await executions.prepare(
        scene.world,
        principal or scene.principal,
        request or scene.request(),
        account_id=holding.account.id,
        calls=calls,
        authorization=authorization,
        sponsorship_id=sponsorship_id,
    )


def signature_of(activity: Activity, key: bytes, *, personal: bool = False) -> bytes:
    """Sign what *activity* asks for, as a wallet does."""
    assert activity.execution is not None
    digest = activity.execution.digest
    return secp256k1.sign_digest(personal_digest(digest) if personal else digest, key)


async def bring(
    scene: Scene, activity: Activity, signature: bytes, *, principal: Principal | None = None
) -> Activity:
    """Bring a signature of somebody's."""
    return await executions.sign_execution(
        scene.world, principal or scene.principal, activity_id=activity.id, signature=signature
    )


async def sign(
    scene: Scene, activity: Activity, key: bytes | None, *, personal: bool = False
) -> Activity:
    """Sign what *activity* asks for, and bring the signature."""
    assert key is not None
    return await bring(scene, activity, signature_of(activity, key, personal=personal))


async def publishable(scene: Scene) -> Principal:
    """Return who a publishable key proves."""
    credential, _ = await add_credential(
        scene.world,
        scene.principal,
        scene.request(),
        kind=CredentialKind.PUBLISHABLE,
        label="page",
        public_key=None,
    )
    owner = credential.organization_id
    return Principal(PrincipalKind.PUBLISHABLE, owner, credential.id, Access.READ)


async def user(scene: Scene, name: str = "ada") -> User:
    """Return a new user."""
    return await organize.add_user(scene.world, scene.principal, scene.request(), reference=name)


async def client(scene: Scene, user_id: str, *, surface: Surface = Surface.OPENFORT) -> Principal:
    """Return who the session of a user's client proves."""
    command = scene.command(
        None, proof=Proof.BEARER, access=Access.WRITE, user_id=user_id, surface=surface
    )
    opened = await open_session.open_session(scene.world, scene.principal, scene.request(), command)
    return as_holder(opened.session)


def authorization_of(
    scene: Scene,
    holding: Holding,
    *,
    chain: str = CHAIN,
    delegate: bytes | None = None,
    nonce: int = 0,
) -> bytes:
    """Let the account run our code (EIP-7702), or what is named instead."""
    assert holding.secret is not None
    code = delegate or scene.chain.implementation
    digest = delegation_digest(chain=chain, delegate=code, nonce=nonce)
    return secp256k1.sign_digest(digest, holding.secret)


async def hold(
    scene: Scene,
    holding: Holding,
    *,
    secret: bytes | None = None,
    permission: Permission | None = None,
    is_signed: bool = True,
    surface: Surface = Surface.OPENFORT,
    shares_key: bool = False,
) -> Held:
    """Return a session of a key that is known by its address, as the vendor's clients open it."""
    key = secret or scene.new_key()
    limits = permission or scene.permission()
    bound = replace(limits, relayer=scene.world.relayer_address)
    command = scene.command(holding, proof=Proof.CHAIN, permission=bound, surface=surface)
    address = secp256k1.address_of_key(key)
    command = replace(command, key=None, key_address=address, shares_key=shares_key)
    opened = await open_session.open_session(scene.world, scene.principal, scene.request(), command)
    session = opened.session
    if is_signed:
        assert holding.secret is not None
        session = await scene.sign_grant(session, holding.secret)
    return Held(session, as_holder(session), key, holding)


async def act(scene: Scene, held: Held, *calls: Call, personal: bool = True) -> Activity:
    """Ask for calls and sign them with the session's key."""
    asked = await ask(scene, held.holding, *calls)
    return await sign(scene, asked, held.secret, personal=personal)
