"""Sessions: opened, granted, shown and stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple

from msgspec import Meta

from valetkey.core.principal import Access
from valetkey.wire.activity import Step, write_steps
from valetkey.wire.base import (
    Address,
    Amount,
    Asked,
    GrantKey,
    Hex,
    Integer,
    Seconds,
    Signature,
    Text,
    Told,
    Word,
    hexed,
)
from valetkey.wire.calculus import Finding
from valetkey.wire.clone import Clone
from valetkey.wire.credential import PublicKey, write_public_key
from valetkey.wire.explain import WorstCase
from valetkey.wire.permission import PermissionDocument
from valetkey.wire.quiet import quiet
from valetkey.wire.words import words_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from valetkey.core import session as core

_CLIENT: Final = (
    "It acts as the client of its user: it signs with their split wallets, if it brings the share.",
    "No permission limits what it signs, nor how much it spends.",
)
_UNDER: Final = (
    "It stands under {}: it may be used only while that one may, and counts against it. What is"
    " narrower here is enforced by this server alone."
)
TypedData = Annotated[dict[str, Any], Meta(description="EIP-712 typed data.")]


class OpenSession(Asked, frozen=True, kw_only=True):
    """
    A session to open.

    Args:
        key: What the holder will sign with, on secp256k1 or P-256 for proof ``chain``; none for
            proof ``bearer``.
        permission: What it may do, for access ``write``.
        starts_at: The permission's, or now.
        expires_at, ttl_s: The end, or seconds from the start; the permission's when left out.
        idle_s: It also ends when unused for so long.
        shares_key: Whether the same key may hold a session of another account.
        bound_token: Whether it also gets a token that is bound to ``key``: good for reads, with a
            proof by the key beside it (DPoP, RFC 9449).
    """

    proof: Literal["bearer", "stamp", "chain"]
    access: Literal["read", "write"]
    user_id: str | None = None
    account_id: str | None = None
    key: PublicKey | None = None
    permission: PermissionDocument | None = None
    starts_at: Seconds | None = None
    expires_at: Seconds | None = None
    ttl_s: Annotated[int, Meta(ge=1, le=2**32)] | None = None
    idle_s: Integer | None = None
    label: Text = ""
    device: Text = ""
    shares_key: bool = False
    bound_token: bool = False


class Remaining(Told, frozen=True, kw_only=True):
    """
    What one limit still allows.

    Args:
        asset: ``native``, the address of a token, or ``calls``, which a rate counts.
        caveat: Where in the permission it stands, such as ``caps[0].window``.
        window_ends_at: First second of the next window; None for a lifetime limit.
    """

    asset: str
    caveat: str
    limit: Amount
    spent: Amount
    left: Amount
    window_ends_at: Seconds | None


class Session(Told, frozen=True, kw_only=True):
    """
    A session as it is now.

    Args:
        state: With time and use in it.
        ends_at: When it is over if it is not used again.
        calls, calls_left: Booked, reservations included; None left is not counted.
        key: What its holder signs requests with.
        session_key: What the account's contract knows of the key that signs its runs.
        grant: The packed grant; its keccak-256 is ``grant_id``.
        steps: When each plane stopped accepting it, oldest first.
        surface: Where it was opened, and works.
        parent_id: The session that it was opened under, and stands or falls with.
        depth: How many sessions are above it.
    """

    id: str
    organization_id: str
    user_id: str | None
    wallet_id: str | None
    account_id: str | None
    parent_id: str | None
    depth: Integer
    surface: str
    proof: str
    access: str
    state: str
    label: str
    device: str
    created_at: Seconds
    starts_at: Seconds
    expires_at: Seconds
    idle_s: Integer | None
    ends_at: Seconds
    last_used_at: Seconds
    calls: Integer
    calls_left: Integer | None
    remaining: list[Remaining]
    owner_key: str | None
    key: PublicKey | None
    session_key: GrantKey | None
    permission: PermissionDocument | None
    permission_id: str | None
    grant_id: Word | None
    grant: Hex | None
    headline: str
    explanation: list[str]
    worst_case: WorstCase | None
    steps: list[Step]


class Consent(Told, frozen=True, kw_only=True):
    """What the owner signs: the grant, and the kill note that ends it."""

    grant: TypedData
    kill_note: TypedData


class SignConsent(Told, frozen=True, kw_only=True):
    """The owner has to sign both before the session is open."""

    kind: Literal["sign"] = "sign"
    grant: TypedData
    kill_note: TypedData


class KillNote(Told, frozen=True, kw_only=True):
    """
    What ends a session on chain without this server; ``text`` tells its owner how.

    Args:
        account: Where anybody sends it to; of a clone it goes to the ``factory`` in ``clone``.
    """

    version: Literal[1] = 1
    session_id: str
    chain: str
    chain_id: Integer
    account: Address
    grant_id: Word
    calldata: Hex
    text: str
    clone: Clone | None = None

    __repr__ = quiet("calldata", "text")


class OpenedSession(Told, frozen=True, kw_only=True):
    """
    A new session.

    Args:
        token: Its token, shown this once.
        token_type: ``Bearer``, or ``DPoP`` for one that is bound to the session's key.
        findings: What the linter says of its permission, errors first, and then its chain.
        owner_key: Where the key of the account's owner is: ``outside``, or ``sealed`` here.
        kill_note: For the owner to keep as a file; None until they have signed.
        consent_url: Where an owner elsewhere reads and signs it: a secret, shown this once.
    """

    session: Session
    token: str | None
    token_type: str | None
    headline: str
    explanation: list[str]
    worst_case: WorstCase | None
    findings: list[Finding]
    owner_key: str | None
    kill_note: KillNote | None
    next_action: SignConsent | None
    consent_url: str | None

    __repr__ = quiet("token")


class AcceptGrant(Asked, frozen=True, kw_only=True):
    """The owner's signatures over grant and kill note."""

    owner_signature: Signature
    kill_note: Signature

    __repr__ = quiet("kill_note")


