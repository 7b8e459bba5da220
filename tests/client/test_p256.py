"""One P-256 key for requests and for the chain: a session of its life, and where there is none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.client.both import Client, close, done, first
from tests.client.service import CHAIN, SHOP, Service, serving
from tests.leaks import secret
from valetkey import (
    ChainRejected,
    Conflict,
    Forbidden,
    Malformed,
    P256SessionKey,
    RefusedToSign,
    StampKey,
    Unauthenticated,
    Valetkey,
)
from valetkey.core.errors import Code
from valetkey.devchain import Engine, choose, dev_keys, transact
from valetkey.spec.eip7951 import PRECOMPILE, SAMPLE, VALID

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from valetkey import Owner
    from valetkey.wire.wallet import Account

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Mirrored(P256SessionKey):
    """A key whose signatures of runs have their ``s`` in the half that is asked for."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, *, is_high: bool) -> None:
        super().__init__(key)
        self._is_high = is_high

    def sign_digest(self, digest: bytes) -> bytes:
        """Return r and s, or r and the order less s."""
        signature = super().sign_digest(digest)
        s = int.from_bytes(signature[32:])
        s = max(s, ORDER - s) if self._is_high else min(s, ORDER - s)
        return signature[:32] + s.to_bytes(32)


@pytest.fixture(autouse=True, scope="module")
def _on_osaka(service: Service) -> None:
    call = {"to": f"0x{PRECOMPILE.hex()}", "data": f"0x{SAMPLE.hex()}"}
    if service.rpc.ask("eth_call", call, "latest") != f"0x{VALID.hex()}":
        pytest.skip("this chain has no P-256 precompile")


def new_key() -> ec.EllipticCurvePrivateKey:
    """Return a key as a browser makes one."""
    key = ec.generate_private_key(ec.SECP256R1())
    secret(key.private_numbers().private_value.to_bytes(32))
    return key


