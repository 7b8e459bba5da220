"""Where accounts keep what they keep: under ERC-7201 namespaces, each thing in its own place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.chain.clones import Clone, Factory, signed_execution
from tests.chain.session import Owner, capped
from tests.chain.world import ROOT, transfer, words
from valetkey.spec import permission_bytes as pb
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from tests.chain.world import World

TOP = (1 << 256) - 1


def erc7201(name: bytes) -> int:
    """Return the base of a namespace as the standard states it."""
    inner = int.from_bytes(keccak256(name), "big") - 1
    return int.from_bytes(keccak256(words(inner)), "big") & ~0xFF


SESSIONS = erc7201(b"valetkey.account.v1")
EXECUTE = erc7201(b"valetkey.execute.v1")


def test_the_namespaces_are_those_that_their_names_give() -> None:
    """The contracts say each of them once, as a number."""
    sources = "".join(path.read_text() for path in (ROOT / "contracts" / "evm").glob("*.sol"))
    for base in (SESSIONS, EXECUTE):
        assert sources.count(f"0x{base:064x}") == 1


def test_every_slot_of_an_account_is_where_the_layout_says(world: World) -> None:
    """State, caps, freezing, owner and nonces: read from storage at places computed here."""
    account = Clone.deployed(Factory.on(world))
    for epoch in (0, 1):
        session = capped(account, pb.Cap(9), pb.Cap(9))
        register = pb.register_calldata(session.packed, session.owner_signature(epoch=epoch))
        assert world.send(account.address, register).succeeded
        assert session.submit(session.run(transfer(4))).succeeded
        assert account.send_self(pb.freeze_calldata(session.id)).succeeded
        state = int.from_bytes(keccak256(session.id + words(SESSIONS + epoch)), "big")
        freeze = int.from_bytes(keccak256(session.id + words(SESSIONS)), "big") + 255
        expected = 2 << 254 | 1 << 222 | 1 << 158 | 4
        assert world.storage(account.address, words(state)) == words(expected)
        assert world.storage(account.address, words(state + 1 & TOP)) == words(4)
        assert world.storage(account.address, words(freeze & TOP)) == words(1 << 32 | 1)
        owner = int.from_bytes(account.key.address, "big")
        found = world.storage(account.address, words(SESSIONS + 257))
        assert found == words(epoch << 160 | owner)
        assert world.send(account.address, signed_execution(account, [], nonce=epoch)).succeeded
        nonce = keccak256(words(0) + words(EXECUTE))
        assert world.storage(account.address, nonce) == words(epoch + 1)
        assert account.send_self(pb.raise_epoch_calldata()).succeeded
    for slot in range(16):
        assert world.storage(account.address, words(slot)) == bytes(32)


def test_the_epoch_of_an_account_by_delegation_has_a_slot_beside_the_base(owner: Owner) -> None:
    """And its numbered slots stay empty: another delegate may have used them."""
    assert owner.send_self(pb.raise_epoch_calldata()).succeeded
    assert owner.world.storage(owner.address, words(SESSIONS + 256)) == words(1)
    for slot in range(16):
        assert owner.world.storage(owner.address, words(slot)) == bytes(32)
