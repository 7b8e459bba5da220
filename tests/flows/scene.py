"""A world on a chain in this process, and the people in it: owners, holders, an organization."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Final

from tests.flows.holders import as_holder
from tests.flows.keys import public_key
from tests.flows.line import Line
from tests.flows.people import Held, Holding, sign_typed
from tests.leaks import secret as keep_secret
from tests.worlds import CHAIN, RELAYER_WEI, Founded, StoppedClock, make_organization, make_world
from valetkey.adapters.chain.evm import EvmChain
from valetkey.core.activity import ActivityState, Request, request_hash
from valetkey.core.command import OpenSession
from valetkey.core.permission.effects import selector_of
from valetkey.core.permission.model import Call, Cap, Permission, Rule
from valetkey.core.principal import Access, Principal
from valetkey.core.session import Proof, Session
from valetkey.core.wallet import Clones, Curve, OwnerKey
from valetkey.devchain import CHAIN_ID, Deployment, Rpc, deploy, dev_keys, fund, mint
from valetkey.devchain.keys import DEV_BALANCE_WEI
from valetkey.devchain.pyevm.methods import Methods
from valetkey.devchain.pyevm.node import LocalNode
from valetkey.devchain.pyevm.transport import InProcess
from valetkey.flows import accounts, delegation, grant, open_session, run
from valetkey.spec import secp256k1

if TYPE_CHECKING:
    from valetkey.config import Bounds
    from valetkey.core.activity import Activity
    from valetkey.flows.world import World
    from valetkey.ports import Checkpoint, Store

USDC: Final = 10**6
CAP: Final = 20 * USDC
TOKENS: Final = 100 * USDC
HOUR_S: Final = 3600
ALICE: Final = b"\x11" * 20
BOB: Final = b"\x22" * 20
MALLORY: Final = b"\x99" * 20
TRANSFER: Final = "transfer(address,uint256)"
URL: Final = "http://127.0.0.1:1"  # nobody listens there: the line does not leave the process


@dataclass(slots=True)
class Scene:
    """
    A world and everybody in it.

    Args:
        world: On an in-memory store and a chain in this process, both at the time of *clock*.
        line: What is between the world and the chain.
        rpc: Past the line, straight to the node.
        founded: The organization that is acted for.
    """

    world: World
    clock: StoppedClock
    line: Line
    rpc: Rpc
    deployment: Deployment
    founded: Founded
    _requests: count[int] = field(default_factory=lambda: count(1))

    @property
    def principal(self) -> Principal:
        """Who the organization's secret key proves."""
        return self.founded.principal

    @property
    def token(self) -> bytes:
        """The demo token's address."""
        return self.deployment.token

    @property
    def chain(self) -> EvmChain:
        """The adapter that the world speaks through."""
        chain = self.world.chains[CHAIN]
        assert isinstance(chain, EvmChain)
        return chain

    def request(self, body: object = None) -> Request:
        """Return a request that was never made; the same *body* is not the same request."""
        number = next(self._requests)
        return Request(f"request-{number}", request_hash("test", [number, body]))

    def with_bounds(self, **changed: float) -> None:
        """Let other bounds hold from now on."""
        bounds = replace(self.world.bounds, **changed)  # type: ignore[arg-type]
        self.world = replace(self.world, bounds=bounds)

    def new_key(self) -> bytes:
        """Return 32 bytes that are a key of secp256k1 and nobody else's."""
        return keep_secret(self.world.entropy.take(32))

    async def wallet(
        self,
        owner_key: OwnerKey = OwnerKey.SEALED,
        *,
        user_id: str | None = None,
        is_delegated: bool = True,
        principal: Principal | None = None,
        clone: accounts.AsClone | None = None,
    ) -> Holding:
        """Return a new wallet whose account holds `TOKENS`, and runs our code unless told."""
        who = principal or self.principal
        key = self.new_key() if owner_key is OwnerKey.OUTSIDE else None
        address = secp256k1.address_of_key(key) if key else None
        command = accounts.AddWallet(CHAIN, owner_key, address, user_id, "main", clone)
        wallet, account = await accounts.add_wallet(self.world, who, self.request(), command)
        mint(self.rpc, self.deployment, account.address, TOKENS)
        fund(self.rpc, self.deployment, account.address, 10**18)
        holding = Holding(wallet, account, key)
        if is_delegated and clone is None:
            activity = await self.delegate(holding, principal=who)
            assert activity.state is ActivityState.DONE
        return holding

    async def delegate(self, holding: Holding, *, principal: Principal | None = None) -> Activity:
        """Let the account run our code."""
        who = principal or self.principal
        signature = None
        if holding.secret is not None:
            wanted = await delegation.delegation_request(
                self.world, who, account_id=holding.account.id
            )
            signature = secp256k1.sign_digest(wanted.digest, holding.secret)
        return await delegation.delegate(
            self.world, who, self.request(), account_id=holding.account.id, signature=signature
        )

    def permission(self, *, cap: int = CAP, **changed: object) -> Permission:
        """Return what lets a session transfer *cap* of the token to Alice and Bob in an hour."""
        now = self.clock.now()
        plain = Permission(
            chain=CHAIN,
            rules=(Rule(self.token, selector_of(TRANSFER), TRANSFER),),
            caps=(Cap(self.token, 6, lifetime=cap),),
            starts_at=now,
            expires_at=now + HOUR_S,
            recipients=(ALICE, BOB),
        )
        return replace(plain, **changed)  # type: ignore[arg-type]

    def command(
        self,
        holding: Holding | None,
        *,
        proof: Proof = Proof.STAMP,
        permission: Permission | None = None,
        secret: bytes | None = None,
        **changed: object,
    ) -> OpenSession:
        """Return what asks for a session of *holding*; of nothing and for reading if None."""
        limits = None if holding is None else permission or self.permission()
        now = self.clock.now()
        key = None
        if proof is not Proof.BEARER:
            curve = Curve.SECP256K1 if proof is Proof.CHAIN else Curve.P256
            key = public_key(curve, secret or self.new_key())
        plain = OpenSession(
            proof=proof,
            access=Access.READ if limits is None else Access.WRITE,
            user_id=None,
            account_id=holding.account.id if holding else None,
            key=key,
            permission=limits,
            starts_at=limits.starts_at if limits else now,
            expires_at=limits.expires_at if limits else now + HOUR_S,
            idle_s=None,
            label="till 4",
            device="test",
        )
        return replace(plain, **changed)  # type: ignore[arg-type]

    async def open(
        self,
        holding: Holding,
        *,
        proof: Proof = Proof.STAMP,
        permission: Permission | None = None,
        **changed: object,
    ) -> Held:
        """Return an open session of *holding*, signed by its owner."""
        key = self.new_key()
        command = self.command(holding, proof=proof, permission=permission, secret=key, **changed)
        opened = await open_session.open_session(
            self.world, self.principal, self.request(), command
        )
        session = opened.session
        if holding.secret is not None:
            session = await self.sign_grant(session, holding.secret)
        who = as_holder(session)
        return Held(session, who, key, holding)

    async def sign_grant(self, session: Session, owner: bytes) -> Session:
        """Bring the owner's two signatures to a pending session."""
        typed = await grant.consent_of(self.world, self.principal, session_id=session.id)
        return await grant.accept_grant(
            self.world,
            self.principal,
            self.request(),
            session_id=session.id,
            owner_signature=sign_typed(typed["grant"], owner),
            kill_note=sign_typed(typed["kill_note"], owner),
        )

    def transfer(self, amount: int, to: bytes = ALICE) -> Call:
        """Return the call that moves *amount* of the token."""
        words = to.rjust(32, b"\0") + amount.to_bytes(32)
        return Call(self.token, 0, selector_of(TRANSFER) + words)

    async def run(self, held: Held, *calls: Call, request: Request | None = None) -> Activity:
        """Ask for a run of *calls*, and sign it if the key is with the holder."""
        activity = await self.ask(held, *calls, request=request)
        if activity.state is ActivityState.AWAITING:
            return await self.sign(held, activity)
        return activity

    async def ask(self, held: Held, *calls: Call, request: Request | None = None) -> Activity:
        """Ask for a run of *calls*, and leave it at that."""
        return await run.run(self.world, held.principal, request or self.request(), calls=calls)

    async def sign(self, held: Held, activity: Activity) -> Activity:
        """Sign a planned run with the holder's key."""
        assert activity.run is not None
        return await run.sign(
            self.world,
            held.principal,
            activity_id=activity.id,
            signature=secp256k1.sign_digest(activity.run.digest, held.secret),
        )

    async def balance(self, holder: bytes) -> int:
        """Return how much of the token *holder* has."""
        return await self.chain.token_balance(self.token, holder)

    async def moved(self) -> int:
        """Return how much of the token has reached Alice and Bob."""
        return await self.balance(ALICE) + await self.balance(BOB)


