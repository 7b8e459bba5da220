"""A session in the hands of a thief: every run that is accepted is made, then all is taken."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.chain.session import Owner, Session
from tests.chain.world import fresh_secret, selector, words
from tests.core.strategies import CAST, Cast
from valetkey.core.permission.compile import NotOnChain, compile_grant, compile_run
from valetkey.core.permission.decide import Allow, decide, nothing_spent
from valetkey.core.permission.effects import EFFECTS
from valetkey.devchain import dev_keys
from valetkey.spec import permission_bytes as pb
from valetkey.spec.secp256k1 import address_of_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.chain.world import World
    from valetkey.core.permission.decide import Spent
    from valetkey.core.permission.model import Call, Permission

RICH = 2**130
_ALLOWANCE = selector("allowance(address,address)")
_BALANCE = selector("balanceOf(address)")
_ENRICH = selector("enrich(address,address,uint256)")
_TRANSFER_FROM = selector("transferFrom(address,address,uint256)")


@dataclass(slots=True)
class Scene:
    """
    A chain with two tokens, an adversary, a router, and people who are thieves all.

    Args:
        adversary: Takes whatever it is approved for, whenever it is touched.
        router: Was approved for everything by each account, and pulls it when that account calls.
    """

    world: World
    tokens: tuple[bytes, bytes]
    adversary: bytes
    router: bytes

    @classmethod
    def built(cls, world: World) -> Scene:
        """Return the scene on *world*."""
        tokens = (world.deploy("HookedToken"), world.deploy("HookedToken"))
        return cls(world, tokens, world.deploy("Adversary"), world.deploy("Router"))

    @property
    def cast(self) -> Cast:
        """Who appears, the last person being the relayer; of the account only a stand-in."""
        people = tuple(key.address for key in reversed(dev_keys()[:4]))
        return Cast(CAST.account, self.tokens, (self.adversary, self.router), people)

    def enter(self) -> Victim:
        """Return a new account, rich, whom everybody watches."""
        owner = Owner.delegated(self.world)
        for token in self.tokens:
            enrich = _ENRICH + words(owner.address, self.router, RICH)
            assert self.world.send(token, enrich).succeeded
        watch = selector("watch(address,address[])") + words(owner.address, 64, 2, *self.tokens)
        for watcher in (self.adversary, self.router):
            assert self.world.send(watcher, watch).succeeded
        return Victim(self, owner)


@dataclass(slots=True)
class Victim:
    """An account of the scene."""

    scene: Scene
    owner: Owner

    def has(self) -> dict[bytes | None, int]:
        """Return what the account has of every asset."""
        world, account = self.scene.world, self.owner.address
        found: dict[bytes | None, int] = {None: world.wei_of(account)}
        for token in self.scene.tokens:
            found[token] = self._ask(token, _BALANCE + words(account))
        return found

    def open(self, permission: Permission) -> Theft:
        """Return a session of the thief under *permission*, which is on chain."""
        secret = fresh_secret()
        packed = compile_grant(permission, key=address_of_key(secret), salt=1)
        assert not isinstance(packed, NotOnChain), packed
        session = Session(self.owner, pb.decode_grant(packed), secret)
        session.register()
        return Theft(self, session, permission, nothing_spent(permission))

    def take_all(self) -> None:
        """Use every approval that is left, as whoever has it; the router's are older."""
        world = self.scene.world
        assert world.send(self.scene.adversary, selector("take()")).succeeded
        for key in dev_keys()[:4]:
            for token in self.scene.tokens:
                account = self.owner.address
                left = self._ask(token, _ALLOWANCE + words(account, key.address))
                amount = min(left, self._ask(token, _BALANCE + words(account)))
                if amount:
                    data = _TRANSFER_FROM + words(account, key.address, amount)
                    assert world.send(token, data, by=key).succeeded

    def _ask(self, token: bytes, data: bytes) -> int:
        return int.from_bytes(self.scene.world.call(token, data))


@dataclass(slots=True)
class Theft:
    """What the thief does with the session; ``spent`` is what the chain counted."""

    victim: Victim
    session: Session
    permission: Permission
    spent: Spent
    made: int = 0

    def make(self, calls: Sequence[Call], *, at: int) -> bool:
        """Make one run in the second *at* if it is accepted; say whether it came through."""
        world = self.victim.scene.world
        account = self.victim.owner.address
        answer = decide(calls, self.permission, self.spent, now=at, account=account)
        if not isinstance(answer, Allow):
            return False
        data = self._run(calls, answer.rules, nonce=self.made)
        world.next_at(at)
        if not self.session.submit(data).succeeded:
            return False
        self.spent, self.made = answer.after, self.made + 1
        return True

    def arm(self, runs: Iterable[Sequence[Call]], *, at: int) -> None:
        """Let the adversary submit these runs from inside the next one, if it is touched."""
        account, nonce = self.victim.owner.address, self.made
        for calls in runs:
            nonce += 1
            answer = decide(calls, self.permission, self.spent, now=at, account=account)
            if isinstance(answer, Allow):
                run = self._run(calls, answer.rules, nonce=nonce)
                data = selector("arm(bytes)") + words(32, len(run)) + run
                world = self.victim.scene.world
                assert world.send(self.victim.scene.adversary, data).succeeded

    def _run(self, calls: Sequence[Call], rules: Sequence[int], *, nonce: int) -> bytes:
        packed = compile_run(self.permission, self.session.packed, calls, rules)
        return self.session.packed_run(packed.calls, nonce=nonce)


def aimed(call: Call, recipient: bytes) -> Call:
    """Return *call* with *recipient* as whoever receives or is approved, if it names anybody."""
    effect = EFFECTS.get(call.selector or b"")
    if effect is None:
        return call
    at = 4 + 32 * effect.recipient
    return replace(call, data=call.data[:at] + words(recipient) + call.data[at + 32 :])
