"""What others ask of an account: signatures, tokens, interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chain.clones import Clone, Factory
from tests.chain.session import Owner, Session
from tests.chain.world import RECIPIENT, fresh_secret, selector, transfer, words
from valetkey.devchain import CHAIN_ID
from valetkey.spec import erc1271, erc7739
from valetkey.spec import permission_bytes as pb
from valetkey.spec.clone import transfer_ownership_calldata
from valetkey.spec.eip712 import Field, TypedData, digest
from valetkey.spec.keccak import keccak256
from valetkey.spec.secp256k1 import address_of_key, sign_digest

if TYPE_CHECKING:
    from tests.chain.world import World

ORDER = TypedData(
    {
        "Order": (Field("from", "Person"), Field("amount", "uint256"), Field("asset", "Asset")),
        "Person": (Field("name", "string"), Field("wallet", "address")),
        "Asset": (Field("token", "address"),),
    },
    "Order",
    {"name": "Exchange", "version": "3", "chainId": CHAIN_ID, "verifyingContract": RECIPIENT},
    {"from": {"name": "Ann", "wallet": RECIPIENT}, "amount": 5, "asset": {"token": RECIPIENT}},
)
"""An app's data, of a type that does not come first in the alphabet."""
TEXT = b"Sign in to example.org"


@pytest.fixture
def clone(factory: Factory) -> Clone:
    """Return a new clone."""
    return Clone.deployed(factory)


def domain_of(account: Owner) -> dict[str, object]:
    """Return the account's own EIP-712 domain."""
    return {
        "name": "valetkey",
        "version": "1",
        "chainId": CHAIN_ID,
        "verifyingContract": account.address,
    }


def is_signed(account: Owner, hash_: bytes, signature: bytes) -> bool:
    """Ask the account by ERC-1271."""
    asked = erc1271.is_valid_signature_calldata(hash_, signature)
    answer = account.world.call(account.address, asked)
    assert erc1271.is_valid(answer) or answer == b"\xff" * 4 + bytes(28)
    return erc1271.is_valid(answer)


def order_signature(account: Owner, typed: TypedData = ORDER) -> bytes:
    """Return what an app is given for *typed*, signed by the account's owner."""
    if not isinstance(account, Clone):
        return account.sign(typed)
    nested = erc7739.nested_typed_data(typed, account=domain_of(account))
    return erc7739.wrap_signature(typed, account.sign(nested))


def text_signature(account: Owner) -> bytes:
    """Return what an app is given for the text, signed by the account's owner."""
    if not isinstance(account, Clone):
        return sign_digest(pb.personal_digest(TEXT), account.secret)
    return account.sign(erc7739.personal_typed_data(TEXT, account=domain_of(account)))


def test_the_owner_signs_data_and_texts_as_the_account(account: Owner) -> None:
    """The plain hash on an account that is its own key, the nested one on a clone."""
    assert is_signed(account, digest(ORDER), order_signature(account))
    assert is_signed(account, pb.personal_digest(TEXT), text_signature(account))
    assert not is_signed(account, keccak256(b"another"), order_signature(account))
    assert not is_signed(account, pb.personal_digest(b"another"), text_signature(account))


def test_a_session_key_never_signs_as_the_account(account: Owner) -> None:
    """In no form of the owner's, and not by what it does sign: a run."""
    session = Session.opened(account)
    run = session.run(transfer(1), first=True)
    assert session.submit(run).succeeded
    if isinstance(account, Clone):
        holder: Owner = account.owned_by(session.secret)
    else:
        holder = Owner(account.world, session.secret)
    for hash_ in (digest(ORDER), pb.personal_digest(TEXT)):
        for signature in (
            sign_digest(hash_, session.secret),
            sign_digest(pb.personal_digest(hash_), session.secret),
            order_signature(holder),
            text_signature(holder),
        ):
            assert not is_signed(account, hash_, signature)
    signed = pb.run_digest(
        session.id,
        pb.encode_calls(session.grant, [transfer(1)]),
        nonce=0,
        deadline=int.from_bytes(run[len(session.packed) + 10 : len(session.packed) + 15], "big"),
        chain_id=CHAIN_ID,
        account=account.address,
    )
    assert not is_signed(account, signed, run[-130:-65])


def test_nobody_else_signs_as_the_account(account: Owner) -> None:
    """A stranger, zeros, a cut signature, another v or the other half."""
    good = order_signature(account)
    strange = good[:64] + bytes((good[64] ^ 3,)) + good[65:]
    for signature in (b"", bytes(65), good[:-1], good + b"\0", bytes(65) + good[65:], strange):
        assert not is_signed(account, digest(ORDER), signature)
    stranger = (
        account.owned_by(fresh_secret()) if isinstance(account, Clone) else Owner(account.world)
    )
    assert not is_signed(account, digest(ORDER), order_signature(stranger))
    assert not is_signed(account, pb.personal_digest(TEXT), text_signature(stranger))


def test_a_signature_for_one_account_is_none_for_the_owners_other_accounts(
    world: World, factory: Factory
) -> None:
    """Two clones, and the owner's own address: what is signed says for which of them."""
    owner = Owner.delegated(world)
    accounts = [owner, *(Clone.deployed(factory, secret=owner.secret, salt=i) for i in (1, 2))]
    for one in accounts:
        for other in accounts:
            expected = one is other
            assert is_signed(other, digest(ORDER), order_signature(one)) is expected
            hash_ = pb.personal_digest(TEXT)
            assert is_signed(other, hash_, text_signature(one)) is expected


