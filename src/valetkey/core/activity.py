"""Activities: one requested write each, with its plan before and its outcome after."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from valetkey.spec.jcs import canonical_json

if TYPE_CHECKING:
    from valetkey.core.budget import Entry
    from valetkey.core.chain import Authorization, Transaction
    from valetkey.core.custody import FrostRound, SigningPlan
    from valetkey.core.permission.model import Call
    from valetkey.core.session import Step
    from valetkey.core.sponsorship import Fund

MAX_REQUEST_ID_CHARS: Final = 128


class ActivityState(StrEnum):
    """
    How far a write has come.

    ``AWAITING``: a key has to sign. ``READY``: everything is there but the transaction.
    ``SENDING``: the transaction is planned and may be on its way. ``INCLUDED``: it is in a block,
    not yet deep enough. The others are ends: ``DONE`` succeeded, ``FAILED`` was refused by the
    chain, ``LAPSED`` can no longer happen.
    """

    AWAITING = "awaiting_signature"
    READY = "ready"
    SENDING = "sending"
    INCLUDED = "included"
    DONE = "done"
    FAILED = "failed"
    LAPSED = "lapsed"


SETTLED: Final = frozenset({ActivityState.DONE, ActivityState.FAILED, ActivityState.LAPSED})


@dataclass(frozen=True, slots=True)
class RunPlan:
    """
    What a session key is asked to sign.

    Args:
        rules: Index of the rule that covers each call.
        packed_grant: The grant as the run carries it: with the rules that the calls use, if it
            keeps its rules in a tree.
        packed_calls: The calls as the run carries them.
        nonce: Of the grant.
        deadline: First invalid second.
        digest: 32 bytes, EIP-712.
    """

    calls: tuple[Call, ...]
    rules: tuple[int, ...]
    packed_grant: bytes
    packed_calls: bytes
    nonce: int
    deadline: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class ExecutionPlan:
    """
    What is to be signed.

    Args:
        nonce: Of the account's executions: a key that nothing else has, and 0 under it.
        deadline: First second at which the account takes it no longer.
        digest: 32 bytes, EIP-712; the owner or a session key signs it, or its EIP-191 form.
        authorization: Makes the account run our code first (EIP-7702), if it does not yet.
        signature: 65 bytes as the account takes them, once it is signed.
    """

    calls: tuple[Call, ...]
    nonce: int
    deadline: int
    digest: bytes
    authorization: Authorization | None = None
    signature: bytes | None = None


@dataclass(frozen=True, slots=True)
class Intent:
    """
    What the relayer is to bring to the chain, and who pays for it.

    Args:
        deadline: First second at which the chain refuses it; None is never.
    """

    to: bytes
    data: bytes
    fund: Fund
    deadline: int | None = None
    authorizations: tuple[Authorization, ...] = ()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A transaction planned for an intent. Signing it again gives the same ``tx_hash``."""

    transaction: Transaction
    at: int
    tx_hash: bytes | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    How it ended.

    Args:
        code: Why it failed, one of `Code`; None when it succeeded.
        fee_wei: What the sponsor paid, failed transactions included.
    """

    succeeded: bool
    code: str | None
    detail: str
    tx_hash: bytes | None = None
    block_number: int | None = None
    block_at: int | None = None
    gas_used: int = 0
    fee_wei: int = 0


@dataclass(frozen=True, slots=True)
class Activity:
    """
    One requested write.

    Args:
        kind: ``resource:action``, the event's name in the imperative, such as ``session:revoke``.
        request_key: `request_key`; unique, so that a repeated request finds this one.
        request_hash: `request_hash` of what was asked for.
        subject_id: What it made or changed.
        execution: What an owner or a session key is asked to sign; once the key of a session has,
            it is a run under that session too.
        signing: What shares of a split wallet are joined for, if they are.
        frost: What waits for the client's signature share, if anything ever did.
        relayer_id: The nonce line that its transactions use, once there is one: the relayer's,
            or the stopper's for stops.
        attempts: Newest last; they share one nonce.
        fees: Booked to fee lines: the ceiling until it is mined, then what it cost.
        sponsorship_id: What is to pay its gas, if it was named.
        uses: Counted by that sponsorship, unless they were given back.
        times: When each step was reached.
    """

    id: str
    organization_id: str
    kind: str
    principal_id: str
    request_key: str
    request_hash: str
    state: ActivityState
    created_at: int
    subject_id: str = ""
    session_id: str | None = None
    account_id: str | None = None
    run: RunPlan | None = None
    execution: ExecutionPlan | None = None
    sponsorship_id: str | None = None
    intent: Intent | None = None
    signing: SigningPlan | None = None
    frost: FrostRound | None = None
    relayer_id: str | None = None
    attempts: tuple[Attempt, ...] = ()
    fees: tuple[Entry, ...] = ()
    outcome: Outcome | None = None
    times: tuple[Step, ...] = ()
    uses: tuple[Entry, ...] = ()

    @property
    def settled(self) -> int | None:
        """
        1 when nothing can change any more, else 0 (an indexed column).

        None for calls that wait for somebody's signature: until one comes there is nothing to be
        done for any number of them. When their time is over is found by an `ExecutionMark`.
        """
        if self.execution is not None and self.state is ActivityState.AWAITING:
            return None
        return int(self.state in SETTLED)

    @property
    def is_act(self) -> bool:
        """Whether calls of the account are made, by a session key or the owner."""
        return self.run is not None or self.execution is not None

    @property
    def governs(self) -> str | None:
        """
        The session that it stops or takes back, or the account whose code it changes.

        None for calls or a signature, and for what was done with nothing to bring to a chain: what
        governs a session is found among any number of them (an indexed column).
        """
        is_nothing = self.state is ActivityState.DONE and self.intent is None
        is_none = self.is_act or self.signing or is_nothing
        return None if is_none else self.session_id or self.account_id


@dataclass(frozen=True, slots=True)
class NonceLine:
    """The next nonce of a relayer or stopper on a chain. ``id`` is `nonce_line_id`."""

    id: str
    next_nonce: int


@dataclass(frozen=True, slots=True)
class SeenNonce:
    """A nonce of a signed request that was used. ``id`` is key and nonce."""

    id: str
    request_hash: str
    forget_at: int


@dataclass(frozen=True, slots=True)
class Request:
    """
    What makes a write happen once.

    Args:
        id: From the caller: the idempotency key, or the nonce of a signed request.
        hash: `request_hash` of what is asked for.
    """

    id: str
    hash: str


def nonce_line_id(chain: str, relayer: bytes) -> str:
    """Return the id of a relayer's nonce line."""
    return f"{chain}/0x{relayer.hex()}"


def request_key(organization_id: str, principal_id: str, request_id: str) -> str:
    """Return what makes a request unique: who asked, and the id they gave it."""
    return f"{organization_id}/{principal_id}/{request_id}"


def request_hash(kind: str, body: object) -> str:
    """
    Return the hash that two requests share only if they ask for the same.

    Args:
        body: JSON values.
    """
    return hashlib.sha256(canonical_json({"kind": kind, "body": body})).hexdigest()
