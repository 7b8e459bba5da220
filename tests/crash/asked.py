"""What is asked for has a name: its request, its keys and what is made for it follow from it."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import coincurve

from valetkey.core.activity import Request, request_hash
from valetkey.core.permission.model import Call
from valetkey.core.plan import delegation_digest
from valetkey.core.wallet import OwnerKey
from valetkey.flows import accounts, executions
from valetkey.spec import secp256k1

if TYPE_CHECKING:
    from valetkey.core.principal import Principal
    from valetkey.flows.world import World

NOBODY = b"\x11" * 20


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
    activity = await executions.prepare(
        world,
        who,
        request_of(asked),
        account_id=account.id,
        calls=[Call(NOBODY, 0, b"")],
        authorization=secp256k1.sign_digest(digest, secret),
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
