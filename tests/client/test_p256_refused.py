"""P-256 keys that hold no session on chain: of another curve, holder or chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.client.both import Client, close, done, first
from tests.client.p256 import new_key, point_of
from tests.client.service import CHAIN, SHOP, Service, serving
from valetkey import (
    ChainRejected,
    Malformed,
    P256SessionKey,
    RefusedToSign,
    StampKey,
    Unauthenticated,
    Valetkey,
)
from valetkey.core.errors import Code
from valetkey.devchain import Engine, choose
from valetkey.spec.keccak import keccak256

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from tests.client.liar import Stage
    from valetkey import Owner
    from valetkey.wire.wallet import Account

FIELD = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF


@pytest.mark.usefixtures("osaka")
async def test_a_grant_for_another_p256_key_is_not_signed(stage: Stage) -> None:
    """The same x with the other y is another key, and the owner is not asked."""

    def mirrored(answer: dict[str, Any]) -> None:
        data = bytearray(bytes.fromhex(answer["session"]["grant"][2:]))
        data[34:66] = (FIELD - int.from_bytes(data[34:66])).to_bytes(32)
        grant_id = keccak256(bytes(data)).hex()
        answer["session"].update(grant=f"0x{data.hex()}", grant_id=f"0x{grant_id}")

    stage.lies["/v1/sessions"] = mirrored
    key = P256SessionKey(new_key())
    draft = stage.service.draft()
    with pytest.raises(RefusedToSign) as refused:
        await done(stage.vk.sessions.open(stage.account, draft, owner=stage.owner, key=key))
    assert refused.value.what == "grant.key"
    assert stage.signed() == []


@pytest.mark.usefixtures("osaka")
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
