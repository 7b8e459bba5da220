"""What a session may have signed with a split wallet: no session signs itself more power."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
import rlp  # type: ignore[import-untyped]

from tests.flows.splits import HELLO, TYPED, Splits, make_splits
from valetkey.core.budget import FEES, BudgetLine, line_id
from valetkey.core.chain import Counter
from valetkey.core.errors import Code, Forbidden, Limited, ValetkeyError
from valetkey.core.permission.decide import nothing_spent
from valetkey.core.permission.model import Cap, MessageTemplate, Permission, Rule
from valetkey.core.permission.signing import SignDigest, SignMessage
from valetkey.core.principal import Access, Principal, PrincipalKind
from valetkey.core.session import Proof, Session, State, Usage
from valetkey.core.signable import SignDelegation, read_transaction, read_typed_data
from valetkey.core.surface import Surface
from valetkey.core.wallet import Curve, OwnerKey, address_of
from valetkey.flows.as_vendor import set_raw_signing
from valetkey.flows.opening import unspent
from valetkey.flows.organize import add_user
from valetkey.flows.split_shares import back_up, refresh_split

if TYPE_CHECKING:
    from valetkey.core.organization import User
    from valetkey.core.signable import Wanted
    from valetkey.flows.split import MadeSplit
    from valetkey.ports import Tx

SHOP: Final = b"\x22" * 20
CHAIN: Final = "eip155:31337"
DIGEST: Final = SignDigest(b"\x07" * 32)


def payment(to: bytes = SHOP, wei: int = 5, data: bytes = b"", kind: int = 2) -> Wanted:
    """Return a transaction that is still to be signed."""
    fields: list[Any] = [31337, 0, 1, 10, 100, to, wei, data, []]
    if kind == 4:
        fields.append([])
    return read_transaction(bytes((kind,)) + bytes(rlp.encode(fields)))


class Client:
    """A user with a split wallet, and sessions over it."""

    def __init__(self, splits: Splits, made: MadeSplit, share: str) -> None:
        self.splits, self.made, self.share = splits, made, share

    async def session(self, surface: Surface, permission: Permission | None = None) -> Principal:
        """Return who a session that writes proves: the user's, on that surface."""
        world, wallet = self.splits.world, self.made.wallet
        now = world.clock.now()
        session = Session(
            id=f"ses_{surface}{'' if permission is None else '_held'}",
            organization_id=wallet.organization_id,
            user_id=wallet.user_id,
            wallet_id=None,
            account_id=None,
            proof=Proof.BEARER,
            access=Access.WRITE,
            state=State.OPEN,
            label="",
            device="",
            created_at=now,
            starts_at=now,
            expires_at=now + 3600,
            idle_s=None,
            fingerprint=None,
            key=None,
            permission=permission,
            permission_id=None,
            owner_key=OwnerKey.SPLIT,
            grant=None,
            surface=surface,
        )
        usage = Usage(session.id, now, unspent(permission))

        def body(tx: Tx) -> None:
            tx.put(session)
            tx.put(usage)
            if permission is not None and permission.fee_budget_wei is not None:
                key, limit = line_id(session.id, FEES), permission.fee_budget_wei
                owner = session.organization_id
                tx.put(BudgetLine(key, owner, session.id, FEES, limit, 0, now, Counter(0, 0)))

        await world.store.write(body)
        return Principal(PrincipalKind.SESSION, session.organization_id, session.id, Access.WRITE)

    async def sign(self, who: Principal, wanted: Wanted = HELLO) -> bytes:
        """Return a signature, asked for by a session."""
        signed = await self.splits.sign(self.made.wallet.id, self.share, wanted, principal=who)
        return signed.signature

    async def refused(self, who: Principal, wanted: Wanted) -> Code:
        """Return why that is refused."""
        with pytest.raises(ValetkeyError) as told:
            await self.sign(who, wanted)
        return told.value.code