async def make_scene(
    *,
    bounds: Bounds | None = None,
    store: Store | None = None,
    checkpoint: Checkpoint | None = None,
    seed: int = 0,
) -> Scene:
    """Return a scene of its own: nothing is shared with another."""
    clock = StoppedClock()
    node = LocalNode(CHAIN_ID, {key.address: DEV_BALANCE_WEI for key in dev_keys()}, clock.now)
    line = Line(Methods(node))
    rpc = Rpc(URL, carry=InProcess(Methods(node)).carry)
    deployment = deploy(rpc)
    chain = EvmChain(
        URL,
        chain_id=CHAIN_ID,
        implementation=deployment.implementation,
        allow_private=True,
        transport=line,
    )
    world = await make_world(
        chains={CHAIN: chain},
        clock=clock,
        bounds=bounds,
        store=store,
        checkpoint=checkpoint,
        clones=Clones(deployment.clone_factory, deployment.clone_implementation),
        seed=seed,
    )
    for payer in (world.relayer_address, world.stopper_address):
        fund(rpc, deployment, payer, RELAYER_WEI)
    founded = await make_organization(world)
    return Scene(world, clock, line, rpc, deployment, founded)


__all__ = [
    "ALICE",
    "BOB",
    "CAP",
    "HOUR_S",
    "MALLORY",
    "TOKENS",
    "TRANSFER",
    "URL",
    "USDC",
    "Held",
    "Holding",
    "Scene",
    "make_scene",
    "sign_typed",
]
