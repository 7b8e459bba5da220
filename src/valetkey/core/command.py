"""What is asked for, checked before anything is looked up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from valetkey.core.errors import Code, Forbidden, Malformed
from valetkey.core.principal import Access
from valetkey.core.session import Proof
from valetkey.core.surface import Surface
from valetkey.core.token import SESSIONS, TokenPrefix
from valetkey.core.wallet import Curve
from valetkey.spec.keys import PublicKeyError, canonical_public_key

if TYPE_CHECKING:
    from valetkey.core.permission.model import Permission
    from valetkey.core.wallet import PublicKey

MIN_IDLE_S: Final = 1
ADDRESS_BYTES: Final = 20
CHAIN_CURVES: Final = frozenset({Curve.SECP256K1, Curve.P256})


@dataclass(frozen=True, slots=True)
class OpenSession:
    """
    What is asked for.

    Args:
        key: What the holder will sign with; None for a bearer token.
        key_address: Instead of it, for proof ``chain``: the address (20 bytes) of the key that will
            sign runs. Such a holder proves nothing to this server.
        permission: What it may do on chain; None for a session that only reads.
        starts_at, expires_at: Of the session; equal to the permission's when there is one.
        idle_s: It also ends when unused for so long; None is never.
        shares_key: Whether the same key may hold a session of another account.
        bound_token: Whether it also has a token that is bound to its key, for reads (DPoP).
        surface: Where it is opened. A bearer token of a vendor's surface writes as the client of
            its user, with all that the client's own share of a key may do.
        prefix: What its token begins with.
        sponsorship_id: What is to pay for putting it on its chain; None is the organization's fund.
    """

    proof: Proof
    access: Access
    user_id: str | None
    account_id: str | None
    key: PublicKey | None
    permission: Permission | None
    starts_at: int
    expires_at: int
    idle_s: int | None
    label: str
    device: str
    shares_key: bool = False
    bound_token: bool = False
    surface: Surface = Surface.NATIVE
    prefix: TokenPrefix = TokenPrefix.SESSION
    key_address: bytes | None = None
    sponsorship_id: str | None = None

    @property
    def is_client(self) -> bool:
        """Whether it is the client of a vendor's surface, which writes without a permission."""
        is_writing_bearer = self.proof is Proof.BEARER and self.access is Access.WRITE
        return self.surface is not Surface.NATIVE and is_writing_bearer


def check_open(command: OpenSession, *, now: int, max_session_s: int) -> None:
    """
    Let *command* pass if its parts fit together.

    1. the key fits the proof; 2. the access fits proof and permission; 3. the times are in order,
    not over, and not too long.

    Raises:
        Malformed: The first thing that does not fit.
        Forbidden: A bearer token was asked to write.
    """
    _check_key(command)
    _check_access(command)
    _check_times(command, now=now, max_session_s=max_session_s)


def _malformed(where: str, expected: str, got: object) -> Malformed:
    return Malformed(Code.MALFORMED_BODY, f"{where}: expected {expected}, got {got}")


def _check_key(command: OpenSession) -> None:  # 1
    if command.key_address is not None:
        _check_key_address(command, command.key_address)
    elif (command.proof is Proof.BEARER) != (command.key is None):
        wanted = "no key" if command.proof is Proof.BEARER else "a public key"
        got = "one" if command.key else "none"
        raise _malformed("key", f"{wanted} for proof {command.proof}", got)
    if command.bound_token and command.key is None:
        raise _malformed("bound_token", "false without a key that it is bound to", "true")
    if command.proof is Proof.CHAIN and command.key and command.key.curve not in CHAIN_CURVES:
        raise _malformed("key", "a secp256k1 or p256 key for proof chain", command.key.curve)
    if command.key is not None and not _is_kept_form(command.key):
        raise _malformed("key", f"a compressed point of {command.key.curve}", "other bytes")


def _check_key_address(command: OpenSession, address: bytes) -> None:
    if command.proof is not Proof.CHAIN:
        raise _malformed("key_address", f"none for proof {command.proof}", "one")
    if command.key is not None:
        raise _malformed("key_address", "none beside a key", "one")
    if len(address) != ADDRESS_BYTES or not any(address):
        raise _malformed("key_address", f"{ADDRESS_BYTES} bytes, not all 0", f"0x{address.hex()}")


def _is_kept_form(key: PublicKey) -> bool:
    try:
        return canonical_public_key(key.curve, key.data) == key.data
    except PublicKeyError:
        return False


def _check_client(command: OpenSession) -> None:
    if command.prefix not in SESSIONS:
        raise _malformed("prefix", f"one of {', '.join(SESSIONS)}", command.prefix)
    if command.user_id is None or command.permission or command.account_id:
        expected = "a user, and no permission or account, for the client of a vendor's surface"
        raise _malformed("user_id, permission, account_id", expected, "others")


def _check_access(command: OpenSession) -> None:  # 2
    if command.is_client:
        _check_client(command)
        return
    if command.proof is Proof.BEARER and command.access is Access.WRITE:
        detail = "a bearer token only reads; use proof stamp or chain to write"
        raise Forbidden(Code.NOT_ALLOWED, detail)
    if command.proof is Proof.CHAIN and command.access is not Access.WRITE:
        raise _malformed("access", "write for proof chain", command.access)
    writes = command.access is Access.WRITE
    if writes != (command.permission is not None) or (writes and command.account_id is None):
        expected = "both for access write, and no permission for access read"
        got = f"access {command.access}"
        raise _malformed("permission, account_id", expected, got)


def _check_times(command: OpenSession, *, now: int, max_session_s: int) -> None:  # 3
    if not command.starts_at < command.expires_at or command.expires_at <= now:
        got = f"{command.starts_at} and {command.expires_at} at {now}"
        expected = "starts_at < expires_at, and expires_at later than now"
        raise _malformed("starts_at, expires_at", expected, got)
    if command.expires_at - min(command.starts_at, now) > max_session_s:
        expected = f"at most {max_session_s} s from now"
        raise _malformed("expires_at", expected, command.expires_at)
    if command.idle_s is not None and command.idle_s < MIN_IDLE_S:
        raise _malformed("idle_s", f"{MIN_IDLE_S} or more, or none", command.idle_s)
    permission = command.permission
    times = (command.starts_at, command.expires_at)
    if permission is not None and (permission.starts_at, permission.expires_at) != times:
        raise _malformed("permission", "the times of the session in it", "others")
