"""What a split wallet may be asked to sign, as the bytes that its key signs; who may not ask."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from valetkey.core.clone_signature import nested
from valetkey.core.custody import MAX_MESSAGE_BYTES
from valetkey.core.errors import Code, Malformed
from valetkey.core.permission.decide import Deny
from valetkey.core.permission.model import Call
from valetkey.core.permission.signing import (
    SignDigest,
    SignMessage,
    SignTypedData,
    never_signed,
)
from valetkey.core.wallet import Curve
from valetkey.spec.eip712 import TypedDataError, digest, from_json
from valetkey.spec.permission_bytes import personal_digest
from valetkey.spec.raw_transaction import RawTransaction, TransactionError, read, seal
from valetkey.spec.transaction import (
    Unsigned,
    authorization_digest,
    encode_unsigned,
    transaction_hash,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from valetkey.core.chain import Transaction

DIGEST_BYTES: Final = 32
_WITHOUT_CHAIN: Final = frozenset({SignMessage, SignDigest})


@dataclass(frozen=True, slots=True)
class SignTransaction:
    """A transaction that somebody wrote, read whole."""

    transaction: RawTransaction


@dataclass(frozen=True, slots=True)
class SignDelegation:
    """The wish of an account to run the code at *delegate* (EIP-7702)."""

    chain_id: int
    delegate: bytes
    nonce: int


@dataclass(frozen=True, slots=True)
class SignAsClone:
    """What the account at *account*, a clone that the key owns, is to sign on one chain."""

    wanted: SignMessage | SignTypedData
    account: bytes
    chain_id: int


Wanted = SignMessage | SignTypedData | SignTransaction | SignDigest | SignDelegation | SignAsClone


@dataclass(frozen=True, slots=True)
class Prepared:
    """
    What the key signs.

    Args:
        form: What it is called in plans and logs.
        message: A digest of 32 bytes for secp256k1, the bytes themselves for Ed25519.
        facts: What the log says about it.
    """

    form: str
    message: bytes
    facts: Mapping[str, str] = field(default_factory=dict)


def read_transaction(raw: bytes) -> SignTransaction:
    """
    Return the transaction that *raw* is, without its signature.

    Raises:
        Malformed: It is none that could be signed.
    """
    try:
        return SignTransaction(read(raw))
    except TransactionError as error:
        raise Malformed(Code.MALFORMED_BODY, f"transaction: {error}") from None


def write_transaction(transaction: Transaction, *, chain_id: int) -> SignTransaction:
    """
    Return *transaction* to be signed by its sender, who pays for it.

    Raises:
        Malformed: A field is out of its range.
    """
    try:
        unsigned = Unsigned(
            chain_id=chain_id,
            nonce=transaction.nonce,
            max_priority_fee_wei=transaction.fees.priority_fee_wei,
            max_fee_wei=transaction.fees.max_fee_wei,
            gas_limit=transaction.gas_limit,
            to=transaction.to,
            value_wei=transaction.value_wei,
            data=transaction.data,
        )
    except ValueError as error:
        raise Malformed(Code.MALFORMED_BODY, f"transaction: {error}") from None
    return read_transaction(encode_unsigned(unsigned))


def transaction_hash_of(raw: bytes) -> bytes:
    """Return the 32 bytes under which a chain knows the signed transaction *raw*."""
    return transaction_hash(raw)


def read_typed_data(data: object) -> SignTypedData:
    """
    Return the typed data that *data* is, in the shape of ``eth_signTypedData_v4``.

    Raises:
        Malformed: It is none.
    """
    try:
        return SignTypedData(from_json(data))
    except TypedDataError as error:
        raise Malformed(Code.MALFORMED_BODY, f"typed_data: {error}") from None


def sealed_transaction(wanted: Wanted, signature: bytes) -> bytes | None:
    """Return the transaction as a chain takes it, if one was signed."""
    return seal(wanted.transaction, signature) if isinstance(wanted, SignTransaction) else None


def prepare(wanted: Wanted, curve: Curve) -> Prepared:
    """
    Return what a key on *curve* signs for *wanted*.

    A message is prefixed as EIP-191 says for secp256k1; for Ed25519 it is signed as it is, which
    is how Solana signs its transactions, too.

    Raises:
        Malformed: It is too long, or nothing that such a key signs.
    """
    if curve is Curve.ED25519:
        return _prepare_bytes(wanted)
    match wanted:
        case SignMessage(data):
            _check_length(data)
            prepared = Prepared("message", personal_digest(data))
        case SignTypedData(typed):
            facts = {"primary_type": typed.primary_type[:64]}
            prepared = Prepared("typed_data", digest(typed), facts)
        case SignTransaction(transaction):
            prepared = Prepared("transaction", transaction.digest, _facts(transaction))
        case SignDelegation(chain_id, delegate, nonce):
            facts = {"chain": f"eip155:{chain_id}", "delegate": f"0x{delegate.hex()}"}
            prepared = Prepared("delegation", _delegation(chain_id, delegate, nonce), facts)
        case SignAsClone():
            prepared = _prepare_as_clone(wanted)
        case SignDigest():
            if len(wanted.digest) != DIGEST_BYTES:
                detail = f"digest: expected {DIGEST_BYTES} bytes, got {len(wanted.digest)}"
                raise Malformed(Code.MALFORMED_BODY, detail)
            prepared = Prepared("digest", wanted.digest)
    return prepared


def _prepare_as_clone(wanted: SignAsClone) -> Prepared:
    """Return what the owner signs for a clone: it names the account and the chain."""
    if isinstance(wanted.wanted, SignMessage):
        _check_length(wanted.wanted.data)
    typed = nested(wanted.wanted, account=wanted.account, chain_id=wanted.chain_id)
    facts = {"account": f"eip155:{wanted.chain_id}:0x{wanted.account.hex()}"}
    return Prepared("as_clone", digest(typed), facts)


def _prepare_bytes(wanted: Wanted) -> Prepared:
    if isinstance(wanted, SignMessage | SignDigest):
        data = wanted.data if isinstance(wanted, SignMessage) else wanted.digest
        _check_length(data)
        form = "message" if isinstance(wanted, SignMessage) else "digest"
        return Prepared(form, data)
    detail = "expected a message or a digest for an ed25519 key, got something of secp256k1"
    raise Malformed(Code.MALFORMED_BODY, detail)


def _check_length(data: bytes) -> None:
    if not 1 <= len(data) <= MAX_MESSAGE_BYTES:
        detail = f"message: expected 1 to {MAX_MESSAGE_BYTES} bytes, got {len(data)}"
        raise Malformed(Code.MALFORMED_BODY, detail)


def _delegation(chain_id: int, delegate: bytes, nonce: int) -> bytes:
    if chain_id == 0:
        detail = "delegation: expected one chain, got chain 0, which is all of them"
        raise Malformed(Code.MALFORMED_BODY, detail)
    try:
        return authorization_digest(chain_id, delegate, nonce)
    except ValueError as error:
        raise Malformed(Code.MALFORMED_BODY, f"delegation: {error}") from None


def _facts(transaction: RawTransaction) -> dict[str, str]:
    return {
        "chain": f"eip155:{transaction.chain_id}",
        "to": f"0x{transaction.to.hex()}" if transaction.to else "",
        "value_wei": str(transaction.value_wei),
        "nonce": str(transaction.nonce),
    }


def refuse_under_session(
    wanted: Wanted, curve: Curve, *, accounts: Collection[bytes], raw_allowed: bool
) -> Deny | None:
    """
    Return why no session has *wanted* signed, or None if one may: DESIGN section 3.

    1. what gives a session more power: delegations, typed data of our domain or about an account;
    2. what nobody can read: digests, messages that may be one, and for Ed25519, where a message is
    signed as it is, all that is not text.

    Args:
        accounts: 20 bytes each: accounts and executors of ours, the signing one among them.
        raw_allowed: Whether the organization lets sessions of this surface sign 2.
    """
    if isinstance(wanted, SignDelegation) or _sets_code(wanted):  # 1
        return _forbidden("an EIP-7702 authorization is never signed under a session")
    if isinstance(wanted, SignTransaction):
        if wanted.transaction.to in accounts and wanted.transaction.data:
            return _forbidden("a call to an account or executor of ours is the owner's")
        return None
    is_raw = type(wanted) in _WITHOUT_CHAIN
    if is_raw and raw_allowed:  # 2
        return None
    if curve is Curve.ED25519 and isinstance(wanted, SignMessage) and not _is_text(wanted.data):
        return _forbidden("bytes that are no text may be a transaction: the owner signs those")
    inner = wanted.wanted if isinstance(wanted, SignAsClone) else wanted
    return never_signed(inner, accounts=accounts)


def call_of(transaction: RawTransaction) -> Call | Deny:
    """Return what *transaction* does as a permission speaks of it, or why none allows it."""
    if transaction.to is None:
        detail = "no permission speaks of a transaction that creates a contract"
        return Deny(Code.TARGET_NOT_ALLOWED, "rules", detail)
    return Call(transaction.to, transaction.value_wei, transaction.data)


def _sets_code(wanted: Wanted) -> bool:
    return isinstance(wanted, SignTransaction) and wanted.transaction.sets_code


def _is_text(data: bytes) -> bool:
    try:
        return data.decode().replace("\n", "").isprintable()
    except UnicodeDecodeError:
        return False


def _forbidden(detail: str) -> Deny:
    return Deny(Code.SIGNING_FORBIDDEN, "signatures", detail)