def write_remaining(
    asset: str, caveat: str, *, limit: int, spent: int, window_ends_at: int | None
) -> Remaining:
    """Return what one limit still allows."""
    return Remaining(
        asset=asset,
        caveat=caveat,
        limit=str(limit),
        spent=str(spent),
        left=str(max(limit - spent, 0)),
        window_ends_at=window_ends_at,
    )


class Now(NamedTuple):
    """What the time and its use make of a session."""

    state: core.State
    ends_at: int
    calls_left: int | None
    remaining: list[Remaining]


def write_session(
    session: core.Session, usage: core.Usage, now: Now, *, names: Mapping[bytes, str]
) -> Session:
    """Return *session* as it is answered, with what it may do in words."""
    grant, key, owner_key = session.grant, session.key, session.owner_key
    document, told, sentences, worst = _words(session, names)
    return Session(
        id=session.id,
        organization_id=session.organization_id,
        user_id=session.user_id,
        wallet_id=session.wallet_id,
        account_id=session.account_id,
        parent_id=session.parent_id,
        depth=session.depth,
        surface=session.surface,
        proof=session.proof,
        access=session.access,
        state=now.state,
        label=session.label,
        device=session.device,
        created_at=session.created_at,
        starts_at=session.starts_at,
        expires_at=session.expires_at,
        idle_s=session.idle_s,
        ends_at=now.ends_at,
        last_used_at=usage.last_used_at,
        calls=usage.spent.calls,
        calls_left=now.calls_left,
        remaining=now.remaining,
        owner_key=None if owner_key is None else owner_key.value,
        key=None if key is None else write_public_key(key),
        session_key=None if grant is None else hexed(grant.session_key),
        permission=document,
        permission_id=session.permission_id,
        grant_id=None if grant is None else hexed(grant.grant_id),
        grant=None if grant is None else hexed(grant.packed),
        headline=told,
        explanation=sentences,
        worst_case=worst,
        steps=write_steps(session.steps),
    )


def _words(
    session: core.Session, names: Mapping[bytes, str]
) -> tuple[PermissionDocument | None, str, list[str], WorstCase | None]:
    permission = session.permission
    under = [] if session.parent_id is None else [_UNDER.format(session.parent_id)]
    if permission is None and session.access is Access.WRITE:
        return None, "may act as its user", [*_CLIENT, *under], None
    if permission is None:
        return None, "may read", ["It may read, and change nothing.", *under], None
    words = words_of(permission, session.permission_id or session.id, names=names)
    return words.document, words.headline, [*words.sentences, *under], words.worst
