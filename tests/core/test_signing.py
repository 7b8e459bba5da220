"""What may be signed as the account: what a template says, and never what gives a session power."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.examples import ACCOUNT, ANN, BOB, PERMISSION, ROUTER, permission_with
from tests.core.signatures import CHAIN_ID, requests
from tests.core.strategies import CAST, START
from tests.core.whole import EVERYTHING, ORDER, whole_permissions
from valetkey.core.errors import Code
from valetkey.core.permission.model import MessageTemplate, Permission
from valetkey.core.permission.signing import (
    MAX_MESSAGE_BYTES,
    Signable,
    SignAuthorization,
    SignDigest,
    SignMessage,
    SignTypedData,
    decide_scope,
    decide_signature,
    is_filled,
)
from valetkey.core.permission.targets import ENTRY_POINTS
from valetkey.core.permission.verdict import Deny
from valetkey.core.scope import SessionScope
from valetkey.spec import permission_bytes as packed
from valetkey.spec.eip712 import TypedData, digest, parse_type

if TYPE_CHECKING:
    from valetkey.core.permission.signing import SigningRequest

LOGIN = "Sign in to example.org as 0x31\nNonce: 7"
PRIMARY, TYPES = parse_type(ORDER)
DOMAIN = {"name": "Exchange", "version": "1", "chainId": CHAIN_ID, "verifyingContract": ROUTER}
MESSAGE = {
    "maker": {"who": ANN, "paid": True},
    "takers": [BOB],
    "amount": 1000,
    "note": "for Bob",
}


def order(domain: dict[str, object] | None = None, **changes: object) -> SignTypedData:
    """Return an order of Ann's with changes in its message, and some of its domain."""
    whole = {**DOMAIN, **(domain or {})}
    kept = {name: value for name, value in whole.items() if value is not None}
    return SignTypedData(TypedData(TYPES, PRIMARY, kept, {**MESSAGE, **changes}))


def text(message: str) -> SignMessage:
    """Return a message of UTF-8 text."""
    return SignMessage(message.encode())


def ask(
    request: SigningRequest, permission: Permission = EVERYTHING, *, now: int = START
) -> Signable | Deny:
    """Ask *permission*; the account and another one of ours are known."""
    return decide_signature(request, permission, now=now, accounts=(ACCOUNT, BOB))


def test_a_text_that_fills_a_template_may_be_signed() -> None:
    """What is signed is its EIP-191 form, and the template is named."""
    expected = Signable(packed.personal_digest(LOGIN.encode()), "messages[0]")
    assert ask(text(LOGIN)) == expected


def test_typed_data_that_fits_a_template_may_be_signed() -> None:
    """Domain, type and fields; what no constraint names is free."""
    request = order(note="anything", takers=[])
    assert ask(request) == Signable(digest(request.typed), "typed_data[0]")


NEVER: list[tuple[str, SigningRequest]] = [
    ("a digest", SignDigest(bytes(32))),
    ("an authorization", SignAuthorization(ROUTER)),
    ("32 bytes", SignMessage(bytes(range(32)))),
    ("a text of 32 bytes", text("a" * 32)),
    ("32 bytes as hex", text("0x" + "ab" * 32)),
    ("32 bytes as capital hex", text("0X" + "AB" * 32)),
    ("32 bytes as bare hex", text("ab" * 32)),
    ("32 bytes as hex with a blank", text(" 0x" + "ab" * 32 + "\n")),
    ("our own domain", order({"name": "valetkey"})),
    ("nearly our own domain", order({"name": "ValetKey "})),
    ("the account", order({"verifyingContract": ACCOUNT})),
    ("another account of ours", order({"verifyingContract": BOB})),
    ("an EntryPoint", order({"verifyingContract": min(ENTRY_POINTS)})),
]
FREE = replace(
    EVERYTHING, messages=(MessageTemplate(("", "")), MessageTemplate(("", "\n"))), typed_data=()
)


