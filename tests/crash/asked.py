"""What is asked for has a name: its request, its keys and what is made for it follow from it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

import coincurve

from valetkey.core.activity import Request, request_hash
from valetkey.core.command import OpenSession
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import Call, Cap, Permission, Rule
from valetkey.core.plan import consent_digests, delegation_digest
from valetkey.core.principal import Access
from valetkey.core.session import Proof, Session
from valetkey.core.surface import Surface
from valetkey.core.wallet import Account, Curve, OwnerKey, PublicKey, address_of
from valetkey.flows import accounts, executions, open_session, register
from valetkey.flows.grant import granted
from valetkey.spec import secp256k1

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World

CAP: Final = 10
RECIPIENT: Final = b"\x11" * 20
TRANSFER: Final = "transfer(address,uint256)"
HOUR_S: Final = 3600
# The x of the generator of P-256: nobody proves anything by it here.
STAMP_KEY: Final = bytes.fromhex(
    "036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
)


def opening(world: World, asked: dict[str, Any], setup: dict[str, Any]) -> OpenSession:
    """
    Return what opens a session; its label is the name of its key.

    With a key that is known by its address alone it is one of a vendor's surface.
    """
    by_address = asked["proof"] == "address"
    proof = Proof.CHAIN if by_address else Proof(asked["proof"])
    curve = Curve.SECP256K1 if proof is Proof.CHAIN else Curve.P256
    key = PublicKey(curve, public_of(asked["id"]) if proof is Proof.CHAIN else STAMP_KEY)
    now, token = world.clock.now(), bytes.fromhex(setup["token"])
    permission = Permission(
        chain=setup["chain"],
        rules=(Rule(token, selector_of(TRANSFER), TRANSFER),),
        caps=(Cap(token, 6, lifetime=CAP),),
        starts_at=now - 60,
        expires_at=now + HOUR_S,
        recipients=(RECIPIENT,),
        relayer=world.relayer_address if by_address else None,
    )
    return OpenSession(
        proof=proof,
        access=Access.WRITE,
        user_id=None,
        account_id=setup["account_id"],
        key=None if by_address else key,
        permission=permission,
        starts_at=permission.starts_at,
        expires_at=permission.expires_at,
        idle_s=None,
        label=asked["id"],
        device="",
        surface=Surface.OPENFORT if by_address else Surface.NATIVE,
        key_address=address_of(key) if by_address else None,
    )


async def execute(
    world: World, who: Principal, asked: dict[str, Any], *, chain: str
) -> dict[str, Any]:
    """Have an owner sign for an account that does not run our code yet."""
    secret = secret_of(asked["id"])
    owner = secp256k1.address_of_key(secret)
    command = accounts.AddWallet(chain, OwnerKey.OUTSIDE, owner, None, "")
    named = Request(f"{asked['id']}-wallet", request_hash("wallet", asked))
    _, account = await accounts.add_wallet(world, who, named, command)
    code = world.chains[chain].implementation
    digest = delegation_digest(chain=chain, delegate=code, nonce=0)
    calls = [Call(RECIPIENT, 0, b"")]
    given = secp256k1.sign_digest(digest, secret)
    made = await _sign(world, who, asked, account.id, calls, secret, authorization=given)
    return {"account_id": account.id, "owner": asked["id"], **made}


async def register_at_once(
    world: World, who: Principal, asked: dict[str, Any], setup: dict[str, Any]
) -> dict[str, Any]:
    """Open a session of such an account, have its owner sign, and put it on its chain."""
    account_id = asked["account_id"]
    command = opening(world, {"proof": "address", **asked}, {**setup, "account_id": account_id})
    named = Request(f"{asked['id']}-open", request_hash("open", asked))
    session = (await open_session.open_session(world, who, named, command)).session
    account = await world.store.read(lambda view: view.get(Account, account_id))
    assert account is not None
    given, _ = consent_digests(granted(session), account)
    signature = secp256k1.sign_digest(given, secret_of(asked["owner"]))
    told = await register.register(
        world, who, request_of(asked), session_id=session.id, owner_signature=signature
    )
    return {"activity_id": told.activity.id, "state": told.activity.state.value}


async def act(world: World, who: Principal, asked: dict[str, Any], *, call: Call) -> dict[str, Any]:
    """Have a session key sign what nobody knew that it would."""
    session = await world.store.read(lambda view: view.get(Session, asked["session_id"]))
    assert session is not None
    assert session.account_id is not None
    return await _sign(world, who, asked, session.account_id, [call], secret_of(session.label))


async def _sign(  # noqa: PLR0917 - what is asked for, by whom, and who signs it
    world: World,
    who: Principal,
    asked: dict[str, Any],
    account_id: str,
    calls: list[Call],
    secret: bytes,
    authorization: bytes | None = None,
) -> dict[str, Any]:
    activity = await executions.prepare(
        world,
        who,
        request_of(asked),
        account_id=account_id,
        calls=calls,
        authorization=authorization,
    )
    assert activity.execution is not None
    signature = secp256k1.sign_digest(activity.execution.digest, secret)
    activity = await executions.sign_execution(
        world, who, activity_id=activity.id, signature=signature
    )
    return {"activity_id": activity.id, "state": activity.state.value}


def request_of(asked: dict[str, Any]) -> Request:
    """Return the request that makes it, however often it is made."""
    return Request(asked["id"], request_hash(asked["what"], asked))


def secret_of(name: str) -> bytes:
    """Return the secret key of that name."""
    return hashlib.sha256(name.encode()).digest()


def public_of(name: str) -> bytes:
    """Return the public key of that name."""
    return coincurve.PrivateKey(secret_of(name)).public_key.format()
