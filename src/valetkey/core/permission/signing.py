"""The decision about signatures as the account: which text or typed data may be signed now."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from valetkey.core.errors import Code
from valetkey.core.permission.check_signing import is_own_domain
from valetkey.core.permission.decide import holds, refuse_by_time
from valetkey.core.permission.targets import NEVER_TARGETS
from valetkey.core.permission.verdict import Deny
from valetkey.core.scope import held
from valetkey.spec.eip712 import TypedData, TypedDataError, digest, encode_field, encode_type
from valetkey.spec.permission_bytes import personal_digest

if TYPE_CHECKING:
    from collections.abc import Collection

    from valetkey.core.permission.model import MessageTemplate, Permission, TypedDataTemplate

MAX_MESSAGE_BYTES: Final = 8192
_DIGEST_BYTES: Final = 32
_HASH_TEXT: Final = re.compile(rb"\s*(0[xX])?[0-9a-fA-F]{64}\s*")
_DOMAIN: Final = frozenset({"chainId", "verifyingContract"})


@dataclass(frozen=True, slots=True)
class SignMessage:
    """A message for ``personal_sign`` (EIP-191, version ``0x45``)."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SignTypedData:
    """Typed data (EIP-712)."""

    typed: TypedData


@dataclass(frozen=True, slots=True)
class SignDigest:
    """32 bytes that nobody can read."""

    digest: bytes


@dataclass(frozen=True, slots=True)
class SignAuthorization:
    """The wish to run the code at *delegate* (EIP-7702)."""

    delegate: bytes


SigningRequest = SignMessage | SignTypedData | SignDigest | SignAuthorization


@dataclass(frozen=True, slots=True)
class Signable:
    """The 32 bytes that may be signed, and the template that says so."""

    digest: bytes
    caveat: str


def decide_signature(
    request: SigningRequest, permission: Permission, *, now: int, accounts: Collection[bytes]
) -> Signable | Deny:
    """
    Say whether *permission* lets *request* be signed as the account. Touches nothing.

    1. time; 2. what no session ever signs, for it could give itself power: digests, messages that
    may be one, authorizations, typed data of our domain, our accounts and the EntryPoints; 3. a
    template must match all of it.

    Args:
        permission: Well formed, as the owner signed it.
        now: Unix seconds, from the caller's clock.
        accounts: 20 bytes each: accounts and executors of ours, the signing one among them.
    """
    late = refuse_by_time(permission, now=now)  # 1
    if late is not None:
        return late
    never = never_signed(request, accounts=accounts)  # 2
    if never is not None:
        return never
    if isinstance(request, SignMessage):
        return _decide_message(request.data, permission)
    return _decide_typed_data(cast("SignTypedData", request).typed, permission)


def never_signed(request: SigningRequest, *, accounts: Collection[bytes]) -> Deny | None:
    """
    Return why no session signs *request*, whatever its permission; None if one may.

    Args:
        accounts: As for `decide_signature`.
    """
    if isinstance(request, SignDigest | SignAuthorization):
        what = "a digest" if isinstance(request, SignDigest) else "an EIP-7702 authorization"
        return _forbidden(f"{what} is never signed under a session")
    if isinstance(request, SignMessage):
        data = request.data
        if len(data) == _DIGEST_BYTES or _HASH_TEXT.fullmatch(data):
            return _forbidden("a message of 32 bytes may be a digest: never signed under a session")
        return None
    domain = request.typed.domain
    contract = domain.get("verifyingContract")
    if is_own_domain(domain.get("name")):
        return _forbidden("typed data of our own domain is never signed under a session")
    if isinstance(contract, bytes) and (contract in accounts or contract in NEVER_TARGETS):
        return _forbidden(
            "typed data for an account or an EntryPoint is never signed under a session"
        )
    return None


def decide_scope(scope: str, permission: Permission, *, now: int) -> Deny | None:
    """
    Return why *permission* does not give *scope* now, or None if it does.

    Args:
        scope: One name; there are no patterns and no hierarchy.
        now: Unix seconds, from the caller's clock.
    """
    late = refuse_by_time(permission, now=now)
    if late is not None or scope in held(permission.scopes):
        return late
    return Deny(Code.SCOPE_NOT_ALLOWED, "scopes", f"{scope[:64]!r} is not among them")


def _forbidden(detail: str) -> Deny:
    return Deny(Code.SIGNING_FORBIDDEN, "signatures", detail)


def _decide_message(data: bytes, permission: Permission) -> Signable | Deny:
    if len(data) > MAX_MESSAGE_BYTES:
        detail = f"expected a text of at most {MAX_MESSAGE_BYTES} bytes, got {len(data)}"
        return Deny(Code.SIGNING_NOT_ALLOWED, "messages", detail)
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return Deny(Code.SIGNING_NOT_ALLOWED, "messages", "expected UTF-8 text, got other bytes")
    for index, template in enumerate(permission.messages):
        if is_filled(template, text):
            return Signable(personal_digest(data), f"messages[{index}]")
    detail = f"no template among {len(permission.messages)} has this text"
    return Deny(Code.SIGNING_NOT_ALLOWED, "messages", detail)


def is_filled(template: MessageTemplate, text: str) -> bool:
    """Say whether *text* is *template* with every hole filled."""
    first, *rest = template.text
    if not rest:
        return text == first
    *between, last = rest
    if not text.startswith(first):
        return False
    start = len(first)
    for piece in between:
        # The first place is the best: what a later one would fill, the next hole can.
        found = text.find(piece, start + 1)
        if found < 0 or not text[start:found].isprintable():
            return False
        start = found + len(piece)
    end = len(text) - len(last)
    return start < end and text.endswith(last) and text[start:end].isprintable()


def _decide_typed_data(typed: TypedData, permission: Permission) -> Signable | Deny:
    try:
        signed, kind = digest(typed), encode_type(typed.primary_type, typed.types)
        matching = [
            (f"typed_data[{index}]", template)
            for index, template in enumerate(permission.typed_data)
            if template.type == kind and _is_domain(template, typed, permission.chain)
        ]
        for caveat, template in matching:  # one at most: no two are about the same
            return _refused_field(caveat, template, typed) or Signable(signed, caveat)
    except TypedDataError as error:
        return Deny(Code.SIGNING_NOT_ALLOWED, "typed_data", f"it is no EIP-712 data: {error}")
    detail = f"no template among {len(permission.typed_data)} has this domain and type"
    return Deny(Code.SIGNING_NOT_ALLOWED, "typed_data", detail)


def _is_domain(template: TypedDataTemplate, typed: TypedData, chain: str) -> bool:
    expected: dict[str, object] = {
        "name": template.name,
        "version": template.version,
        "chainId": int(chain.removeprefix("eip155:")),
        "verifyingContract": template.verifying_contract,
    }
    return dict(typed.domain) == {
        key: value for key, value in expected.items() if key in _DOMAIN or value is not None
    }


def _refused_field(caveat: str, template: TypedDataTemplate, typed: TypedData) -> Deny | None:
    for index, constraint in enumerate(template.where):
        word = int.from_bytes(encode_field(typed, constraint.field))
        if not holds(constraint.operator, constraint.values, word):
            field = ".".join(constraint.field)
            detail = f"{field} 0x{word:x} is not what the template allows"
            return Deny(Code.FIELD_REFUSED, f"{caveat}.where[{index}]", detail)
    return None