def point_of(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the point as WebCrypto exports it (``raw``): 65 bytes, in hex."""
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return f"0x{point.hex()}"


async def test_a_p256_session_is_opened_used_and_stopped(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """Everything that a session on secp256k1 does, with the key that signs the requests."""
    paid = service.balance(SHOP)
    key = P256SessionKey(new_key())
    session = await done(vk.sessions.open(account, service.draft("2"), owner=owner, key=key))
    shown = await done(session.show())
    assert (shown.state, shown.proof, shown.key.curve) == ("open", "chain", "p256")
    assert shown.session_key.startswith(f"0x{key.public_key.data[1:].hex()}")
    assert shown.permission.relayer is None

    for _ in range(2):  # the first use opens the grant, the second finds it open
        assert (await done(session.transfer(service.token, SHOP, "0.5"))).state == "done"
    assert service.balance(SHOP) - paid == 1_000_000
    with pytest.raises(Forbidden) as refused:
        await done(session.transfer(service.token, SHOP, "1.1"))
    assert refused.value.code is Code.CAP_EXCEEDED

    frozen = await done(session.freeze())
    assert {one.plane: one.code for one in frozen.tried} == dict.fromkeys(
        ("server", "chain"), Code.SESSION_FROZEN
    )
    with pytest.raises(Forbidden) as refused:
        await done(session.transfer(service.token, SHOP, 1))
    assert refused.value.code is Code.SESSION_FROZEN
    assert (await done(session.unfreeze())).session.state == "open"
    assert (await done(session.transfer(service.token, SHOP, "1"))).state == "done"

    revoked = await done(session.revoke())
    assert [one.code for one in revoked.tried] == [Code.SESSION_REVOKED] * 2
    with pytest.raises(Unauthenticated):
        await done(session.transfer(service.token, SHOP, 1))
    assert service.balance(SHOP) - paid == 2_000_000


async def test_the_kill_note_of_a_p256_session_needs_no_server(
    service: Service, vk: Client, owner: Owner, account: Account, tmp_path: Path
) -> None:
    """The owner signed it, whatever curve the session's key is on."""
    key = P256SessionKey(new_key())
    session = await done(vk.sessions.open(account, service.draft(), owner=owner, key=key))
    await done(session.transfer(service.token, SHOP, 1))
    note = json.loads(session.kill_note.save(tmp_path / "kill.json").read_text())
    to, data = (bytes.fromhex(note[name][2:]) for name in ("account", "calldata"))
    transact(service.rpc, dev_keys()[3], to=to, data=data)
    with pytest.raises(Forbidden) as refused:
        await done(session.transfer(service.token, SHOP, 1))
    assert refused.value.code is Code.SESSION_REVOKED


async def test_a_browsers_key_is_given_a_session_and_holds_it(
    service: Service, make: Client, vk: Client, owner: Owner, account: Account
) -> None:
    """The backend learns the point; the owner signs later; the holder needs no API key."""
    key = new_key()
    waiting = await done(
        vk.sessions.open_for(point_of(key), account, service.draft(), curve="p256")
    )
    assert (waiting.state, waiting.proof) == ("pending", "chain")
    assert waiting.session_key == f"0x{point_of(key)[4:]}"
    await done(vk.sessions.grant(waiting, owner=owner))
    holder = make(service.url)
    session = await done(
        holder.sessions.attach(waiting.id, P256SessionKey(key), account=account.address)
    )
    assert (await done(session.transfer(service.token, SHOP, 1))).state == "done"
    kinds = [one.kind for one in await first(session.activities())]
    assert kinds == ["run", "session:grant", "session:open"]
    assert (await done(session.close())).session.state == "closed"
    await close(holder)


@pytest.mark.parametrize("is_high", [False, True])
async def test_the_chain_takes_either_s(
    service: Service, vk: Client, owner: Owner, account: Account, *, is_high: bool
) -> None:
    """WebCrypto makes both. A run signed twice is one run: its nonce is used."""
    key = Mirrored(new_key(), is_high=is_high)
    session = await done(vk.sessions.open(account, service.draft(), owner=owner, key=key))
    assert (await done(session.transfer(service.token, SHOP, 1))).state == "done"


async def test_another_key_does_not_hold_the_session(
    service: Service, make: Client, vk: Client, owner: Owner, account: Account
) -> None:
    """Another point proves nobody; a stamp's key does not sign for the chain."""
    key = new_key()
    point = point_of(key)
    opened = await done(
        vk.sessions.open_for(point, account, service.draft(), curve="p256", owner=owner)
    )
    agent = make(service.url)
    with pytest.raises(Unauthenticated):
        await done(agent.sessions.attach(opened.id, P256SessionKey(new_key())))
    stamping = await done(agent.sessions.attach(opened.id, StampKey(key)))
    with pytest.raises(RefusedToSign, match="next_action"):
        await done(stamping.transfer(service.token, SHOP, 1))
    await close(agent)


async def test_a_stamp_session_is_not_taken_for_one_on_chain(
    service: Service, make: Client, vk: Client, owner: Owner, account: Account
) -> None:
    """Its grant names a key of the server's, and the holder is told so."""
    key = new_key()
    draft = service.draft()
    opened = await done(
        vk.sessions.open_for(
            point_of(key), account, draft, curve="p256", proof="stamp", owner=owner
        )
    )
    assert (opened.proof, opened.permission.relayer is None) == ("stamp", False)
    agent = make(service.url)
    with pytest.raises(RefusedToSign, match=r"grant\.key"):
        await done(agent.sessions.attach(opened.id, P256SessionKey(key)))
    await close(agent)


@pytest.mark.parametrize("curve", ["p256", "secp256k1"])
async def test_a_point_of_the_other_curve_is_refused(
    service: Service, vk: Client, account: Account, curve: str
) -> None:
    """Before anything is asked of the server."""
    other = ec.SECP256K1() if curve == "p256" else ec.SECP256R1()
    key = ec.generate_private_key(other).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    for data in (point, b"\x04" + bytes(64), bytes(33), b""):
        with pytest.raises(Malformed, match=f"key: expected a public key on {curve}"):
            await done(
                vk.sessions.open_for(f"0x{data.hex()}", account, service.draft(), curve=curve)
            )


async def test_a_p256_key_is_not_exported(
    service: Service, vk: Client, owner: Owner, account: Account
) -> None:
    """It may be in a security module; whoever takes the session up has the key there."""
    key = P256SessionKey(new_key())
    session = await done(vk.sessions.open(account, service.draft(), owner=owner, key=key))
    with pytest.raises(Conflict, match="P-256"):
        session.export()


@pytest.fixture(scope="module")
def prague() -> Iterator[Service]:
    """Run the server on a chain without the precompile."""
    choice = choose(Engine.PYEVM)
    if choice is None:
        pytest.skip("py-evm is not installed")
    with serving(choice) as running:
        yield running


async def test_a_chain_without_the_precompile_is_no_place_for_the_key(
    prague: Service, make: Client
) -> None:
    """The owner has signed nothing, and the same account takes keys that its chain checks."""
    owner = prague.owner()
    with Valetkey(prague.url, api_key=prague.api_key) as setting_up:
        account = prague.account(setting_up, owner)
    vk = make(prague.url, api_key=prague.api_key)
    key = P256SessionKey(new_key())
    with pytest.raises(ChainRejected) as refused:
        await done(vk.sessions.open(account, prague.draft(), owner=owner, key=key))
    assert refused.value.code is Code.KEY_TYPE_REFUSED
    assert CHAIN in refused.value.detail
    assert await first(vk.sessions.list(wallet_id=account.wallet_id)) == []
    for other in (None, StampKey(new_key())):
        session = await done(vk.sessions.open(account, prague.draft(), owner=owner, key=other))
        assert (await done(session.show())).state == "open"
    await close(vk)