@pytest.mark.parametrize(("what", "request_"), NEVER, ids=[row[0] for row in NEVER])
@pytest.mark.parametrize("permission", [EVERYTHING, FREE, PERMISSION])
def test_no_session_signs_what_could_give_it_power(
    what: str, request_: SigningRequest, permission: Permission
) -> None:
    """Whatever its templates say: a digest can be anything, our domain is what owners sign."""
    answer = ask(request_, permission)
    assert isinstance(answer, Deny), what
    assert (answer.code, answer.caveat) == (Code.SIGNING_FORBIDDEN, "signatures")


NOT_ALLOWED: list[tuple[str, SigningRequest, Code, str]] = [
    ("another text", text(LOGIN + "\n"), Code.SIGNING_NOT_ALLOWED, "messages"),
    ("no UTF-8", SignMessage(b"\xff"), Code.SIGNING_NOT_ALLOWED, "messages"),
    (
        "a text that is too long",
        text(LOGIN + "x" * MAX_MESSAGE_BYTES),
        Code.SIGNING_NOT_ALLOWED,
        "messages",
    ),
    ("another chain", order({"chainId": 1}), Code.SIGNING_NOT_ALLOWED, "typed_data"),
    ("no chain", order({"chainId": None}), Code.SIGNING_NOT_ALLOWED, "typed_data"),
    ("true for a chain", order({"chainId": True}), Code.SIGNING_NOT_ALLOWED, "typed_data"),
    ("another contract", order({"verifyingContract": ANN}), Code.SIGNING_NOT_ALLOWED, "typed_data"),
    ("no contract", order({"verifyingContract": None}), Code.SIGNING_NOT_ALLOWED, "typed_data"),
    ("another name", order({"name": "exchange"}), Code.SIGNING_NOT_ALLOWED, "typed_data"),
    ("no name", order({"name": None}), Code.SIGNING_NOT_ALLOWED, "typed_data"),
    ("another version", order({"version": "2"}), Code.SIGNING_NOT_ALLOWED, "typed_data"),
    ("a salt", order({"salt": bytes(32)}), Code.SIGNING_NOT_ALLOWED, "typed_data"),
    ("no typed data", order(amount="5"), Code.SIGNING_NOT_ALLOWED, "typed_data"),
    (
        "another type",
        SignTypedData(TypedData(TYPES, "Party", DOMAIN, {"who": ANN, "paid": True})),
        Code.SIGNING_NOT_ALLOWED,
        "typed_data",
    ),
    (
        "a domain alone",
        SignTypedData(TypedData({}, "EIP712Domain", DOMAIN, {})),
        Code.SIGNING_NOT_ALLOWED,
        "typed_data",
    ),
    ("too much", order(amount=1001), Code.FIELD_REFUSED, "typed_data[0].where[0]"),
    (
        "somebody else's",
        order(maker={"who": BOB, "paid": True}),
        Code.FIELD_REFUSED,
        "typed_data[0].where[1]",
    ),
]


@pytest.mark.parametrize(
    ("what", "request_", "code", "caveat"), NOT_ALLOWED, ids=[row[0] for row in NOT_ALLOWED]
)
def test_what_no_template_allows_is_refused(
    what: str, request_: SigningRequest, code: Code, caveat: str
) -> None:
    """All of it must match: a missing field of the domain is another domain."""
    answer = ask(request_)
    assert isinstance(answer, Deny), what
    assert (answer.code, answer.caveat) == (code, caveat)
    assert answer.detail


def test_a_permission_without_templates_signs_nothing() -> None:
    """Denied by default: a permit is a signature like any other."""
    for request in (text(LOGIN), order()):
        answer = ask(request, PERMISSION)
        assert isinstance(answer, Deny)
        assert answer.code is Code.SIGNING_NOT_ALLOWED


@pytest.mark.parametrize(
    ("now", "code"),
    [
        (START - 1, Code.SESSION_NOT_STARTED),
        (EVERYTHING.expires_at, Code.SESSION_EXPIRED),
    ],
)
def test_nothing_is_signed_and_no_scope_holds_outside_the_time(now: int, code: Code) -> None:
    """From the first valid second to before the first invalid one."""
    for answer in (
        ask(text(LOGIN), now=now),
        ask(SignDigest(bytes(32)), now=now),
        decide_scope("orders:read", EVERYTHING, now=now),
    ):
        assert isinstance(answer, Deny)
        assert answer.code is code