def test_a_plain_signature_of_the_owner_is_none_of_the_clone(clone: Clone) -> None:
    """The app's hash itself, signed by the owner for another account, could be replayed here."""
    for hash_ in (digest(ORDER), pb.personal_digest(TEXT)):
        assert not is_signed(clone, hash_, sign_digest(hash_, clone.secret))


def test_a_clone_signs_no_more_for_an_owner_before(clone: Clone) -> None:
    """A signature holds as long as who made it is the owner."""
    data, text = order_signature(clone), text_signature(clone)
    to = address_of_key(fresh_secret())
    assert clone.send_self(transfer_ownership_calldata(to)).succeeded
    assert not is_signed(clone, digest(ORDER), data)
    assert not is_signed(clone, pb.personal_digest(TEXT), text)


def test_the_implicit_mode_is_taken_for_types_that_come_first(clone: Clone) -> None:
    """As most wallets' libraries write it: the description is the type alone."""
    typed = TypedData(
        {"Mail": (Field("text", "string"), Field("to", "Person")), "Person": ORDER.types["Person"]},
        "Mail",
        ORDER.domain,
        {"text": "hello", "to": ORDER.message["from"]},
    )
    explicit = order_signature(clone, typed)
    assert is_signed(clone, digest(typed), explicit)
    length = int.from_bytes(explicit[-2:], "big") - len("Mail")
    assert explicit[-6:-2] == b"Mail"
    assert is_signed(clone, digest(typed), explicit[:-6] + length.to_bytes(2, "big"))


@pytest.mark.parametrize(
    "name",
    ["", "order", "(Order", "Or der", "Or,der", "Or\0der"],
)
def test_a_name_that_could_break_out_of_the_text_is_refused(clone: Clone, name: str) -> None:
    """Even when the owner did sign it: a wallet would have shown something else."""
    form = name + "(uint256 amount)" + name
    contents = keccak256(keccak256((name + "(uint256 amount)").encode()) + words(5))
    separator = keccak256(b"an app")
    asked = keccak256(b"\x19\x01" + separator + contents)
    outer = (
        f"TypedDataSign({name} contents,string name,string version,uint256 chainId,"
        f"address verifyingContract,bytes32 salt){name}(uint256 amount)"
    )
    facts = (keccak256(b"valetkey"), keccak256(b"1"), CHAIN_ID, clone.address, 0)
    nested = keccak256(keccak256(outer.encode()) + contents + words(*facts))
    signed = sign_digest(keccak256(b"\x19\x01" + separator + nested), clone.secret)
    tail = separator + contents + form.encode() + len(form).to_bytes(2, "big")
    assert is_signed(clone, asked, signed + tail) is False


def test_a_clone_says_that_it_knows_the_nested_form(clone: Clone, world: World) -> None:
    """And an account that is its own key says that it does not need it."""
    asked = erc1271.is_valid_signature_calldata(erc7739.DETECTION, b"")
    assert world.call(clone.address, asked)[:4] == erc7739.DETECTED
    assert world.call(Owner.delegated(world).address, asked)[:4] == b"\xff" * 4


def test_the_account_says_its_domain(account: Owner) -> None:
    """ERC-5267: all that is needed to compute what is signed."""
    answer = account.world.call(account.address, selector("eip712Domain()"))
    expected = (
        b"\x0f".ljust(32, b"\0")
        + words(224, 288, CHAIN_ID, account.address, 0, 352)
        + words(8, b"valetkey".ljust(32, b"\0"), 1, b"1".ljust(32, b"\0"), 0)
    )
    assert answer == expected


@pytest.mark.parametrize(
    ("interface", "is_known"),
    [
        ("01ffc9a7", True),
        ("1626ba7e", True),
        ("150b7a02", True),
        ("4e2312e0", True),
        ("ffffffff", False),
        ("00000000", False),
        ("bc197c81", False),
    ],
)
def test_the_account_says_which_interfaces_it_has(
    account: Owner,
    interface: str,
    is_known: bool,  # noqa: FBT001
) -> None:
    """ERC-165: itself, ERC-1271, and the receivers of ERC-721 and ERC-1155."""
    asked = selector("supportsInterface(bytes4)") + bytes.fromhex(interface).ljust(32, b"\0")
    assert account.world.call(account.address, asked) == words(int(is_known))


@pytest.mark.parametrize(
    "callback",
    [
        "onERC721Received(address,address,uint256,bytes)",
        "onERC1155Received(address,address,uint256,uint256,bytes)",
        "onERC1155BatchReceived(address,address,uint256[],uint256[],bytes)",
    ],
)
def test_the_account_takes_tokens_that_ask_first(account: Owner, callback: str) -> None:
    """The answer is the question's own selector."""
    asked = selector(callback)
    answer = account.world.call(account.address, asked + bytes(256))
    assert answer == asked.ljust(32, b"\0")


def test_an_unknown_function_is_refused(account: Owner) -> None:
    """As is calldata too short to name one; nothing at all is a plain payment."""
    world = account.world
    for data in (b"\0", b"\x01\xff\xc9", b"\x01\xff\xc9\xa7", selector("nothing()"), bytes(64)):
        assert world.reason(account.address, data) == b""
    assert world.reason(account.address, b"") is None
