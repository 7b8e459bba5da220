"""The owner's side: signatures that give power, take it away, or let the account run our code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.client.errors import RefusedToSign
from valetkey.client.keys import load_private_key, sign_digest
from valetkey.client.values import Address, read_address
from valetkey.core.errors import Code, Malformed
from valetkey.core.plan import delegation_digest, is_signed_by
from valetkey.core.wallet import Curve, PublicKey, address_of
from valetkey.spec.eip712 import digest, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from valetkey.client.consent import Consent
    from valetkey.spec.eip712 import TypedData

    SignTypedData = Callable[[Mapping[str, object]], bytes | str]
    SignDelegation = Callable[["Delegation"], bytes | str]

_SIGNATURE_BYTES: Final = 65
_V_OFFSET: Final = 27


@dataclass(frozen=True, slots=True)
class Delegation:
    """
    An account's wish to run the code at *delegate* (EIP-7702).

    Args:
        chain: CAIP-2.
        delegate: 20 bytes.
        nonce: The account's own, at this moment.
    """

    chain: str
    delegate: bytes
    nonce: int

    @property
    def digest(self) -> bytes:
        """The 32 bytes that the owner signs."""
        return delegation_digest(chain=self.chain, delegate=self.delegate, nonce=self.nonce)


class Owner:
    """
    Who owns an account, and how to have them sign.

    What comes to be signed was made here from what was asked for; the server's version of it was
    only compared.

    >>> owner = Owner.from_key("0x…")
    >>> owner = Owner.external("0x…", typed_data=lambda data: wallet.sign_typed_data(data))
    """

    __slots__ = ("_delegation", "_typed", "address")

    def __init__(
        self,
        address: bytes,
        *,
        typed: Callable[[TypedData], bytes | str],
        delegation: Callable[[Delegation], bytes | str] | None,
    ) -> None:
        self.address = address
        self._typed = typed
        self._delegation = delegation

    @classmethod
    def from_key(cls, private_key: str | bytes) -> Owner:
        """
        Return an owner whose key is in this process: for scripts, tests and servers of one's own.

        Args:
            private_key: 32 bytes, or 64 hex digits with or without ``0x``.

        Raises:
            Malformed: It is no key; nothing of it is repeated.
        """
        key = load_private_key(private_key)
        public = PublicKey(Curve.SECP256K1, key.public_key.format(compressed=True))
        return cls(
            address_of(public),
            typed=lambda typed: sign_digest(key, digest(typed)),
            delegation=lambda wanted: sign_digest(key, wanted.digest),
        )

    @classmethod
    def external(
        cls,
        address: Address,
        *,
        typed_data: SignTypedData,
        delegation: SignDelegation | None = None,
    ) -> Owner:
        """
        Return an owner whose key is elsewhere: a wallet, a signer service, a hardware key.

        Args:
            typed_data: Takes EIP-712 typed data as JSON values (``eth_signTypedData_v4``) and
                returns 65 bytes, or their hex.
            delegation: The same for an EIP-7702 authorization; None where the wallet has no such
                thing.
        """
        return cls(
            read_address(address, where="address", code=Code.MALFORMED_SIGNATURE),
            typed=lambda typed: typed_data(to_json(typed)),
            delegation=delegation,
        )

    def sign(self, typed: TypedData) -> bytes:
        """
        Return the owner's 65 bytes over *typed*, with v 27 or 28.

        Raises:
            Malformed: What the signer returned is not this owner's signature.
        """
        return self._checked(self._typed(typed), digest(typed))

    def sign_consent(self, consent: Consent) -> tuple[bytes, bytes]:
        """
        Return the signatures over grant and kill note.

        Raises:
            RefusedToSign: The account is not this owner's.
            Malformed: What the signer returned is not this owner's signature.
        """
        owner = consent.verified.terms.owner
        if owner != self.address:
            raise RefusedToSign("account", expected=self.address, got=owner)
        return self.sign(consent.grant), self.sign(consent.kill_note)

    def sign_delegation(self, wanted: Delegation) -> bytes:
        """
        Return the signature that makes the account run the code at ``wanted.delegate``.

        Raises:
            Malformed: The signer cannot, or returned another signature.
        """
        if self._delegation is None:
            detail = "delegation: expected a signer for EIP-7702 authorizations, got none"
            raise Malformed(Code.MALFORMED_SIGNATURE, detail)
        return self._checked(self._delegation(wanted), wanted.digest)

    def _checked(self, signed: bytes | str, message_digest: bytes) -> bytes:
        try:
            raw = bytes.fromhex(signed.removeprefix("0x")) if isinstance(signed, str) else signed
        except ValueError:
            raw = b""
        if len(raw) == _SIGNATURE_BYTES and raw[64] < _V_OFFSET:
            raw = raw[:64] + bytes([raw[64] + _V_OFFSET])
        if not is_signed_by(message_digest, raw, self.address):
            detail = f"expected 65 bytes by 0x{self.address.hex()} over 0x{message_digest.hex()}"
            raise Malformed(Code.MALFORMED_SIGNATURE, detail)
        return raw

    def __repr__(self) -> str:
        return f"Owner(0x{self.address.hex()})"
