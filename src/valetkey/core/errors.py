"""One tree of errors and one list of stable codes."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Why something was refused. Stable; a string is never reused for another meaning."""

    # Input
    MALFORMED_BODY = "malformed_body"
    MALFORMED_CONFIG = "malformed_config"
    MALFORMED_ID = "malformed_id"
    MALFORMED_PERMISSION = "malformed_permission"
    MALFORMED_CALL = "malformed_call"
    MALFORMED_RUN = "malformed_run"
    MALFORMED_SIGNATURE = "malformed_signature"
    MALFORMED_REQUEST = "malformed_request"
    TOO_COMPLEX = "too_complex"
    URL_TOO_LONG = "url_too_long"
    HEADERS_TOO_LARGE = "headers_too_large"
    BODY_TOO_LARGE = "body_too_large"
    UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
    NO_SUCH_ROUTE = "no_such_route"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    MALFORMED_ARCHIVE = "malformed_archive"
    WRONG_CHAIN = "wrong_chain"
    URL_REFUSED = "url_refused"
    REQUEST_ID_MISSING = "request_id_missing"
    REQUEST_ID_REUSED = "request_id_reused"
    # Who is asking
    PROOF_MISSING = "proof_missing"
    PROOF_REFUSED = "proof_refused"
    PROOF_TOO_OLD = "proof_too_old"
    PROOF_REPLAYED = "proof_replayed"
    PROOF_KEY_BOUND = "proof_key_bound"
    PROOF_NONCE_NEEDED = "proof_nonce_needed"
    LINK_EXPIRED = "link_expired"
    CODE_REFUSED = "code_refused"
    # What a principal may do
    NOT_ALLOWED = "not_allowed"
    READ_ONLY = "read_only"
    SCOPE_MISSING = "scope_missing"
    LAST_OWNER = "last_owner"
    SHARE_MISSING = "share_missing"
    NOT_FOUND = "not_found"
    ORGANIZATION_MOVED = "organization_moved"
    # Sessions
    SESSION_PENDING = "session_pending"
    SESSION_NOT_STARTED = "session_not_started"
    SESSION_EXPIRED = "session_expired"
    SESSION_FROZEN = "session_frozen"
    SESSION_REVOKED = "session_revoked"
    SESSION_CLOSED = "session_closed"
    SESSION_EXHAUSTED = "session_exhausted"
    SESSION_STATE = "session_state"
    SESSION_KEY_IN_USE = "session_key_in_use"
    SESSION_KEY_FIXED = "session_key_fixed"
    SESSION_TOO_DEEP = "session_too_deep"
    NOT_WITHIN_PARENT = "not_within_parent"
    TOO_MANY_CHILD_SESSIONS = "too_many_child_sessions"
    # The permission
    NOT_ON_CHAIN = "not_on_chain"
    TARGET_NOT_ALLOWED = "target_not_allowed"
    TARGET_FORBIDDEN = "target_forbidden"
    SELECTOR_NOT_ALLOWED = "selector_not_allowed"
    SELECTOR_REFUSED = "selector_refused"
    ARGUMENT_MISSING = "argument_missing"
    ARGUMENT_REFUSED = "argument_refused"
    RECIPIENT_NOT_ALLOWED = "recipient_not_allowed"
    PER_CALL_CAP_EXCEEDED = "per_call_cap_exceeded"
    VALUE_NOT_ALLOWED = "value_not_allowed"
    CAP_EXCEEDED = "cap_exceeded"
    TOO_MANY_CALLS = "too_many_calls"
    RATE_EXCEEDED = "rate_exceeded"
    SIGNING_NOT_ALLOWED = "signing_not_allowed"
    SIGNING_FORBIDDEN = "signing_forbidden"
    FIELD_REFUSED = "field_refused"
    SCOPE_NOT_ALLOWED = "scope_not_allowed"
    # Split custody
    MALFORMED_SHARE = "malformed_share"
    SHARE_OF_ANOTHER_WALLET = "share_of_another_wallet"
    SHARE_STALE = "share_stale"
    SHARE_REFUSED = "share_refused"
    SIGNATURE_SHARE_REFUSED = "signature_share_refused"
    NONCE_SPENT = "nonce_spent"
    WALLET_NOT_SPLIT = "wallet_not_split"
    WALLET_EJECTED = "wallet_ejected"
    EJECT_NOT_ENABLED = "eject_not_enabled"
    APPROVAL_REFUSED = "approval_refused"
    PIN_REFUSED = "pin_refused"
    PIN_LOCKED = "pin_locked"
    # The chain's own words for a refused run
    NOT_GRANTED = "not_granted"
    SIGNATURE_REFUSED = "signature_refused"
    NONCE_USED = "nonce_used"
    NONCE_TOO_FAR = "nonce_too_far"
    DEADLINE_PASSED = "deadline_passed"
    RELAYER_NOT_ALLOWED = "relayer_not_allowed"
    NO_SUCH_RULE = "no_such_rule"
    KEY_TYPE_REFUSED = "key_type_refused"
    CALL_REVERTED = "call_reverted"
    CHAIN_REJECTED = "chain_rejected"
    NOT_DELEGATED = "not_delegated"
    # Money and limits
    BUDGET_EXCEEDED = "budget_exceeded"
    SPONSORSHIP_EXCEEDED = "sponsorship_exceeded"
    NOT_SPONSORED = "not_sponsored"
    TOO_MANY_CHILDREN = "too_many_children"
    TOO_MANY_IN_FLIGHT = "too_many_in_flight"
    QUOTA_EXCEEDED = "quota_exceeded"
    RATE_LIMITED = "rate_limited"
    TOO_MANY_QUESTIONS = "too_many_questions"
    TOO_MANY_STREAMS = "too_many_streams"
    TOO_MANY_CODES = "too_many_codes"
    # The world
    CONFLICT = "conflict"
    SERVER_UNREACHABLE = "server_unreachable"
    CHAIN_UNREACHABLE = "chain_unreachable"
    STORE_UNAVAILABLE = "store_unavailable"
    MESSENGER_UNAVAILABLE = "messenger_unavailable"
    ISSUER_UNAVAILABLE = "issuer_unavailable"
    VAULT_REFUSED = "vault_refused"
    SIGNER_UNAVAILABLE = "signer_unavailable"
    AUDIT_BROKEN = "audit_broken"
    NOT_READY = "not_ready"
    INTERNAL = "internal"


class ValetkeyError(Exception):
    """
    Something that we refuse or cannot do, with a stable code.

    Args:
        code: The stable reason.
        detail: What was expected and what came; never a secret.
        facts: Values that belong to the reason, JSON-compatible.
    """

    def __init__(self, code: Code, detail: str, **facts: object) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.facts = facts


class Malformed(ValetkeyError):
    """The input does not have the form that was asked for."""


class Unauthenticated(ValetkeyError):
    """Nobody was proven, or the proof was refused."""


class Forbidden(ValetkeyError):
    """The principal is known and may not do this."""


class NotFound(ValetkeyError):
    """There is no such thing, or this principal may not know of it."""


class Conflict(ValetkeyError):
    """It cannot be done in the present state."""


class ChainRejected(ValetkeyError):
    """The chain, or its simulation, refused."""


class Limited(ValetkeyError):
    """A budget or a rate is used up for now."""


class Unavailable(ValetkeyError):
    """Something that we need is not answering."""