def test_a_scope_is_a_name_and_nothing_else() -> None:
    """No patterns, no hierarchy, no case."""
    granted = permission_with(scopes=("orders", "orders:read"))
    for held in granted.scopes:
        assert decide_scope(held, granted, now=START) is None
    for other in ("orders:*", "orders:", "Orders", "orders:read ", "orders:write", ""):
        answer = decide_scope(other, granted, now=START)
        assert isinstance(answer, Deny)
        assert (answer.code, answer.caveat) == (Code.SCOPE_NOT_ALLOWED, "scopes")


def test_one_of_our_own_scopes_holds_a_session_to_those_that_are_named() -> None:
    """A caveat: without any it has them all; those of other services change nothing of it."""
    every = set(SessionScope)
    for names, has in (
        ((), every),
        (("orders:read",), every),
        (("session:self",), {SessionScope.SELF}),
        (("orders:read", "session:run"), {SessionScope.SELF, SessionScope.RUN}),
    ):
        granted = permission_with(scopes=names)
        given = {one for one in every if decide_scope(one, granted, now=START) is None}
        assert given == has
        assert (decide_scope("orders:read", granted, now=START) is None) == ("orders:read" in names)


FILLED = [
    (("a",), "a", True),
    (("a",), "ab", False),
    (("a", "b"), "axb", True),
    (("a", "b"), "ab", False),
    (("a", "b"), "abb", True),
    (("a", "b"), "a\nb", False),
    (("a", "b"), "a\u202eb", False),
    (("a", "b"), "xaxb", False),
    (("a", "b"), "axbx", False),
    (("", ""), "x", True),
    (("", ""), "", False),
    (("", "-", ""), "x-y", True),
    (("", "-", ""), "-y", False),
    (("", "-", ""), "--y", True),
    (("", "-", ""), "---", True),
    (("a", "-", "-", "b"), "a1-2-b", False),
    (("a", "-", "-", "b"), "a1-2-3b", True),
    (("a", "-", "-", "b"), "a1-2-3-4b", True),
    (("a", "\n", "b"), "a1\n2b", True),
    (("a", "\n", "b"), "a1\n\n2b", False),
    (("aa", "aa"), "aaa", False),
    (("aa", "aa"), "aaaaa", True),
    (("a", "zz", "b"), "a1z2b", False),
]


@pytest.mark.parametrize(("pieces", "filling", "expected"), FILLED)
def test_a_hole_holds_one_or_more_printable_characters(
    pieces: tuple[str, ...], filling: str, *, expected: bool
) -> None:
    """No new line and no override of what is shown: a person reads the template."""
    assert is_filled(MessageTemplate(pieces), filling) is expected


def tried(pieces: tuple[str, ...], filling: str) -> bool:
    """Say the same by trying every place for every piece."""
    if len(pieces) == 1:
        return filling == pieces[0]
    if not filling.startswith(pieces[0]):
        return False
    rest = filling[len(pieces[0]) :]
    return any(
        rest[:at].isprintable() and tried(pieces[1:], rest[at:]) for at in range(1, len(rest) + 1)
    )


@given(
    st.lists(st.text("ab\n", max_size=3), min_size=1, max_size=4).filter(
        lambda pieces: all(pieces[1:-1])
    ),
    st.text("ab\n", max_size=12),
)
def test_the_first_place_of_a_piece_is_as_good_as_any(pieces: list[str], filling: str) -> None:
    """Matching looks at each character once, and decides as trying everything does."""
    assert is_filled(MessageTemplate(tuple(pieces)), filling) is tried(tuple(pieces), filling)


@given(st.data())
def test_what_is_signed_is_what_was_asked_for(data: st.DataObject) -> None:
    """The digest is that of the request, and the template is one of the permission's."""
    permission = data.draw(whole_permissions())
    request = data.draw(requests(permission))
    answer = decide_signature(
        request, permission, now=permission.starts_at, accounts=(CAST.account,)
    )
    if isinstance(answer, Deny):
        assert answer.detail
    elif isinstance(request, SignMessage):
        assert answer.digest == packed.personal_digest(request.data)
        assert permission.messages
    else:
        assert isinstance(request, SignTypedData)
        assert answer.digest == digest(request.typed)
        assert permission.typed_data
