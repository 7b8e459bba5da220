"""Errors as HTTP: a status for each kind, a title for each code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from valetkey.core.errors import (
    ChainRejected,
    Code,
    Conflict,
    Forbidden,
    Limited,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
    ValetkeyError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPE: Final = b"application/problem+json"
TYPES: Final = "/problems/"  # and the code; each is served
INTERNAL_STATUS: Final = 500

STATUSES: Final[Mapping[type[ValetkeyError], int]] = {
    Malformed: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    ChainRejected: 422,
    Limited: 429,
    Unavailable: 503,
}

# Where HTTP has a status of its own for what is malformed or not there.
OWN_STATUSES: Final[Mapping[Code, int]] = {
    Code.METHOD_NOT_ALLOWED: 405,
    Code.BODY_TOO_LARGE: 413,
    Code.URL_TOO_LONG: 414,
    Code.UNSUPPORTED_MEDIA_TYPE: 415,
    Code.HEADERS_TOO_LARGE: 431,
    Code.INTERNAL: INTERNAL_STATUS,
    Code.AUDIT_BROKEN: INTERNAL_STATUS,
}

TITLES: Final[Mapping[Code, str]] = {
    Code.MALFORMED_BODY: "The body has another form than it must",
    Code.MALFORMED_CONFIG: "The configuration has another form than it must",
    Code.MALFORMED_ARCHIVE: "The archive cannot be taken",
    Code.MALFORMED_ID: "An id has another form than it must",
    Code.MALFORMED_PERMISSION: "The permission is not well formed",
    Code.MALFORMED_CALL: "A call is not well formed",
    Code.MALFORMED_RUN: "The run is not well formed",
    Code.MALFORMED_SIGNATURE: "The signature is not the one that is needed",
    Code.MALFORMED_REQUEST: "The query or a header has another form than it must",
    Code.TOO_COMPLEX: "It takes too long to work out",
    Code.URL_TOO_LONG: "The URL is too long",
    Code.HEADERS_TOO_LARGE: "The headers are too large",
    Code.BODY_TOO_LARGE: "The body is too large",
    Code.UNSUPPORTED_MEDIA_TYPE: "The body is of another type than JSON",
    Code.NO_SUCH_ROUTE: "There is nothing here",
    Code.METHOD_NOT_ALLOWED: "This method is not for this path",
    Code.WRONG_CHAIN: "Another chain",
    Code.URL_REFUSED: "Nothing is sent to this URL",
    Code.REQUEST_ID_MISSING: "A write needs a unique id",
    Code.REQUEST_ID_REUSED: "The id was used for another request",
    Code.PROOF_MISSING: "Nobody was proven",
    Code.PROOF_REFUSED: "The proof is refused",
    Code.PROOF_TOO_OLD: "The proof is not fresh",
    Code.PROOF_REPLAYED: "The signed request was seen before",
    Code.PROOF_KEY_BOUND: "The proof is bound to a key",
    Code.PROOF_NONCE_NEEDED: "The proof needs a nonce of this server",
    Code.LINK_EXPIRED: "The consent link has run out",
    Code.CODE_REFUSED: "The one-time code is refused",
    Code.NOT_ALLOWED: "Not allowed",
    Code.READ_ONLY: "This proof only reads",
    Code.SCOPE_MISSING: "The credential has not this scope",
    Code.LAST_OWNER: "The last owner stays",
    Code.SHARE_MISSING: "The client's share is missing",
    Code.NOT_FOUND: "Not found",
    Code.SESSION_PENDING: "The session waits for its owner",
    Code.SESSION_NOT_STARTED: "The session has not started",
    Code.SESSION_EXPIRED: "The session has expired",
    Code.SESSION_FROZEN: "The session is frozen",
    Code.SESSION_REVOKED: "The session was revoked",
    Code.SESSION_CLOSED: "The session was closed",
    Code.SESSION_EXHAUSTED: "The session is used up",
    Code.SESSION_STATE: "Not in this state",
    Code.SESSION_KEY_IN_USE: "The key is in use",
    Code.SESSION_KEY_FIXED: "The key cannot change",
    Code.SESSION_TOO_DEEP: "Too many sessions above this one",
    Code.NOT_WITHIN_PARENT: "It would be more than its parent",
    Code.TOO_MANY_CHILD_SESSIONS: "No more sessions below this one",
    Code.NOT_ON_CHAIN: "The chain cannot enforce it",
    Code.TARGET_NOT_ALLOWED: "The target is not allowed",
    Code.TARGET_FORBIDDEN: "The target is never allowed",
    Code.SELECTOR_NOT_ALLOWED: "The function is not allowed",
    Code.SELECTOR_REFUSED: "The function may move value",
    Code.ARGUMENT_MISSING: "An argument is missing",
    Code.ARGUMENT_REFUSED: "An argument is refused",
    Code.RECIPIENT_NOT_ALLOWED: "The recipient is not allowed",
    Code.PER_CALL_CAP_EXCEEDED: "Over the cap per call",
    Code.VALUE_NOT_ALLOWED: "Native value is not allowed",
    Code.CAP_EXCEEDED: "Over the cap",
    Code.TOO_MANY_CALLS: "Too many calls",
    Code.RATE_EXCEEDED: "Too many calls in this window",
    Code.SIGNING_NOT_ALLOWED: "No template allows this signature",
    Code.SIGNING_FORBIDDEN: "No session signs this",
    Code.FIELD_REFUSED: "A field is refused",
    Code.SCOPE_NOT_ALLOWED: "The scope is not allowed",
    Code.MALFORMED_SHARE: "This is no share, or not a whole one",
    Code.SHARE_OF_ANOTHER_WALLET: "The share is of another wallet",
    Code.SHARE_STALE: "There is a newer share",
    Code.SHARE_REFUSED: "The share does not join to the key",
    Code.SIGNATURE_SHARE_REFUSED: "The signature share is not one of the key",
    Code.NONCE_SPENT: "The nonces of this round are gone",
    Code.WALLET_NOT_SPLIT: "The wallet's key is not split",
    Code.WALLET_EJECTED: "The wallet was ejected",
    Code.EJECT_NOT_ENABLED: "The owner has not allowed it",
    Code.APPROVAL_REFUSED: "The signer has no approval for it",
    Code.PIN_REFUSED: "Another PIN",
    Code.PIN_LOCKED: "No try is left",
    Code.NOT_GRANTED: "The owner has not granted it",
    Code.SIGNATURE_REFUSED: "The chain refused the signature",
    Code.NONCE_USED: "The nonce is used",
    Code.NONCE_TOO_FAR: "The nonce is too far ahead",
    Code.DEADLINE_PASSED: "The deadline has passed",
    Code.RELAYER_NOT_ALLOWED: "Another relayer is bound",
    Code.NO_SUCH_RULE: "There is no such rule",
    Code.KEY_TYPE_REFUSED: "The chain checks no key of this kind",
    Code.CALL_REVERTED: "The call reverted",
    Code.CHAIN_REJECTED: "The chain rejected it",
    Code.NOT_DELEGATED: "The account is not delegated",
    Code.BUDGET_EXCEEDED: "Over the budget",
    Code.SPONSORSHIP_EXCEEDED: "The sponsor pays no more",
    Code.NOT_SPONSORED: "The sponsorship does not pay for this",
    Code.TOO_MANY_CHILDREN: "No more organizations below this one",
    Code.TOO_MANY_IN_FLIGHT: "Too many in flight",
    Code.QUOTA_EXCEEDED: "No more of these",
    Code.RATE_LIMITED: "Too many requests",
    Code.TOO_MANY_QUESTIONS: "Too many are asking",
    Code.TOO_MANY_STREAMS: "Too many are watching",
    Code.TOO_MANY_CODES: "Too many codes to one address",
    Code.ORGANIZATION_MOVED: "The organization is on another server now",
    Code.CONFLICT: "It is there already",
    Code.SERVER_UNREACHABLE: "The server does not answer",
    Code.CHAIN_UNREACHABLE: "The chain does not answer",
    Code.STORE_UNAVAILABLE: "The store does not answer",
    Code.MESSENGER_UNAVAILABLE: "The code could not be sent",
    Code.ISSUER_UNAVAILABLE: "The keys of an identity provider could not be looked up",
    Code.VAULT_REFUSED: "The vault refused",
    Code.SIGNER_UNAVAILABLE: "The signer does not answer",
    Code.AUDIT_BROKEN: "The audit log is broken",
    Code.NOT_READY: "The server is not ready",
    Code.INTERNAL: "An error on our side",
}


def status_of(error: ValetkeyError) -> int:
    """Return the status that says *error*."""
    return OWN_STATUSES.get(error.code) or STATUSES[type(error)]


def problem(error: ValetkeyError, *, request_id: str) -> dict[str, object]:
    """
    Return the body that says *error*; its facts stand beside the members of the standard.

    Spec:
        RFC 9457 section 3.
    """
    body: dict[str, object] = {
        "type": f"{TYPES}{error.code}",
        "title": TITLES[error.code],
        "status": status_of(error),
        "detail": error.detail,
        "code": error.code.value,
        "request_id": request_id,
    }
    return {**error.facts, **body}


def unforeseen(request_id: str) -> ValetkeyError:
    """Return what is said of what we did not foresee: an id to look for in the log, no more."""
    return ValetkeyError(Code.INTERNAL, f"the log has the reason under {request_id}")
