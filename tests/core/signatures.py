"""Requests to sign something: what a template lets through, nearly that, and what nobody may."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import strategies as st

from tests.core.strategies import CAST, words
from tests.core.whole import ORDER, TYPES
from valetkey.core.permission.signing import (
    SignAuthorization,
    SignDigest,
    SigningRequest,
    SignMessage,
    SignTypedData,
)
from valetkey.spec.eip712 import TypedData, parse_type

if TYPE_CHECKING:
    from valetkey.core.permission.model import MessageTemplate, Permission, TypedDataTemplate

CHAIN_ID: Final = 31337
_FILLINGS: Final = ("a", "7", "é", "two words", "\n", "", "\u202e", "x" * 40)


@st.composite
def requests(draw: st.DrawFn, permission: Permission) -> SigningRequest:
    """Draw something to sign, mostly near what *permission* has a template for."""
    kinds = ["digest", "text", "typed data"]
    kinds += ["message"] * 4 if permission.messages else []
    kinds += ["fitting"] * 6 if permission.typed_data else []
    kind = draw(st.sampled_from(kinds))
    if kind == "digest":
        never: list[SigningRequest] = [SignDigest(bytes(32)), SignAuthorization(CAST.contracts[0])]
        return draw(st.sampled_from(never))
    if kind == "text":
        return SignMessage(draw(st.binary(max_size=40)))
    if kind == "message":
        return SignMessage(draw(filled(draw(st.sampled_from(permission.messages)))).encode())
    if kind == "fitting":
        return SignTypedData(draw(fitting(draw(st.sampled_from(permission.typed_data)))))
    return SignTypedData(draw(typed_data(permission)))


@st.composite
def fitting(draw: st.DrawFn, template: TypedDataTemplate) -> TypedData:
    """Draw typed data that *template* allows, if its constraints allow anything."""
    domain: dict[str, object] = {
        "name": template.name,
        "version": template.version,
        "chainId": CHAIN_ID,
        "verifyingContract": template.verifying_contract,
    }
    named = {name: value for name, value in domain.items() if value is not None}
    primary, types = parse_type(template.type)
    if template.type != ORDER:
        return TypedData(types, primary, named, {"name": "Ann", "nonce": 1})
    allowed = {one.field: one.values for one in template.where if one.values}
    who = draw(st.sampled_from(allowed.get(("maker", "who"), (1,)))) % 2**160
    paid = draw(st.sampled_from(allowed.get(("maker", "paid"), (0, 1))))
    message: dict[str, object] = {
        "maker": {"who": who.to_bytes(20), "paid": paid == 1},
        "takers": [CAST.people[0]],
        "amount": draw(st.sampled_from(allowed.get(("amount",), (1,)))),
        "note": "",
    }
    return TypedData(types, primary, named, message)


@st.composite
def filled(draw: st.DrawFn, template: MessageTemplate) -> str:
    """Draw *template* with its holes filled, sometimes with what may not stand in one."""
    text = template.text[0]
    for piece in template.text[1:]:
        text += draw(st.sampled_from(_FILLINGS)) + piece
    return text


@st.composite
def typed_data(draw: st.DrawFn, permission: Permission) -> TypedData:
    """Draw typed data of one of the two types, mostly of a template's domain."""
    contracts = [typed.verifying_contract for typed in permission.typed_data]
    domain: dict[str, object] = {
        "chainId": draw(st.sampled_from([CHAIN_ID, CHAIN_ID, CHAIN_ID, 1])),
        "verifyingContract": draw(st.sampled_from([*contracts, *CAST.contracts])),
    }
    if draw(st.booleans()):
        domain["name"] = "Exchange"
    if draw(st.booleans()):
        domain["version"] = "1"
    kind = draw(st.sampled_from(TYPES))
    if kind != ORDER:
        message: dict[str, object] = {"name": "Ann", "nonce": draw(words())}
        primary, types = parse_type(kind)
        return TypedData(types, primary, domain, message)
    who = (draw(words()) % 2**160).to_bytes(20)
    message = {
        "maker": {"who": who, "paid": draw(st.booleans())},
        "takers": [CAST.people[0]],
        "amount": draw(words()),
        "note": draw(st.sampled_from(["", "for you"])),
    }
    primary, types = parse_type(ORDER)
    return TypedData(types, primary, domain, message)
