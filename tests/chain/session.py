"""Accounts, grants and runs to try on a chain."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.chain.world import TRANSFER, USDC, fresh_secret, words
from valetkey.devchain import CHAIN_ID
from valetkey.spec import permission_bytes as pb
from valetkey.spec.eip712 import TypedData, digest
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import address_of_key, sign_digest
from valetkey.spec.transaction import SetCode, authorization_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chain.world import Receipt, World

DAY_S = 86_400


@dataclass(slots=True)
class Owner:
    """An externally owned account that delegates to the account code."""

    world: World
    secret: bytes = field(default_factory=fresh_secret)

    @classmethod
    def delegated(cls, world: World) -> Owner:
        """Return a new account with code, tokens and native value."""
        owner = cls(world)
        assert world.send(owner.address, authorizations=[owner.authorization()]).succeeded
        world.mint(owner.address, 1_000_000 * USDC)
        assert world.send(owner.address, value_wei=10**18).succeeded
        return owner

    @property
    def address(self) -> bytes:
        """The account."""
        return address_of_key(self.secret)

    def authorization(self) -> SetCode:
        """Return the signed wish to run the account code."""
        nonce = self.world.nonce_of(self.address)
        signature = sign_digest(authorization_digest(CHAIN_ID, self.world.code, nonce), self.secret)
        return SetCode(CHAIN_ID, self.world.code, nonce, signature)

    def sign(self, typed: TypedData) -> bytes:
        """Sign *typed* with the owner's key."""
        return sign_digest(digest(typed), self.secret)

    def send_self(self, data: bytes) -> Receipt:
        """Send *data* to the account from the account itself."""
        key = type(self.world.relayer)(self.secret, self.address)
        return self.world.send(self.address, data, by=key)

    def epoch(self) -> int:
        """Return the epoch that the account states."""
        return int.from_bytes(self.world.call(self.address, pb.epoch_calldata()), "big")


@dataclass(slots=True)
class Session:
    """One grant on one account, and the key that holds it."""

    owner: Owner
    grant: pb.Grant
    secret: bytes
    tree: pb.RuleTree | None = None
    p256: ec.EllipticCurvePrivateKey | None = None

    @classmethod
    def in_tree(cls, owner: Owner, *rules: pb.Rule, **fields: Any) -> Session:  # noqa: ANN401
        """Return a session whose grant keeps the root of *rules*."""
        tree = pb.RuleTree(rules)
        session = cls.opened(owner, **{"rules": (), "root": tree.root} | fields)
        session.tree = tree
        return session

    @classmethod
    def with_p256(cls, owner: Owner, *rules: pb.Rule, **fields: Any) -> Session:  # noqa: ANN401
        """Return a session whose key is on P-256."""
        key = ec.derive_private_key(int.from_bytes(fresh_secret(), "big") >> 1, ec.SECP256R1())
        numbers = key.public_key().public_numbers()
        session = cls.opened(owner, *rules, **{"key": words(numbers.x, numbers.y)} | fields)
        session.p256 = key
        return session

    @classmethod
    def opened(cls, owner: Owner, *rules: pb.Rule, **fields: Any) -> Session:  # noqa: ANN401
        """Return a session whose grant is signed but not on chain; *fields* replace defaults."""
        secret = fresh_secret()
        now = owner.world.now()
        defaults: dict[str, Any] = {
            "key": address_of_key(secret),
            "salt": 7,
            "starts_at": now - 10,
            "expires_at": now + 400 * DAY_S,
            "max_calls": 1000,
            "rules": rules or (token_rule(owner.world),),
        }
        return cls(owner, pb.Grant(**(defaults | fields)), secret)

    @property
    def world(self) -> World:
        """The chain."""
        return self.owner.world

    @property
    def account(self) -> bytes:
        """The account."""
        return self.owner.address

    @property
    def packed(self) -> bytes:
        """The grant's bytes."""
        return pb.encode_grant(self.grant)

    @property
    def id(self) -> bytes:
        """The grant id."""
        return pb.grant_id(self.packed)

    @property
    def state(self) -> pb.SlotState:
        """What the chain keeps of the grant."""
        return pb.decode_slot_state(self.world.storage(self.account, pb.state_slot(self.id)))

    def cap_state(self, index: int) -> pb.CapState:
        """Return what the chain keeps of cap *index*."""
        return pb.decode_cap_state(self.world.storage(self.account, pb.cap_slot(self.id, index)))

    def owner_signature(self, epoch: int = 0) -> bytes:
        """Return the owner's signature over the grant."""
        typed = pb.grant_typed_data(
            self.grant, epoch=epoch, chain_id=CHAIN_ID, account=self.account
        )
        return self.owner.sign(typed)

    def register(self) -> Receipt:
        """Put the grant on chain."""
        data = pb.register_calldata(self.packed, self.owner_signature())
        receipt = self.world.send(self.account, data)
        assert receipt.succeeded
        return receipt

    def run(self, *calls: pb.RunCall, **fields: Any) -> bytes:  # noqa: ANN401
        """Return the calldata of a run with *calls*; *fields* are those of `packed_run`."""
        packed = pb.pack_run(self.grant, calls, self.tree)
        return self.packed_run(packed.calls, **{"grant": packed.grant} | fields)

    def packed_run(
        self,
        calls: bytes,
        *,
        grant: bytes | None = None,
        nonce: int = 0,
        deadline: int | None = None,
        first: bool = False,
        personal: bool = False,
        account: bytes | None = None,
        chain_id: int = CHAIN_ID,
    ) -> bytes:
        """Return the calldata of a signed run."""
        until = self.world.now() + 1_000 * DAY_S if deadline is None else deadline
        carried = self.packed if grant is None else grant
        signed = pb.run_digest(
            keccak256(carried),
            calls,
            nonce=nonce,
            deadline=until,
            chain_id=chain_id,
            account=account or self.account,
        )
        owner_signature = self.owner_signature() if first else None
        return pb.run_calldata(
            carried,
            calls,
            self.signature(signed, personal=personal),
            nonce=nonce,
            deadline=until,
            owner_signature=owner_signature,
        )

    def signature(self, digest: bytes, *, personal: bool = False) -> bytes:
        """Return the 65 bytes with which the session key signs *digest*."""
        if self.p256 is not None:
            r, s = decode_dss_signature(self.p256.sign(digest, ec.ECDSA(hashes.SHA256())))
            return pb.es256_signature(words(r, s))
        if not personal:
            return sign_digest(digest, self.secret)
        signature = sign_digest(pb.personal_digest(digest), self.secret)
        return signature[:64] + bytes((signature[64] + 4,))

    def submit(self, data: bytes) -> Receipt:
        """Send *data* to the account."""
        return self.world.send(self.account, data)

    def refusal(self, data: bytes) -> pb.Refusal | bytes | None:
        """Return why the account would refuse *data*, ``None`` if it would not."""
        return self.world.refusal(self.account, data)


def token_rule(
    world: World,
    *,
    meters: Sequence[pb.Meter] = (),
    constraints: Sequence[pb.Constraint] = (),
) -> pb.Rule:
    """Return the rule for ``transfer`` of the token."""
    return pb.Rule(pb.RuleKind.CALL, world.token, TRANSFER, tuple(meters), tuple(constraints))


def capped(owner: Owner, *caps: pb.Cap, **fields: Any) -> Session:  # noqa: ANN401
    """Return a session with one rule whose amount is booked to every one of *caps*."""
    meters = [pb.Meter(1, index) for index in range(len(caps))]
    return Session.opened(owner, token_rule(owner.world, meters=meters), caps=caps, **fields)