async def make_client(curve: Curve = Curve.SECP256K1) -> Client:
    """Return a user with a split wallet."""
    splits = await make_splits()
    user: User = await add_user(splits.world, splits.principal, splits.request(), reference="alice")
    made, share = await splits.make(curve, user_id=user.id)
    return Client(splits, made, share)


def held(**changed: Any) -> Permission:  # noqa: ANN401 - fields of a permission
    """Return a permission: 10 wei to the shop, one text, gas for one transaction and a half."""
    plain = Permission(
        chain=CHAIN,
        rules=(Rule(SHOP, None),),
        caps=(Cap(None, 18, lifetime=10),),
        starts_at=1_800_000_000,
        expires_at=1_800_003_600,
        recipients=(SHOP,),
        messages=(MessageTemplate(("hello",)),),
        fee_budget_wei=1500,
    )
    return replace(plain, **changed)


async def test_a_vendors_session_signs_as_its_client() -> None:
    """Messages, typed data, transactions: what its vendor's clients do."""
    client = await make_client()
    who = await client.session(Surface.PORTAL)
    for wanted in (HELLO, read_typed_data(TYPED), payment()):
        assert len(await client.sign(who, wanted)) == 65


async def test_no_session_signs_itself_more_power() -> None:
    """DESIGN section 3: refused for each session, whatever its surface, with and without limits."""
    client = await make_client()
    own = address_of(client.made.key.public_key)
    ours = {
        **TYPED,
        "domain": {"name": "valetkey", "chainId": "1", "verifyingContract": "0x" + "44" * 20},
    }
    about = {
        **TYPED,
        "domain": {"name": "X", "chainId": "1", "verifyingContract": f"0x{own.hex()}"},
    }
    for who in (
        await client.session(Surface.PORTAL),
        await client.session(Surface.NATIVE, held()),
    ):
        for wanted in (
            DIGEST,
            SignMessage(b"\x07" * 32),
            SignMessage(b"0x" + b"07" * 32),
            SignDelegation(1, SHOP, 0),
            payment(kind=4),
            payment(to=own, data=b"\x01\x02\x03\x04"),
            read_typed_data(ours),
            read_typed_data(about),
        ):
            assert await client.refused(who, wanted) is Code.SIGNING_FORBIDDEN


async def test_the_owner_may_have_a_surface_sign_digests_as_its_vendor_does() -> None:
    """A switch of the organization, for one surface; never for what gives power outright."""
    client = await make_client()
    splits = client.splits
    who = await client.session(Surface.PORTAL)
    other = await client.session(Surface.PARA)
    limited = await client.session(Surface.PORTAL, held())
    await set_raw_signing(
        splits.world,
        splits.principal,
        splits.request(),
        organization_id=client.made.wallet.organization_id,
        surfaces=[Surface.PORTAL],
    )
    assert await client.sign(who, DIGEST)
    assert await client.sign(who, SignMessage(b"\x07" * 32))
    for refused_who, wanted in (
        (other, DIGEST),
        (limited, DIGEST),
        (who, SignDelegation(1, SHOP, 0)),
        (who, payment(kind=4)),
    ):
        assert await client.refused(refused_who, wanted) is Code.SIGNING_FORBIDDEN


async def test_native_sessions_never_sign_digests() -> None:
    """The switch is for vendors' surfaces alone, and the owner's alone."""
    client = await make_client()
    splits, owner = client.splits, client.made.wallet.organization_id
    with pytest.raises(ValetkeyError) as told:
        await set_raw_signing(
            splits.world,
            splits.principal,
            splits.request(),
            organization_id=owner,
            surfaces=[Surface.NATIVE],
        )
    assert told.value.code is Code.MALFORMED_BODY
    bare = await client.session(Surface.NATIVE)
    assert await client.refused(bare, HELLO) is Code.SIGNING_NOT_ALLOWED


async def test_an_ed25519_session_signs_text_alone() -> None:
    """There a message is signed as it is, so bytes could be a transaction."""
    client = await make_client(Curve.ED25519)
    who = await client.session(Surface.PARA)
    assert len(await client.sign(who)) == 64
    for wanted in (SignMessage(b"\x01\x00\x01"), SignMessage(b"\xff" * 40), DIGEST):
        assert await client.refused(who, wanted) is Code.SIGNING_FORBIDDEN


