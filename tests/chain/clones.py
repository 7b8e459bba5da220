"""Accounts that a factory makes, for the tests of what is different about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.chain.session import Owner
from tests.chain.world import USDC, fresh_secret, words
from valetkey.devchain import CHAIN_ID, DevKey
from valetkey.spec import clone, erc7821
from valetkey.spec import permission_bytes as pb
from valetkey.spec.eip712 import TypedData, digest
from valetkey.spec.secp256k1 import address_of_key, sign_digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chain.world import Receipt, World

ETHER = 10**18


@dataclass(slots=True)
class Factory:
    """The factory and the code of its clones, on one chain."""

    world: World
    implementation: bytes
    address: bytes

    @classmethod
    def on(cls, world: World) -> Factory:
        """Return a new one."""
        code = world.deploy("CloneAccount")
        return cls(world, code, world.deploy("CloneFactory", words(code)))


@dataclass(slots=True)
class Clone(Owner):
    """
    A clone and its owner, whose key is `secret`.

    `is_personal` says how the owner signs, `is_made_personal` what the account was made with.
    """

    factory: Factory | None = None
    salt: bytes = bytes(32)
    is_personal: bool = False
    is_made_personal: bool = False
    fixed: bytes | None = None

    @classmethod
    def planned(
        cls, factory: Factory, *, personal: bool = False, secret: bytes | None = None, salt: int = 0
    ) -> Clone:
        """Return one that is not on chain yet; its owner has wei, it has nothing."""
        made = cls(
            factory.world,
            secret or fresh_secret(),
            factory,
            words(salt),
            is_personal=personal,
            is_made_personal=personal,
        )
        assert made.world.send(made.key.address, value_wei=ETHER).succeeded
        return made

    @classmethod
    def deployed(
        cls, factory: Factory, *, personal: bool = False, secret: bytes | None = None, salt: int = 0
    ) -> Clone:
        """Return one with code, tokens and native value."""
        made = cls.planned(factory, personal=personal, secret=secret, salt=salt)
        assert made.deploy().succeeded
        made.world.mint(made.address, 1_000_000 * USDC)
        assert made.world.send(made.address, value_wei=ETHER).succeeded
        return made

    @property
    def address(self) -> bytes:
        """The account."""
        assert self.factory is not None
        return self.fixed or clone.clone_address(
            self.factory.address,
            self.factory.implementation,
            self.key.address,
            self.salt,
            personal=self.is_made_personal,
        )

    @property
    def key(self) -> DevKey:
        """The owner, as one that sends transactions."""
        return DevKey(self.secret, address_of_key(self.secret))

    def deploy(self, act: bytes = b"", *, value_wei: int = 0) -> Receipt:
        """Have the factory make the account, and call it with *act*."""
        assert self.factory is not None
        return self.world.send(self.factory.address, self.deploy_data(act), value_wei=value_wei)

    def deploy_data(self, act: bytes = b"") -> bytes:
        """Return the factory's calldata for that."""
        return clone.deploy_calldata(
            self.key.address, self.salt, personal=self.is_made_personal, act=act
        )

    def sign(self, typed: TypedData) -> bytes:
        """Sign *typed* with the owner's key, by ``personal_sign`` if this owner signs so."""
        if not self.is_personal:
            return sign_digest(digest(typed), self.secret)
        signature = sign_digest(pb.personal_digest(digest(typed)), self.secret)
        return signature[:64] + bytes((signature[64] + 4,))

    def send_self(self, data: bytes) -> Receipt:
        """Send *data* to the account from its owner."""
        return self.world.send(self.address, data, by=self.key)

    def owned_by(self, secret: bytes) -> Clone:
        """Return the same account in the hands of another owner."""
        assert self.world.send(address_of_key(secret), value_wei=ETHER).succeeded
        return Clone(
            self.world,
            secret,
            self.factory,
            is_personal=self.is_personal,
            is_made_personal=self.is_made_personal,
            fixed=self.address,
        )

    def transfer_note(self, new_owner: bytes, *, epoch: int = 0) -> bytes:
        """Return the owner's change of owner, ready to submit."""
        typed = clone.transfer_ownership_typed_data(
            new_owner, epoch=epoch, chain_id=CHAIN_ID, account=self.address
        )
        return clone.transfer_ownership_signed_calldata(new_owner, self.sign(typed))


def signed_execution(
    owner: Owner, calls: Sequence[erc7821.Call], *, nonce: int = 0, deadline: int | None = None
) -> bytes:
    """Return calls that *owner* has signed, ready to submit."""
    until = owner.world.now() + 1_000 if deadline is None else deadline
    typed = erc7821.execute_typed_data(
        calls, nonce=nonce, deadline=until, chain_id=CHAIN_ID, account=owner.address
    )
    signature = owner.sign(typed)
    return erc7821.execute_calldata(calls, op_data=erc7821.op_data(nonce, until, signature))
