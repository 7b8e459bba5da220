"""
What waits for a signature on Openfort's surface: recomputed from what was asked for, then signed.

The server sends a hash to sign and says what it is of. Here the same is built anew from what was
asked for; a hash that does not follow from it is not signed, whoever asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from valetkey.client.consent import Terms, expect_same, read_typed, verify_grant
from valetkey.client.errors import RefusedToSign
from valetkey.client.keys import SessionKey
from valetkey.core.permission.whitelist import Whitelist, whitelist_permission
from valetkey.spec import erc7821
from valetkey.spec import permission_bytes as packed
from valetkey.spec.eip712 import digest
from valetkey.wire.base import hexed

if TYPE_CHECKING:
    from valetkey.client.owner import Owner
    from valetkey.client.vendor_json import Payload
    from valetkey.core.permission.model import Call
    from valetkey.spec.eip712 import TypedData

LAG_S: Final = 120  # so much before it was asked for a session may begin, for clocks differ
MAX_DEADLINE_S: Final = 3600
_HASHES: Final = ("signable_hash", "user_operation_hash", "user_op_hash")


class Asked(Protocol):
    """What somebody has asked for, and so what may be signed."""

    def verify(self, given: TypedData) -> TypedData:
        """
        Return what is to be signed, built here.

        Raises:
            RefusedToSign: *given* says something else; the error names the first place.
        """


@dataclass(frozen=True, slots=True)
class AskedSession:
    """
    A session that was asked for.

    Args:
        account: 20 bytes.
        key: 20 bytes, the address of the session key.
        whitelist: 20 bytes each; none is any contract.
        limit: How many calls; None is any number.
        valid_after: First valid second; 0 is now.
        valid_until: Last valid second.
        now: Unix seconds, when it was asked for.
        as_vendor: Whether the organization lets such sessions move value, as the vendor does.
    """

    account: bytes
    chain_id: int
    key: bytes
    whitelist: tuple[bytes, ...]
    limit: int | None
    valid_after: int
    valid_until: int
    now: int
    as_vendor: bool = False

    def verify(self, given: TypedData) -> TypedData:
        """Return the grant of exactly this session (see `Asked`)."""
        starts_at, relayer = (given.message.get(name) for name in ("startsAt", "relayer"))
        is_ahead = self.valid_after > self.now
        earliest = self.valid_after if is_ahead else self.now - LAG_S
        latest = max(self.valid_after, self.now + LAG_S)
        if not isinstance(starts_at, int) or not earliest <= starts_at <= latest:
            expected = f"a beginning from {earliest} to {latest}"
            raise RefusedToSign("grant.startsAt", expected=expected, got=starts_at)
        if not isinstance(relayer, bytes):
            raise RefusedToSign("grant.relayer", expected="20 bytes", got=relayer)
        wanted = Whitelist(
            chain=f"eip155:{self.chain_id}",
            targets=self.whitelist,
            max_calls=self.limit,
            starts_at=starts_at,
            expires_at=self.valid_until + 1,
            moves_value=self.as_vendor,
        )
        permission = whitelist_permission(wanted, relayer=relayer)
        return verify_grant(given, Terms(self.account, permission, self.key))[1]


@dataclass(frozen=True, slots=True)
class AskedRevocation:
    """
    The end of a session, whichever: it takes power away.

    Args:
        account: 20 bytes.
    """

    account: bytes
    chain_id: int

    def verify(self, given: TypedData) -> TypedData:
        """Return the revocation of the grant that *given* names (see `Asked`)."""
        grant = given.message.get("grant")
        if not isinstance(grant, bytes):
            raise RefusedToSign("revoke.grant", expected="32 bytes", got=grant)
        own = packed.revoke_typed_data(grant, chain_id=self.chain_id, account=self.account)
        expect_same("revoke", own, given)
        return own


@dataclass(frozen=True, slots=True)
class AskedCalls:
    """
    Calls of an account, all or none.

    Args:
        account: 20 bytes.
        now: Unix seconds, when they were asked for.
    """

    account: bytes
    chain_id: int
    calls: tuple[Call, ...]
    now: int

    def verify(self, given: TypedData) -> TypedData:
        """Return the execution of exactly these calls (see `Asked`)."""
        nonce, deadline = (given.message.get(name) for name in ("nonce", "deadline"))
        latest = self.now + MAX_DEADLINE_S
        if not isinstance(nonce, int):
            raise RefusedToSign("execute.nonce", expected="a number", got=nonce)
        if not isinstance(deadline, int) or not self.now < deadline <= latest:
            expected = f"a deadline behind {self.now}, at most {latest}"
            raise RefusedToSign("execute.deadline", expected=expected, got=deadline)
        own = erc7821.execute_typed_data(
            [erc7821.Call(one.to, one.value_wei, one.data) for one in self.calls],
            nonce=nonce,
            deadline=deadline,
            chain_id=self.chain_id,
            account=self.account,
        )
        expect_same("execute", own, given)
        return own


@dataclass(frozen=True, slots=True)
class NextAction:
    """
    What somebody has to sign now.

    >>> of.sessions.signature(session.id, session.next_action.sign(owner))

    Args:
        payload: As it came.
        asked: What it must be.
    """

    payload: Payload
    asked: Asked

    def verify(self) -> TypedData:
        """
        Return what is to be signed: it says what was asked for, and every hash that came is its.

        Raises:
            RefusedToSign: Something else came; the error names the first place.
        """
        own = self.asked.verify(read_typed("typed_data", self.payload.valetkey.typed_data))
        expected = hexed(digest(own))
        for name in _HASHES:
            got = getattr(self.payload, name)
            if got.lower() != expected:
                raise RefusedToSign(name, expected=expected, got=got)
        return own

    def sign(self, signer: Owner | SessionKey) -> str:
        """
        Return the signature of the owner or of a session key, 65 bytes in hex, after `verify`.

        Raises:
            RefusedToSign: It is not what was asked for; nothing was signed.
        """
        typed = self.verify()
        if isinstance(signer, SessionKey):
            return hexed(signer.sign_digest(digest(typed)))
        return hexed(signer.sign(typed))