async def test_a_permission_lets_sign_what_its_templates_have() -> None:
    """And nothing else."""
    client = await make_client()
    who = await client.session(Surface.NATIVE, held())
    assert await client.sign(who, HELLO)
    assert await client.refused(who, SignMessage(b"hello!")) is Code.SIGNING_NOT_ALLOWED
    assert await client.refused(who, read_typed_data(TYPED)) is Code.SIGNING_NOT_ALLOWED


async def test_a_transaction_is_spent_when_it_is_signed() -> None:
    """Caps, recipients and chain hold, and are counted for good: whoever has it can send it."""
    client = await make_client()
    who = await client.session(Surface.NATIVE, held())
    assert await client.refused(who, payment(to=b"\x33" * 20)) is Code.TARGET_NOT_ALLOWED
    assert await client.sign(who, payment(wei=6))
    assert await client.refused(who, payment(wei=5)) is Code.CAP_EXCEEDED
    assert await client.refused(who, payment(to=b"")) is Code.TARGET_NOT_ALLOWED


async def test_the_gas_of_a_transaction_comes_out_of_the_fee_budget() -> None:
    """Or a session could give away all that the account has, to whoever mines it."""
    client = await make_client()
    who = await client.session(Surface.NATIVE, held())
    await client.sign(who, payment(wei=1))
    with pytest.raises(Limited) as told:
        await client.sign(who, payment(wei=1))
    assert told.value.code is Code.SPONSORSHIP_EXCEEDED
    other = await make_client()
    without = await other.session(Surface.NATIVE, held(fee_budget_wei=None))
    assert await other.refused(without, payment()) is Code.SIGNING_NOT_ALLOWED


async def test_asking_again_for_the_same_is_not_spent_twice() -> None:
    """One request, one booking."""
    client = await make_client()
    who = await client.session(Surface.NATIVE, held())
    request = client.splits.request()
    signed = [
        await client.splits.sign(
            client.made.wallet.id, client.share, payment(wei=6), principal=who, request=request
        )
        for _ in range(3)
    ]
    assert len({one.signature for one in signed}) == 1
    usage = await client.splits.world.store.read(lambda view: view.get(Usage, who.subject_id))
    assert usage is not None
    assert usage.spent.calls == nothing_spent(held()).calls + 1


async def test_a_session_on_another_chain_or_of_another_user_signs_nothing() -> None:
    """Neither does one that was stopped; that wallet is not there for it."""
    client = await make_client()
    who = await client.session(Surface.NATIVE, held(chain="eip155:1"))
    assert await client.refused(who, payment()) is Code.WRONG_CHAIN
    vendor = await client.session(Surface.PORTAL)
    made, share = await client.splits.make()
    other = Client(client.splits, made, share)
    assert await other.refused(vendor, HELLO) is Code.NOT_FOUND
    session = await client.splits.world.store.read(
        lambda view: view.get(Session, vendor.subject_id)
    )
    assert session is not None
    stopped = replace(session, state=State.REVOKED)
    await client.splits.world.store.write(lambda tx: tx.put(stopped))
    assert await client.refused(vendor, HELLO) is Code.SESSION_REVOKED


async def test_no_session_of_ours_makes_shares() -> None:
    """With a share of its own it would outlive its end; a vendor's session is the client."""
    client = await make_client()
    splits = client.splits
    where = {"wallet_id": client.made.wallet.id, "share": client.share}
    for who in (
        await client.session(Surface.NATIVE, held()),
        await client.session(Surface.PORTAL, held()),
    ):
        for verb in (refresh_split, back_up):
            with pytest.raises(Forbidden) as told:
                await verb(splits.world, who, splits.request(), **where)
            assert told.value.code is Code.NOT_ALLOWED
    vendor = await client.session(Surface.PARA)
    assert (await refresh_split(splits.world, vendor, splits.request(), **where)).share
