"""What an owner and a session key may sign: rebuilt here from what was asked for, then compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from valetkey.client.errors import RefusedToSign
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.compile import NotOnChain, compile_grant
from valetkey.core.plan import chain_id_of, grant_id_of
from valetkey.spec import permission_bytes as packed
from valetkey.spec.eip712 import TypedData, TypedDataError, from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core.permission.model import Permission
    from valetkey.core.wallet import Clone


@dataclass(frozen=True, slots=True)
class Terms:
    """
    What a session was asked to be. Whatever comes back must say exactly this.

    Args:
        account: 20 bytes.
        permission: Whole: its chain, its times, its relayer.
        key: 20 bytes, the address of the session key; None when the server makes the chain key.
        clone: What the account is made of; None for one at its owner's own address.
    """

    account: bytes
    permission: Permission
    key: bytes | None
    clone: Clone | None = None

    @property
    def owner(self) -> bytes:
        """The 20 bytes that begin and end it."""
        return self.clone.owner if self.clone else self.account

    @property
    def chain_id(self) -> int:
        """The number of the one chain where it holds."""
        return chain_id_of(self.permission.chain)


@dataclass(frozen=True, slots=True)
class Verified:
    """A grant that says exactly what was asked for."""

    terms: Terms
    packed: bytes

    @property
    def grant_id(self) -> bytes:
        """The 32 bytes under which the chain knows it."""
        return grant_id_of(self.packed)

    def kill_note(self) -> TypedData:
        """Return what the owner signs to end it."""
        terms = self.terms
        return packed.revoke_typed_data(
            self.grant_id, chain_id=terms.chain_id, account=terms.account
        )

    def switch(self, sequence: int, *, freeze: bool) -> TypedData:
        """Return what the owner signs to freeze or unfreeze it."""
        build = packed.freeze_typed_data if freeze else packed.unfreeze_typed_data
        terms = self.terms
        return build(self.grant_id, sequence, chain_id=terms.chain_id, account=terms.account)


@dataclass(frozen=True, slots=True)
class Consent:
    """What an owner signs to open a session, both made here."""

    verified: Verified
    grant: TypedData
    kill_note: TypedData


def verify_packed(data: bytes, terms: Terms) -> Verified:
    """
    Return the grant that *data* is, if it is the one that *terms* ask for.

    Raises:
        RefusedToSign: It says something else; the error names the first place.
        Malformed: What was asked for cannot be a grant at all.
    """
    try:
        given = packed.decode_grant(data)
    except packed.GrantFormatError as error:
        raise RefusedToSign("grant", expected="a packed grant", got=error) from None
    own = _compile(terms, key=given.key, salt=given.salt)
    if own != data:
        _refuse_difference(packed.decode_grant(own), given)
    return Verified(terms, own)


def verify_consent(consent: Mapping[str, Any], terms: Terms) -> Consent:
    """
    Return what the owner is to sign, if *consent* is the typed data of what *terms* ask for.

    1. the key is the session's; 2. everything of the grant is what this permission compiles to,
    for this account and chain; 3. the kill note ends exactly this grant. Salt and epoch are the
    server's to choose: they give no power.

    Args:
        consent: ``grant`` and ``kill_note`` as typed data in JSON.

    Raises:
        RefusedToSign: It is not; the error names the first place.
        Malformed: What was asked for cannot be a grant at all.
    """
    verified, typed = verify_grant(read_typed("grant", consent.get("grant")), terms)  # 1, 2
    kill_note = verified.kill_note()
    expect_same("kill_note", kill_note, read_typed("kill_note", consent.get("kill_note")))  # 3
    return Consent(verified, typed, kill_note)


def verify_grant(given: TypedData, terms: Terms) -> tuple[Verified, TypedData]:
    """
    Return the grant, and what the owner signs for it, if *given* is what *terms* ask for.

    Raises:
        RefusedToSign: It is not; the error names the first place.
        Malformed: What was asked for cannot be a grant at all.
    """
    values = {name: given.message.get(name) for name in ("key", "salt", "epoch")}
    key, salt, epoch = values.values()
    if not isinstance(key, bytes) or not isinstance(salt, int) or not isinstance(epoch, int):
        raise RefusedToSign("grant", expected="a key, a salt and an epoch", got=values)
    own = _compile(terms, key=key, salt=salt)
    typed = packed.grant_typed_data(
        packed.decode_grant(own), epoch=epoch, chain_id=terms.chain_id, account=terms.account
    )
    expect_same("grant", typed, given)
    return Verified(terms, own), typed


def _compile(terms: Terms, *, key: bytes, salt: int) -> bytes:
    if terms.key is not None and key != terms.key:
        raise RefusedToSign("grant.key", expected=terms.key, got=key)
    try:
        own = compile_grant(terms.permission, key=key, salt=salt)
    except packed.GrantFormatError as error:
        raise RefusedToSign("grant", expected="a key and a salt", got=error) from None
    if isinstance(own, NotOnChain):
        raise Malformed(Code.NOT_ON_CHAIN, f"{own.caveat}: {own.detail}", caveat=own.caveat)
    return own


def _refuse_difference(own: packed.Grant, given: packed.Grant) -> None:
    for name in ("starts_at", "expires_at", "max_calls", "relayer", "caps", "rules", "root"):
        _compare(f"grant.{name}", getattr(own, name), getattr(given, name))
    raise RefusedToSign("grant", expected="the one encoding of its values", got="another")


def read_typed(what: str, data: object) -> TypedData:
    """
    Return typed data from JSON.

    Raises:
        RefusedToSign: It is none.
    """
    try:
        return from_json(data)
    except TypedDataError as error:
        raise RefusedToSign(what, expected="EIP-712 typed data", got=error) from None


def expect_same(what: str, own: TypedData, given: TypedData) -> None:
    """
    Return if *given* says what *own* says.

    Raises:
        RefusedToSign: It does not; the error names the first place.
    """
    _compare(f"{what}.domain", own.domain, given.domain)
    _compare(f"{what}.primaryType", own.primary_type, given.primary_type)
    for name, fields in own.types.items():
        _compare(f"{what}.types.{name}", tuple(fields), tuple(given.types.get(name, ())))
    _compare(what, own.message, given.message)


def _compare(path: str, own: Any, given: Any) -> None:  # noqa: ANN401 - values of any type
    """Raise `RefusedToSign` at the first place where the two differ."""
    if isinstance(own, dict) and isinstance(given, dict) and own.keys() == given.keys():
        for name, value in own.items():
            _compare(f"{path}.{name}", value, given[name])
    elif _are_lists(own, given):
        for index, (left, right) in enumerate(zip(own, given, strict=True)):
            _compare(f"{path}[{index}]", left, right)
    elif own != given:
        raise RefusedToSign(path, expected=own, got=given)


def _are_lists(own: object, given: object) -> bool:
    both = isinstance(own, list | tuple) and isinstance(given, list | tuple)
    return both and len(own) == len(given)  # type: ignore[arg-type]
